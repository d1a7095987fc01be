//! Taproot 1 and 2 as the FROST library computes them: the same keys, shares and signature shares, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod dealt;

use std::collections::BTreeMap;
use std::sync::Arc;

use dealt::{commit, package, split, Dealt};
use frost_secp256k1_tr::keys::{EvenY, Tweak};
use frost_secp256k1_tr::{aggregate_with_tweak, round1, round2, Identifier, SigningPackage};
use hardfrost_frost::{aggregate, sign, DerivedGroup, DerivedShare};
use hardfrost_primitives::{Hash32, KeySpec, Message, Suite, Taproot};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use proptest::prelude::*;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

#[derive(Debug)]
struct Case {
    size: (u16, u16),
    secret: [u8; 32],
    root: Option<[u8; 32]>,
    message: [u8; 32],
    seed: [u8; 32],
}

fn case() -> impl Strategy<Value = Case> {
    let size = (2u16..=5).prop_flat_map(|count| (2..=count, Just(count)));
    let secret = any::<[u8; 32]>().prop_filter("a secret key", |bytes| {
        let scalar = Option::<Scalar>::from(Scalar::from_repr((*bytes).into()));
        scalar.is_some_and(|scalar| scalar != Scalar::ZERO)
    });
    let parts = (
        size,
        secret,
        any::<Option<[u8; 32]>>(),
        any::<[u8; 32]>(),
        any::<[u8; 32]>(),
    );
    parts.prop_map(|(size, secret, root, message, seed)| Case {
        size,
        secret,
        root,
        message,
        seed,
    })
}

fn spec(root: Option<[u8; 32]>) -> KeySpec {
    let taproot = root.map_or(Taproot::KeyPathOnly, |root| Taproot::Root(Hash32(root)));
    KeySpec::new(Vec::new(), taproot).unwrap()
}

/// Both libraries draw nonces from the same stream, in the same order.
fn nonces(
    dealt: &Dealt,
    who: &[u16],
    seed: [u8; 32],
) -> BTreeMap<Identifier, (round1::SigningNonces, round1::SigningCommitments)> {
    let mut rng = ChaCha20Rng::from_seed(seed);
    let draw = |number: &u16| {
        let package = &dealt.library[usize::from(*number) - 1];
        let drawn = round1::commit(package.signing_share(), &mut rng);
        (*package.identifier(), drawn)
    };
    who.iter().map(draw).collect()
}

/// Under equal nonces, equal signature shares are equal tweaked signing shares; those are shown to nobody.
fn same(case: &Case) {
    let mut rng = ChaCha20Rng::from_seed(case.seed);
    let dealt = split(&case.secret, case.size, &mut rng);
    let group = DerivedGroup::new(dealt.group.clone(), spec(case.root)).unwrap();
    let group = Arc::new(group);
    let public = dealt
        .library_public
        .clone()
        .tweak(case.root)
        .into_even_y(None);
    let key = public.verifying_key().serialize().unwrap();
    assert_eq!(group.output_key()[..], key[1..]);

    let (threshold, count) = case.size;
    let first = 1 + u16::from(case.seed[0]) % (count - threshold + 1);
    let who: Vec<u16> = (first..first + threshold).collect();
    let committed = commit(
        Suite::Tr,
        &dealt.shares,
        &who,
        &mut ChaCha20Rng::from_seed(case.seed),
    );
    let theirs = nonces(&dealt, &who, case.seed);
    let ours = package(Suite::Tr, &group, Message(case.message), &committed);
    let points = theirs.iter().map(|(id, (_, point))| (*id, *point));
    let package = SigningPackage::new(points.collect(), &case.message);
    let (mut our_shares, mut their_shares) = (BTreeMap::new(), BTreeMap::new());
    for ((share, drawn), (id, (nonces, _))) in committed.into_iter().zip(&theirs) {
        let library = &dealt.library[usize::from(share.member().number()) - 1];
        let root = case.root.as_ref().map(|root| &root[..]);
        let theirs = round2::sign_with_tweak(&package, nonces, library, root).unwrap();
        let derived = DerivedShare::new(share, group.clone()).unwrap();
        let made = sign(&derived, drawn, &ours).unwrap();
        assert_eq!(made.0[..], theirs.serialize());
        our_shares.insert(share.member(), made);
        their_shares.insert(*id, theirs);
    }
    let root = case.root.as_ref().map(|root| &root[..]);
    let theirs = aggregate_with_tweak(&package, &their_shares, &dealt.library_public, root);
    let made = aggregate(&ours, &our_shares).unwrap();
    assert_eq!(made.0[..], theirs.unwrap().serialize().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_tweak_is_the_librarys_tweak(case in case()) {
        same(&case);
    }
}
