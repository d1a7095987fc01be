//! A signing session: one message under one key. It ends signed, failed or expired.

use std::sync::Arc;

use hardfrost_frost::{Candidate, Signature};
use hardfrost_primitives::{Hash32, Monotonic};
use hardfrost_wire::{FinalSignature, Frame, Verified};

use crate::attempt::{Answer, Attempt, AttemptReport, Effect, Need, Speaker};
use crate::terms::Terms;

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a signature that verifies over the bound message under the derived key.
    Signed(Signature),
    /// Without; candidates, where shares were bad, and why in words.
    Failed(Vec<Candidate>, String),
    /// Its deadline passed.
    Expired,
}

/// What the session wants done.
#[derive(Clone, Debug)]
pub enum SessionEffect {
    /// Send these bytes to everybody.
    Send(Vec<u8>),
    /// Ask the engine about this session.
    Ask(Need),
    /// The session is over.
    Ended(Outcome),
}

/// A session as one seat lives it.
pub struct Session {
    terms: Arc<Terms>,
    attempt: Attempt,
    outcome: Option<Outcome>,
    deadline: Monotonic,
}

/// Attempts are numbered from 1.
const FIRST: u32 = 1;

impl Session {
    /// Starts the session's first attempt. `None` when the group is empty, which no group is.
    #[must_use]
    pub fn start(
        now: Monotonic,
        terms: Terms,
        deadline: Monotonic,
    ) -> Option<(Self, Vec<SessionEffect>)> {
        let terms = Arc::new(terms);
        let (attempt, effects) = Attempt::start(now, Arc::clone(&terms), FIRST)?;
        let mut this = Self {
            terms,
            attempt,
            outcome: None,
            deadline,
        };
        let effects = this.taken(now, effects);
        Some((this, effects))
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether frames headed so belong here.
    #[must_use]
    pub fn owns(&self, context: Hash32) -> bool {
        self.attempt.hash() == context || self.terms.head() == context
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// What each attempt looks like at `now`.
    #[must_use]
    pub fn reports(&self, now: Monotonic) -> Vec<AttemptReport> {
        vec![self.attempt.report(now)]
    }

    /// When to call [`Self::timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        self.outcome.is_none().then_some(self.deadline)
    }

    /// Ends the session when its deadline has passed.
    pub fn timeout(&mut self, now: Monotonic) -> Vec<SessionEffect> {
        if self.outcome.is_some() || now < self.deadline {
            return Vec::new();
        }
        self.finish(now, Outcome::Expired)
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
        let effects = self.attempt.frame(speaker, frame);
        self.taken(now, effects)
    }

    /// Takes the engine's answer.
    pub fn answer(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        answer: Answer,
    ) -> Vec<SessionEffect> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let effects = self.attempt.answer(speaker, now, answer);
        self.taken(now, effects)
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

    fn taken(&mut self, now: Monotonic, effects: Vec<Effect>) -> Vec<SessionEffect> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(SessionEffect::Send(frame.as_bytes().to_vec())),
                Effect::Ask(need) => out.push(SessionEffect::Ask(need)),
                Effect::Signed(signature) => {
                    out.push(SessionEffect::Send(self.proof(&signature).to_bytes()));
                    out.extend(self.finish(now, Outcome::Signed(signature)));
                }
                Effect::Failed(candidates, why) => {
                    out.extend(self.finish(now, Outcome::Failed(candidates, why)));
                }
            }
        }
        out
    }

    fn proof(&self, signature: &Signature) -> FinalSignature {
        FinalSignature {
            head: self.terms.head(),
            message: self.terms.message,
            key_spec: self.terms.group.spec().clone(),
            signature: signature.0,
        }
    }

    /// At every end of the session what is live of its attempts is destroyed.
    fn finish(&mut self, now: Monotonic, outcome: Outcome) -> Vec<SessionEffect> {
        let aborted = self.attempt.abort(now);
        self.outcome = Some(outcome.clone());
        let mut out: Vec<SessionEffect> = aborted
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Ask(need) => Some(SessionEffect::Ask(need)),
                Effect::Send(_) | Effect::Signed(_) | Effect::Failed(..) => None,
            })
            .collect();
        out.push(SessionEffect::Ended(outcome));
        out
    }
}
