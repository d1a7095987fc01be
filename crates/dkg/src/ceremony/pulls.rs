//! What did not arrive is asked for: a frame that one member sent to some is served by them to the others. Everybody is
//! asked, and answers with its own frames and a part of the others': together they have answered all of it, and about
//! once.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::{Member, Monotonic, Pace};
use hardfrost_wire::{DkgPullPayload, Frame, Head, Kind, OperatorKey, Verified};

use super::{Ceremony, Effect};

/// A member is answered this often at the most.
const ANSWER_PAUSE: Duration = Duration::from_millis(500);
/// Frames of others in one answer.
const OTHERS_MAX: usize = 16;
/// What a question costs those who hear it, for each member that asks: all ask all.
const QUESTION_COST: Duration = Duration::from_millis(20);

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
    answered: BTreeMap<Member, Answered>,
}

/// When a member was answered last, and how often in all.
struct Answered {
    at: Monotonic,
    times: usize,
}

impl Pulls {
    /// Nothing is missing yet: the first pull is due after a pause.
    pub(super) fn begin(now: Monotonic) -> Self {
        Self {
            pace: Pace::after_a_pause(now),
            answered: BTreeMap::new(),
        }
    }

    /// How often a member was answered before, if it may be answered again.
    fn answer(&mut self, member: Member, now: Monotonic) -> Option<usize> {
        let last = self.answered.get(&member);
        let may = last.is_none_or(|last| last.at.plus(ANSWER_PAUSE) <= now);
        let times = last.map_or(0, |last| last.times);
        let answered = Answered {
            at: now,
            times: times.saturating_add(1),
        };
        may.then(|| self.answered.insert(member, answered));
        may.then_some(times)
    }
}

/// Of what an asker lacks and was not said by the one who answers, a part: each member begins at another place, and
/// goes on from there at the next question.
fn part<T>(lacking: &[T], member: Member, count: u16, times: usize) -> impl Iterator<Item = &T> {
    let ours = lacking.len() * (usize::from(member.number()) - 1) / usize::from(count);
    let first = ours.wrapping_add(times.wrapping_mul(OTHERS_MAX));
    let first = first.checked_rem(lacking.len()).unwrap_or_default();
    let around = lacking.iter().cycle().skip(first);
    around.take(lacking.len().min(OTHERS_MAX))
}

/// The place of a member's frame of the kind with this index.
fn place(index: usize, member: Member, count: u16) -> usize {
    index * usize::from(count) + usize::from(member.number()) - 1
}

impl Ceremony {
    /// Says what we hold.
    pub(super) fn pull(&mut self, key: &OperatorKey, now: Monotonic) -> Vec<Effect> {
        let count = self.descriptor.count;
        self.pulls.pace.sent(now, QUESTION_COST * count.into());
        let mut held = vec![0u8; (KINDS.len() * usize::from(count)).div_ceil(8)];
        for (index, kind) in KINDS.into_iter().enumerate() {
            let holds = |m: &Member| self.is_behind(kind) || self.board.of(kind, *m).is_some();
            for member in Member::all(count).filter(holds) {
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
        if asker == self.member {
            return Vec::new();
        }
        let Some(times) = self.pulls.answer(asker, now) else {
            return Vec::new();
        };
        let lacking = self.lacking(&held).into_iter();
        let (ours, others): (Vec<_>, Vec<_>) =
            lacking.partition(|frame| frame.head().author == self.member);
        let others = part(&others, self.member, count, times);
        let frames = ours.iter().chain(others);
        frames
            .map(|frame| Effect::SendTo(asker, frame.as_bytes().to_vec()))
            .collect()
    }

    /// What is here and not among what is `held` elsewhere.
    fn lacking(&self, held: &[u8]) -> Vec<&Verified<Frame>> {
        let count = self.descriptor.count;
        let lacks = |place: usize| {
            let byte = held.get(place / 8).copied().unwrap_or_default();
            byte >> (place % 8) & 1 == 0
        };
        let mut all = Vec::new();
        for (index, kind) in KINDS.into_iter().enumerate() {
            let members = Member::all(count).filter(|m| lacks(place(index, *m, count)));
            all.extend(members.filter_map(|m| self.board.of(kind, m)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u16) -> Member {
        Member::new(number).unwrap()
    }

    #[test]
    fn whoever_asks_in_a_loop_is_answered_twice_a_second() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        let now = |ms| start.plus(Duration::from_millis(ms));
        let answers = (0..10_000u64).filter_map(|ms| pulls.answer(member(3), now(ms)));
        assert_eq!(answers.collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_hundred_who_are_asked_at_once_answer_all_of_it_and_no_frame_many_times() {
        let lacking: Vec<usize> = (0..297).collect();
        let mut said = vec![0; lacking.len()];
        for who in Member::all(100) {
            for frame in part(&lacking, who, 100, 0) {
                said[*frame] += 1;
            }
        }
        assert!(said.iter().all(|times| (1..=7).contains(times)), "{said:?}");
    }

    #[test]
    fn one_alone_answers_all_of_it_one_part_after_the_other() {
        let lacking: Vec<usize> = (0..50).collect();
        let parts = (0..4).flat_map(|times| part(&lacking, member(7), 9, times));
        let said: std::collections::BTreeSet<usize> = parts.copied().collect();
        assert_eq!(said.len(), 50);
        assert_eq!(part::<usize>(&[], member(7), 9, 3).count(), 0);
    }
}
