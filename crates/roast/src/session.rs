//! A signing session: one message under one key, attempt after attempt until t honest members have signed.
//!
//! Rounds of one attempt: a valid package lets everybody go on to the next round, so that whoever is slow or silent is
//! simply not chosen again; where no package comes, min(t, q) members say so and all go on. Earlier attempts stay open.

mod blame;
mod exchange;
mod progress;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::Evidence;
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_primitives::{Hash32, Member, Monotonic};
use hardfrost_wire::{FinalSignature, Frame, Kind, Roster, Verified};

use crate::attempt::Attempt;
use crate::incarnations::Incarnations;
use crate::pulls::Pulls;
use crate::question::{Answer, AttemptReport, Effect, Need};
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
    /// Send these bytes to the operator who holds this seat.
    SendTo(Member, Vec<u8>),
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
    pulls: Pulls,
    incarnations: Incarnations,
    attempts: BTreeMap<u32, Attempt>,
    convicted: BTreeMap<Member, Evidence>,
    rosters: BTreeMap<Hash32, Arc<Roster>>,
    group_publics: BTreeMap<Hash32, Arc<GroupPublic>>,
    outcome: Option<Outcome>,
    deadline: Monotonic,
}

impl Session {
    /// Starts the session's first attempt, and asks the peers what they have of it.
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
            pulls: Pulls::begin(now),
            incarnations: Incarnations::default(),
            attempts: BTreeMap::new(),
            convicted: BTreeMap::new(),
            rosters: BTreeMap::from([(terms.roster.hash(), Arc::clone(&terms.roster))]),
            group_publics: BTreeMap::from([(public.hash(), public)]),
            outcome: None,
            deadline,
            terms,
        };
        let effects = this.open_round(speaker, now);
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

    /// When the session gives up.
    #[must_use]
    pub fn deadline(&self) -> Monotonic {
        self.deadline
    }

    /// When the session may be forgotten, with the signature that is kept until then.
    #[must_use]
    pub fn swept_at(&self) -> Monotonic {
        self.deadline.plus(Duration::from_secs(24 * 3600))
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

    /// Takes a frame whose signature is checked.
    pub fn frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        if frame.kind() == Kind::Pull {
            self.note_incarnation(frame, None);
            return self.answer_pull(now, frame);
        }
        if self.outcome.is_some() {
            return self.after_the_end(now, frame);
        }
        if frame.head().context == self.terms.head() {
            self.note_incarnation(frame, None);
            self.note_advance(frame);
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
        if frame.kind() == Kind::Offer {
            self.note_incarnation(frame, None);
            return self.take_offer(speaker, now, round, frame);
        }
        let (kind, author) = (frame.kind(), frame.head().author);
        let before = attempt.collector().first(kind, author).is_some();
        let effects = attempt.frame(speaker, now, frame);
        let new = !before && attempt.collector().first(kind, author).is_some();
        let quoted: Vec<_> = attempt.lives().filter(|_| kind == Kind::Package).collect();
        for (member, life) in quoted {
            self.incarnations.note(member, life, Some(round));
        }
        self.note_incarnation(frame, (kind == Kind::Commitments).then_some(round));
        let mut out = Vec::new();
        if new {
            self.pulls.progressed();
            out.extend(self.relay_if_late(now, round, frame));
        }
        out.extend(self.taken(speaker, now, round, effects));
        out
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
                // Whoever cannot open a later attempt goes on serving what is open.
                Effect::Unopened(_) if round > 0 => {}
                Effect::Unopened(why) | Effect::Stuck(why) => {
                    out.extend(self.finish(now, Outcome::Stuck(why)))
                }
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
