//! How far away a peer is, in time, and how its clock stands.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Pings that are remembered. An answer to an older one measures nothing.
const OUT_MAX: usize = 4;

#[derive(Default)]
pub struct Meter {
    out: VecDeque<Out>,
    pub round_trip: Option<Duration>,
    pub skew_millis: Option<i64>,
}

struct Out {
    token: u64,
    at: Instant,
    clock: u64,
}

/// Our clock, in milliseconds since 1970.
pub fn clock_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    millis(since.unwrap_or_default())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Meter {
    /// A ping leaves now. Its token is random: whoever could guess it would answer early, and seem nearer than it is.
    pub fn ping(&mut self, token: u64, at: Instant, clock: u64) {
        if self.out.len() == OUT_MAX {
            self.out.pop_front();
        }
        self.out.push_back(Out { token, at, clock });
    }

    /// An answer: the smoothed time (RFC 6298 §2), if it answers a ping that is remembered.
    pub fn pong(&mut self, token: u64, clock: u64, now: Instant) -> Option<Duration> {
        let place = self.out.iter().position(|out| out.token == token)?;
        let out = self.out.drain(..=place).next_back()?;
        let took = now.saturating_duration_since(out.at);
        let smoothed = self.round_trip.map_or(took, |old| (old * 7 + took) / 8);
        self.round_trip = Some(smoothed);
        let ours = out.clock.saturating_add(millis(took / 2));
        self.skew_millis = Some(difference(clock, ours));
        Some(smoothed)
    }
}

fn difference(theirs: u64, ours: u64) -> i64 {
    if theirs >= ours {
        i64::try_from(theirs - ours).unwrap_or(i64::MAX)
    } else {
        i64::try_from(ours - theirs).map_or(i64::MIN, |behind| -behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_round_trip_is_smoothed_and_a_clock_compared() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.ping(77, start, 1000);
        assert_eq!(meter.pong(77, 1510, start + ms(20)), Some(ms(20)));
        assert_eq!(meter.skew_millis, Some(500));
        meter.ping(5, start, 1000);
        assert_eq!(meter.pong(5, 0, start + ms(100)), Some(ms(30)));
        assert_eq!(meter.skew_millis, Some(-1050));
    }

    #[test]
    fn an_answer_to_nothing_measures_nothing() {
        let start = Instant::now();
        let mut meter = Meter::default();
        assert_eq!(meter.pong(0, 0, start), None);
        meter.ping(5, start, u64::MAX);
        assert_eq!(meter.pong(6, 0, start), None);
        assert_eq!(meter.pong(5, 0, start), Some(ms(0)));
        assert_eq!(meter.pong(5, 0, start), None);
        assert_eq!(meter.skew_millis, Some(i64::MIN));
    }
}
