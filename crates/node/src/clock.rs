//! The machine's clocks, as the values that the cores take.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hardfrost_primitives::{Monotonic, Now, UnixTime};

/// Later than any process lives: what comes after that never does.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Time since this process began, and the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    began: UnixTime,
}

impl Clock {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            began: utc(),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            mono: Monotonic::after_start(self.started.elapsed()),
            utc: utc(),
        }
    }

    /// When the process began, by the time of day.
    #[must_use]
    pub fn began(&self) -> UnixTime {
        self.began
    }

    /// When this moment comes.
    #[must_use]
    pub fn instant(&self, at: Monotonic) -> Instant {
        let after = at.since(Monotonic::after_start(Duration::ZERO));
        let far = self.started + FAR;
        self.started
            .checked_add(after)
            .map_or(far, |at| at.min(far))
    }
}

fn utc() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.unwrap_or_default().as_secs())
}
