//! Time as a value. The cores never read a clock; a shell hands them a [`Now`].

use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};

/// Time since some fixed point of this process; never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(Duration);

/// Seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct UnixTime(pub u64);

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub mono: Monotonic,
    /// For expiries that outlive the process.
    pub utc: UnixTime,
}

impl Monotonic {
    /// The moment `elapsed` after the process's fixed point.
    #[must_use]
    pub fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// This moment plus `wait`; saturates.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// Time from `earlier` to this moment, zero if it is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl UnixTime {
    /// This time plus `wait`, in whole seconds; saturates.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait.as_secs()))
    }
}
