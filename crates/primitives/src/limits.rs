//! Limits that more than one crate must agree upon. A limit that belongs to one crate lives there.

use std::time::Duration;

/// Members of a group without the operator's explicit consent to more.
pub const MEMBERS_DEFAULT_MAX: u16 = 128;
/// Members of a group at the very most.
pub const MEMBERS_MAX: u16 = 1000;
/// BIP-32 steps in a key spec (D1).
pub const PATH_LEN_MAX: usize = 8;
/// Largest request, in bytes, at any local boundary.
pub const REQUEST_BYTES_MAX: usize = 16 << 20;

/// What an engine will hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest group accepted, in members: 2..=[`MEMBERS_MAX`].
    pub members_max: u16,
    /// Live attempts over all sessions and seats.
    pub live_attempts_max: usize,
    /// Sessions known at once, retired ones included.
    pub sessions_max: usize,
    /// Live attempts of one member in one session: the window, 1..=2048.
    pub window: u16,
    /// Consumption markers of one seat in one session.
    pub markers_per_seat_max: usize,
    /// Longest life of an attempt or an approval.
    pub life_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members_max: MEMBERS_DEFAULT_MAX,
            live_attempts_max: 65_536,
            sessions_max: 8192,
            window: 2048,
            markers_per_seat_max: 2048,
            life_max: Duration::from_secs(24 * 3600),
        }
    }
}
