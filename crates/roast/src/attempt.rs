//! One attempt of one seat: derive → open → commit → (package) → sign → (t shares) → aggregate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::{
    verify_share, Candidate, Commitments, ShareVerdict, Signature, SignatureShare,
};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Fingerprint, Hash32, Member, Monotonic};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Head, Incarnation, Kind, OperatorKey, PackagePayload, Payload,
    SharePayload, Verified,
};

use crate::collector::{Collector, Recorded};
use crate::package::{check_package, first_willing, offer, Turn};
use crate::terms::Terms;

/// Who speaks: the seat, its operator's key, and this process's incarnation.
pub struct Speaker {
    /// Our seat.
    pub member: Member,
    /// Signs our envelopes.
    pub key: OperatorKey,
    /// Drawn at process start.
    pub incarnation: Incarnation,
}

/// A question for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The context's ids as the engine derives them.
    Derive(AttemptContext),
    /// Open the attempt.
    Open(AttemptContext),
    /// Draw commitments.
    Round1(AttemptId),
    /// Sign with these members.
    Round2(AttemptId, BTreeMap<Member, Commitments>),
    /// Make these shares into a signature.
    Aggregate(
        AttemptId,
        BTreeMap<Member, Commitments>,
        BTreeMap<Member, SignatureShare>,
    ),
    /// Destroy what is live of this attempt.
    Abort(AttemptId),
}

/// The engine's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `Derive`: coordinator, fingerprint, attempt id.
    Derived(Member, Fingerprint, AttemptId),
    /// To `Open`.
    Opened(AttemptId),
    /// To `Round1`.
    Committed(Commitments),
    /// To `Round2`.
    Share(SignatureShare),
    /// To `Aggregate`.
    Signed(Signature),
    /// To `Aggregate`: the shares do not add up; these spoilt the sum.
    BadShares(Vec<Candidate>),
    /// The engine refused, in words for the operator.
    Refused(String),
}

/// What the attempt wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send to everybody.
    Send(Frame),
    /// Ask the engine.
    Ask(Need),
    /// The attempt made a signature.
    Signed(Signature),
    /// The attempt is over without one; the candidates spoilt it, where any did.
    Failed(Vec<Candidate>, String),
}

/// What an attempt looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// From 1.
    pub number: u32,
    /// Who coordinates.
    pub coordinator: Member,
    /// Whom the package chose; empty before it came.
    pub chosen: BTreeSet<Member>,
    /// Chosen members whose share is not here.
    pub owing: BTreeSet<Member>,
    /// From the attempt's start to its end or to now.
    pub took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Deriving,
    Opening,
    Drawing,
    Committed,
    Signing,
    Signed,
    Over,
}

/// An attempt as one seat lives it.
pub struct Attempt {
    terms: Arc<Terms>,
    context: AttemptContext,
    hash: Hash32,
    coordinator: Member,
    id: AttemptId,
    stage: Stage,
    collector: Collector,
    turn: Option<Turn>,
    aggregating: bool,
    started: Monotonic,
    ended: Option<Monotonic>,
}

impl Attempt {
    /// Starts an attempt: the first question asks the engine for the context's ids. `None` for a number of 0.
    #[must_use]
    pub fn start(now: Monotonic, terms: Arc<Terms>, number: u32) -> Option<(Self, Vec<Effect>)> {
        let context = terms.context(number);
        let (coordinator, id) = (context.coordinator()?, context.attempt_id()?);
        let ask = Effect::Ask(Need::Derive(context.clone()));
        let this = Self {
            hash: context.hash(),
            terms,
            context,
            coordinator,
            id,
            stage: Stage::Deriving,
            collector: Collector::default(),
            turn: None,
            aggregating: false,
            started: now,
            ended: None,
        };
        Some((this, vec![ask]))
    }

    /// The hash that heads the attempt's frames.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        self.hash
    }

    /// The attempt's id.
    #[must_use]
    pub fn id(&self) -> AttemptId {
        self.id
    }

    /// What the attempt looks like at `now`.
    #[must_use]
    pub fn report(&self, now: Monotonic) -> AttemptReport {
        let chosen: BTreeSet<Member> = self
            .turn
            .iter()
            .flat_map(|t| t.package.commitments().keys().copied())
            .collect();
        let here = self.turn.as_ref().map(|t| self.collector.shares_of(t.body));
        let here = here.unwrap_or_default();
        let owing = chosen
            .iter()
            .copied()
            .filter(|m| !here.contains_key(m))
            .collect();
        let took = self.ended.unwrap_or(now).since(self.started);
        let (number, coordinator) = (self.context.attempt_number, self.coordinator);
        AttemptReport {
            number,
            coordinator,
            chosen,
            owing,
            took,
        }
    }

    /// Takes a frame of this attempt whose signature is checked: records it, then counts it.
    pub fn frame(&mut self, speaker: &Speaker, frame: &Verified<Frame>) -> Vec<Effect> {
        if frame.head().context != self.hash || self.stage == Stage::Over {
            return Vec::new();
        }
        match (frame.kind(), self.collector.record(frame)) {
            (Kind::Commitments, Recorded::First) => self.choose(speaker),
            (Kind::Package, Recorded::First) => self.package(speaker, frame),
            (Kind::Share, Recorded::First) => self.try_aggregate(),
            _ => Vec::new(),
        }
    }

    /// Takes the engine's answer.
    pub fn answer(&mut self, speaker: &Speaker, now: Monotonic, answer: Answer) -> Vec<Effect> {
        match (self.stage, answer) {
            (Stage::Deriving, Answer::Derived(coordinator, fingerprint, id)) => {
                let ours = (self.coordinator, self.context.fingerprint(), self.id);
                if (coordinator, fingerprint, id) != ours {
                    return self.fail(now, Vec::new(), "the engine derives another attempt".into());
                }
                self.ask(Stage::Opening, Need::Open(self.context.clone()))
            }
            (Stage::Opening, Answer::Opened(id)) => {
                self.id = id;
                self.ask(Stage::Drawing, Need::Round1(id))
            }
            (Stage::Drawing, Answer::Committed(commitments)) => {
                self.stage = Stage::Committed;
                self.commit(speaker, &commitments)
            }
            (Stage::Signing, Answer::Share(share)) => self.share(speaker, now, share),
            (_, Answer::Signed(signature)) if self.aggregating => {
                self.end(now);
                vec![Effect::Signed(signature)]
            }
            (_, Answer::BadShares(candidates)) if self.aggregating => {
                self.fail(now, candidates, "bad signature shares".into())
            }
            (Stage::Over, _) => Vec::new(),
            (_, Answer::Refused(why)) => self.fail(now, Vec::new(), why),
            _ => Vec::new(),
        }
    }

    /// Ends the attempt; the engine destroys what is still live of it.
    pub fn abort(&mut self, now: Monotonic) -> Vec<Effect> {
        if self.stage == Stage::Over {
            return Vec::new();
        }
        self.end(now);
        vec![Effect::Ask(Need::Abort(self.id))]
    }

    fn ask(&mut self, next: Stage, need: Need) -> Vec<Effect> {
        self.stage = next;
        vec![Effect::Ask(need)]
    }

    fn end(&mut self, now: Monotonic) {
        self.stage = Stage::Over;
        self.ended = Some(now);
    }

    fn fail(&mut self, now: Monotonic, whom: Vec<Candidate>, why: String) -> Vec<Effect> {
        let mut effects = self.abort(now);
        effects.push(Effect::Failed(whom, why));
        effects
    }

    /// Signs a statement, records it as our own, then sends it. A member signs one body per kind and attempt.
    fn say<P: Payload>(&mut self, speaker: &Speaker, payload: &P) -> Vec<Effect> {
        let head = Head {
            context: self.hash,
            author: speaker.member,
        };
        let frame = Frame::sign(head, payload, &speaker.key);
        let Ok(own) = frame.clone().verify(&self.terms.roster) else {
            return vec![Effect::Failed(
                Vec::new(),
                "our key does not hold our seat".into(),
            )];
        };
        let mut effects = vec![Effect::Send(frame)];
        effects.extend(self.frame(speaker, &own));
        effects
    }

    fn commit(&mut self, speaker: &Speaker, commitments: &Commitments) -> Vec<Effect> {
        let payload = CommitmentsPayload {
            incarnation: speaker.incarnation,
            hiding: commitments.hiding(),
            binding: commitments.binding(),
            refuses: Vec::new(),
        };
        let mut effects = self.say(speaker, &payload);
        effects.extend(self.sign_if_chosen(speaker));
        // Package and shares may all have come while the engine was opening the attempt.
        effects.extend(self.try_aggregate());
        effects
    }

    /// The coordinator takes the first t members whose commitments arrive and may stand in one package.
    fn choose(&mut self, speaker: &Speaker) -> Vec<Effect> {
        let waiting = self.stage == Stage::Committed && self.turn.is_none();
        if self.coordinator != speaker.member || !waiting {
            return Vec::new();
        }
        let committed = self.collector.committed().iter();
        let willing = committed.filter_map(|m| {
            let (_, refuses) = offer(&self.terms, self.collector.commitments_of(*m)?)?;
            Some((*m, refuses))
        });
        let Some(chosen) = first_willing(willing.collect(), self.context.threshold) else {
            return Vec::new();
        };
        let frames = chosen
            .iter()
            .filter_map(|m| self.collector.commitments_of(*m));
        let payload = PackagePayload {
            incarnation: speaker.incarnation,
            key_spec: self.context.key_spec.clone(),
            commitments: frames.map(|frame| frame.as_bytes().to_vec()).collect(),
        };
        self.say(speaker, &payload)
    }

    /// Retained already; now judged. A package that fails is dropped: its coordinator signed it.
    fn package(&mut self, speaker: &Speaker, frame: &Verified<Frame>) -> Vec<Effect> {
        if self.turn.is_none() {
            self.turn = check_package(&self.terms, &self.context, frame).ok();
        }
        let mut effects = self.sign_if_chosen(speaker);
        effects.extend(self.try_aggregate());
        effects
    }

    fn sign_if_chosen(&mut self, speaker: &Speaker) -> Vec<Effect> {
        let Some(turn) = &self.turn else {
            return Vec::new();
        };
        let chosen = turn.package.commitments();
        if self.stage != Stage::Committed || !chosen.contains_key(&speaker.member) {
            return Vec::new();
        }
        let need = Need::Round2(self.id, chosen.clone());
        self.ask(Stage::Signing, need)
    }

    /// Before a member sends its share it verifies it itself.
    fn share(&mut self, speaker: &Speaker, now: Monotonic, share: SignatureShare) -> Vec<Effect> {
        self.stage = Stage::Signed;
        let Some(turn) = &self.turn else {
            return Vec::new();
        };
        if verify_share(&turn.package, speaker.member, &share) != ShareVerdict::Valid {
            return self.fail(now, Vec::new(), "our own share does not verify".into());
        }
        let (incarnation, package) = (speaker.incarnation, turn.body);
        self.say(
            speaker,
            &SharePayload {
                incarnation,
                package,
                share: share.0,
            },
        )
    }

    /// Anyone with all t shares aggregates.
    fn try_aggregate(&mut self) -> Vec<Effect> {
        let Some(turn) = &self.turn else {
            return Vec::new();
        };
        let mut shares = self.collector.shares_of(turn.body);
        shares.retain(|member, _| turn.package.commitments().contains_key(member));
        let opened = !matches!(self.stage, Stage::Deriving | Stage::Opening | Stage::Over);
        if self.aggregating || !opened || shares.len() != turn.package.commitments().len() {
            return Vec::new();
        }
        self.aggregating = true;
        let shares = shares
            .into_iter()
            .map(|(m, share)| (m, SignatureShare(share)))
            .collect();
        let chosen = turn.package.commitments().clone();
        vec![Effect::Ask(Need::Aggregate(self.id, chosen, shares))]
    }
}
