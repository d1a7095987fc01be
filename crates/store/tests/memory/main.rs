#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A real engine on a real store signs in a process of its own. Its parent, which knows its secrets, searches all of
//! its memory at each step: what is live lies in locked memory only, and what is consumed lies nowhere.

#[path = "../../../locked/tests/image/mod.rs"]
mod image;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../crashes/operator.rs"]
mod operator;
mod process;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../crashes/said.rs"]
mod said;
mod secrets;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../../../engine/tests/support/signing.rs"]
mod signing;

use std::time::Duration;

use hardfrost_locked::{Protection, Region};
use hardfrost_primitives::Member;
use process::Signer;
use secrets::{negated, Secrets};

/// How long a session lives in these tests.
const SESSION_LIFE: Duration = Duration::from_secs(600);

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

/// A life, searched at each of its steps. Where the kernel can hide memory, nothing of the engine's is found at all;
/// else what is live is found where it may be, so that what is not found later is gone.
fn a_life_is_searched(protection: char) {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::of_a_new_group(folder.path());
    let mut signer = Signer::start(protection, folder.path());
    let drawn = [(1, 0), (2, 1), (1, 2), (1, 3), (1, 4)];
    let pairs = drawn.map(|(seat, block)| secrets.nonces(seat, block));
    for pair in &pairs {
        assert_eq!(signer.line(), pair.commitment(), "another nonce was drawn");
    }
    let planted = signer.bytes();
    let [first, second, later, aborted, interrupted] = pairs.map(|pair| pair.sought());
    let (kept, shares) = (secrets.kept(), secrets.shares());
    let consumed = [first, second].concat();
    let ended = [aborted, interrupted].concat();
    let all = [&kept[..], &shares, &consumed, &ended, &later].concat();

    let image = signer.image();
    let found = image.find(&[("planted", planted)]);
    for form in image::Form::ALL {
        let found = found.iter().any(|hit| hit.form == form);
        assert!(found, "{form:?} is not searched");
    }
    assert_eq!(image.find_unlocked(&all), [], "while all are live");
    let seen = |what: &[(&'static str, [u8; 32])]| !image.find(what).is_empty();
    let live = [&shares, &consumed, &ended, &later];
    assert_eq!(live.map(|what| seen(what)), [protection != 's'; 4]);

    signer.go_on();
    assert_eq!(signer.line(), "signed");
    let image = signer.image();
    assert_eq!(image.find_unlocked(&all), [], "after signing");
    assert_eq!(image.find(&consumed), [], "after signing");

    signer.go_on();
    assert_eq!(signer.line(), "ended");
    let image = signer.image();
    assert_eq!(image.find_unlocked(&all), [], "after an abort and a panic");
    assert_eq!(image.find(&ended), [], "after an abort and a panic");

    signer.go_on();
    let share = signer.bytes();
    let image = signer.image();
    let released = [&[("share", share)][..], &negated(&[("share", share)])].concat();
    assert_eq!(image.find(&released), [], "the share left; nobody keeps it");
    assert_eq!(image.find(&later), [], "its nonces");

    signer.go_on();
    assert_eq!(signer.line(), "closed");
    assert_eq!(
        signer.image().find(&all),
        [],
        "after engine and store are closed"
    );
}

#[test]
fn e13_what_is_live_is_in_locked_memory_and_what_is_consumed_is_nowhere() {
    a_life_is_searched('l');
}

#[test]
fn e13_where_the_kernel_can_hide_memory_no_secret_is_ever_found() {
    if Region::protected(Protection::Secret).is_err() {
        println!("skipped: this kernel has no memfd_secret");
        return;
    }
    a_life_is_searched('s');
}
