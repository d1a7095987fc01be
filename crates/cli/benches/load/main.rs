#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement that cannot go on stops"
)]
//! What a federation of real processes carries, and for how long: `just load`, `just soak`.

#[allow(dead_code, reason = "the tests need the rest of it")]
#[path = "../../src/consensus.rs"]
mod consensus;
#[allow(dead_code, reason = "the tests need the rest of it")]
#[path = "../../tests/federation/mod.rs"]
mod federation;

mod load;
mod soak;

use clap::{Parser, Subcommand};

/// What a federation of real processes carries, and for how long
#[derive(Parser)]
struct Arguments {
    /// Cargo says so
    #[arg(long, hide = true, global = true)]
    bench: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Many signings at once: throughput, latency, memory, computing time
    Load(load::Load),
    /// Signings while processes are killed and paused at random
    Soak(soak::Soak),
}

fn main() {
    match Arguments::parse().what {
        What::Load(load) => load::run(&load),
        What::Soak(soak) => soak::run(&soak),
    }
}
