#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A signer's life on a real store, in a process of its own that is stopped at every single write and sync, or whose
//! disk fails there. What it was told is durable must be found, and nothing else; a share that left must have its
//! marker; and life goes on.

mod copies;
mod disk;
mod every_write;
mod judge;
mod life;
mod operator;
mod power;
mod said;
mod signer;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../../../engine/tests/support/signing.rs"]
mod signing;
mod tracer;

use std::time::Duration;

use hardfrost_primitives::Member;

/// How long a session lives in these tests.
const SESSION_LIFE: Duration = Duration::from_secs(600);

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}
