//! A token bucket: so many bytes a second, and so many at once.

use tokio::time::Instant;

#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: usize,
    pub burst: usize,
}

pub struct Bucket {
    rate: Rate,
    left: usize,
    filled: Instant,
}

impl Bucket {
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.burst,
            filled: now,
        }
    }

    /// Takes so many, or none.
    pub fn take(&mut self, amount: usize, now: Instant) -> bool {
        self.fill(now);
        if amount > self.left {
            return false;
        }
        self.left -= amount;
        true
    }

    fn fill(&mut self, now: Instant) {
        let millis = now.saturating_duration_since(self.filled).as_millis();
        let millis = usize::try_from(millis).unwrap_or(usize::MAX);
        let come = self.rate.per_second.saturating_mul(millis) / 1000;
        if come > 0 {
            self.left = self.left.saturating_add(come).min(self.rate.burst);
            self.filled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_bucket_fills_with_time_and_not_beyond_its_burst() {
        let start = Instant::now();
        let rate = Rate {
            per_second: 1000,
            burst: 500,
        };
        let mut bucket = Bucket::new(rate, start);
        assert!(bucket.take(500, start));
        assert!(!bucket.take(1, start));
        assert!(bucket.take(100, start + Duration::from_millis(100)));
        assert!(!bucket.take(1, start + Duration::from_millis(100)));
        let later = start + Duration::from_secs(60);
        assert!(!bucket.take(501, later));
        assert!(bucket.take(500, later));
    }

    #[test]
    fn many_small_looks_lose_no_time() {
        let start = Instant::now();
        let rate = Rate {
            per_second: 10,
            burst: 10,
        };
        let mut bucket = Bucket::new(rate, start);
        assert!(bucket.take(10, start));
        let looks = (1..=100).map(|at| start + Duration::from_millis(at));
        assert_eq!(looks.filter(|at| bucket.take(1, *at)).count(), 1);
    }
}
