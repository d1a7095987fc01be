//! A package that passed: who must deliver, who was offered it, who owes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hardfrost_evidence::Turn;
use hardfrost_frost::{verify_share, ShareVerdict, SignatureShare};
use hardfrost_primitives::{Member, Monotonic};
use hardfrost_wire::{Frame, Incarnation, Verified};

/// The first valid package of an attempt, as this node sees it.
pub(crate) struct Chosen {
    pub(crate) turn: Turn,
    pub(crate) frame: Verified<Frame>,
    /// When it was first seen.
    pub(crate) seen: Monotonic,
    /// Whether it was offered to whoever had to be offered it.
    pub(crate) is_offered: bool,
    /// Shares that were checked.
    verdicts: BTreeMap<Member, bool>,
    /// From when a member owes us, by our offer of the package.
    owes_from: BTreeMap<Member, Monotonic>,
    /// Under which incarnation each was chosen.
    incarnations: BTreeMap<Member, Incarnation>,
}

impl Chosen {
    pub(crate) fn new(turn: Turn, frame: Verified<Frame>, seen: Monotonic) -> Self {
        let (verdicts, owes_from, incarnations) = Default::default();
        Self {
            turn,
            frame,
            seen,
            is_offered: false,
            verdicts,
            owes_from,
            incarnations,
        }
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = Member> + '_ {
        self.turn.package.commitments().keys().copied()
    }

    /// We sent `member` the package (or an offer of it) at `now`: it owes us from `now + wait` on.
    pub(crate) fn offered(&mut self, member: Member, now: Monotonic, wait: Duration) {
        self.owes_from.entry(member).or_insert(now.plus(wait));
    }

    /// `member` was chosen by commitments of this incarnation.
    pub(crate) fn chosen_as(&mut self, member: Member, incarnation: Incarnation) {
        self.incarnations.insert(member, incarnation);
    }

    pub(crate) fn lives(&self) -> impl Iterator<Item = (Member, Incarnation)> + '_ {
        self.incarnations.iter().map(|(m, life)| (*m, *life))
    }

    pub(crate) fn incarnation_of(&self, member: Member) -> Option<Incarnation> {
        self.incarnations.get(&member).copied()
    }

    /// Whether this share of a chosen member is good; checked once.
    fn is_good(&mut self, member: Member, share: [u8; 32]) -> bool {
        let package = &self.turn.package;
        *self.verdicts.entry(member).or_insert_with(|| {
            verify_share(package, member, &SignatureShare(share)) == ShareVerdict::Valid
        })
    }

    /// Chosen members without a valid share among `shares`. What was not checked is checked now.
    pub(crate) fn undelivered(&mut self, shares: &BTreeMap<Member, [u8; 32]>) -> BTreeSet<Member> {
        let members: Vec<Member> = self.members().collect();
        let lacking = |m: &Member| match shares.get(m) {
            Some(share) => !self.is_good(*m, *share),
            None => true,
        };
        members.into_iter().filter(lacking).collect()
    }

    /// The same by what has been checked so far.
    pub(crate) fn lacking<'a>(
        &'a self,
        shares: &'a BTreeMap<Member, [u8; 32]>,
    ) -> impl Iterator<Item = Member> + 'a {
        let bad = |m: &Member| self.verdicts.get(m) == Some(&false);
        self.members()
            .filter(move |m| bad(m) || !shares.contains_key(m))
    }

    /// Of these, the ones whose time to deliver to us is over.
    pub(crate) fn owing(&self, undelivered: &BTreeSet<Member>, now: Monotonic) -> BTreeSet<Member> {
        let over = |m: &&Member| self.owes_from.get(m).is_some_and(|from| *from <= now);
        undelivered.iter().filter(over).copied().collect()
    }

    /// Members whose checked share is bad.
    pub(crate) fn bad(&self) -> impl Iterator<Item = Member> + '_ {
        self.verdicts
            .iter()
            .filter(|(_, good)| !**good)
            .map(|(m, _)| *m)
    }
}
