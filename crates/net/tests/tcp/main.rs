#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The transport over real sockets, with honest members and with one that is written by hand from `docs/format.md`.

mod links;
mod raw;
mod relays;
mod strangers;
mod streams;
mod world;
