//! When to ask again: soon after anything new, ever more rarely while nothing comes.

use std::time::Duration;

use crate::Monotonic;

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pace of questions that are asked until they are answered.
#[derive(Clone, Debug)]
pub struct Pace {
    next: Monotonic,
    sent: Monotonic,
    pause: Duration,
    /// What the pause was at least when the last question left.
    least: Duration,
}

impl Pace {
    /// The first question is due at once.
    #[must_use]
    pub fn at_once(now: Monotonic) -> Self {
        Self {
            next: now,
            sent: now,
            pause: PAUSE_MIN,
            least: PAUSE_MIN,
        }
    }

    /// Nothing is missing yet: the first question is due after a pause.
    #[must_use]
    pub fn after_a_pause(now: Monotonic) -> Self {
        let mut this = Self::at_once(now);
        this.sent(now, Duration::ZERO);
        this
    }

    /// When the next question is due.
    #[must_use]
    pub fn due(&self) -> Monotonic {
        self.next
    }

    /// A question leaves: the next one waits at least so long, and at least a second; pauses double to half a minute.
    pub fn sent(&mut self, now: Monotonic, least: Duration) {
        self.sent = now;
        self.least = PAUSE_MIN.max(least);
        self.next = now.plus(self.pause.max(self.least));
        self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
    }

    /// Something new came: pauses are short again, the present one included.
    pub fn progressed(&mut self) {
        self.pause = PAUSE_MIN;
        self.next = self.next.min(self.sent.plus(self.least));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Monotonic {
        Monotonic::after_start(Duration::from_secs(9))
    }

    #[test]
    fn pauses_double_to_half_a_minute_and_start_over_at_progress() {
        let mut pace = Pace::at_once(start());
        assert_eq!(pace.due(), start());
        let (mut now, mut waits) = (start(), Vec::new());
        for _ in 0..7 {
            pace.sent(now, Duration::ZERO);
            waits.push(pace.due().since(now).as_secs());
            now = pace.due();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        pace.progressed();
        pace.sent(now, Duration::from_secs(6));
        assert_eq!(pace.due().since(now).as_secs(), 6);
    }

    #[test]
    fn progress_shortens_the_pause_under_way() {
        let mut pace = Pace::at_once(start());
        for _ in 0..9 {
            pace.sent(start(), Duration::from_secs(3));
        }
        assert_eq!(pace.due().since(start()).as_secs(), 30);
        pace.progressed();
        assert_eq!(pace.due().since(start()).as_secs(), 3);
    }

    #[test]
    fn the_first_question_can_wait() {
        let pace = Pace::after_a_pause(start());
        assert_eq!(pace.due().since(start()).as_secs(), 1);
    }
}
