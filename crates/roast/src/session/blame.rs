//! From proofs to convictions. Only what verifies here counts, whoever made it.

use hardfrost_evidence::Evidence;
use hardfrost_primitives::Monotonic;
use hardfrost_wire::{Frame, Verified};

use super::{Outcome, Session, SessionEffect};
use crate::question::Effect;
use crate::speaker::Speaker;

impl Session {
    /// Takes a proof from anybody: believed only if it verifies.
    pub fn proof(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        proof: Evidence,
    ) -> Vec<SessionEffect> {
        let effects = self.convict(now, proof);
        if effects.is_empty() || self.end.is_some() {
            return effects;
        }
        [effects, self.progress(speaker, now)].concat()
    }

    /// How many proofs were judged here that proved nothing.
    #[must_use]
    pub fn doubted(&self) -> u64 {
        self.convictions.in_vain()
    }

    /// Takes a proof of another session that was told to everybody then.
    pub fn warned(&mut self, now: Monotonic, proof: Evidence) -> Vec<SessionEffect> {
        let mut effects = self.convict(now, proof);
        effects.retain(|effect| !matches!(effect, SessionEffect::Send(_)));
        effects
    }

    /// New evidence, whoever made it, is verified, sent once to everybody, then acted on. One proof a member is kept.
    pub(super) fn convict(&mut self, now: Monotonic, proof: Evidence) -> Vec<SessionEffect> {
        let Some(member) = self.convictions.judge(&proof) else {
            return Vec::new();
        };
        self.pulls.progressed();
        let mut out = vec![
            SessionEffect::Send(proof.to_frame()),
            SessionEffect::Convicted(member, proof),
        ];
        let left = usize::from(self.terms.public().count()) - self.convicted().len();
        if self.end.is_none() && left < usize::from(self.terms.public().threshold()) {
            out.extend(self.finish(now, Outcome::Infeasible));
        }
        out
    }

    /// What no attempt had to check while the session ran is checked at its end.
    pub(super) fn last_proofs(&mut self, now: Monotonic) -> Vec<SessionEffect> {
        let (convictions, mut proofs) = (&self.convictions, Vec::new());
        for attempt in self.attempts.values_mut() {
            attempt.undelivered();
            proofs.extend(attempt.bad_shares(|m| convictions.holds(m)));
        }
        proofs
            .into_iter()
            .flat_map(|proof| self.convict(now, proof))
            .collect()
    }

    /// A frame that comes when the session is over can still prove something: a second body queued behind the last
    /// slot, or a bad share. It is recorded like any other, so what is kept stays bounded; nothing else comes of it.
    pub(super) fn after_the_end(
        &mut self,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let round = self.heads.get(&frame.head().context);
        let Some(attempt) = round.and_then(|round| self.attempts.get_mut(round)) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        let mut proofs = Vec::new();
        for effect in attempt.record_only(now, frame) {
            match effect {
                Effect::Send(frame) => out.push(SessionEffect::Send(frame.as_bytes().to_vec())),
                Effect::Prove(proof) => proofs.push(proof),
                Effect::Ask(_)
                | Effect::Signed(_)
                | Effect::Unopened(_)
                | Effect::Closed(_)
                | Effect::Stuck(_) => {}
            }
        }
        attempt.undelivered();
        proofs.extend(attempt.bad_shares(|m| self.convictions.holds(m)));
        let convicted = proofs
            .into_iter()
            .flat_map(|proof| self.convict(now, proof));
        out.extend(convicted);
        out
    }
}
