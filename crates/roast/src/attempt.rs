//! One attempt of one seat: derive → open → commit → (package) → sign → (t shares) → aggregate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{check_package, first_willing, offer, Evidence, EvidenceKind, Turn};
use hardfrost_frost::{
    verify_share, Candidate, Commitments, ShareVerdict, Signature, SignatureShare,
};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Fingerprint, Hash32, Member, Monotonic};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Kind, PackagePayload, Payload, SharePayload, Verified,
};

use crate::collector::{Collector, Recorded};
use crate::speaker::Speaker;
use crate::terms::Terms;

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
    /// A proof, made and not yet verified.
    Prove(Evidence),
    /// The attempt made a signature.
    Signed(Signature),
    /// The session cannot go on here: ours to repair.
    Stuck(String),
}

/// What an attempt looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptReport {
    /// From 1.
    pub number: u32,
    /// Who coordinates.
    pub coordinator: Member,
    /// Who committed.
    pub committed: BTreeSet<Member>,
    /// Whom the package chose; empty before it came.
    pub chosen: BTreeSet<Member>,
    /// Chosen members whose valid share is not here.
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

/// A package that passed, and what is known of its shares.
struct Chosen {
    turn: Turn,
    frame: Verified<Frame>,
    seen: Monotonic,
    verdicts: BTreeMap<Member, bool>,
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
    chosen: Option<Chosen>,
    aggregating: bool,
    started: Monotonic,
    ended: Option<Monotonic>,
    /// When t members had committed that may still be chosen: the package is awaited from then on.
    pub(crate) awaited_from: Option<Monotonic>,
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
            chosen: None,
            aggregating: false,
            started: now,
            ended: None,
            awaited_from: None,
        };
        Some((this, vec![ask]))
    }

    /// The hash that heads the attempt's frames.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        self.hash
    }

    /// Who coordinates.
    #[must_use]
    pub fn coordinator(&self) -> Member {
        self.coordinator
    }

    /// When the first valid package was seen, and its frame.
    #[must_use]
    pub fn package(&self) -> Option<(Monotonic, &Verified<Frame>)> {
        self.chosen
            .as_ref()
            .map(|chosen| (chosen.seen, &chosen.frame))
    }

    /// The members whose commitments are here, in the order of their arrival.
    #[must_use]
    pub fn committed(&self) -> &[Member] {
        self.collector.committed()
    }

    /// Chosen members whose valid share is not here. Shares that are here and not yet checked are checked now.
    pub fn undelivered(&mut self) -> BTreeSet<Member> {
        let Some(chosen) = &mut self.chosen else {
            return BTreeSet::new();
        };
        let shares = self.collector.shares_of(chosen.turn.body);
        let package = &chosen.turn.package;
        let verdicts = &mut chosen.verdicts;
        let mut delivered = |m: &Member| {
            shares.get(m).is_some_and(|share| {
                let valid = || verify_share(package, *m, &SignatureShare(*share));
                *verdicts
                    .entry(*m)
                    .or_insert_with(|| valid() == ShareVerdict::Valid)
            })
        };
        package
            .commitments()
            .keys()
            .copied()
            .filter(|m| !delivered(m))
            .collect()
    }

    /// The proofs against members whose share was checked and is bad.
    #[must_use]
    pub fn bad_shares(&self) -> Vec<Evidence> {
        let Some(chosen) = &self.chosen else {
            return Vec::new();
        };
        let bad = chosen
            .verdicts
            .iter()
            .filter(|(_, valid)| !**valid)
            .map(|(m, _)| *m);
        let frames = bad.filter_map(|m| self.collector.first(Kind::Share, m));
        frames
            .map(|share| Evidence::invalid_share(&self.context, &chosen.frame, share))
            .collect()
    }

    /// What the attempt looks like at `now`, by what has been checked so far.
    #[must_use]
    pub fn report(&self, now: Monotonic) -> AttemptReport {
        let mut chosen = BTreeSet::new();
        let mut owing = BTreeSet::new();
        if let Some(Chosen { turn, verdicts, .. }) = &self.chosen {
            let here = self.collector.shares_of(turn.body);
            let bad = |m: &Member| verdicts.get(m) == Some(&false);
            chosen = turn.package.commitments().keys().copied().collect();
            let lacking = chosen.iter().filter(|m| bad(m) || !here.contains_key(m));
            owing = lacking.copied().collect();
        }
        AttemptReport {
            number: self.context.attempt_number,
            coordinator: self.coordinator,
            committed: self.collector.committed().iter().copied().collect(),
            chosen,
            owing,
            took: self.ended.unwrap_or(now).since(self.started),
        }
    }

    /// Takes a frame of this attempt whose signature is checked: records it, then counts it.
    pub fn frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<Effect> {
        if frame.head().context != self.hash {
            return Vec::new();
        }
        match (frame.kind(), self.collector.record(frame)) {
            (Kind::Package, Recorded::First) => self.judge(speaker, now, frame),
            (Kind::Share, Recorded::First) => self.try_aggregate(),
            (_, Recorded::Different) => self.contradiction(frame),
            _ => Vec::new(),
        }
    }

    /// The author signed two different bodies: a proof, if of one incarnation and kind that allow no two.
    fn contradiction(&self, second: &Verified<Frame>) -> Vec<Effect> {
        let kind = match second.kind() {
            Kind::Commitments => EvidenceKind::DoubleCommitments,
            Kind::Package => EvidenceKind::DoublePackage,
            Kind::Share => EvidenceKind::DoubleShare,
            Kind::Advance
            | Kind::Evidence
            | Kind::Signature
            | Kind::DkgRound1
            | Kind::DkgEcho
            | Kind::DkgRound2
            | Kind::DkgConfirm => return Vec::new(),
        };
        let first = self.collector.first(second.kind(), second.head().author);
        let proof = first.map(|first| Evidence::double(kind, &self.context, first, second));
        proof.into_iter().map(Effect::Prove).collect()
    }

    /// Takes the engine's answer.
    pub fn answer(&mut self, speaker: &Speaker, now: Monotonic, answer: Answer) -> Vec<Effect> {
        match (self.stage, answer) {
            (Stage::Deriving, Answer::Derived(coordinator, fingerprint, id)) => {
                let ours = (self.coordinator, self.context.fingerprint(), self.id);
                if (coordinator, fingerprint, id) != ours {
                    return vec![Effect::Stuck("our engine derives another attempt".into())];
                }
                self.ask(Stage::Opening, Need::Open(self.context.clone()))
            }
            (Stage::Opening, Answer::Opened(id)) => {
                self.id = id;
                self.ask(Stage::Drawing, Need::Round1(id))
            }
            (Stage::Drawing, Answer::Committed(commitments)) => {
                self.stage = Stage::Committed;
                self.commit(speaker, now, &commitments)
            }
            (Stage::Signing, Answer::Share(share)) => self.share(speaker, now, share),
            (_, Answer::Signed(signature)) if self.aggregating => {
                self.succeeded(now);
                vec![Effect::Signed(signature)]
            }
            (_, Answer::BadShares(candidates)) if self.aggregating => self.blame(&candidates),
            (Stage::Deriving | Stage::Opening | Stage::Drawing, Answer::Refused(why)) => {
                vec![Effect::Stuck(why)]
            }
            _ => Vec::new(),
        }
    }

    /// The engine's candidates, each checked here against the frames: proofs for those that are guilty.
    fn blame(&mut self, candidates: &[Candidate]) -> Vec<Effect> {
        let whom: BTreeSet<Member> = candidates.iter().map(|c| c.member).collect();
        self.undelivered();
        let proofs = self.bad_shares().into_iter();
        let asked = proofs.filter(|p| p.accused().is_some_and(|m| whom.contains(&m)));
        asked.map(Effect::Prove).collect()
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

    /// The sum verifies, so no share of it is looked at again.
    fn succeeded(&mut self, now: Monotonic) {
        if let Some(Chosen { turn, verdicts, .. }) = &mut self.chosen {
            verdicts.extend(turn.package.commitments().keys().map(|m| (*m, true)));
        }
        self.end(now);
    }

    fn end(&mut self, now: Monotonic) {
        self.stage = Stage::Over;
        self.ended = Some(now);
    }

    /// Signs a statement, records it as our own, then sends it. A member signs one body per kind and attempt.
    fn say<P: Payload>(&mut self, speaker: &Speaker, now: Monotonic, payload: &P) -> Vec<Effect> {
        match speaker.say(self.hash, payload, &self.terms.roster) {
            Ok(own) => {
                let noted = self.frame(speaker, now, &own);
                [vec![Effect::Send(own.into_inner())], noted].concat()
            }
            Err(error) => vec![Effect::Stuck(format!("our operator key: {error}"))],
        }
    }

    fn commit(&mut self, speaker: &Speaker, now: Monotonic, ours: &Commitments) -> Vec<Effect> {
        let payload = CommitmentsPayload {
            incarnation: speaker.incarnation,
            hiding: ours.hiding(),
            binding: ours.binding(),
            refuses: Vec::new(),
        };
        let mut effects = self.say(speaker, now, &payload);
        effects.extend(self.sign_if_chosen(speaker));
        // Package and shares may all have come while the engine was opening the attempt.
        effects.extend(self.try_aggregate());
        effects
    }

    /// The coordinator takes the first t members whose commitments arrived, that are not barred and may stand in one
    /// package.
    pub fn choose(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        barred: &BTreeSet<Member>,
    ) -> Vec<Effect> {
        let waiting = self.stage == Stage::Committed && self.chosen.is_none();
        if self.coordinator != speaker.member || !waiting {
            return Vec::new();
        }
        let free = self
            .collector
            .committed()
            .iter()
            .filter(|m| !barred.contains(m));
        let willing = free.filter_map(|m| {
            let frame = self.collector.first(Kind::Commitments, *m)?;
            Some((*m, offer(self.terms.public(), frame)?.1))
        });
        let Some(chosen) = first_willing(willing.collect(), self.context.threshold) else {
            return Vec::new();
        };
        let frames = chosen
            .iter()
            .filter_map(|m| self.collector.first(Kind::Commitments, *m));
        let payload = PackagePayload {
            incarnation: speaker.incarnation,
            key_spec: self.context.key_spec.clone(),
            commitments: frames.map(|frame| frame.as_bytes().to_vec()).collect(),
        };
        self.say(speaker, now, &payload)
    }

    /// Retained already; now judged. A package that fails convicts its coordinator.
    fn judge(&mut self, speaker: &Speaker, now: Monotonic, frame: &Verified<Frame>) -> Vec<Effect> {
        if frame.head().author != self.coordinator {
            return Vec::new();
        }
        match check_package(&self.terms.group, &self.terms.roster, &self.context, frame) {
            Err(_) => vec![Effect::Prove(Evidence::malformed_package(
                &self.context,
                frame,
            ))],
            Ok(turn) => {
                let (frame, verdicts) = (frame.clone(), BTreeMap::new());
                self.chosen = Some(Chosen {
                    turn,
                    frame,
                    seen: now,
                    verdicts,
                });
                let mut effects = self.sign_if_chosen(speaker);
                effects.extend(self.try_aggregate());
                effects
            }
        }
    }

    fn sign_if_chosen(&mut self, speaker: &Speaker) -> Vec<Effect> {
        let Some(Chosen { turn, .. }) = &self.chosen else {
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
        let Some(Chosen { turn, .. }) = &self.chosen else {
            return Vec::new();
        };
        if verify_share(&turn.package, speaker.member, &share) != ShareVerdict::Valid {
            return vec![Effect::Stuck("our own share does not verify".into())];
        }
        let (incarnation, package) = (speaker.incarnation, turn.body);
        self.say(
            speaker,
            now,
            &SharePayload {
                incarnation,
                package,
                share: share.0,
            },
        )
    }

    /// Anyone with all t shares aggregates, optimistically.
    fn try_aggregate(&mut self) -> Vec<Effect> {
        let Some(Chosen { turn, .. }) = &self.chosen else {
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
