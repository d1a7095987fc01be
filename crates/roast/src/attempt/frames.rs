//! What others say in an attempt: recorded, counted, judged; what contradicts itself is a proof.

use hardfrost_evidence::{check_package, offer, Evidence, EvidenceKind};
use hardfrost_primitives::Monotonic;
use hardfrost_wire::{Frame, Kind, PackagePayload, Verified};

use super::Attempt;
use crate::chosen::Chosen;
use crate::collector::Recorded;
use crate::question::Effect;
use crate::speaker::Speaker;

/// What two different bodies of this kind prove; `None` for kinds that are not an attempt's.
fn two_bodies(kind: Kind) -> Option<EvidenceKind> {
    match kind {
        Kind::Commitments => Some(EvidenceKind::DoubleCommitments),
        Kind::Package => Some(EvidenceKind::DoublePackage),
        Kind::Share => Some(EvidenceKind::DoubleShare),
        Kind::Offer
        | Kind::Advance
        | Kind::Evidence
        | Kind::Signature
        | Kind::Pull
        | Kind::DkgRound1
        | Kind::DkgEcho
        | Kind::DkgRound2
        | Kind::DkgConfirm
        | Kind::DkgPull
        | Kind::Standing
        | Kind::StandingPull => None,
    }
}

impl Attempt {
    /// Whether a frame is of this attempt, and of a kind that its author may speak here.
    fn takes(&self, frame: &Verified<Frame>) -> bool {
        let speaks = frame.kind() != Kind::Package || frame.head().author == self.coordinator;
        speaks && two_bodies(frame.kind()).is_some() && frame.head().context == self.hash
    }

    /// Keeps a frame, and reads what commitments offer when they come.
    fn record(&mut self, frame: &Verified<Frame>) -> Recorded {
        let recorded = self.collector.record(frame);
        if frame.kind() == Kind::Commitments && recorded == Recorded::First {
            if let Some(offered) = offer(self.terms.public(), frame) {
                self.offers.insert(frame.head().author, offered);
            }
        }
        recorded
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
        match (frame.kind(), self.record(frame)) {
            (Kind::Package, Recorded::First) => {
                let mut effects = self.judge(now, frame);
                effects.extend(self.sign_if_chosen(speaker));
                effects.extend(self.try_aggregate());
                effects.extend(self.show_package());
                effects
            }
            (Kind::Share, Recorded::First) => {
                let shown = self.show_package();
                self.try_aggregate().into_iter().chain(shown).collect()
            }
            (_, Recorded::Different) => self.contradiction(frame),
            _ => Vec::new(),
        }
    }

    /// Somebody has answered another package than ours: each may have been shown one of two. Ours is shown to all,
    /// once, and whoever holds the other has the proof.
    fn show_package(&mut self) -> Option<Effect> {
        let chosen = self.chosen.as_ref()?;
        if self.shown || !self.collector.answers_another(chosen.turn.body) {
            return None;
        }
        self.shown = true;
        Some(Effect::Send(chosen.frame.clone().into_inner()))
    }

    /// Records a frame of an attempt that is over: proofs come of it, or what others need for one.
    pub fn record_only(&mut self, now: Monotonic, frame: &Verified<Frame>) -> Vec<Effect> {
        if !self.takes(frame) {
            return Vec::new();
        }
        match (frame.kind(), self.record(frame)) {
            (Kind::Package, Recorded::First) => {
                let mut effects = self.judge(now, frame);
                effects.extend(self.show_package());
                effects
            }
            (Kind::Share, Recorded::First) => self.show_package().into_iter().collect(),
            (_, Recorded::Different) => self.contradiction(frame),
            _ => Vec::new(),
        }
    }

    /// The author signed two different bodies: a proof, if of one incarnation and kind that allow no two.
    fn contradiction(&self, second: &Verified<Frame>) -> Vec<Effect> {
        let Some(kind) = two_bodies(second.kind()) else {
            return Vec::new();
        };
        let (what, author) = (second.kind(), second.head().author);
        let first = self.collector.first(what, author);
        let other = self.collector.different(what, author);
        let other = other.filter(|other| other.body_hash() != second.body_hash());
        // Two lives of one author may differ in all but their shares: that proves nothing.
        let counts = |first: &&Verified<Frame>| {
            kind == EvidenceKind::DoubleShare || first.incarnation() == second.incarnation()
        };
        first
            .into_iter()
            .chain(other)
            .filter(counts)
            .map(|first| Evidence::double(kind, &self.context, first, second))
            .map(Effect::Prove)
            .collect()
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
            if self.record(&frame) == Recorded::Different {
                effects.extend(self.contradiction(&frame));
            }
        }
        effects
    }
}
