//! When to ask for what is missing, and whom we have answered.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::{Hash32, Member, Monotonic, Pace};

use crate::session::pulled::LackingName;

/// The same question is answered again after this long, even if there is nothing new to say: the answer may be lost.
const AGAIN: Duration = Duration::from_millis(500);
/// What an answer costs its asker, and how much of it an asker may run ahead: eight at once, then four a second.
const COST: Duration = Duration::from_millis(250);
const AHEAD: Duration = Duration::from_millis(1750);
/// Offers of one peer make us ask it this often at the most.
const OFFER_PAUSE: Duration = Duration::from_millis(100);

/// What a member asked last, and when it was answered.
struct Answered {
    question: Hash32,
    progress: u64,
    at: Monotonic,
    paid_until: Monotonic,
    part: Option<PartAnswered>,
}

/// Which part of what a member lacked it was answered, as places among all of it.
#[derive(Clone, Copy)]
pub(crate) struct PartAnswered {
    pub(crate) first: usize,
    /// What stood there.
    pub(crate) name: Option<LackingName>,
    pub(crate) ended: usize,
}

/// The pulls of one session.
pub(crate) struct Pulls {
    pace: Pace,
    answered: BTreeMap<Member, Answered>,
    /// Whom an offer made us ask, and when.
    asked: BTreeMap<Member, Monotonic>,
    /// How often anything new was recorded.
    progress: u64,
    /// How many pulls have left.
    count: usize,
}

impl Pulls {
    /// The first pull is due at once.
    pub(crate) fn begin(now: Monotonic) -> Self {
        Self {
            pace: Pace::at_once(now),
            answered: BTreeMap::new(),
            asked: BTreeMap::new(),
            progress: 0,
            count: 0,
        }
    }

    pub(crate) fn due(&self) -> Monotonic {
        self.pace.due()
    }

    /// A pull leaves: the next one waits max(2·d, 1 s), doubling to 30 s.
    pub(crate) fn sent(&mut self, now: Monotonic, d: Duration) {
        self.count += 1;
        self.pace.sent(now, d.saturating_mul(2));
    }

    /// Something new came: start over with short pauses, the present one included.
    pub(crate) fn progressed(&mut self) {
        self.progress += 1;
        self.pace.progressed();
    }

    /// Somebody new may have what is missing: pauses are short again.
    pub(crate) fn asks_soon(&mut self) {
        self.pace.progressed();
    }

    /// The first of `window` turns to ask about, of `turns`: the latest, and every other time older ones in turn.
    pub(crate) fn first_turn(&self, turns: usize, window: usize) -> usize {
        let older = turns.saturating_sub(window);
        if older == 0 || self.count % 2 == 1 {
            return older;
        }
        let windows = older.div_ceil(window.max(1));
        (self.count / 2 % windows) * window
    }

    /// Whether to answer: the same question is answered again when there is something new to say, or after a while; and
    /// nobody is answered more often than `COST` allows.
    pub(crate) fn may_answer(&mut self, member: Member, question: Hash32, now: Monotonic) -> bool {
        let progress = self.progress;
        let (mut paid_until, mut part) = (now, None);
        if let Some(last) = self.answered.get(&member) {
            let same = last.question == question && last.progress == progress;
            let ahead = last.paid_until.since(now);
            if (same && now < last.at.plus(AGAIN)) || ahead > AHEAD {
                return false;
            }
            paid_until = paid_until.max(last.paid_until);
            part = last.part;
        }
        let answered = Answered {
            question,
            progress,
            at: now,
            paid_until: paid_until.plus(COST),
            part,
        };
        self.answered.insert(member, answered);
        true
    }

    /// Where the next answer to a member begins, among `len` things. What it took of the last one is gone from them,
    /// so what follows stands in that place now; if the same thing stands there still, it goes on behind the last part.
    pub(crate) fn goes_on(
        &self,
        member: Member,
        len: usize,
        name: impl Fn(usize) -> Option<LackingName>,
    ) -> Option<usize> {
        let part = self.answered.get(&member)?.part?;
        let first = part.first.checked_rem(len)?;
        let same = name(first) == part.name;
        Some(if same { part.ended % len } else { first })
    }

    /// A member was answered this part.
    pub(crate) fn answered(&mut self, member: Member, part: PartAnswered) {
        if let Some(answered) = self.answered.get_mut(&member) {
            answered.part = Some(part);
        }
    }

    /// Whether to ask a peer that offered a package which is not here.
    pub(crate) fn may_ask(&mut self, member: Member, now: Monotonic) -> bool {
        let last = self.asked.get(&member);
        let may = last.is_none_or(|last| last.plus(OFFER_PAUSE) <= now);
        if may {
            self.asked.insert(member, now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use hardfrost_wire::Kind;

    use super::*;

    #[test]
    fn a_repeated_question_is_answered_when_there_is_news_or_after_a_while() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        let member = Member::new(3).unwrap();
        let (one, other) = (Hash32([1; 32]), Hash32([2; 32]));
        assert!(pulls.may_answer(member, one, start));
        assert!(!pulls.may_answer(member, one, start));
        assert!(pulls.may_answer(member, other, start));
        pulls.progressed();
        assert!(pulls.may_answer(member, other, start));
        assert!(!pulls.may_answer(member, other, start));
        assert!(pulls.may_answer(member, other, start.plus(AGAIN)));
    }

    #[test]
    fn whoever_asks_in_a_loop_is_answered_four_times_a_second() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        let (greedy, modest) = (Member::new(3).unwrap(), Member::new(4).unwrap());
        let mut answers = 0;
        for ms in 0..10_000u64 {
            let question = Hash32::of(&ms.to_be_bytes());
            let now = start.plus(Duration::from_millis(ms));
            answers += u32::from(pulls.may_answer(greedy, question, now));
        }
        assert!((40..=48).contains(&answers), "{answers}");
        assert!(pulls.may_answer(modest, Hash32([1; 32]), start));
    }

    /// A peer is the only one that answers; of what it tells, the asker never takes what is `useless`.
    fn answers_until_all_is_there(useless: impl Fn(u8) -> bool) -> usize {
        let start = Monotonic::after_start(Duration::ZERO);
        let asker = Member::new(3).unwrap();
        let mut pulls = Pulls::begin(start);
        let mut lacking: Vec<u8> = (0..100).collect();
        let name = |item: u8| LackingName::Frame(Hash32([item; 32]), Kind::Share, asker);
        for answers in 1..=200 {
            let question = Hash32::of(&[u8::try_from(answers).unwrap()]);
            let now = start.plus(Duration::from_secs(answers as u64));
            assert!(pulls.may_answer(asker, question, now));
            let at = |place: usize| lacking.get(place).copied().map(name);
            let first = pulls.goes_on(asker, lacking.len(), at).unwrap_or(70);
            let told: Vec<usize> = (0..10).map(|k| (first + k) % lacking.len()).collect();
            let part = PartAnswered {
                first,
                name: at(first),
                ended: first + 10,
            };
            pulls.answered(asker, part);
            let taken: Vec<u8> = told.into_iter().map(|place| lacking[place]).collect();
            lacking.retain(|item| useless(*item) || !taken.contains(item));
            if lacking.iter().all(|item| useless(*item)) {
                return answers;
            }
        }
        panic!("never");
    }

    #[test]
    fn a_peer_alone_tells_everything_once_and_is_not_held_up_by_what_nobody_takes() {
        assert_eq!(answers_until_all_is_there(|_| false), 10);
        let some = answers_until_all_is_there(|item| item % 7 == 0);
        assert!((9..=13).contains(&some), "{some}");
        let most = answers_until_all_is_there(|item| item > 10);
        assert!(most <= 12, "{most}");
    }

    #[test]
    fn older_turns_are_asked_about_in_turn() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        assert_eq!(pulls.first_turn(64, 64), 0);
        let mut firsts = Vec::new();
        for _ in 0..8 {
            pulls.sent(start, Duration::ZERO);
            firsts.push(pulls.first_turn(200, 64));
        }
        assert_eq!(firsts, [136, 64, 136, 128, 136, 0, 136, 64]);
    }
}
