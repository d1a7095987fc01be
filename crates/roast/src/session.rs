//! A signing session: one message under one key, attempt after attempt until t honest members have signed.
//!
//! Rounds of one attempt: a valid package lets everybody go on to the next round, so that whoever is slow or silent is
//! simply not chosen again; where no package comes, min(t, q) members say so and all go on. Earlier attempts stay open.

mod blame;
mod ending;
mod exchange;
mod progress;
pub(crate) mod pulled;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::Evidence;
use hardfrost_frost::Signature;
use hardfrost_primitives::{Hash32, Member, Monotonic};
use hardfrost_wire::{FinalSignature, Frame, Kind, Verified};

use self::ending::End;
use crate::attempt::Attempt;
use crate::convictions::Convictions;
use crate::incarnations::Incarnations;
use crate::pulls::Pulls;
use crate::question::{Answer, Effect, Need};
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
    /// A gate of our own engine is closed, in its words: we take no part.
    Refused(String),
    /// Our operator ended it.
    Cancelled,
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
    /// What heads the session's own messages.
    head: Hash32,
    timers: Timers,
    turns: Turns,
    rounds: Rounds,
    pulls: Pulls,
    incarnations: Incarnations,
    /// Boxed: most sessions have one, and a node of the tree has room for eleven.
    attempts: BTreeMap<u32, Box<Attempt>>,
    /// By the hash that heads an attempt's frames, its round.
    heads: BTreeMap<Hash32, u32>,
    convictions: Convictions,
    end: Option<End>,
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
        let mut this = Self {
            timers: Timers {
                round_trip: Duration::ZERO,
            },
            turns: Turns::new(context.seed(), context.included.clone()),
            rounds: Rounds::begin(now),
            pulls: Pulls::begin(now),
            incarnations: Incarnations::of(speaker),
            attempts: BTreeMap::new(),
            heads: BTreeMap::new(),
            convictions: Convictions::new(&terms),
            end: None,
            deadline,
            head: terms.head(),
            terms,
        };
        let mut effects = this.open_round(now);
        effects.extend(this.progress(speaker, now));
        (this, effects)
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// A peer can be reached for the first time or again: what is missing is asked for soon, however long the pauses
    /// have become. Not more than once a second, so that nobody makes us ask by coming and going.
    pub fn reconnected(&mut self) {
        if self.end.is_none() {
            self.pulls.asks_soon();
        }
    }

    /// The t-th smallest round-trip time to a peer, as the transport measures it now.
    pub fn round_trip(&mut self, d: Duration) {
        self.timers = Timers { round_trip: d };
    }

    /// Whether frames headed so belong here.
    #[must_use]
    pub fn owns(&self, context: Hash32) -> bool {
        self.head == context || self.heads.contains_key(&context)
    }

    /// Everything that [`Self::owns`].
    pub fn contexts(&self) -> impl Iterator<Item = Hash32> + '_ {
        std::iter::once(self.head).chain(self.heads.keys().copied())
    }

    /// Whether these very bytes are here already, their signature checked, or could say nothing new. Peers repeat one
    /// another whenever somebody asks: what is known need not be proven again.
    #[must_use]
    pub fn holds(&self, frame: &Frame) -> bool {
        let (kind, author) = (frame.kind(), frame.head().author);
        if frame.head().context == self.head {
            return self.rounds.holds(frame);
        }
        let round = self.heads.get(&frame.head().context);
        let attempt = round.and_then(|round| self.attempts.get(round));
        attempt.is_some_and(|attempt| {
            let collector = attempt.collector();
            let kept = [
                collector.first(kind, author),
                collector.different(kind, author),
            ];
            let mut kept = kept.into_iter().flatten();
            kept.any(|here| here.as_bytes() == frame.as_bytes())
        })
    }

    /// The convicted members and the first proof against each.
    #[must_use]
    pub fn convicted(&self) -> &BTreeMap<Member, Evidence> {
        self.convictions.proven()
    }

    /// Takes a frame whose signature is checked.
    pub fn frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        // Proofs take what this group's sizes allow. Nothing larger is heard: it could do harm and not be proven.
        let size_max = frame.kind().frame_bytes_max(self.terms.sizes());
        if frame.as_bytes().len() > size_max {
            return Vec::new();
        }
        if frame.kind() == Kind::Pull {
            self.note_incarnation(frame, None);
            return self.answer_pull(speaker, now, frame);
        }
        if self.end.is_some() {
            return self.after_the_end(now, frame);
        }
        let context = frame.head().context;
        if context == self.head {
            let news = self.note_incarnation(frame, None) | self.note_advance(frame);
            return self.progress_at(news, speaker, now);
        }
        match (self.heads.get(&context).copied(), frame.kind()) {
            (None, _) => Vec::new(),
            (Some(round), Kind::Offer) => {
                self.note_incarnation(frame, None);
                self.take_offer(speaker, now, round, frame)
            }
            (Some(round), _) => self.attempt_frame(speaker, now, round, frame),
        }
    }

    /// A frame that is not new moves nothing.
    fn attempt_frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        round: u32,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let Some(attempt) = self.attempts.get_mut(&round) else {
            return Vec::new();
        };
        let (kind, author) = (frame.kind(), frame.head().author);
        let before = attempt.collector().first(kind, author).is_some();
        let effects = attempt.frame(speaker, now, frame);
        let new = !before && attempt.collector().first(kind, author).is_some();
        let quoted: Vec<_> = attempt.lives().filter(|_| kind == Kind::Package).collect();
        let mut news = new || !effects.is_empty();
        for (member, life) in quoted {
            news |= self.incarnations.note(member, life, Some(round));
        }
        news |= self.note_incarnation(frame, (kind == Kind::Commitments).then_some(round));
        if !news {
            return Vec::new();
        }
        let mut out = Vec::new();
        if new {
            self.pulls.progressed();
            out.extend(self.relay_if_late(now, round, frame));
        }
        out.extend(self.taken(speaker, now, round, effects));
        out
    }

    fn progress_at(&mut self, news: bool, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        if news {
            self.progress(speaker, now)
        } else {
            Vec::new()
        }
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
        if self.end.is_some() {
            return self.answer_after_the_end(answer);
        }
        let effects = attempt.answer(speaker, now, answer);
        self.taken(speaker, now, round, effects)
    }

    /// Takes a finished signature from anybody: believed only if it verifies under our own bound message and key.
    pub fn finished(&mut self, now: Monotonic, said: &FinalSignature) -> Vec<SessionEffect> {
        let signature = Signature(said.signature);
        let ours = said.head == self.head
            && said.message == self.terms.message
            && said.key_spec == *self.terms.group.spec();
        let key = self.terms.group.output_key();
        if self.end.is_some() || !ours || !signature.verifies(&self.terms.message, &key) {
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
        let mut out = self.carried(now, round, effects);
        out.extend(self.progress(speaker, now));
        out
    }

    /// What an attempt wants done, as the session wants it done.
    fn carried(&mut self, now: Monotonic, round: u32, effects: Vec<Effect>) -> Vec<SessionEffect> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(SessionEffect::Send(frame.as_bytes().to_vec())),
                Effect::Ask(need) => out.push(SessionEffect::Ask(round, need)),
                Effect::Prove(proof) => out.extend(self.convict(now, proof)),
                Effect::Signed(signature) => {
                    out.push(SessionEffect::Send(self.signature(&signature).to_bytes()));
                    out.extend(self.finish(now, Outcome::Signed(signature)));
                }
                // Whoever cannot open a later attempt goes on serving what is open.
                Effect::Unopened(_) | Effect::Closed(_) if round > 0 => {}
                Effect::Closed(why) => out.extend(self.finish(now, Outcome::Refused(why))),
                Effect::Unopened(why) | Effect::Stuck(why) => {
                    out.extend(self.finish(now, Outcome::Stuck(why)))
                }
            }
        }
        out
    }

    fn signature(&self, signature: &Signature) -> FinalSignature {
        FinalSignature {
            head: self.head,
            message: self.terms.message,
            key_spec: self.terms.group.spec().clone(),
            signature: signature.0,
        }
    }
}
