//! Every bad share is named with what is wrong with it, and nothing is signed for a package that is not ours.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod dealt;

use std::collections::BTreeMap;
use std::sync::Arc;

use dealt::{commit, member, package, session, split, Dealt, Session, Task, SUITES};
use hardfrost_frost::{
    aggregate, sign, verify_share, AggregateError, Candidate, CheckedPackage, Commitments,
    DerivedGroup, DerivedShare, KeyShare, PackageError, ShareFault, ShareVerdict, SignError,
    SignatureShare, SigningNonces,
};
use hardfrost_primitives::{Hash32, KeySpec, Message, Suite, Taproot};
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

const MESSAGE: Message = Message([42; 32]);

fn group(seed: u8, size: (u16, u16)) -> (Dealt, ChaCha20Rng) {
    let mut rng = ChaCha20Rng::from_seed([seed; 32]);
    (split(&[seed; 32], size, &mut rng), rng)
}

fn task(suite: Suite, spec: &KeySpec) -> Task {
    Task {
        suite,
        spec: spec.clone(),
        message: MESSAGE,
    }
}

fn root() -> KeySpec {
    KeySpec::new(Vec::new(), Taproot::Root(Hash32([1; 32]))).unwrap()
}

fn derived(dealt: &Dealt, spec: &KeySpec) -> Arc<DerivedGroup> {
    Arc::new(DerivedGroup::new(dealt.group.clone(), spec.clone()).unwrap())
}

/// A share that decodes and is wrong. Each member errs in another byte, so that no two errors cancel in the sum.
fn bend(session: &mut Session, number: u16) {
    session.shares.get_mut(&member(number)).unwrap().0[usize::from(number)] ^= 1;
}

/// A share that is no scalar: above the group order.
fn garble(session: &mut Session, number: u16) {
    session
        .shares
        .insert(member(number), SignatureShare([255; 32]));
}

fn bad(list: &[(u16, ShareFault)]) -> AggregateError {
    let candidate = |(number, fault): &(u16, ShareFault)| Candidate {
        member: member(*number),
        fault: *fault,
    };
    AggregateError::BadShares(list.iter().map(candidate).collect())
}

#[test]
fn e30_all_cheaters_are_found_not_the_first() {
    SUITES
        .into_iter()
        .for_each(e30_all_cheaters_are_found_not_the_first_under);
}

fn e30_all_cheaters_are_found_not_the_first_under(suite: Suite) {
    use ShareFault::{Invalid, Missing, Undecodable};
    let (dealt, mut rng) = group(1, (5, 7));
    let who = [1, 3, 4, 6, 7];
    for spec in [KeySpec::group_key(), root()] {
        let mut fresh = || session(&dealt.shares, &who, &task(suite, &spec), &mut rng);
        for cheaters in [&[1][..], &[7], &[3, 6], &[1, 4, 7], &who] {
            let mut session = fresh();
            cheaters.iter().for_each(|m| bend(&mut session, *m));
            let expected: Vec<_> = cheaters.iter().map(|m| (*m, Invalid)).collect();
            let result = aggregate(&session.package, &session.shares);
            assert_eq!(result, Err(bad(&expected)));
        }
        let mut mixed = fresh();
        bend(&mut mixed, 1);
        garble(&mut mixed, 3);
        mixed.shares.remove(&member(6));
        bend(&mut mixed, 7);
        let expected = [(1, Invalid), (3, Undecodable), (6, Missing), (7, Invalid)];
        let result = aggregate(&mixed.package, &mixed.shares);
        assert_eq!(result, Err(bad(&expected)));
        let none = aggregate(&mixed.package, &BTreeMap::new());
        assert_eq!(none, Err(bad(&who.map(|m| (m, Missing)))));
    }
}

/// Two errors that cancel in the sum make a valid signature: the sum is what counts.
#[test]
fn shares_whose_errors_cancel_are_nobodys_crime() {
    SUITES
        .into_iter()
        .for_each(shares_whose_errors_cancel_are_nobodys_crime_under);
}

fn shares_whose_errors_cancel_are_nobodys_crime_under(suite: Suite) {
    let (dealt, mut rng) = group(2, (2, 3));
    let mut session = session(&dealt.shares, &[1, 2], &task(suite, &root()), &mut rng);
    for (number, error) in [(1, Scalar::ONE), (2, -Scalar::ONE)] {
        let share = session.shares.get_mut(&member(number)).unwrap();
        let honest = Scalar::from_repr(share.0.into()).unwrap();
        share.0 = (honest + error).to_bytes().into();
        let verdict = verify_share(&session.package, member(number), share);
        assert_eq!(verdict, ShareVerdict::Invalid);
    }
    let key = session.package.group().output_key();
    let signature = aggregate(&session.package, &session.shares).unwrap();
    assert!(signature.verifies(&MESSAGE, &key));
}

#[test]
fn e30_a_share_of_somebody_not_chosen_is_refused_before_anything_else() {
    SUITES
        .into_iter()
        .for_each(e30_a_share_of_somebody_not_chosen_is_refused_before_anything_else_under);
}

fn e30_a_share_of_somebody_not_chosen_is_refused_before_anything_else_under(suite: Suite) {
    let (dealt, mut rng) = group(3, (2, 3));
    let mut session = session(&dealt.shares, &[1, 2], &task(suite, &root()), &mut rng);
    bend(&mut session, 1);
    let share = session.shares[&member(2)];
    session.shares.insert(member(3), share);
    let refused = Err(AggregateError::NotChosen(member(3)));
    assert_eq!(aggregate(&session.package, &session.shares), refused);
}

#[test]
fn e37_a_verdict_blames_only_a_member_of_the_package() {
    SUITES
        .into_iter()
        .for_each(e37_a_verdict_blames_only_a_member_of_the_package_under);
}

fn e37_a_verdict_blames_only_a_member_of_the_package_under(suite: Suite) {
    let (dealt, mut rng) = group(4, (2, 4));
    let session = session(&dealt.shares, &[1, 3], &task(suite, &root()), &mut rng);
    let share = session.shares[&member(3)];
    let verdict = |number, share| verify_share(&session.package, member(number), &share);
    assert_eq!(verdict(3, share), ShareVerdict::Valid);
    assert_eq!(verdict(1, share), ShareVerdict::Invalid);
    let garbled = SignatureShare([255; 32]);
    assert_eq!(verdict(1, garbled), ShareVerdict::Undecodable);
    for not_chosen in [2, 4, 5, 259] {
        assert_eq!(verdict(not_chosen, share), ShareVerdict::NotChosen);
        assert_eq!(verdict(not_chosen, garbled), ShareVerdict::NotChosen);
    }
}

/// A share is of one package: neither another message, nor other commitments, nor another key spec.
#[test]
fn e37_a_share_of_another_package_is_invalid() {
    SUITES
        .into_iter()
        .for_each(e37_a_share_of_another_package_is_invalid_under);
}

fn e37_a_share_of_another_package_is_invalid_under(suite: Suite) {
    let (dealt, mut rng) = group(5, (2, 3));
    let mut of = |spec: &KeySpec, message| {
        let task = Task {
            message,
            ..task(suite, spec)
        };
        session(&dealt.shares, &[1, 2], &task, &mut rng)
    };
    let first = of(&root(), MESSAGE);
    for other in [
        of(&root(), MESSAGE),
        of(&root(), Message([43; 32])),
        of(&KeySpec::group_key(), MESSAGE),
    ] {
        let share = &other.shares[&member(1)];
        let verdict = verify_share(&first.package, member(1), share);
        assert_eq!(verdict, ShareVerdict::Invalid);
        let own = verify_share(&other.package, member(1), share);
        assert_eq!(own, ShareVerdict::Valid);
    }
}

#[test]
fn e31_only_the_key_of_our_own_share_signs() {
    SUITES
        .into_iter()
        .for_each(e31_only_the_key_of_our_own_share_signs_under);
}

fn e31_only_the_key_of_our_own_share_signs_under(suite: Suite) {
    let (dealt, mut rng) = group(6, (2, 3));
    let (stranger, _) = group(7, (2, 3));
    let spec = root();
    let bare = KeySpec::group_key();
    let ours = derived(&dealt, &spec);
    let theirs = derived(&stranger, &spec);
    assert!(DerivedShare::new(&dealt.shares[0], theirs.clone()).is_none());
    let share = DerivedShare::new(&dealt.shares[0], ours).unwrap();
    for other in [theirs, derived(&dealt, &bare)] {
        let mut committed = commit(suite, &dealt.shares, &[1, 2], &mut rng);
        let package = package(suite, &other, MESSAGE, &committed);
        let (_, nonces) = committed.swap_remove(0);
        assert_eq!(sign(&share, nonces, &package), Err(SignError::OtherKey));
    }
    // The same group and spec, computed twice, are the same key.
    let mut committed = commit(suite, &dealt.shares, &[1, 2], &mut rng);
    let package = package(suite, &derived(&dealt, &spec), MESSAGE, &committed);
    let (_, nonces) = committed.swap_remove(0);
    assert!(sign(&share, nonces, &package).is_ok());
}

#[test]
fn a_package_has_exactly_threshold_commitments_of_members() {
    SUITES
        .into_iter()
        .for_each(a_package_has_exactly_threshold_commitments_of_members_under);
}

fn a_package_has_exactly_threshold_commitments_of_members_under(suite: Suite) {
    let (dealt, mut rng) = group(8, (3, 5));
    let group = derived(&dealt, &root());
    let commitments = |who: &[u16], rng: &mut ChaCha20Rng| -> BTreeMap<_, _> {
        let committed = commit(suite, &dealt.shares, who, rng);
        let commitment = |(s, n): &(&KeyShare, SigningNonces)| (s.member(), n.commitments());
        committed.iter().map(commitment).collect()
    };
    let refused = |commitments| {
        CheckedPackage::new(suite, group.clone(), MESSAGE, commitments)
            .map(|_| ())
            .unwrap_err()
    };
    for who in [&[][..], &[1], &[1, 2], &[1, 2, 3, 4], &[1, 2, 3, 4, 5]] {
        let (threshold, actual) = (3, who.len());
        let expected = PackageError::Count { threshold, actual };
        assert_eq!(refused(commitments(who, &mut rng)), expected);
    }
    for stranger in [6, 259, u16::MAX] {
        let mut with_stranger = commitments(&[1, 2, 3], &mut rng);
        let commitment = with_stranger.remove(&member(3)).unwrap();
        with_stranger.insert(member(stranger), commitment);
        let expected = PackageError::NoSuchMember(member(stranger));
        assert_eq!(refused(with_stranger), expected);
    }
}

#[test]
fn nobody_signs_under_commitments_that_are_not_its_own() {
    SUITES
        .into_iter()
        .for_each(nobody_signs_under_commitments_that_are_not_its_own_under);
}

fn nobody_signs_under_commitments_that_are_not_its_own_under(suite: Suite) {
    let (dealt, mut rng) = group(9, (2, 3));
    let group = derived(&dealt, &root());
    let share = DerivedShare::new(&dealt.shares[0], group.clone()).unwrap();
    let not_ours = Err(SignError::NotOurCommitments);
    // Replaced by fresh ones of the same member.
    let replaced = package(
        suite,
        &group,
        MESSAGE,
        &commit(suite, &dealt.shares, &[1, 2], &mut rng),
    );
    let (_, nonces) = commit(suite, &dealt.shares, &[1], &mut rng).swap_remove(0);
    assert_eq!(sign(&share, nonces, &replaced), not_ours);
    // Left out.
    let left_out = package(
        suite,
        &group,
        MESSAGE,
        &commit(suite, &dealt.shares, &[2, 3], &mut rng),
    );
    let (_, nonces) = commit(suite, &dealt.shares, &[1], &mut rng).swap_remove(0);
    assert_eq!(sign(&share, nonces, &left_out), not_ours);
    // Given to another member, who does not take them for its own.
    let mut committed = commit(suite, &dealt.shares, &[1, 2], &mut rng);
    let package = package(suite, &group, MESSAGE, &committed);
    let (_, second) = committed.swap_remove(1);
    assert_eq!(sign(&share, second, &package), not_ours);
}

/// A share answers a package under a suite: the same members, nonces' distribution, message and key do not help.
#[test]
fn a_share_made_under_one_suite_is_invalid_under_the_other() {
    let (dealt, mut rng) = group(10, (2, 3));
    for suite in SUITES {
        let session = session(&dealt.shares, &[1, 2], &task(suite, &root()), &mut rng);
        assert_eq!(session.package.suite(), suite);
        let other = SUITES.into_iter().find(|other| *other != suite).unwrap();
        let group = session.package.group().clone();
        let commitments = session.package.commitments().clone();
        let moved = CheckedPackage::new(other, group, MESSAGE, commitments).unwrap();
        for (member, share) in &session.shares {
            let judged = [&session.package, &moved].map(|p| verify_share(p, *member, share));
            assert_eq!(judged, [ShareVerdict::Valid, ShareVerdict::Invalid]);
        }
    }
}

/// The proof behind BIP 445 covers small groups only.
#[test]
fn bip445_refuses_a_group_of_more_than_128_and_tr_does_not() {
    for (count, refused) in [(128, false), (129, true)] {
        let (dealt, mut rng) = group(11, (2, count));
        let group = derived(&dealt, &root());
        let commitments = commit(Suite::Bip445, &dealt.shares, &[1, 2], &mut rng);
        let commitments: BTreeMap<_, _> = commitments
            .iter()
            .map(|(share, nonces)| (share.member(), nonces.commitments()))
            .collect();
        let judge = |suite| CheckedPackage::new(suite, group.clone(), MESSAGE, commitments.clone());
        let suite = Suite::Bip445;
        let too_large = PackageError::GroupTooLarge { suite, count };
        assert_eq!(judge(suite).err(), refused.then_some(too_large));
        assert!(judge(Suite::Tr).is_ok());
    }
}

/// The last to commit can cancel everybody else's commitments. The standard goes on with G, and so do we: nobody is
/// blamed for the sum, and whoever does not sign then is found as always.
#[test]
fn commitments_that_cancel_are_nobodys_fault_under_bip445() {
    let (dealt, mut rng) = group(12, (2, 3));
    let group = derived(&dealt, &root());
    let mut committed = commit(Suite::Bip445, &dealt.shares, &[1, 2], &mut rng);
    let (share, nonces) = committed.swap_remove(0);
    let own = nonces.commitments();
    let negated = |mut point: [u8; 33]| {
        point[0] ^= 1;
        point
    };
    let second = Commitments::from_bytes(&negated(own.hiding()), &negated(own.binding())).unwrap();
    let commitments = [(share.member(), own), (member(2), second)].into();
    let package = CheckedPackage::new(Suite::Bip445, group.clone(), MESSAGE, commitments).unwrap();
    let derived = DerivedShare::new(share, group).unwrap();
    let made = sign(&derived, nonces, &package).unwrap();
    let verdict = verify_share(&package, share.member(), &made);
    assert_eq!(verdict, ShareVerdict::Valid);
}
