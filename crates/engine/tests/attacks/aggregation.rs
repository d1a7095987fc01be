//! Aggregation, completion and blame.

use std::collections::BTreeMap;

use hardfrost_engine::{
    Aggregate, Code, Log, LogError, Rejection, SigningPackage, Staged, Verdict, VerifyShare,
};
use hardfrost_frost::{Candidate, ShareFault, SignatureShare};
use hardfrost_primitives::{KeySpec, Member, Message, SessionId, Taproot};

use crate::support::{code, durable, member, Bench, Node, Scripted, SUITE};

fn candidate(number: u16, fault: ShareFault) -> Candidate {
    Candidate {
        member: member(number),
        fault,
    }
}

/// A scalar that is no share of anything here.
const WRONG: SignatureShare = SignatureShare([1; 32]);
/// Above the group order.
const UNDECODABLE: SignatureShare = SignatureShare([0xff; 32]);

#[test]
fn e30_every_cheater_is_named_with_what_is_wrong() {
    let mut bench = Bench::new(5, 6);
    let package = bench.package(1, &[1, 2, 3, 5, 6]);
    let good = bench.shares(1, &package);
    let mut shares = good.clone();
    shares.insert(member(2), WRONG);
    shares.remove(&member(3));
    shares.insert(member(5), UNDECODABLE);
    shares.insert(member(6), WRONG);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let all = vec![
        candidate(2, ShareFault::Invalid),
        candidate(3, ShareFault::Missing),
        candidate(5, ShareFault::Undecodable),
        candidate(6, ShareFault::Invalid),
    ];
    let refused = bench.aggregate(1, request);
    assert_eq!(refused, Err(Rejection::InvalidSignatureShare(all)));
    // Where nothing is missing, the sum itself fails: again all of them, not the first.
    let mut shares = good.clone();
    shares.insert(member(2), WRONG);
    shares.insert(member(6), WRONG);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let both = vec![
        candidate(2, ShareFault::Invalid),
        candidate(6, ShareFault::Invalid),
    ];
    let refused = bench.aggregate(1, request);
    assert_eq!(refused, Err(Rejection::InvalidSignatureShare(both)));
    // A failed sum completes nothing.
    let request = bench.aggregate_request((1, 1), &package, &good);
    let signature = bench.aggregate(1, request).unwrap();
    assert!(bench.signing.is_signed_by(&signature));
}

/// Two keys in every engine, one message under both. A request names an attempt and nothing that verifies; the shares
/// are a perfect signature of the *other* key.
#[test]
fn e31_shares_of_another_key_are_all_named() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.make_another_key();
    let ours = bench
        .group
        .approve_raw(&bench.group.public.clone(), b"hello");
    let theirs = bench.group.approve_raw(&other, b"hello");
    assert_eq!(ours.message, theirs.message);
    bench.signing = ours.clone();
    bench.package(1, &[1, 2]);
    bench.signing = theirs.clone();
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    bench.signing = ours;
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let both = vec![
        candidate(1, ShareFault::Invalid),
        candidate(2, ShareFault::Invalid),
    ];
    let refused = bench.aggregate(1, request.clone());
    assert_eq!(refused, Err(Rejection::InvalidSignatureShare(both)));
    // Naming the other key beside our session names no attempt at all.
    let mut mixed = request;
    mixed.key.key_group = other.key_group().clone();
    let refused = code(bench.aggregate(1, mixed));
    assert_eq!(refused, Some(Code::SessionNotFound));
    assert_eq!(bench.node(1).records(5), 0);
    bench.signing = theirs;
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let signature = bench.aggregate(1, request).unwrap();
    assert!(bench.signing.is_signed_by(&signature));
}

#[test]
fn e32_a_completed_attempt_gives_no_signature_again() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let signature = bench.aggregate(1, request.clone()).unwrap();
    let mut forged = request.clone();
    forged.shares.insert(member(2), WRONG);
    for again in [request.clone(), forged] {
        let refused = code(bench.aggregate(1, again));
        assert_eq!(refused, Some(Code::AttemptAlreadyAggregated));
    }
    bench.node(1).restart();
    let refused = code(bench.aggregate(1, request));
    assert_eq!(refused, Some(Code::AttemptAlreadyAggregated));
    // Nothing that is stored holds a half of the signature.
    for record in bench.node(1).log.replay().unwrap() {
        for half in signature.0.chunks(32) {
            assert!(!record.as_bytes().windows(32).any(|window| window == half));
        }
    }
    bench.sign(2, &[1, 2]);
}

#[test]
fn e34_completion_needs_the_attempts_own_message_and_key_spec() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let keypath = KeySpec::new(vec![], Taproot::KeyPathOnly).unwrap();
    let other_message = SigningPackage {
        message: Message([5; 32]),
        ..package.clone()
    };
    let other_key = SigningPackage {
        key_spec: keypath,
        ..package.clone()
    };
    for wrong in [other_message, other_key] {
        let request = bench.aggregate_request((1, 1), &wrong, &shares);
        let refused = code(bench.aggregate(1, request));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    assert_eq!(bench.node(1).records(5), 0);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    bench.aggregate(1, request).unwrap();
}

#[test]
fn e34_an_attempt_is_completed_by_a_seat_that_opened_it() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 3), &package, &shares);
    let stranger = code(bench.aggregate(3, request));
    assert_eq!(stranger, Some(Code::SessionNotFound));
    for seat in [2, 3, 259] {
        // Not seats of this engine.
        let mut request = bench.aggregate_request((1, 1), &package, &shares);
        request.key.member = member(seat);
        let foreign = code(bench.aggregate(1, request));
        assert_eq!(foreign, Some(Code::SessionNotFound), "seat {seat}");
    }
    // A restart forgets the session, not what was signed in it.
    bench.node(1).restart();
    let request = bench.aggregate_request((1, 1), &package, &shares);
    bench.aggregate(1, request).unwrap();
}

#[test]
fn e36_two_aggregates_of_one_attempt_make_one_record() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let Node { engine, log, .. } = bench.node(1);
    // Three computations run side by side, outside the engine.
    let jobs = [(); 3].map(|()| engine.aggregate(request.clone()).unwrap());
    let [first, second, third] = jobs.map(|job| job.run().unwrap());
    let staged = engine.complete(first).unwrap();
    let meanwhile = code(engine.complete(second));
    assert_eq!(meanwhile, Some(Code::AttemptAlreadyAggregated));
    let started = code(engine.aggregate(request.clone()));
    assert_eq!(started, Some(Code::AttemptAlreadyAggregated));
    engine.release_signature(durable(staged, log)).unwrap();
    let late = code(engine.complete(third));
    assert_eq!(late, Some(Code::AttemptAlreadyAggregated));
    assert_eq!(bench.node(1).records(5), 1);
}

#[test]
fn e36_a_completion_that_was_not_written_may_be_tried_again() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let request: Aggregate = bench.aggregate_request((1, 1), &package, &shares);
    let engine = &mut bench.node(1).engine;
    let done = engine.aggregate(request.clone()).unwrap().run().unwrap();
    let staged = engine.complete(done).unwrap();
    let mut failing = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut failing)
        .err()
        .unwrap();
    engine.withdraw_signature(not);
    bench.aggregate(1, request).unwrap();
}

fn question(bench: &Bench, package: &SigningPackage, share: &[u8]) -> VerifyShare {
    VerifyShare {
        key_group: bench.signing.public.key_group().clone(),
        session: Some(bench.signing.session.clone()),
        key_spec: bench.signing.key_spec.clone(),
        suite: SUITE,
        package: package.clone(),
        member: member(1),
        share: share.to_vec(),
    }
}

#[test]
fn e37_a_share_is_bad_only_when_everything_else_is_in_order() {
    let mut bench = Bench::new(2, 3);
    let good = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &good);
    let share = shares[&member(1)].0;
    let long = [&share[..], &[0]].concat();
    let cases: [(&[u8], Verdict); 6] = [
        (&share, Verdict::Valid),
        (&share[..31], Verdict::Invalid),
        (&long, Verdict::Invalid),
        (&[], Verdict::Invalid),
        (&WRONG.0, Verdict::Invalid),
        (&UNDECODABLE.0, Verdict::Invalid),
    ];
    for (share, expected) in cases {
        for session in [None, Some(bench.signing.session.clone())] {
            let mut asked = question(&bench, &good, share);
            asked.session = session;
            // Member 3 neither opened the attempt nor signs: its approval is all it needs.
            let verdict = bench.node(3).engine.verify_share(&asked);
            assert_eq!(verdict, expected);
        }
    }
}

/// A good share and a bad one fare alike under whatever a coordinator may have done to the package: nobody is blamed.
#[test]
fn e37_a_coordinators_package_blames_no_member() {
    let mut bench = Bench::new(2, 3);
    let good = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &good);
    let spoilt: [fn(&mut VerifyShare); 11] = [
        |q| q.package.message = Message([7; 32]),
        |q| q.package.key_spec = KeySpec::new(vec![], Taproot::KeyPathOnly).unwrap(),
        |q| {
            q.key_spec = KeySpec::new(vec![], Taproot::KeyPathOnly).unwrap();
            q.package.key_spec = q.key_spec.clone();
        },
        |q| q.package.commitments.truncate(1),
        |q| q.package.commitments[1].hiding = [0; 33],
        |q| q.package.commitments[1].member = member(1),
        |q| q.package.commitments[1].member = member(9),
        |q| q.member = member(3),
        |q| q.member = member(9),
        |q| q.key_group = format!("02{}", "11".repeat(32)).parse().unwrap(),
        |q| q.session = Some(SessionId::new("unheard-of").unwrap()),
    ];
    for (place, spoil) in spoilt.iter().enumerate() {
        for share in [shares[&member(1)], WRONG, UNDECODABLE] {
            let mut asked = question(&bench, &good, &share.0);
            spoil(&mut asked);
            let verdict = bench.node(3).engine.verify_share(&asked);
            assert_eq!(verdict, Verdict::Indeterminate, "case {place}");
        }
    }
}

#[test]
fn e39_a_member_number_is_never_read_as_another() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 3]);
    let shares = bench.shares(1, &package);
    // 259 is 3 in the low byte.
    let mut narrowed = shares.clone();
    let third = narrowed.remove(&member(3)).unwrap();
    narrowed.insert(member(259), third);
    let request = bench.aggregate_request((1, 1), &package, &narrowed);
    let refused = code(bench.aggregate(1, request));
    assert_eq!(refused, Some(Code::ValidationError));
    let mut asked = question(&bench, &package, &third.0);
    asked.member = member(259);
    let verdict = bench.node(1).engine.verify_share(&asked);
    assert_eq!(verdict, Verdict::Indeterminate);
    asked.member = member(3);
    let verdict = bench.node(1).engine.verify_share(&asked);
    assert_eq!(verdict, Verdict::Valid);
    let mut bad: BTreeMap<Member, SignatureShare> = shares;
    bad.insert(member(3), WRONG);
    let request = bench.aggregate_request((1, 1), &package, &bad);
    let third = vec![candidate(3, ShareFault::Invalid)];
    let refused = bench.aggregate(1, request);
    assert_eq!(refused, Err(Rejection::InvalidSignatureShare(third)));
}
