//! `commit`: nonces of random bytes and a share, and the points that they make.

use hardfrost_primitives::Suite;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::valgrind::{complaints, place, poisoned};
use super::{plant, shares, Poisoned, IS_A_SCALAR};
use crate::nonces::SigningNonces;
use crate::Region;

/// All of locked memory is poisoned, so the share in it is, and all randomness.
fn victim(suite: Suite, planted: bool) {
    let region = Region::new().unwrap();
    let shares = shares(&region);
    let mut rng = Poisoned::new(ChaCha20Rng::seed_from_u64(1));
    let mut secrets = region.addresses();
    secrets.push(place(&*rng.mask));
    poisoned(&secrets);
    let share = shares.first().unwrap();
    let nonces = SigningNonces::draw(share, suite, &mut rng).unwrap();
    plant(planted, &nonces.read().hiding);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_bip445() {
    victim(Suite::Bip445, false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_tr() {
    victim(Suite::Tr, false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_planted() {
    victim(Suite::Bip445, true);
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "the libraries' debug assertions look at secrets: `just secrets`"
)]
fn commit_branches_on_no_secret() {
    for name in ["nonces::victim_bip445", "nonces::victim_tr"] {
        if let Some(found) = complaints(name, &IS_A_SCALAR) {
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

#[test]
fn a_planted_branch_in_commit_is_seen() {
    if let Some(found) = complaints("nonces::victim_planted", &IS_A_SCALAR) {
        assert!(!found.is_empty());
    }
}
