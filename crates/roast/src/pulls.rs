//! When to ask for what is missing, and whom we have answered.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_primitives::{Hash32, Member, Monotonic};

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pulls of one session.
pub(crate) struct Pulls {
    next: Monotonic,
    pause: Duration,
    answered: BTreeMap<Member, (Hash32, u64)>,
    /// How often anything new was recorded.
    progress: u64,
}

impl Pulls {
    /// The first pull is due at once.
    pub(crate) fn begin(now: Monotonic) -> Self {
        Self {
            next: now,
            pause: PAUSE_MIN,
            answered: BTreeMap::new(),
            progress: 0,
        }
    }

    pub(crate) fn due(&self) -> Monotonic {
        self.next
    }

    /// A pull leaves: the next one waits max(2·d, 1 s), doubling to 30 s.
    pub(crate) fn sent(&mut self, now: Monotonic, d: Duration) {
        self.next = now.plus(self.pause.max(d.saturating_mul(2)));
        self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
    }

    /// Something new came: start over with short pauses.
    pub(crate) fn progressed(&mut self) {
        self.progress += 1;
        self.pause = PAUSE_MIN;
    }

    /// Whether to answer: the same question is answered again only when there is something new to say.
    pub(crate) fn may_answer(&mut self, member: Member, question: Hash32) -> bool {
        let now = (question, self.progress);
        self.answered.insert(member, now) != Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_half_a_minute_and_start_over_at_progress() {
        let start = Monotonic::after_start(Duration::ZERO);
        let mut pulls = Pulls::begin(start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..7 {
            pulls.sent(now, Duration::ZERO);
            waits.push(pulls.due().since(now).as_secs());
            now = pulls.due();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        pulls.progressed();
        pulls.sent(now, Duration::from_secs(3));
        assert_eq!(pulls.due().since(now).as_secs(), 6);
    }

    #[test]
    fn a_repeated_question_is_answered_once() {
        let mut pulls = Pulls::begin(Monotonic::after_start(Duration::ZERO));
        let member = Member::new(3).unwrap();
        let (one, other) = (Hash32([1; 32]), Hash32([2; 32]));
        assert!(pulls.may_answer(member, one));
        assert!(!pulls.may_answer(member, one));
        assert!(pulls.may_answer(member, other));
        pulls.progressed();
        assert!(pulls.may_answer(member, other));
    }
}
