//! Which round a node is in, and what lets it go on (one turn a round).

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::{Member, Monotonic};
use hardfrost_wire::{Frame, Verified};

/// At least this long between two rounds that certificates open.
const PACE_MIN: Duration = Duration::from_millis(10);

/// A node's place among the rounds.
pub(crate) struct Rounds {
    round: u32,
    entered: Monotonic,
    /// Of each member the advance to its highest round.
    advances: BTreeMap<Member, (u32, Verified<Frame>)>,
    by_package: u32,
    said: u32,
}

impl Rounds {
    pub(crate) fn begin(now: Monotonic) -> Self {
        Self {
            round: 0,
            entered: now,
            advances: BTreeMap::new(),
            by_package: 0,
            said: 0,
        }
    }

    pub(crate) fn round(&self) -> u32 {
        self.round
    }

    pub(crate) fn entered(&self) -> Monotonic {
        self.entered
    }

    /// Somebody goes on to `round`; the highest counts. Whether that is new.
    pub(crate) fn advanced(&mut self, frame: &Verified<Frame>, round: u32) -> bool {
        let author = frame.head().author;
        if self
            .advances
            .get(&author)
            .is_some_and(|(highest, _)| *highest >= round)
        {
            return false;
        }
        self.advances.insert(author, (round, frame.clone()));
        true
    }

    /// Whether an advance that is not proven yet could say nothing new: the same life of its author has gone as far.
    pub(crate) fn holds(&self, frame: &Frame) -> bool {
        let here = self.advances.get(&frame.head().author);
        let claimed = frame.claimed_advance();
        here.zip(claimed)
            .is_some_and(|((highest, kept), (life, round))| {
                kept.incarnation() == Some(life) && round <= *highest
            })
    }

    /// Advances that take somebody beyond `round`, the farthest first and as many as are a `certificate`: what lets a
    /// peer follow.
    pub(crate) fn certificate_beyond(&self, round: u32, certificate: usize) -> Vec<Vec<u8>> {
        let mut beyond: Vec<_> = self.advances.values().collect();
        beyond.retain(|(highest, _)| *highest > round);
        beyond.sort_by_key(|(highest, _)| std::cmp::Reverse(*highest));
        let frames = beyond.into_iter().take(certificate);
        frames.map(|(_, frame)| frame.as_bytes().to_vec()).collect()
    }

    /// Whether we have not yet said that we go on to the next round. True once per round.
    pub(crate) fn may_say(&mut self) -> Option<u32> {
        let next = self.round.checked_add(1)?;
        (self.said < next).then(|| {
            self.said = next;
            next
        })
    }

    /// Whether we have said that we go on to the next round.
    pub(crate) fn has_said(&self) -> bool {
        self.said > self.round
    }

    /// Members known to go on to the next round or a later one.
    pub(crate) fn going_on(&self) -> usize {
        self.advances
            .values()
            .filter(|(highest, _)| *highest > self.round)
            .count()
    }

    /// When a certificate may take us on: not sooner than 2·d after entering. Before d is measured it is zero, and a
    /// certificate for a far round must not open every round on the way in one go.
    pub(crate) fn by_certificate_from(&self, d: Duration) -> Monotonic {
        self.entered.plus(d.saturating_mul(2).max(PACE_MIN))
    }

    /// When a package may take us on: at most one round per d, and at most 2q times in a session.
    pub(crate) fn by_package_from(&self, d: Duration, q: u32) -> Option<Monotonic> {
        (self.by_package < q.saturating_mul(2)).then(|| self.entered.plus(d))
    }

    pub(crate) fn enter_next(&mut self, now: Monotonic, by_package: bool) {
        self.round = self.round.saturating_add(1);
        self.entered = now;
        self.by_package += u32::from(by_package);
    }
}
