//! One attempt of one seat: derive → open → commit → (package) → sign → (t shares) → aggregate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{check_package, first_willing, offer, Evidence, EvidenceKind};
use hardfrost_frost::{verify_share, Candidate, Commitments, ShareVerdict, SignatureShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Hash32, Member, Monotonic};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Incarnation, Kind, PackagePayload, Payload, SharePayload, Verified,
};

use crate::chosen::Chosen;
use crate::collector::{Collector, Recorded};
use crate::question::{Answer, AttemptReport, Effect, Need};
use crate::speaker::Speaker;
use crate::terms::Terms;

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

    /// The frames of this attempt.
    #[must_use]
    pub fn collector(&self) -> &Collector {
        &self.collector
    }

    /// The shares for the package that counts here.
    #[must_use]
    pub fn shares(&self) -> BTreeMap<Member, [u8; 32]> {
        let body = self.chosen.as_ref().map(|chosen| chosen.turn.body);
        body.map(|body| self.collector.shares_of(body))
            .unwrap_or_default()
    }

    /// Chosen members whose valid share is not here. Shares that are here and not yet checked are checked now.
    pub fn undelivered(&mut self) -> BTreeSet<Member> {
        let shares = self.shares();
        self.chosen
            .as_mut()
            .map(|chosen| chosen.undelivered(&shares))
            .unwrap_or_default()
    }

    /// Chosen members whose time to deliver to us is over.
    pub fn owing(&mut self, now: Monotonic) -> BTreeSet<Member> {
        let undelivered = self.undelivered();
        let chosen = self.chosen.as_ref();
        chosen
            .map(|chosen| chosen.owing(&undelivered, now))
            .unwrap_or_default()
    }

    /// Chosen members without a share here that were not offered the package yet, and H(package body).
    #[must_use]
    pub fn unoffered(&self) -> Option<(Hash32, Vec<Member>)> {
        let chosen = self.chosen.as_ref()?;
        let lacking = chosen.lacking(&self.shares());
        let members = lacking
            .into_iter()
            .filter(|m| !chosen.is_offered(*m))
            .collect();
        Some((chosen.turn.body, members))
    }

    /// We sent `member` the package, or an offer of it: it owes us from `now + wait` on.
    pub fn offered(&mut self, member: Member, now: Monotonic, wait: Duration) {
        if let Some(chosen) = &mut self.chosen {
            chosen.offered(member, now, wait);
        }
    }

    /// The incarnation under which a member committed here.
    #[must_use]
    pub fn incarnation_of(&self, member: Member) -> Option<Incarnation> {
        self.collector
            .first(Kind::Commitments, member)?
            .incarnation()
    }

    /// The incarnation under which the package chose a member.
    #[must_use]
    pub fn chosen_as(&self, member: Member) -> Option<Incarnation> {
        self.chosen.as_ref()?.incarnation_of(member)
    }

    /// Everybody whom the package chose, and under which incarnation.
    pub(crate) fn lives(&self) -> impl Iterator<Item = (Member, Incarnation)> + '_ {
        self.chosen.iter().flat_map(Chosen::lives)
    }

    /// Whether the package binds those it chose. Where the coordinator signed two, restarted or not, whoever signed one
    /// of them can never deliver for the other.
    #[must_use]
    pub fn binds(&self) -> bool {
        !self
            .collector
            .is_contradicted(Kind::Package, self.coordinator)
    }

    /// The proofs against members whose share was checked and is bad.
    #[must_use]
    pub fn bad_shares(&self) -> Vec<Evidence> {
        let Some(chosen) = &self.chosen else {
            return Vec::new();
        };
        let frames = chosen
            .bad()
            .filter_map(|m| self.collector.first(Kind::Share, m));
        frames
            .map(|share| Evidence::invalid_share(&self.context, &chosen.frame, share))
            .collect()
    }

    /// What the attempt looks like at `now`, by what has been checked so far.
    #[must_use]
    pub fn report(&self, now: Monotonic) -> AttemptReport {
        let chosen = self.chosen.as_ref();
        let owing = chosen
            .map(|c| c.lacking(&self.shares()))
            .unwrap_or_default();
        let chosen = chosen.map(|c| c.members().collect()).unwrap_or_default();
        AttemptReport {
            number: self.context.attempt_number,
            coordinator: self.coordinator,
            committed: self.collector.committed().iter().copied().collect(),
            chosen,
            owing,
            took: self.ended.unwrap_or(now).since(self.started),
        }
    }

    /// Whether a frame is of this attempt, and of a kind that its author may speak here.
    fn takes(&self, frame: &Verified<Frame>) -> bool {
        let allowed = match frame.kind() {
            Kind::Commitments | Kind::Share => true,
            Kind::Package => frame.head().author == self.coordinator,
            Kind::Offer
            | Kind::Advance
            | Kind::Evidence
            | Kind::Signature
            | Kind::Pull
            | Kind::DkgRound1
            | Kind::DkgEcho
            | Kind::DkgRound2
            | Kind::DkgConfirm => false,
        };
        allowed && frame.head().context == self.hash
    }

    /// Takes a frame of this attempt whose signature is checked: records it, then counts it.
    pub fn frame(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<Effect> {
        if !self.takes(frame) {
            return Vec::new();
        }
        match (frame.kind(), self.collector.record(frame)) {
            (Kind::Package, Recorded::First) => {
                let mut effects = self.judge(now, frame);
                effects.extend(self.sign_if_chosen(speaker));
                effects.extend(self.try_aggregate());
                effects
            }
            (Kind::Share, Recorded::First) => self.try_aggregate(),
            (_, Recorded::Different) => self.contradiction(frame),
            _ => Vec::new(),
        }
    }

    /// Records a frame of an attempt that is over; only proofs come of it.
    pub fn record_only(&mut self, now: Monotonic, frame: &Verified<Frame>) -> Vec<Evidence> {
        if !self.takes(frame) {
            return Vec::new();
        }
        let effects = match (frame.kind(), self.collector.record(frame)) {
            (Kind::Package, Recorded::First) => self.judge(now, frame),
            (_, Recorded::Different) => self.contradiction(frame),
            _ => Vec::new(),
        };
        let proofs = effects.into_iter().filter_map(|effect| match effect {
            Effect::Prove(proof) => Some(proof),
            Effect::Send(_)
            | Effect::Ask(_)
            | Effect::Signed(_)
            | Effect::Unopened(_)
            | Effect::Stuck(_) => None,
        });
        proofs.collect()
    }

    /// The author signed two different bodies: a proof, if of one incarnation and kind that allow no two.
    fn contradiction(&self, second: &Verified<Frame>) -> Vec<Effect> {
        let kind = match second.kind() {
            Kind::Commitments => EvidenceKind::DoubleCommitments,
            Kind::Package => EvidenceKind::DoublePackage,
            Kind::Share => EvidenceKind::DoubleShare,
            Kind::Offer
            | Kind::Advance
            | Kind::Evidence
            | Kind::Signature
            | Kind::Pull
            | Kind::DkgRound1
            | Kind::DkgEcho
            | Kind::DkgRound2
            | Kind::DkgConfirm => return Vec::new(),
        };
        let (what, author) = (second.kind(), second.head().author);
        let first = self.collector.first(what, author);
        let other = self.collector.different(what, author);
        let other = other.filter(|other| other.body_hash() != second.body_hash());
        first
            .into_iter()
            .chain(other)
            .map(|first| Evidence::double(kind, &self.context, first, second))
            .map(Effect::Prove)
            .collect()
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
                self.end(now);
                vec![Effect::Unopened(why)]
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
        if let Some(chosen) = &mut self.chosen {
            chosen.all_good();
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

    /// A peer that shows our commitments of a former life here keeps us from committing again.
    fn commit(&mut self, speaker: &Speaker, now: Monotonic, ours: &Commitments) -> Vec<Effect> {
        if self
            .collector
            .first(Kind::Commitments, speaker.member)
            .is_some()
        {
            return self.abort(now);
        }
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

    /// The coordinator takes the first t members whose commitments arrived, that `may` be chosen and fit one package.
    /// Whoever signed two commitments here is not chosen.
    pub fn choose(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        may: &dyn Fn(Member, Incarnation) -> bool,
    ) -> Vec<Effect> {
        let waiting = self.stage == Stage::Committed && self.chosen.is_none();
        let said = self
            .collector
            .first(Kind::Package, speaker.member)
            .is_some();
        if self.coordinator != speaker.member || !waiting || said {
            return Vec::new();
        }
        let free = self.collector.committed().iter().filter(|m| {
            let incarnation = self.incarnation_of(**m);
            let single = !self.collector.is_contradicted(Kind::Commitments, **m);
            single && incarnation.is_some_and(|incarnation| may(**m, incarnation))
        });
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
    fn judge(&mut self, now: Monotonic, frame: &Verified<Frame>) -> Vec<Effect> {
        match check_package(&self.terms.group, &self.terms.roster, &self.context, frame) {
            Err(_) => {
                let proof = Evidence::malformed_package(&self.context, frame);
                vec![Effect::Prove(proof)]
            }
            Ok(turn) => {
                let mut chosen = Chosen::new(turn, frame.clone(), now);
                let effects = self.quoted(&mut chosen);
                self.chosen = Some(chosen);
                effects
            }
        }
    }

    /// The commitments that a package quotes count as if they had come by themselves: what different nodes were shown
    /// of one member meets here.
    fn quoted(&mut self, chosen: &mut Chosen) -> Vec<Effect> {
        let mut effects = Vec::new();
        let payload = chosen.frame.payload::<PackagePayload>();
        for bytes in payload.into_iter().flat_map(|p| p.commitments) {
            let Ok(frame) = Frame::parse(bytes, self.terms.sizes()) else {
                continue;
            };
            let author = frame.head().author;
            let known = self.collector.first(Kind::Commitments, author).cloned();
            let known = known.filter(|known| **known == frame);
            let Some(frame) = known.or_else(|| frame.verify(&self.terms.roster).ok()) else {
                continue;
            };
            if let Some(incarnation) = frame.incarnation() {
                chosen.chosen_as(author, incarnation);
            }
            if self.collector.record(&frame) == Recorded::Different {
                effects.extend(self.contradiction(&frame));
            }
        }
        effects
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
