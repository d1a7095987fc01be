//! How long a node waits: from round-trip times, growing with the cycle.

use std::time::Duration;

/// The waits of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// d: the t-th smallest peer round-trip time. Faulty peers can raise only their own.
    pub round_trip: Duration,
}

const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(30);

impl Timers {
    /// `package_timeout` and `share_timeout` alike: clamp(1.5·d + 30 ms, 100 ms, 30 s) · 2^min(cycle, 6).
    #[must_use]
    pub fn answer(&self, cycle: u32) -> Duration {
        let base = self.round_trip.saturating_mul(3) / 2 + Duration::from_millis(30);
        base.clamp(WAIT_MIN, WAIT_MAX) * 2u32.pow(cycle.min(6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_clamped_and_double_by_the_cycle() {
        let quick = Timers {
            round_trip: Duration::ZERO,
        };
        assert_eq!(quick.answer(0), Duration::from_millis(100));
        let usual = Timers {
            round_trip: Duration::from_millis(153),
        };
        assert_eq!(usual.answer(0), Duration::from_micros(259_500));
        assert_eq!(usual.answer(2), Duration::from_millis(1038));
        let slow = Timers {
            round_trip: Duration::from_secs(3600),
        };
        assert_eq!(slow.answer(9), Duration::from_secs(30 * 64));
    }
}
