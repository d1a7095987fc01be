//! Key generation: the polynomial, the shares sealed to others, the others' shares opened and summed.

use std::collections::BTreeMap;

use hardfrost_primitives::{Hash32, Member};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::valgrind::{complaints, place, poisoned};
use super::{plant, Poisoned, IS_A_SCALAR};
use crate::dkg::{deal, Dealing, Round1, Seat, SecretPolynomial};
use crate::Region;

const TRANSCRIPT: Hash32 = Hash32([2; 32]);

fn dealt(region: &Region) -> (BTreeMap<Member, Dealing>, BTreeMap<Member, Round1>) {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (mut dealings, mut shown) = (BTreeMap::new(), BTreeMap::new());
    for member in Member::all(3) {
        let seat = Seat {
            ceremony: Hash32([1; 32]),
            member,
            threshold: 2,
            count: 3,
        };
        let (dealing, said) = deal(seat, region, &mut rng).unwrap();
        dealings.insert(member, dealing);
        shown.insert(member, said);
    }
    (dealings, shown)
}

/// Coefficients drawn and committed to, and evaluated.
fn polynomial(planted: bool) {
    let region = Region::new().unwrap();
    let mut rng = Poisoned::new(ChaCha20Rng::seed_from_u64(1));
    poisoned(&[place(&*rng.mask)]);
    let (polynomial, points) = SecretPolynomial::draw(3, &region, &mut rng).unwrap();
    std::hint::black_box(points);
    for member in Member::all(3) {
        let value = polynomial.at(member);
        plant(planted, &value);
        std::hint::black_box(value);
    }
}

/// Member 1 seals and opens with everything in locked memory poisoned: coefficients, ephemeral keys, shared secrets.
fn sealing(planted: bool) {
    let region = Region::new().unwrap();
    let (mut dealings, shown) = dealt(&region);
    let (own, first) = dealings.pop_first().unwrap();
    let mut to_us = BTreeMap::new();
    for (member, dealing) in dealings {
        let mut others = shown.clone();
        others.remove(&member);
        let (_, shares) = dealing.seal(TRANSCRIPT, &others).unwrap();
        to_us.insert(member, *shares.get(&own).unwrap());
    }
    let mut others = shown;
    others.remove(&own);
    poisoned(&region.addresses());
    let (waiting, sealed) = first.seal(TRANSCRIPT, &others).unwrap();
    std::hint::black_box(sealed);
    let opened = waiting.opened(&to_us).unwrap();
    let share = waiting.share(&opened);
    plant(planted, &share);
    std::hint::black_box(share);
}

/// What asks whether a secret is a scalar, here also the ephemeral key and an opened share, and whether a tag fits.
fn excused() -> Vec<&'static str> {
    let here = [
        "Ephemeral::shared_x",
        "decrypt_in_place_detached",
        "sealing::Direction::open",
        "await_shares::read",
    ];
    [&IS_A_SCALAR[..], &here].concat()
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_polynomial() {
    polynomial(false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_sealing() {
    sealing(false);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_polynomial_planted() {
    polynomial(true);
}

#[test]
#[ignore = "runs under valgrind only"]
fn victim_sealing_planted() {
    sealing(true);
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "the libraries' debug assertions look at secrets: `just secrets`"
)]
fn key_generation_branches_on_no_secret() {
    for name in ["keys::victim_polynomial", "keys::victim_sealing"] {
        if let Some(found) = complaints(name, &excused()) {
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

#[test]
fn a_planted_branch_in_key_generation_is_seen() {
    for name in [
        "keys::victim_polynomial_planted",
        "keys::victim_sealing_planted",
    ] {
        if let Some(found) = complaints(name, &excused()) {
            assert!(!found.is_empty(), "{name}");
        }
    }
}
