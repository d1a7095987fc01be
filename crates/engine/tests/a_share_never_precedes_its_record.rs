#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! No share leaves before the record that its nonces are spent is durable, and none leaves without it.

use hardfrost_engine::{serve, Command, EncodedRecord, Log, LogError, MemoryLog, Reply, Ticket};

mod support;

use support::{at, Bench, Node, Scripted};

/// The share's marker as the log has it: attempt and seat stand in it word for word.
fn has_marker(records: &[EncodedRecord], bench: &Bench, seat: u16) -> bool {
    let key = borsh::to_vec(&bench.signing.key(1, seat)).unwrap();
    let marks = |r: &&EncodedRecord| r.kind() == 4 && r.as_bytes().starts_with(&key);
    records.iter().filter(marks).count() == 1
}

fn ask(bench: &mut Bench, seat: u16, log: &mut impl Log, command: Command) -> Reply {
    let Node { engine, rng, .. } = bench.node(seat);
    let replies = serve(engine, log, at(0), rng, vec![(Ticket(7), command)]);
    let [(Ticket(7), reply)] = &replies[..] else {
        panic!("{replies:?}")
    };
    reply.clone()
}

#[test]
fn a_share_in_a_reply_has_its_record_in_the_log() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    for seat in [1, 2] {
        let command = Command::Round2(bench.signing.round2(1, seat, &package));
        let mut log = MemoryLog::default();
        let reply = ask(&mut bench, seat, &mut log, command);
        assert!(matches!(reply, Reply::Share(_)), "{reply:?}");
        assert!(has_marker(&log.replay().unwrap(), &bench, seat));
    }
}

#[test]
fn without_its_record_no_share_leaves() {
    for error in [LogError::NotWritten, LogError::Unknown] {
        let mut bench = Bench::new(2, 3);
        let package = bench.package(1, &[1, 2]);
        let command = Command::Round2(bench.signing.round2(1, 1, &package));
        let mut log = Scripted::failing(error);
        let reply = ask(&mut bench, 1, &mut log, command.clone());
        assert!(matches!(reply, Reply::Rejected(_)), "{reply:?}");
        assert!(log.replay().unwrap().is_empty());
        // The next append would succeed: only what was not written at all may still become a share.
        let reply = ask(&mut bench, 1, &mut log, command);
        let released = matches!(reply, Reply::Share(_));
        assert_eq!(released, error == LogError::NotWritten, "{reply:?}");
        assert_eq!(has_marker(&log.replay().unwrap(), &bench, 1), released);
    }
}

#[test]
fn a_signature_in_a_reply_has_its_completion_in_the_log() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let command = Command::Aggregate(bench.aggregate_request((1, 1), &package, &shares));
    let mut log = Scripted::failing(LogError::NotWritten);
    let reply = ask(&mut bench, 1, &mut log, command.clone());
    assert!(matches!(reply, Reply::Rejected(_)), "{reply:?}");
    let reply = ask(&mut bench, 1, &mut log, command);
    assert!(matches!(reply, Reply::Signed(_)), "{reply:?}");
    let kinds: Vec<u8> = log
        .replay()
        .unwrap()
        .iter()
        .map(EncodedRecord::kind)
        .collect();
    assert_eq!(kinds, [5]);
}
