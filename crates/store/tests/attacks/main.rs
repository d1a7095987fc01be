#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Attacks on the store, one test for each. Every test was seen to fail with the rule it stands for taken out.

mod crashes;
mod damage;
mod doors;
mod keys;
mod limits;
mod log;
#[path = "../support/mod.rs"]
mod support;
