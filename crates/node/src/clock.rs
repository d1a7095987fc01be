//! The machine's clocks, as the values that the cores take.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hardfrost_primitives::{Monotonic, Now, UnixTime};

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
        self.started + at.since(Monotonic::after_start(Duration::ZERO))
    }
}

fn utc() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.unwrap_or_default().as_secs())
}
