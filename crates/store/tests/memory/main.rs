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

use hardfrost_primitives::Member;
use process::Signer;
use secrets::{negated, Secrets};

/// How long a session lives in these tests.
const SESSION_LIFE: Duration = Duration::from_secs(600);

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

#[test]
fn e13_what_is_live_is_locked_and_what_is_consumed_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::of_a_new_group(folder.path());
    let mut signer = Signer::start(folder.path());
    let (first, second) = (secrets.nonces(1, 0), secrets.nonces(2, 1));
    let later = secrets.nonces(1, 2);
    for pair in [&first, &second, &later] {
        assert_eq!(signer.line(), pair.commitment(), "another nonce was drawn");
    }
    let planted = signer.bytes();
    let kept = secrets.kept();
    let (consumed, live) = ([first.sought(), second.sought()].concat(), later.sought());
    let all = [&kept[..], &consumed, &live].concat();

    let image = signer.image();
    for form in image::Form::ALL {
        let found = image.find(&[("planted", planted)]);
        assert!(
            found.iter().any(|hit| hit.form == form),
            "{form:?} is not searched"
        );
    }
    assert_eq!(image.find_unlocked(&all), [], "while all are live");

    signer.go_on();
    assert_eq!(signer.line(), "signed");
    let image = signer.image();
    assert_eq!(image.find_unlocked(&all), [], "after signing");
    assert_eq!(image.find(&consumed), [], "after signing");

    signer.go_on();
    let share = signer.bytes();
    let image = signer.image();
    let released = [&[("share", share)][..], &negated(&[("share", share)])].concat();
    assert_eq!(image.find(&released), [], "the share left; nobody keeps it");
    assert_eq!(image.find(&live), [], "its nonces");

    signer.go_on();
    assert_eq!(signer.line(), "closed");
    assert_eq!(
        signer.image().find(&all),
        [],
        "after engine and store are closed"
    );
}
