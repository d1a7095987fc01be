//! A signing session: one message under one key, attempt after attempt until t honest members have signed.
//!
//! Rounds of one attempt: a valid package lets everybody go on to the next round, so that whoever is slow or silent is
//! simply not chosen again; where no package comes, min(t, q) members say so and all go on. Earlier attempts stay open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{Evidence, Verdict};
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_primitives::{Hash32, Member, Monotonic};
use hardfrost_wire::{AdvancePayload, FinalSignature, Frame, Kind, Roster, Verified};

use crate::attempt::{Answer, Attempt, AttemptReport, Effect, Need};
use crate::rounds::Rounds;
use crate::speaker::Speaker;
use crate::terms::Terms;
use crate::timers::Timers;
use crate::turns::Turns;

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a signature that verifies over the bound message under the derived key.
    Signed(Signature),
    /// Fewer than t members are not convicted: any holder of the evidence can check it.
    Infeasible,
    /// Our own engine or key keeps this node from going on, in words.
    Stuck(String),
    /// Its deadline passed.
    Expired,
}

/// What the session wants done.
#[derive(Clone, Debug)]
pub enum SessionEffect {
    /// Send these bytes to everybody.
    Send(Vec<u8>),
    /// Ask the engine about the attempt of this round.
    Ask(u32, Need),
    /// This member is convicted by this proof.
    Convicted(Member, Evidence),
    /// The session is over.
    Ended(Outcome),
}

/// A session as one seat lives it.
pub struct Session {
    terms: Arc<Terms>,
    timers: Timers,
    turns: Turns,
    rounds: Rounds,
    attempts: BTreeMap<u32, Attempt>,
    convicted: BTreeMap<Member, Evidence>,
    rosters: BTreeMap<Hash32, Arc<Roster>>,
    group_publics: BTreeMap<Hash32, Arc<GroupPublic>>,
    outcome: Option<Outcome>,
    deadline: Monotonic,
}

/// Attempts of one session at the most: what the engine keeps of one seat.
const ATTEMPTS_MAX: u32 = 2048;

impl Session {
    /// Starts the session's first attempt.
    #[must_use]
    pub fn start(
        speaker: &Speaker,
        now: Monotonic,
        terms: Terms,
        deadline: Monotonic,
    ) -> (Self, Vec<SessionEffect>) {
        let terms = Arc::new(terms);
        let context = terms.context(1);
        let public = Arc::clone(terms.group.public());
        let mut this = Self {
            timers: Timers {
                round_trip: Duration::ZERO,
            },
            turns: Turns::new(context.seed(), context.included.clone()),
            rounds: Rounds::begin(now),
            attempts: BTreeMap::new(),
            convicted: BTreeMap::new(),
            rosters: BTreeMap::from([(terms.roster.hash(), Arc::clone(&terms.roster))]),
            group_publics: BTreeMap::from([(public.hash(), public)]),
            outcome: None,
            deadline,
            terms,
        };
        let mut effects = this.open_round(speaker, now);
        effects.extend(this.progress(speaker, now));
        (this, effects)
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The t-th smallest round-trip time to a peer, as the transport measures it now.
    pub fn round_trip(&mut self, d: Duration) {
        self.timers = Timers { round_trip: d };
    }

    /// Whether frames headed so belong here.
    #[must_use]
    pub fn owns(&self, context: Hash32) -> bool {
        self.terms.head() == context || self.attempts.values().any(|a| a.hash() == context)
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What each attempt looks like at `now`.
    #[must_use]
    pub fn reports(&self, now: Monotonic) -> Vec<AttemptReport> {
        self.attempts
            .values()
            .map(|attempt| attempt.report(now))
            .collect()
    }

    /// The convicted members and the first proof against each.
    #[must_use]
    pub fn convicted(&self) -> &BTreeMap<Member, Evidence> {
        &self.convicted
    }

    /// When to call [`Self::timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        if self.outcome.is_some() {
            return None;
        }
        let (d, q) = (self.timers.round_trip, self.tolerated() + 1);
        let current = self.attempts.get(&self.rounds.round());
        let package = current.and_then(Attempt::package);
        let go_on = package.and_then(|_| self.rounds.by_package_from(d, q));
        let certificate = (self.rounds.going_on() >= self.certificate())
            .then(|| self.rounds.by_certificate_from(d));
        let runs_out = self.runs_out().filter(|_| !self.rounds.has_said());
        let all = [go_on, certificate, runs_out, Some(self.deadline)];
        all.into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        if now >= self.deadline {
            return self.finish(now, Outcome::Expired);
        }
        self.progress(speaker, now)
    }

    /// Takes a frame whose signature is checked.
    pub fn frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        if frame.kind() == Kind::Advance && frame.head().context == self.terms.head() {
            if let Ok(AdvancePayload { round, .. }) = frame.payload() {
                self.rounds.advanced(frame.head().author, round);
            }
            return self.progress(speaker, now);
        }
        let hash = frame.head().context;
        let found = self
            .attempts
            .iter_mut()
            .find(|(_, attempt)| attempt.hash() == hash);
        let Some((round, attempt)) = found else {
            return Vec::new();
        };
        let round = *round;
        let effects = attempt.frame(speaker, now, frame);
        self.taken(speaker, now, round, effects)
    }

    /// Takes the engine's answer about the attempt of a round.
    pub fn answer(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        round: u32,
        answer: Answer,
    ) -> Vec<SessionEffect> {
        let Some(attempt) = self.attempts.get_mut(&round) else {
            return Vec::new();
        };
        if self.outcome.is_some() {
            return Vec::new();
        }
        let effects = attempt.answer(speaker, now, answer);
        self.taken(speaker, now, round, effects)
    }

    /// Takes a finished signature from anybody: believed only if it verifies under our own bound message and key.
    pub fn finished(&mut self, now: Monotonic, said: &FinalSignature) -> Vec<SessionEffect> {
        let signature = Signature(said.signature);
        let ours = said.head == self.terms.head()
            && said.message == self.terms.message
            && said.key_spec == *self.terms.group.spec();
        let key = self.terms.group.output_key();
        if self.outcome.is_some() || !ours || !signature.verifies(&self.terms.message, &key) {
            return Vec::new();
        }
        self.finish(now, Outcome::Signed(signature))
    }

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

    /// n − t.
    fn tolerated(&self) -> u32 {
        u32::from(self.terms.public().count() - self.terms.public().threshold())
    }

    /// min(t, q) advances are a certificate.
    fn certificate(&self) -> usize {
        let threshold = usize::from(self.terms.public().threshold());
        threshold.min(usize::try_from(self.tolerated()).unwrap_or(usize::MAX) + 1)
    }

    fn open_round(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let round = self.rounds.round();
        let started = (round < ATTEMPTS_MAX)
            .then(|| self.turns.number(round))
            .flatten()
            .and_then(|number| Attempt::start(now, Arc::clone(&self.terms), number));
        let Some((attempt, effects)) = started else {
            return Vec::new();
        };
        self.attempts.insert(round, attempt);
        self.taken(speaker, now, round, effects)
    }

    fn taken(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        round: u32,
        effects: Vec<Effect>,
    ) -> Vec<SessionEffect> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(SessionEffect::Send(frame.as_bytes().to_vec())),
                Effect::Ask(need) => out.push(SessionEffect::Ask(round, need)),
                Effect::Prove(proof) => out.extend(self.convict(now, proof, true)),
                Effect::Signed(signature) => {
                    out.push(SessionEffect::Send(self.signature(&signature).to_bytes()));
                    out.extend(self.finish(now, Outcome::Signed(signature)));
                }
                Effect::Stuck(why) => out.extend(self.finish(now, Outcome::Stuck(why))),
            }
        }
        out.extend(self.progress(speaker, now));
        out
    }

    fn signature(&self, signature: &Signature) -> FinalSignature {
        FinalSignature {
            head: self.terms.head(),
            message: self.terms.message,
            key_spec: self.terms.group.spec().clone(),
            signature: signature.0,
        }
    }

    /// New evidence is verified, sent once to everybody where we made it, then acted on. One proof a member is kept.
    fn convict(&mut self, now: Monotonic, proof: Evidence, ours: bool) -> Vec<SessionEffect> {
        let known = proof
            .accused()
            .is_none_or(|m| self.convicted.contains_key(&m));
        if known {
            return Vec::new();
        }
        let Verdict::Convicts(member) = proof.verify(&self.rosters, &self.group_publics) else {
            return Vec::new();
        };
        if self.convicted.contains_key(&member) {
            return Vec::new();
        }
        self.convicted.insert(member, proof.clone());
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

    /// Whoever is not to be chosen now: convicted members, and those chosen before that have not delivered a valid share.
    fn barred(&mut self) -> BTreeSet<Member> {
        let undelivered = self.attempts.values_mut().flat_map(Attempt::undelivered);
        undelivered.chain(self.convicted.keys().copied()).collect()
    }

    /// Everything that state and time allow: choosing, timers, advances, the next round.
    fn progress(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let mut out = self.coordinate(speaker, now);
        self.start_timer(now);
        if self.outcome.is_none() && self.runs_out().is_some_and(|at| at <= now) {
            out.extend(self.say_advance(speaker));
        }
        if self.outcome.is_none() {
            out.extend(self.go_on(speaker, now));
        }
        out
    }

    /// Chooses for the attempts that we coordinate.
    fn coordinate(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let ours = |a: &Attempt| a.coordinator() == speaker.member && a.package().is_none();
        let threshold = usize::from(self.terms.public().threshold());
        let ready = |a: &Attempt| ours(a) && a.committed().len() >= threshold;
        let rounds: Vec<u32> = self
            .attempts
            .iter()
            .filter(|(_, a)| ready(a))
            .map(|(round, _)| *round)
            .collect();
        let mut out = Vec::new();
        for round in rounds {
            let barred = self.barred();
            let proofs: Vec<Evidence> = self
                .attempts
                .values()
                .flat_map(Attempt::bad_shares)
                .collect();
            for proof in proofs {
                out.extend(self.convict(now, proof, true));
            }
            let Some(attempt) = self.attempts.get_mut(&round) else {
                continue;
            };
            let effects = attempt.choose(speaker, now, &barred);
            if !effects.is_empty() {
                out.extend(self.taken(speaker, now, round, effects));
            }
        }
        out
    }

    /// The package is awaited from the moment at which t members have committed that are not convicted.
    fn start_timer(&mut self, now: Monotonic) {
        let threshold = usize::from(self.terms.public().threshold());
        let convicted = &self.convicted;
        if let Some(attempt) = self.attempts.get_mut(&self.rounds.round()) {
            let fit = attempt
                .committed()
                .iter()
                .filter(|m| !convicted.contains_key(m))
                .count();
            if attempt.awaited_from.is_none() && fit >= threshold {
                attempt.awaited_from = Some(now);
            }
        }
    }

    /// When the current attempt has run out: no package in time, no signature in time after it, or at once where its
    /// coordinator is convicted.
    fn runs_out(&self) -> Option<Monotonic> {
        let round = self.rounds.round();
        let attempt = self.attempts.get(&round)?;
        let wait = self.timers.answer(self.turns.cycle(round));
        if self.convicted.contains_key(&attempt.coordinator()) {
            return attempt.awaited_from;
        }
        match attempt.package() {
            Some((seen, _)) => Some(seen.plus(wait)),
            None => attempt.awaited_from.map(|from| from.plus(wait)),
        }
    }

    fn say_advance(&mut self, speaker: &Speaker) -> Vec<SessionEffect> {
        let Some(round) = self.rounds.may_say() else {
            return Vec::new();
        };
        self.rounds.advanced(speaker.member, round);
        let payload = AdvancePayload {
            incarnation: speaker.incarnation,
            round,
        };
        match speaker.say(self.terms.head(), &payload, &self.terms.roster) {
            Ok(frame) => vec![SessionEffect::Send(frame.as_bytes().to_vec())],
            Err(_) => Vec::new(),
        }
    }

    /// Enters the next round by a valid package of this one, or by certificate. However it enters, it says so.
    fn go_on(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let (d, q) = (self.timers.round_trip, self.tolerated() + 1);
        let attempt = self.attempts.get(&self.rounds.round());
        let package = attempt
            .and_then(Attempt::package)
            .map(|(_, frame)| frame.clone());
        let from = self
            .rounds
            .by_package_from(d, q)
            .filter(|_| package.is_some());
        let by_package = from.is_some_and(|from| from <= now);
        let by_certificate = self.rounds.going_on() >= self.certificate()
            && self.rounds.by_certificate_from(d) <= now;
        if !by_package && !by_certificate {
            return Vec::new();
        }
        let mut out = self.say_advance(speaker);
        if let Some(frame) = package.filter(|f| by_package && f.head().author != speaker.member) {
            out.push(SessionEffect::Send(frame.as_bytes().to_vec()));
        }
        self.rounds.enter_next(now, by_package && !by_certificate);
        out.extend(self.open_round(speaker, now));
        out
    }

    /// What no attempt had to check while the session ran is checked at its end.
    fn last_proofs(&mut self, now: Monotonic) -> Vec<SessionEffect> {
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

    /// At every end of the session what is live of its attempts is destroyed.
    fn finish(&mut self, now: Monotonic, outcome: Outcome) -> Vec<SessionEffect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        self.outcome = Some(outcome.clone());
        let mut out = self.last_proofs(now);
        for (round, attempt) in &mut self.attempts {
            for effect in attempt.abort(now) {
                if let Effect::Ask(need) = effect {
                    out.push(SessionEffect::Ask(*round, need));
                }
            }
        }
        out.push(SessionEffect::Ended(outcome));
        out
    }
}
