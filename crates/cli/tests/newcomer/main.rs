#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! What whoever comes new to the commands meets.

mod json_everywhere;
mod mistakes;
mod narrow;
#[path = "../shell/mod.rs"]
mod shell;
