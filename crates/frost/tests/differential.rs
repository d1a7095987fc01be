//! Taproot 1 and 2 as the FROST library computes them: the same keys, shares and signature shares, byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod dealt;
mod many;

use std::collections::BTreeMap;
use std::sync::Arc;

use dealt::{commit, package, split, Dealt};
use frost_secp256k1_tr::keys::{EvenY, Tweak};
use frost_secp256k1_tr::{aggregate_with_tweak, round1, round2, Identifier, SigningPackage};
use hardfrost_frost::{
    aggregate, sign, verify_share, CheckedPackage, Commitments, DerivedGroup, DerivedShare,
    ShareVerdict, SignatureShare,
};
use hardfrost_primitives::{Hash32, KeySpec, Message, Suite, Taproot};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use many::many;
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
        judged(
            (&ours, &made, share.member()),
            (&package, &public),
            case.seed[1],
        );
        our_shares.insert(share.member(), made);
        their_shares.insert(*id, theirs);
    }
    let root = case.root.as_ref().map(|root| &root[..]);
    let theirs = aggregate_with_tweak(&package, &their_shares, &dealt.library_public, root);
    let made = aggregate(&ours, &our_shares).unwrap();
    assert_eq!(made.0[..], theirs.unwrap().serialize().unwrap());
}

/// One bit of a share flips: ours and the library say the same of it.
fn judged(
    ours: (
        &CheckedPackage,
        &SignatureShare,
        hardfrost_primitives::Member,
    ),
    theirs: (&SigningPackage, &frost_secp256k1_tr::keys::PublicKeyPackage),
    bit: u8,
) {
    let (package, made, member) = ours;
    let mut bent = *made;
    bent.0[usize::from(bit / 8)] ^= 1 << (bit % 8);
    let id = Identifier::try_from(member.number()).unwrap();
    for share in [*made, bent] {
        let verdict = verify_share(package, member, &share);
        let Ok(decoded) = round2::SignatureShare::deserialize(&share.0) else {
            assert_eq!(verdict, ShareVerdict::Undecodable);
            continue;
        };
        let (of, public) = theirs;
        let verifying = &public.verifying_shares()[&id];
        let key = public.verifying_key();
        let fits = frost_core::verify_signature_share(id, verifying, &decoded, of, key).is_ok();
        assert_eq!(verdict == ShareVerdict::Valid, fits);
        assert_eq!(fits, share == *made);
    }
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

fn seeded(size: (u16, u16), seed: u64) -> Case {
    use rand_chacha::rand_core::RngCore;
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut bytes = [[0; 32]; 4];
    bytes.iter_mut().for_each(|bytes| rng.fill_bytes(bytes));
    let [secret, root, message, seed] = bytes;
    let root = (message[0] & 1 == 0).then_some(root);
    Case {
        size,
        secret,
        root,
        message,
        seed,
    }
}

/// Larger than what the random cases reach: sums in several batches.
#[test]
fn a_large_session_is_the_librarys_session() {
    for (size, seed) in [((17, 20), 1), ((67, 70), 2)] {
        same(&seeded(size, seed));
    }
}

/// `just differential`: minutes, in release.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_sessions_are_the_librarys_sessions() {
    many("sessions under `tr`", 100_000, |seed| {
        let count = 2 + u16::try_from(seed % 4).unwrap();
        let threshold = 2 + u16::try_from(seed / 4 % 12).unwrap() % (count - 1);
        same(&seeded((threshold, count), seed));
    });
}

/// A signer that copies another's commitments cannot sign, but everybody else does what the library does: points that
/// are equal, or cancel, meet in the sums.
#[test]
fn copied_commitments_are_summed_as_the_library_sums_them() {
    let case = seeded((40, 40), 3);
    let mut rng = ChaCha20Rng::from_seed(case.seed);
    let dealt = split(&case.secret, case.size, &mut rng);
    let group = Arc::new(DerivedGroup::new(dealt.group.clone(), KeySpec::group_key()).unwrap());
    let who: Vec<u16> = (1..=40).collect();
    let mut committed = commit(Suite::Tr, &dealt.shares, &who, &mut rng.clone());
    let first = committed.remove(0);
    let own = first.1.commitments();
    let opposite = |bytes: [u8; 33]| [&[bytes[0] ^ 1][..], &bytes[1..]].concat();
    let opposite = [opposite(own.hiding()), opposite(own.binding())].map(|b| b.try_into().unwrap());
    let opposite = Commitments::from_bytes(&opposite[0], &opposite[1]).unwrap();
    let member = |number: u16| hardfrost_primitives::Member::new(number).unwrap();
    let copied: BTreeMap<_, _> = (2..=40)
        .map(|n| (member(n), if n % 3 == 0 { opposite } else { own }))
        .chain([(member(1), own)])
        .collect();
    let point = |bytes: &[u8]| round1::NonceCommitment::deserialize(bytes).unwrap();
    let points = copied.iter().map(|(m, c)| {
        let id = Identifier::try_from(m.number()).unwrap();
        let (hiding, binding) = (point(&c.hiding()), point(&c.binding()));
        (id, round1::SigningCommitments::new(hiding, binding))
    });
    let message = Message(case.message);
    let package = SigningPackage::new(points.collect(), &case.message);
    let ours = CheckedPackage::new(Suite::Tr, group.clone(), message, copied).unwrap();
    let share = DerivedShare::new(first.0, group).unwrap();
    let made = sign(&share, first.1, &ours).unwrap();
    let library = &dealt.library[0];
    let (nonces, _) = round1::commit(library.signing_share(), &mut rng);
    let expected = round2::sign(&package, &nonces, library).unwrap();
    assert_eq!(made.0[..], expected.serialize());
}
