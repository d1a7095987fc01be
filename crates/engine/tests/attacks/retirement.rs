//! The end of sessions, and what churn and repetition cannot do.

use std::time::Duration;

use hardfrost_engine::{Changed, Code, FinalizeSession, Log, SigningPackage};
use hardfrost_frost::dkg::Seat;
use hardfrost_primitives::{Hash32, Limits, SessionId};

use crate::support::{at, code, member, Bench};

const FINAL: Option<Code> = Some(Code::SessionFinalized);

#[test]
fn e28_a_finalized_session_neither_opens_nor_signs() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    assert_eq!(bench.finalize(at(0), 1), Ok(Changed::Finalized));
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    for restart in [false, true] {
        if restart {
            bench.node(1).restart();
        }
        assert_eq!(code(bench.open(at(0), 1, 1)), FINAL);
        assert_eq!(code(bench.open(at(0), 2, 1)), FINAL);
        let late = code(bench.round2(at(0), (1, 1), &package));
        assert_eq!(late, Some(Code::SessionNotFound));
        assert_eq!(bench.finalize(at(0), 1), Ok(Changed::Finalized));
        // Approving the same request again does not bring it back.
        let artifact = crate::support::psbt(&bench.group.public, 1_000_000);
        let artifact = hardfrost_engine::Artifact::Psbt(artifact);
        let request = crate::support::approve(&bench.group.public, artifact);
        assert_eq!(code(bench.node(1).approve(at(0), request)), FINAL);
    }
    assert_eq!(bench.node(1).records(9), 1);
    bench.sign(3, &[2, 3]);
}

/// While the end is being written, both gates are closed already; the nonces wait for the outcome.
#[test]
fn e28_both_gates_close_when_the_end_is_decided() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = FinalizeSession {
        key_group: bench.signing.public.key_group().clone(),
        session: bench.signing.session.clone(),
    };
    let engine = &mut bench.node(1).engine;
    let staged = engine.finalize_session(at(0), request).unwrap();
    assert_eq!(code(bench.round2(at(0), (1, 1), &package)), FINAL);
    assert_eq!(code(bench.open(at(0), 2, 1)), FINAL);
    assert_eq!(bench.node(1).engine.live_attempts(), 1);
    drop(staged);
}

#[test]
fn a_session_that_nobody_heard_of_has_no_end() {
    let mut bench = Bench::new(2, 3);
    let request = FinalizeSession {
        key_group: bench.signing.public.key_group().clone(),
        session: SessionId::new("unheard-of").unwrap(),
    };
    let refused = bench.node(1).change(|e| e.finalize_session(at(0), request));
    assert_eq!(code(refused), Some(Code::SessionNotFound));
    assert_eq!(bench.node(1).records(9), 0);
}

/// Only shares complete a package, and they complete it once, under whatever attempt they are handed in.
#[test]
fn e35_one_package_is_completed_once_however_many_attempts_are_opened() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    bench.aggregate(1, request).unwrap();
    let again = |bench: &mut Bench, number: u32| {
        bench.open(at(0), number, 1).unwrap();
        let request = bench.aggregate_request((number, 1), &package, &shares);
        code(bench.aggregate(1, request))
    };
    let done = Some(Code::AttemptAlreadyAggregated);
    assert_eq!(again(&mut bench, 2), done);
    let mut turned: SigningPackage = package.clone();
    turned.commitments.reverse();
    bench.open(at(0), 3, 1).unwrap();
    let request = bench.aggregate_request((3, 1), &turned, &shares);
    assert_eq!(code(bench.aggregate(1, request)), done);
    bench.node(1).restart();
    assert_eq!(again(&mut bench, 4), done);
    assert_eq!(bench.node(1).records(5), 1);
    bench.sign(5, &[1, 2]);
}

/// Two attempts race to complete one package.
#[test]
fn e35_a_package_under_way_is_not_completed_twice() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    bench.open(at(0), 2, 1).unwrap();
    let requests = [1, 2].map(|n| bench.aggregate_request((n, 1), &package, &shares));
    let engine = &mut bench.node(1).engine;
    let [first, second] = requests.map(|r| engine.aggregate(r).unwrap().run().unwrap());
    let staged = engine.complete(first).unwrap();
    let refused = code(engine.complete(second));
    assert_eq!(refused, Some(Code::AttemptAlreadyAggregated));
    drop(staged);
}

#[test]
fn e40_a_finished_attempt_holds_no_slot() {
    let limits = Limits {
        live_attempts_max: 1,
        window: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    for number in 1..=5 {
        // Consumed.
        bench.sign(number, &[1, 2]);
        assert_eq!(bench.node(1).engine.live_attempts(), 0);
    }
    // Completed by others: this seat had only drawn.
    let third = bench.package(6, &[3]).commitments[0];
    let mut package = bench.package(6, &[1, 2]);
    let shares = bench.shares(6, &package);
    package.commitments.truncate(2);
    let request = bench.aggregate_request((6, 3), &package, &shares);
    bench.aggregate(3, request).unwrap();
    assert_eq!(bench.node(3).engine.live_attempts(), 0);
    // Past its deadline.
    assert_ne!(bench.package(7, &[3]).commitments[0], third);
    let refused = code(bench.open(at(601), 8, 3));
    assert_eq!(refused, Some(Code::SessionNotFound));
    assert_eq!(bench.node(3).engine.live_attempts(), 0);
}

/// Sessions come and go; the key stays, another is made meanwhile, and a session at work is never put out.
#[test]
fn e42_churn_of_sessions_neither_evicts_keys_nor_starves_a_new_one() {
    let limits = Limits {
        sessions_max: 2,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let busy = bench.signing.clone();
    let kept = bench.package(1, &[1]).commitments[0];
    for sats in 2..12 {
        bench.signing = bench.group.approve(sats * 1_000_000);
        bench.sign(1, &[1, 2]);
    }
    let dealt = bench.node(1).engine.dkg_deal(
        Seat {
            ceremony: Hash32([9; 32]),
            member: member(1),
            threshold: 2,
            count: 3,
        },
        &mut rand_chacha::rand_core::OsRng,
    );
    assert!(dealt.is_ok());
    bench.signing = busy;
    assert_eq!(bench.round1(at(0), 1, 1), Ok(kept));
    bench.group.make_another_key();
}

/// What a session's place in memory goes to is free; what its markers say is not forgotten.
#[test]
fn e43_a_session_put_out_of_memory_leaves_its_markers() {
    let limits = Limits {
        sessions_max: 1,
        markers_per_seat_max: 2,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let first = bench.signing.clone();
    bench.sign(1, &[1, 2]);
    bench.sign(2, &[1, 2]);
    for sats in 2..6 {
        bench.signing = bench.group.approve(sats * 1_000_000);
        bench.sign(1, &[1, 2]);
    }
    bench.signing = first;
    for number in [1, 2] {
        let spent = code(bench.open(at(0), number, 1));
        assert_eq!(spent, Some(Code::ConsumedNonceReplay));
    }
    // At the limit nothing old makes room: the newest is refused, before anything is drawn from its nonces.
    let package = bench.package(3, &[1, 2]);
    let full = code(bench.round2(at(0), (3, 1), &package));
    assert_eq!(full, Some(Code::CapacityExceeded));
    assert_eq!(bench.round1(at(0), 3, 1), Ok(package.commitments[0]));
}

/// A retired session's markers may go, because nothing of it is ever opened again.
#[test]
fn e43_what_retirement_forgets_the_gate_still_refuses() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    bench.shares(1, &package);
    bench.finalize(at(0), 1).unwrap();
    let node = bench.node(1);
    let snapshot = node.engine.snapshot(at(0)).unwrap();
    assert!(snapshot
        .iter()
        .all(|record| ![3, 4, 5].contains(&record.kind())));
    node.log = Default::default();
    node.log.append_durably(&snapshot).unwrap();
    node.restart();
    assert_eq!(code(bench.open(at(0), 1, 1)), FINAL);
    assert_eq!(code(bench.open(at(0), 2, 1)), FINAL);
    let key = bench.signing.key(1, 1);
    let Some(Code::SessionNotFound) = code(bench.round1(at(0), 1, 1)) else {
        panic!("{key:?} draws again")
    };
}

/// After a restart nobody knows the sessions any more, but the approvals say which there were.
#[test]
fn e42_what_a_restart_left_behind_can_be_finalized() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    let node = bench.node(1);
    node.restart();
    let day = Duration::from_secs(24 * 3600);
    let ends = 3600;
    assert_eq!(node.engine.left_behind(at(ends + 24 * 3600 - 1), day), []);
    let late = at(ends + 24 * 3600);
    let left = node.engine.left_behind(late, day);
    let [request] = left.as_slice() else {
        panic!("{left:?}");
    };
    let request = request.clone();
    assert_eq!(request.session, bench.signing.session);
    let node = bench.node(1);
    let done = node.change(|engine| engine.finalize_session(late, request));
    assert_eq!(done, Ok(Changed::Finalized));
    assert_eq!(node.engine.left_behind(late, day), []);
    assert_eq!(node.engine.status().records.consumed, 0);
}
