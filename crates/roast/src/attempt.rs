//! One attempt of one seat: derive → open → commit → (package) → sign → (t shares) → aggregate.

mod answers;
mod choice;
mod frames;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{Evidence, Offer};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Hash32, Member, Monotonic};
use hardfrost_wire::{Frame, Incarnation, Kind, Verified};

use crate::chosen::Chosen;
use crate::collector::Collector;
use crate::question::{AttemptReport, Effect, Need, Question};
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
    /// What the first commitments of each member offer, read once, where they may stand in a package.
    offers: BTreeMap<Member, Offer>,
    chosen: Option<Chosen>,
    aggregating: bool,
    /// Our part is spent before it began: we wait for nothing here.
    pub(crate) spent: bool,
    /// Whether we have shown our package to everybody, because some member answered another one.
    shown: bool,
    /// What the engine refused for now.
    refused: BTreeSet<Question>,
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
            offers: BTreeMap::new(),
            chosen: None,
            aggregating: false,
            spent: false,
            shown: false,
            refused: BTreeSet::new(),
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

    /// H(package body) of the first valid package.
    #[must_use]
    pub fn package_body(&self) -> Option<Hash32> {
        self.chosen.as_ref().map(|chosen| chosen.turn.body)
    }

    /// The shares for the package that counts here, by ascending member.
    pub fn shares(&self) -> impl Iterator<Item = Member> + '_ {
        let shares = self
            .package_body()
            .map(|body| self.collector.shares_of(body));
        shares.into_iter().flat_map(|shares| shares.keys().copied())
    }

    /// Chosen members whose valid share is not here. Shares that are here and not yet checked are checked now.
    pub fn undelivered(&mut self) -> BTreeSet<Member> {
        let Some(chosen) = &mut self.chosen else {
            return BTreeSet::new();
        };
        let shares = self.collector.shares_of(chosen.turn.body);
        chosen.undelivered(shares)
    }

    /// Chosen members whose time to deliver to us is over.
    pub fn owing(&mut self, now: Monotonic) -> BTreeSet<Member> {
        let undelivered = self.undelivered();
        let chosen = self.chosen.as_ref();
        chosen
            .map(|chosen| chosen.owing(&undelivered, now))
            .unwrap_or_default()
    }

    /// Whether the package is here and who lacks a share was not offered it yet.
    #[must_use]
    pub fn is_unoffered(&self) -> bool {
        self.chosen
            .as_ref()
            .is_some_and(|chosen| !chosen.is_offered)
    }

    /// Offers are made once: all those to whom the package is to be offered now.
    pub fn to_offer(&mut self) -> Vec<Member> {
        let Some(chosen) = self.chosen.as_mut().filter(|chosen| !chosen.is_offered) else {
            return Vec::new();
        };
        chosen.is_offered = true;
        chosen
            .lacking(self.collector.shares_of(chosen.turn.body))
            .collect()
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

    /// The proofs against members whose share was checked and is bad, but for those that are `convicted` already.
    #[must_use]
    pub fn bad_shares(&self, convicted: impl Fn(Member) -> bool) -> Vec<Evidence> {
        let Some(chosen) = &self.chosen else {
            return Vec::new();
        };
        let frames = chosen
            .bad()
            .filter(|m| !convicted(*m))
            .filter_map(|m| self.collector.first(Kind::Share, m));
        frames
            .map(|share| Evidence::invalid_share(&self.context, &chosen.frame, share))
            .collect()
    }

    /// What the attempt looks like at `now`, by what has been checked so far.
    #[must_use]
    pub fn report(&self, now: Monotonic) -> AttemptReport {
        let chosen = self.chosen.as_ref();
        let lacking = chosen.map(|c| c.lacking(self.collector.shares_of(c.turn.body)));
        let owing = lacking.into_iter().flatten().collect();
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
}
