//! What did not arrive is asked for: a frame that one member sent to some is served by them to the others.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::{Member, Monotonic, Pace};
use hardfrost_wire::{DkgPullPayload, Frame, Head, Kind, OperatorKey, Verified};

use super::{Ceremony, Effect};

/// A member is answered this often at the most.
const ANSWER_PAUSE: Duration = Duration::from_millis(500);

/// The frames that a pull tells of, in the order of its bits.
const KINDS: [Kind; 4] = [
    Kind::DkgRound1,
    Kind::DkgEcho,
    Kind::DkgRound2,
    Kind::DkgConfirm,
];

/// When to ask, and whom we have answered.
pub(super) struct Pulls {
    pub(super) pace: Pace,
    answered: BTreeMap<Member, Monotonic>,
}

impl Pulls {
    /// Nothing is missing yet: the first pull is due after a pause.
    pub(super) fn begin(now: Monotonic) -> Self {
        Self {
            pace: Pace::after_a_pause(now),
            answered: BTreeMap::new(),
        }
    }

    fn may_answer(&mut self, member: Member, now: Monotonic) -> bool {
        let last = self.answered.get(&member);
        let may = last.is_none_or(|last| last.plus(ANSWER_PAUSE) <= now);
        if may {
            self.answered.insert(member, now);
        }
        may
    }
}

/// The place of a member's frame of the kind with this index.
fn place(index: usize, member: Member, count: u16) -> usize {
    index * usize::from(count) + usize::from(member.number()) - 1
}

impl Ceremony {
    /// Says what we hold.
    pub(super) fn pull(&mut self, key: &OperatorKey, now: Monotonic) -> Vec<Effect> {
        self.pulls.pace.sent(now, Duration::ZERO);
        let count = self.descriptor.count;
        let mut held = vec![0u8; (KINDS.len() * usize::from(count)).div_ceil(8)];
        for (index, kind) in KINDS.into_iter().enumerate() {
            for member in Member::all(count).filter(|m| self.board.of(kind, *m).is_some()) {
                let place = place(index, member, count);
                if let Some(byte) = held.get_mut(place / 8) {
                    *byte |= 1 << (place % 8);
                }
            }
        }
        let head = Head {
            context: self.head,
            author: self.member,
        };
        let question = Frame::sign(head, &DkgPullPayload { held }, key);
        vec![Effect::Send(question)]
    }

    /// Answers with what its asker lacks and we hold, also when the ceremony is over here.
    pub(super) fn answer_pull(&mut self, now: Monotonic, frame: &Verified<Frame>) -> Vec<Effect> {
        let (asker, count) = (frame.head().author, self.descriptor.count);
        let Ok(DkgPullPayload { held }) = frame.payload() else {
            return Vec::new();
        };
        if asker == self.member || !self.pulls.may_answer(asker, now) {
            return Vec::new();
        }
        let lacks = |place: usize| {
            let byte = held.get(place / 8).copied().unwrap_or_default();
            byte >> (place % 8) & 1 == 0
        };
        let mut effects = Vec::new();
        for (index, kind) in KINDS.into_iter().enumerate() {
            for member in Member::all(count).filter(|m| lacks(place(index, *m, count))) {
                let frame = self.board.of(kind, member);
                let answer = frame.map(|f| Effect::SendTo(asker, f.as_bytes().to_vec()));
                effects.extend(answer);
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_in_a_loop_is_answered_twice_a_second() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        let member = Member::new(3).unwrap();
        let answered = (0..10_000u64)
            .filter(|ms| pulls.may_answer(member, start.plus(Duration::from_millis(*ms))))
            .count();
        assert_eq!(answered, 20);
    }
}
