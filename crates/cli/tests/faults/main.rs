#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The faults that a federation must live with: real processes, real sockets, real disks, and networks of namespaces.
//! Each ends with a signature that consensus accepts. What the machine cannot do is skipped, counted and printed.

#[allow(dead_code, reason = "the load needs the rest of it")]
#[path = "../federation/mod.rs"]
mod federation;

mod attacks;
mod clocks;
#[allow(dead_code, reason = "the store's own tests need the rest of it")]
#[path = "../../../store/tests/crashes/disk.rs"]
mod disk;
mod disks;
mod hostile;
mod keys;
mod links;
mod processes;
mod rosters;

use std::time::Duration;

use federation::network::Network;
/// What the machine gave, or nothing, which is told.
fn or_skip<T>(what: &str, given: Result<T, String>) -> Option<T> {
    given
        .inspect_err(|why| println!("{what}: SKIPPED, {why}"))
        .ok()
}

#[test]
fn what_this_machine_cannot_do_is_counted() {
    let network = Network::new(2).map(drop);
    let slow = Network::new(2).and_then(|mut network| network.slow_down(Duration::ZERO));
    let disk = disk::Disk::new().map(drop);
    let needed = [
        (3, network),
        (1, slow),
        (2, disk),
        (1, clocks::library().map(drop)),
    ];
    let all: u32 = needed.iter().map(|(tests, _)| tests).sum();
    let missing = needed
        .iter()
        .filter_map(|(tests, given)| Some((tests, given.as_ref().err()?)));
    let missing: Vec<(&u32, &String)> = missing.collect();
    let skipped: u32 = missing.iter().map(|(tests, _)| *tests).sum();
    let why: Vec<&str> = missing.iter().map(|(_, why)| why.as_str()).collect();
    println!(
        "faults that need more than processes: skipped {skipped} of {all}; {}",
        why.join("; ")
    );
    assert!(
        skipped < all || !rustix::process::geteuid().is_root(),
        "root can do some of it"
    );
}
