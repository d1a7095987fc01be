//! Key generation without a dealer ends in one group, whose members sign; whoever spoils it is named.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod ceremony;
mod dealt;

use std::collections::BTreeMap;

use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{PublicKey, SECP256K1};
use ceremony::{seat, Dealt, Sealed};
use dealt::{member, session, Scripted, Task, SUITES};
use hardfrost_frost::dkg::{deal, DkgFault};
use hardfrost_frost::{aggregate, GroupPublic, GroupPublicError, KeyShare, Region};
use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Message, Taproot};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

fn dealt(size: (u16, u16), seed: u64) -> Dealt {
    Dealt::with(size, |number| {
        ChaCha20Rng::seed_from_u64(seed * 1000 + u64::from(number))
    })
}

fn sealed(size: (u16, u16), seed: u64) -> Sealed {
    dealt(size, seed).seal()
}

/// With and without a child path, each taproot.
fn specs() -> Vec<KeySpec> {
    let taproots = [
        Taproot::Untweaked,
        Taproot::KeyPathOnly,
        Taproot::Root(Hash32([5; 32])),
    ];
    let path: Vec<ChildIndex> = [3, 0, 77].map(|i| ChildIndex::new(i).unwrap()).into();
    let of = |path: &Vec<ChildIndex>| taproots.map(|t| KeySpec::new(path.clone(), t).unwrap());
    [of(&Vec::new()), of(&path)].concat()
}

/// P is P0 with an unspendable script path: computed by another library.
fn assert_unspendable_tweak(group: &GroupPublic) {
    let p0 = PublicKey::from_slice(group.internal_key()).unwrap();
    let (output, _) = p0.x_only_public_key().0.tap_tweak(SECP256K1, None);
    let key = group.verifying_key();
    assert_eq!(key[0], 2);
    assert_eq!(key[1..], output.serialize());
}

fn assert_all_sign(shares: &[KeyShare], quorums: &[Vec<u16>], rng: &mut ChaCha20Rng) {
    let mut keys = BTreeMap::new();
    let specs = specs();
    let tasks = specs.iter().flat_map(|spec| {
        SUITES.map(|suite| Task {
            suite,
            spec: spec.clone(),
            message: Message(Hash32::of(&spec.to_bytes()).0),
        })
    });
    for task in tasks {
        for who in quorums {
            let session = session(shares, who, &task, rng);
            let key = session.package.group().output_key();
            let signature = aggregate(&session.package, &session.shares).unwrap();
            assert!(
                signature.verifies(&task.message, &key),
                "{task:?} by {who:?}"
            );
            keys.insert(key, task.spec.clone());
        }
    }
    assert_eq!(keys.len(), specs.len(), "each spec has a key of its own");
}

#[test]
fn any_threshold_of_a_generated_group_signs_under_every_key_spec() {
    for (seed, size) in [(2, 2), (2, 3), (3, 5), (5, 7)].into_iter().enumerate() {
        let seed = u64::try_from(seed).unwrap();
        let (threshold, count) = size;
        let shares = sealed(size, seed).open();
        let group = shares[0].group();
        assert_eq!((group.threshold(), group.count()), size);
        assert!(shares.iter().all(|share| share.group() == group));
        assert_unspendable_tweak(group);
        let read = GroupPublic::from_bytes(&group.to_bytes());
        assert_eq!(read.as_ref(), Ok(group.as_ref()));

        let first: Vec<u16> = (1..=threshold).collect();
        let last: Vec<u16> = (count - threshold + 1..=count).collect();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        assert_all_sign(&shares, &[first, last], &mut rng);
    }
}

#[test]
fn a_share_survives_its_own_bytes_and_fits_no_other_seat() {
    let shares = sealed((2, 3), 4).open();
    let bytes = shares[0].dangerous_to_bytes();
    let group = shares[0].group();
    let region = Region::new().unwrap();
    assert!(KeyShare::from_bytes(member(1), &bytes, group.clone(), &region).is_ok());
    let refused = |number| {
        KeyShare::from_bytes(member(number), &bytes, group.clone(), &region)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(refused(2).contains("does not fit"));
    assert!(refused(4).contains("no member 4"));
}

/// The last to show chooses its constant term so that the sum is a key of its own: x·G less everybody else's. It cannot
/// know the secret of that, and neither a proof of its own nor one of another member proves it.
#[test]
fn k05_a_rogue_key_proves_nothing_and_is_named() {
    let mut dealt = dealt((2, 3), 9);
    let (first, second) = (
        dealt.shown[&member(1)].clone(),
        dealt.shown[&member(2)].clone(),
    );
    let point = |bytes: &[u8; 33]| PublicKey::from_slice(bytes).unwrap();
    let rogue = dealt.shown.get_mut(&member(3)).unwrap();
    let own = point(&rogue.commitment[0]);
    let others = [&first, &second].map(|shown| point(&shown.commitment[0]).negate(SECP256K1));
    let chosen = PublicKey::combine_keys(&[&own, &others[0], &others[1]]).unwrap();
    rogue.commitment[0] = chosen.serialize();
    let with_own_proof = rogue.clone();
    let mut copied = with_own_proof.clone();
    copied.commitment[0] = second.commitment[0];
    copied.proof_of_knowledge = second.proof_of_knowledge;
    let mut with_a_copied_proof = with_own_proof.clone();
    with_a_copied_proof.proof_of_knowledge = second.proof_of_knowledge;
    for shown in [with_own_proof, copied, with_a_copied_proof] {
        let mut dealt = self::dealt((2, 3), 9);
        dealt.shown.insert(member(3), shown);
        let refused = dealt.seal_as(1).map(|_| ()).unwrap_err();
        assert_eq!(refused, DkgFault::ProofOfKnowledge(member(3)));
    }
}

#[test]
fn k08_a_group_key_that_may_hide_a_script_path_is_refused() {
    let shares = sealed((2, 3), 5).open();
    let group = shares[0].group();
    let bytes = group.to_bytes();
    // Another internal key under the same handle: P is then P0 with any tweak, perhaps a script's.
    let mut other_p0 = bytes.clone();
    other_p0[4 + 66..][..33].copy_from_slice(&group.verifying_shares()[0]);
    let refused = Err(GroupPublicError::HiddenScriptPath);
    assert_eq!(GroupPublic::from_bytes(&other_p0), refused);
    // P0 itself as the handle: no tweak at all.
    let mut other_handle = bytes.clone();
    let untweaked = hex::encode(group.internal_key());
    other_handle[4..4 + 66].copy_from_slice(untweaked.as_bytes());
    assert_eq!(GroupPublic::from_bytes(&other_handle), refused);
    // A dealt key is such a key, and cannot come back from bytes.
    let secret = [9; 32];
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let dealt = dealt::split(&secret, (2, 3), &mut rng).group.to_bytes();
    assert_eq!(GroupPublic::from_bytes(&dealt), refused);
}

#[test]
fn group_public_bytes_of_another_shape_are_refused() {
    let group = sealed((2, 3), 6).open()[0].group().clone();
    let bytes = group.to_bytes();
    for cut in 0..bytes.len() {
        assert_eq!(
            GroupPublic::from_bytes(&bytes[..cut]),
            Err(GroupPublicError::Layout)
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        GroupPublic::from_bytes(&longer),
        Err(GroupPublicError::Layout)
    );
    let mut high_threshold = bytes.clone();
    high_threshold[4 + 66 + 33 + 1] = 4;
    let (threshold, count) = (4, 3);
    let size = GroupPublicError::Size { threshold, count };
    assert_eq!(GroupPublic::from_bytes(&high_threshold), Err(size));
    let mut no_point = bytes;
    no_point[4 + 66] = 9;
    assert_eq!(
        GroupPublic::from_bytes(&no_point),
        Err(GroupPublicError::NoPoint)
    );
}

#[test]
fn a_ceremony_of_impossible_size_does_not_begin() {
    for size in [(1, 3), (0, 3), (4, 3), (1, 1)] {
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let begun = deal(seat(1, size), &Region::new().unwrap(), &mut rng).map(|_| ());
        assert_eq!(begun, Err(DkgFault::Size), "{size:?}");
    }
}

#[test]
fn a_missing_or_foreign_contribution_stops_the_ceremony() {
    let mut missing = dealt((2, 3), 7);
    missing.shown.remove(&member(3));
    assert_eq!(missing.seal_as(1).map(|_| ()), Err(DkgFault::Incomplete));
    let mut foreign = dealt((2, 3), 7);
    let copy = foreign.shown[&member(3)].clone();
    foreign.shown.insert(member(4), copy);
    assert_eq!(foreign.seal_as(1).map(|_| ()), Err(DkgFault::Incomplete));

    let mut unsent = sealed((2, 3), 7);
    unsent.sealed.remove(&member(2));
    let opened = unsent.open_as(1).map(|_| ());
    assert_eq!(opened, Err(DkgFault::Incomplete));
}

/// Shares of another polynomial, of a higher degree or of another key make some choice of signers useless, or lead it
/// to another key: a group public that holds one is none.
#[test]
fn a_group_public_whose_shares_are_not_shares_of_its_key_is_refused() {
    let shares = sealed((2, 4), 9).open();
    let group = shares[0].group();
    let rebuilt = |threshold, change: &dyn Fn(&mut Vec<[u8; 33]>)| {
        let mut shares = group.verifying_shares();
        change(&mut shares);
        GroupPublic::new(*group.internal_key(), threshold, &shares)
    };
    assert_eq!(rebuilt(2, &|_| ()).as_ref(), Ok(group.as_ref()));
    // A polynomial of degree 1 is one of degree at most 2 and 3.
    assert!(rebuilt(3, &|_| ()).is_ok() && rebuilt(4, &|_| ()).is_ok());
    let inconsistent = Err(GroupPublicError::Inconsistent);
    assert_eq!(rebuilt(2, &|shares| shares.swap(2, 3)), inconsistent);
    assert_eq!(rebuilt(2, &|shares| shares[3][0] ^= 1), inconsistent);
    assert_eq!(rebuilt(2, &|shares| shares.rotate_left(1)), inconsistent);
    let negated = |shares: &mut Vec<[u8; 33]>| shares.iter_mut().for_each(|share| share[0] ^= 1);
    assert_eq!(rebuilt(2, &negated), inconsistent);
}

/// What member 1 says when something of member 3's round-1 contribution is replaced.
fn judged(spoil: impl FnOnce(&mut Dealt)) -> DkgFault {
    let mut dealt = dealt((2, 3), 8);
    spoil(&mut dealt);
    dealt.seal_as(1).map(|_| ()).unwrap_err()
}

#[test]
fn whoever_spoils_round_1_is_named() {
    let third = member(3);
    let named = |fault: DkgFault, expected: DkgFault| {
        assert_eq!(fault, expected);
        assert_eq!(fault.culprit(), Some(third));
    };
    let shown = |dealt: &mut Dealt, number| dealt.shown.get_mut(&member(number)).unwrap().clone();
    let no_point = judged(|d| d.shown.get_mut(&third).unwrap().commitment[1] = [0; 33]);
    named(no_point, DkgFault::Commitment(third));
    let too_few = judged(|d| d.shown.get_mut(&third).unwrap().commitment.truncate(1));
    named(too_few, DkgFault::Commitment(third));
    let too_many = judged(|d| {
        let third = d.shown.get_mut(&third).unwrap();
        third.commitment.push(third.commitment[0]);
    });
    named(too_many, DkgFault::Commitment(third));

    let copied = judged(|d| {
        let proof = shown(d, 2).proof_of_knowledge;
        d.shown.get_mut(&third).unwrap().proof_of_knowledge = proof;
    });
    named(copied, DkgFault::ProofOfKnowledge(third));
    let undecodable = judged(|d| d.shown.get_mut(&third).unwrap().proof_of_knowledge = [255; 64]);
    named(undecodable, DkgFault::ProofOfKnowledge(third));

    let bent = judged(|d| d.shown.get_mut(&third).unwrap().possession[40] ^= 1);
    named(bent, DkgFault::Possession(third));
    let no_key = judged(|d| d.shown.get_mut(&third).unwrap().ephemeral = [0; 33]);
    named(no_key, DkgFault::Possession(third));
}

#[test]
fn a_proof_of_possession_of_another_ceremony_is_worth_nothing() {
    let fault = judged(|d| {
        let mut elsewhere = seat(3, (2, 3));
        elsewhere.ceremony = Hash32([6; 32]);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (_, shown) = deal(elsewhere, &Region::new().unwrap(), &mut rng).unwrap();
        d.shown.insert(member(3), shown);
    });
    assert_eq!(fault, DkgFault::Possession(member(3)));
}

/// A copied key without its secret convicts the copier; with the secret, both hold it and nobody is named.
#[test]
fn a_copied_ephemeral_key_names_its_copier_where_it_can() {
    for victim in [1, 2] {
        let copied = judged(|d| {
            let original = d.shown[&member(victim)].clone();
            let third = d.shown.get_mut(&member(3)).unwrap();
            third.ephemeral = original.ephemeral;
            third.possession = original.possession;
        });
        assert_eq!(copied, DkgFault::Possession(member(3)));
    }
    let script = |number: u16| ChaCha20Rng::seed_from_u64(u64::from(number.min(2)));
    let shared = Dealt::with((2, 3), script).seal_as(1).map(|_| ());
    let both = DkgFault::CopiedEphemeral(member(2), member(3));
    assert_eq!(shared, Err(both));
    assert_eq!(both.culprit(), None);
}

/// A constant term that cancels all others' needs no known secret, so its proof fails and names its author.
#[test]
fn a_constant_term_that_cancels_the_key_names_its_author() {
    let mut dealt = dealt((2, 2), 9);
    let mut cancelling = dealt.shown[&member(1)].commitment[0];
    cancelling[0] ^= 1;
    dealt.shown.get_mut(&member(2)).unwrap().commitment[0] = cancelling;
    let fault = dealt.seal_as(1).map(|_| ());
    assert_eq!(fault, Err(DkgFault::ProofOfKnowledge(member(2))));
}

#[test]
fn a_sum_that_is_no_key_is_nobodys_fault() {
    let secret = Scalar::from(1234u64);
    let script = |number: u16| {
        let secret = if number == 1 { secret } else { -secret };
        Scripted::new([secret.to_repr().into()], number.into())
    };
    let fault = Dealt::with((2, 2), script).seal_as(1).map(|_| ());
    assert_eq!(fault, Err(DkgFault::NoKey));
    assert_eq!(DkgFault::NoKey.culprit(), None);
}

#[test]
fn whoever_seals_a_share_that_does_not_open_is_named() {
    let spoilt = |spoil: fn(&mut Sealed)| {
        let mut sealed = sealed((2, 3), 10);
        spoil(&mut sealed);
        let fault = sealed.open_as(1).map(|_| ()).unwrap_err();
        assert_eq!(fault.culprit(), Some(member(3)));
        fault
    };
    let bent = spoilt(|s| {
        s.sealed
            .get_mut(&member(3))
            .unwrap()
            .get_mut(&member(1))
            .unwrap()[0] ^= 1
    });
    assert_eq!(bent, DkgFault::Sealed(member(3)));
    // The share meant for another, and our own sealed share sent back: neither has our direction's key.
    let swapped = spoilt(|s| {
        let other = s.sealed[&member(3)][&member(2)];
        s.sealed
            .get_mut(&member(3))
            .unwrap()
            .insert(member(1), other);
    });
    assert_eq!(swapped, DkgFault::Sealed(member(3)));
    let mirrored = spoilt(|s| {
        let ours = s.sealed[&member(1)][&member(3)];
        s.sealed
            .get_mut(&member(3))
            .unwrap()
            .insert(member(1), ours);
    });
    assert_eq!(mirrored, DkgFault::Sealed(member(3)));
}

#[test]
fn shares_sealed_after_another_transcript_do_not_open() {
    let mut ours = sealed((2, 3), 11);
    let mut theirs = dealt((2, 3), 11);
    let others = theirs.others(member(2));
    let second = theirs.dealings.remove(&member(2)).unwrap();
    let (_, other) = second.seal(Hash32([9; 32]), &others).unwrap();
    ours.sealed.insert(member(2), other);
    let fault = ours.open_as(1).map(|_| ());
    assert_eq!(fault, Err(DkgFault::Sealed(member(2))));
}

/// Member 3 shows one polynomial and seals with another, under one ephemeral key.
#[test]
fn whoever_seals_a_share_off_its_commitment_is_named() {
    let with = |third: u8| {
        Dealt::with((2, 3), |number| {
            let first = if number == 3 { third } else { 10 };
            Scripted::new([[first; 32], [first + 1; 32]], number.into())
        })
    };
    let (mut shown, mut meant) = (with(30), with(40));
    let (one, other) = (&shown.shown[&member(3)], &meant.shown[&member(3)]);
    assert_eq!(one.ephemeral, other.ephemeral);
    assert_ne!(one.commitment, other.commitment);
    let third = meant.dealings.remove(&member(3)).unwrap();
    shown.dealings.insert(member(3), third);
    let mut sealed = shown.seal();
    for number in [1, 2] {
        let fault = sealed.open_as(number).map(|_| ()).unwrap_err();
        assert_eq!(fault, DkgFault::Share(member(3)));
        assert_eq!(fault.culprit(), Some(member(3)));
    }
}
