//! Both clocks, read at the same moment.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hardfrost_primitives::{Monotonic, Now, UnixTime};

/// When the first call of this library was.
pub(crate) struct Clock(OnceLock<Instant>);

impl Clock {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub(crate) fn now(&self) -> Now {
        let start = self.0.get_or_init(Instant::now);
        // A clock before 1970 is as good as one at 1970: every approval of before is over then.
        let utc = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            mono: Monotonic::after_start(start.elapsed()),
            utc: UnixTime(utc.map_or(0, |since| since.as_secs())),
        }
    }
}
