//! A share: all that is made of a signing share and two nonces is returned.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_primitives::{KeySpec, Message, Suite, Taproot};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::valgrind::{complaints, place, poisoned};
use super::{plant, shares};
use crate::{CheckedPackage, DerivedGroup, KeyShare, Region};

fn victim(suite: Suite, planted: bool) {
    let shares = shares(&Region::new().unwrap());
    let public = shares.first().unwrap().group().clone();
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let group = Arc::new(DerivedGroup::new(public, spec).unwrap());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut drawn: Vec<_> = shares
        .iter()
        .map(|s| s.commit(suite, &mut rng).unwrap())
        .collect();
    let members = shares.iter().map(KeyShare::member);
    let commitments = members.zip(drawn.iter().map(|nonces| nonces.commitments()));
    let commitments: BTreeMap<_, _> = commitments.collect();
    let message = Message([3; 32]);
    let package = CheckedPackage::new(suite, group.clone(), message, commitments).unwrap();
    let (share, nonces) = (shares.last().unwrap(), drawn.pop().unwrap());
    let secret = Box::new(*share.signing_share().read());
    let pair = nonces.read();
    poisoned(&[place(&*secret), place(&*pair.hiding), place(&*pair.binding)]);
    plant(planted, &secret);
    let made = package.session().share(share.member(), &secret, &pair);
    std::hint::black_box(made.is_some());
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
fn signing_branches_on_no_secret() {
    for name in ["signing::victim_bip445", "signing::victim_tr"] {
        if let Some(found) = complaints(name, &[]) {
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

#[test]
fn a_planted_branch_in_signing_is_seen() {
    if let Some(found) = complaints("signing::victim_planted", &[]) {
        assert!(!found.is_empty());
    }
}
