//! From proofs to convictions. Only what verifies here counts, whoever made it.

use hardfrost_evidence::{Evidence, Verdict};
use hardfrost_primitives::Monotonic;
use hardfrost_wire::{Frame, Verified};

use super::{Outcome, Session, SessionEffect};
use crate::speaker::Speaker;

impl Session {
    /// Takes a proof from anybody: believed only if it verifies.
    pub fn proof(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        proof: Evidence,
    ) -> Vec<SessionEffect> {
        let mut effects = self.convict(now, proof, false);
        effects.extend(self.progress(speaker, now));
        effects
    }

    /// New evidence is verified, sent once to everybody where we made it, then acted on. One proof a member is kept.
    pub(super) fn convict(
        &mut self,
        now: Monotonic,
        proof: Evidence,
        ours: bool,
    ) -> Vec<SessionEffect> {
        // Cheap, and harmless if it lies: a proof that names a convicted member and convicts another is not missed
        // for long, since whoever holds the frames makes the proof itself.
        if proof
            .accused()
            .is_none_or(|m| self.convicted.contains_key(&m))
        {
            return Vec::new();
        }
        let Verdict::Convicts(member) = proof.verify(&self.rosters, &self.group_publics) else {
            return Vec::new();
        };
        if self.convicted.contains_key(&member) {
            return Vec::new();
        }
        self.convicted.insert(member, proof.clone());
        self.pulls.progressed();
        let mut out = Vec::new();
        if ours {
            out.push(SessionEffect::Send(proof.to_frame()));
        }
        out.push(SessionEffect::Convicted(member, proof));
        let left = usize::from(self.terms.public().count()) - self.convicted.len();
        if self.outcome.is_none() && left < usize::from(self.terms.public().threshold()) {
            out.extend(self.finish(now, Outcome::Infeasible));
        }
        out
    }

    /// What no attempt had to check while the session ran is checked at its end.
    pub(super) fn last_proofs(&mut self, now: Monotonic) -> Vec<SessionEffect> {
        let mut proofs = Vec::new();
        for attempt in self.attempts.values_mut() {
            attempt.undelivered();
            proofs.extend(attempt.bad_shares());
        }
        proofs
            .into_iter()
            .flat_map(|proof| self.convict(now, proof, true))
            .collect()
    }

    /// A frame that comes when the session is over can still prove something: a second body queued behind the last
    /// slot, or a bad share. It is recorded like any other, so what is kept stays bounded; nothing else comes of it.
    pub(super) fn after_the_end(
        &mut self,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let hash = frame.head().context;
        let found = self
            .attempts
            .values_mut()
            .find(|attempt| attempt.hash() == hash);
        let Some(attempt) = found else {
            return Vec::new();
        };
        let mut proofs = attempt.record_only(now, frame);
        attempt.undelivered();
        proofs.extend(attempt.bad_shares());
        proofs
            .into_iter()
            .flat_map(|proof| self.convict(now, proof, true))
            .collect()
    }
}
