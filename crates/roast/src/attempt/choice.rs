//! Whom the coordinator may choose, who is chosen, and when the sum may be asked for.

use hardfrost_evidence::first_willing;
use hardfrost_frost::SignatureShare;
use hardfrost_primitives::{Member, Monotonic};
use hardfrost_wire::{Incarnation, Kind, PackagePayload};

use super::{Attempt, Stage};
use crate::chosen::Chosen;
use crate::question::{Effect, Need};
use crate::speaker::Speaker;

impl Attempt {
    /// The members whose first commitments may stand in a package, in the order in which they came. Commitments that
    /// would spoil one count for nothing.
    pub(crate) fn offering(&self) -> impl Iterator<Item = Member> + '_ {
        let committed = self.collector.committed().iter().copied();
        committed.filter(|member| self.offers.contains_key(member))
    }

    /// Those of them that signed nothing else here, and as whom.
    pub(crate) fn usable(&self) -> impl Iterator<Item = (Member, Incarnation)> + '_ {
        let single = |m: &Member| !self.collector.is_contradicted(Kind::Commitments, *m);
        let lives = self.offering().filter(single);
        lives.filter_map(|m| Some((m, self.incarnation_of(m)?)))
    }

    /// The coordinator takes the first t members whose commitments arrived, that `may` be chosen and fit one package.
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
        let free = self
            .usable()
            .filter(|(m, incarnation)| may(*m, *incarnation));
        let willing = free.filter_map(|(m, _)| Some((m, self.offers.get(&m)?.1.clone())));
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

    pub(super) fn sign_if_chosen(&mut self, speaker: &Speaker) -> Vec<Effect> {
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

    /// Anyone with all t shares aggregates, optimistically.
    pub(super) fn try_aggregate(&mut self) -> Vec<Effect> {
        let Some(Chosen { turn, .. }) = &self.chosen else {
            return Vec::new();
        };
        let opened = !matches!(self.stage, Stage::Deriving | Stage::Opening | Stage::Over);
        let said = self.collector.shares_of(turn.body);
        if self.aggregating || !opened || said.len() < turn.package.commitments().len() {
            return Vec::new();
        }
        let mut shares = said.clone();
        shares.retain(|member, _| turn.package.commitments().contains_key(member));
        if shares.len() != turn.package.commitments().len() {
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
