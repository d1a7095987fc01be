//! A group of engines with one log each. Its keys come from distributed key generation through the engines' own
//! operations, its approvals from real transactions; nothing here knows a secret.
#![allow(
    dead_code,
    unused_imports,
    reason = "not every test binary needs every part"
)]

mod bench;
mod changes;
mod group;
mod logs;
pub mod pair;
mod signing;

use std::time::Duration;

use hardfrost_engine::{Code, Committed, Log, Rejection, Staged};
use hardfrost_primitives::{Member, Monotonic, Now, UnixTime};

pub use bench::Bench;
pub use changes::reason;
pub use group::{approve, psbt, Group, Node, CERTIFICATE, CERTIFICATE_FILE, RAW_TAG};
pub use logs::{Recorder, Scripted};
pub use signing::{ids, open, Signing, SUITE};

/// How long an approval holds in these tests.
pub const APPROVAL_LIFE: Duration = Duration::from_secs(3600);
/// How long a session lives in these tests.
pub const SESSION_LIFE: Duration = Duration::from_secs(600);

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

/// `seconds` after the beginning of a test, on both clocks.
pub fn at(seconds: u64) -> Now {
    Now {
        mono: Monotonic::after_start(Duration::from_secs(10 + seconds)),
        utc: UnixTime(1_750_000_000 + seconds),
    }
}

/// The code of a refusal; `None` when nothing was refused.
pub fn code<T>(result: Result<T, Rejection>) -> Option<Code> {
    result.err().map(|rejection| rejection.code())
}

/// Makes one decision durable.
pub fn durable<T>(staged: Staged<T>, log: &mut impl Log) -> Committed<T> {
    let committed = Staged::commit_all(vec![staged], log).ok().unwrap();
    committed.into_iter().next().unwrap()
}
