#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Attacks on the engine, one test for each. Every test was seen to fail with the rule it stands for taken out.

mod aggregation;
mod contexts;
mod framing;
mod gates;
mod lifecycle;
mod names;
mod nonces;
mod policy;
mod quarantine;
mod replay;
mod requests;
mod retirement;
#[path = "../support/mod.rs"]
mod support;
