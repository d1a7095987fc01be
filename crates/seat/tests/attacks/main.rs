//! What peers, time and a lossy network do to seats with real engines. Attack tests begin with their number.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "../world/mod.rs"]
mod world;

mod ends;
mod envelopes;
mod noise;
mod proofs;
mod repair;
mod siblings;
mod standing;
mod start;
mod time;
