#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! An engine says what it holds and what it was asked, and no secret among it.

use std::collections::BTreeSet;

use hardfrost_engine::{serve, Code, Command, Counts, LogError, Operation, RecordCounts, Ticket};

mod support;

use support::{at, member, Bench, Node, Scripted};

#[test]
fn status_shows_keys_attempts_sessions_and_records() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    bench.package(2, &[1, 2]);
    bench.quarantine(at(0), 1, 3);
    let other = bench.group.approve(2_000_000);
    let session = other.session.clone();
    bench.rekey(at(0), 1, Some(session.clone()));
    let status = bench.node(1).engine.status();
    assert!(!status.faulted);
    assert_eq!((status.sessions, status.live_attempts), (1, 1));
    assert_eq!(
        (status.pending_shares, status.ceremonies, status.under_way),
        (0, 0, 0)
    );
    let [key] = &status.keys[..] else {
        panic!("{status:?}")
    };
    assert_eq!(&key.key_group, bench.signing.public.key_group());
    assert_eq!((key.threshold, key.count, key.share_epoch), (2, 3, 0));
    assert_eq!(key.seats, BTreeSet::from([member(1)]));
    assert_eq!(key.quarantined, BTreeSet::from([member(3)]));
    assert_eq!(
        (&key.rekeyed, &key.rekeyed_sessions[..]),
        (&None, &[session][..])
    );
    let expected = RecordCounts {
        installed: 1,
        pending: 0,
        approvals: 2,
        consumed: 1,
        completed: 1,
        rekeys: 1,
        quarantines: 1,
        retired: 0,
    };
    assert_eq!(status.records, expected);
    bench.finalize(at(0), 1).unwrap();
    bench.rekey(at(0), 1, None);
    bench.node(1).restart();
    let status = bench.node(1).engine.status();
    let expected = RecordCounts {
        approvals: 1,
        consumed: 0,
        completed: 0,
        rekeys: 2,
        retired: 1,
        ..expected
    };
    assert_eq!(status.records, expected);
    assert!(status.keys[0].rekeyed.is_some());
    assert_eq!((status.sessions, status.live_attempts), (0, 0));
    assert!(status.counters.is_empty());
}

#[test]
fn calls_successes_and_rejections_are_counted_by_operation_and_code() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let share = Command::Round2(bench.signing.round2(1, 1, &package));
    let drawn = Command::Round1(bench.signing.key(1, 1));
    let undrawn = Command::Round1(bench.signing.key(2, 1));
    let Node { engine, rng, .. } = bench.node(1);
    let mut log = Scripted::failing(LogError::NotWritten);
    let mut ask = |commands: &[&Command]| {
        let commands = commands.iter().map(|command| (*command).clone());
        let commands = (0..).map(Ticket).zip(commands).collect();
        serve(engine, &mut log, at(0), rng, commands);
    };
    // The log takes nothing, then everything; then the nonces are spent.
    ask(&[&drawn, &share, &undrawn]);
    ask(&[&share, &share]);
    ask(&[&share]);
    let counters = engine.status().counters;
    let operations: Vec<Operation> = counters.keys().copied().collect();
    assert_eq!(operations, [Operation::Round1, Operation::Round2]);
    let round2 = Counts {
        calls: 4,
        successes: 1,
        rejections: [(Code::CapacityExceeded, 1), (Code::ConsumedNonceReplay, 2)].into(),
        faults: 0,
    };
    assert_eq!(counters[&Operation::Round2], round2);
    let round1 = Counts {
        calls: 2,
        successes: 1,
        rejections: [(Code::SessionNotFound, 1)].into(),
        faults: 0,
    };
    assert_eq!(counters[&Operation::Round1], round1);
}

#[test]
fn a_faulted_engine_says_so() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let share = Command::Round2(bench.signing.round2(1, 1, &package));
    let Node { engine, rng, .. } = bench.node(1);
    let mut log = Scripted::failing(LogError::Unknown);
    serve(engine, &mut log, at(0), rng, vec![(Ticket(1), share)]);
    let status = engine.status();
    assert!(status.faulted);
    assert_eq!((status.live_attempts, status.sessions), (0, 0));
    assert_eq!(status.keys.len(), 1);
}
