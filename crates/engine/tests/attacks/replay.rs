//! Records and seats: crashes, failing writes, sibling seats, delayed opens.

use hardfrost_engine::{Abort, Code, Engine, LogError, MemoryLog, Staged};
use hardfrost_primitives::Limits;

use crate::support::{at, code, durable, Bench, Group, Node, Scripted};

#[test]
fn e03_a_crash_between_marker_and_share_only_kills_the_attempt() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let Node { engine, log, .. } = bench.node(1);
    let committed = durable(engine.round2(at(0), request).unwrap(), log);
    drop(committed);
    bench.node(1).restart();
    let refused = [
        code(bench.open(at(0), 1, 1)),
        code(bench.round1(at(0), 1, 1)),
        code(bench.round2(at(0), (1, 1), &package)),
    ];
    assert_eq!(refused, [Some(Code::ConsumedNonceReplay); 3]);
    bench.sign(2, &[1, 2]);
}

/// Stages a share, lets the write fail and tells the engine.
fn fail_to_write(bench: &mut Bench, error: LogError) -> hardfrost_engine::SigningPackage {
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let engine = &mut bench.node(1).engine;
    let staged = engine.round2(at(0), request).unwrap();
    let mut log = Scripted::failing(error);
    let uncommitted = Staged::commit_all(vec![staged], &mut log).err().unwrap();
    assert_eq!(uncommitted.cause(), error);
    engine.withdraw(uncommitted);
    package
}

#[test]
fn e04_nothing_written_leaves_the_nonces_live() {
    let mut bench = Bench::new(2, 3);
    let package = fail_to_write(&mut bench, LogError::NotWritten);
    assert_eq!(bench.round1(at(0), 1, 1), Ok(package.commitments[0]));
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let signature = bench.aggregate(1, request).unwrap();
    assert!(bench.signing.is_signed_by(&signature));
}

#[test]
fn e04_an_unknown_write_destroys_the_nonces_and_stops_the_engine() {
    let mut bench = Bench::new(2, 3);
    let package = fail_to_write(&mut bench, LogError::Unknown);
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    let abort = Abort {
        key_group: bench.signing.public.key_group().clone(),
        session: bench.signing.session.clone(),
        attempt: None,
        member: None,
    };
    let context = bench.signing.context(2);
    let engine = &mut bench.node(1).engine;
    let derived = code(engine.derive_attempt_context(&context));
    let aborted = code(engine.abort(at(0), &abort));
    let refused = [
        derived,
        aborted,
        code(bench.open(at(0), 2, 1)),
        code(bench.round1(at(0), 1, 1)),
        code(bench.round2(at(0), (1, 1), &package)),
    ];
    assert_eq!(refused, [Some(Code::StorageFault); 5]);
    // What the disk says is the truth: here the marker did not arrive, but the nonces are gone all the same.
    bench.node(1).restart();
    bench.open(at(0), 1, 1).unwrap();
    let fresh = bench.round1(at(0), 1, 1).unwrap();
    assert_ne!(fresh, package.commitments[0]);
    bench.sign(2, &[1, 2]);
}

#[test]
fn e04_an_unknown_write_that_did_arrive_is_met_after_recovery() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let Node { engine, log, .. } = bench.node(1);
    let staged = engine.round2(at(0), request).unwrap();
    // The write arrives; the sync that fails is the caller's to report.
    drop(durable(staged, log));
    bench.node(1).restart();
    let refused = code(bench.open(at(0), 1, 1));
    assert_eq!(refused, Some(Code::ConsumedNonceReplay));
}

fn abort(bench: &mut Bench, attempt: u32, seat: u16) -> bool {
    let key = bench.signing.key(attempt, seat);
    let request = Abort {
        key_group: key.key_group,
        session: key.session,
        attempt: Some(key.attempt),
        member: Some(key.member),
    };
    bench.node(seat).engine.abort(at(0), &request).unwrap()
}

#[test]
fn e04_an_abort_meanwhile_waits_for_the_outcome() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let staged = bench.node(1).engine.round2(at(0), request).unwrap();
    assert!(abort(&mut bench, 1, 1));
    let mut failing = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut failing)
        .err()
        .unwrap();
    let reopened = code(bench.round1(at(0), 1, 1));
    assert_eq!(reopened, Some(Code::ConsumedNonceReplay));
    bench.node(1).engine.withdraw(not);
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    assert!(!abort(&mut bench, 1, 1));
    bench.open(at(0), 1, 1).unwrap();
    assert_ne!(bench.round1(at(0), 1, 1), Ok(package.commitments[0]));
}

#[test]
fn e07_a_delayed_older_open_never_wipes_newer_nonces() {
    let limits = Limits {
        window: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    bench.open(at(0), 1, 1).unwrap();
    let newer = bench.package(2, &[1]).commitments[0];
    let delayed = code(bench.open(at(0), 1, 1));
    assert_eq!(delayed, Some(Code::AttemptSuperseded));
    assert_eq!(bench.round1(at(0), 2, 1), Ok(newer));
}

/// Seats 1 and 2 of three live in one engine.
fn siblings() -> Bench {
    let seats = [vec![1, 2], vec![3]];
    Bench::of(Group::seated(2, &seats, Limits::default()))
}

#[test]
fn e11_completion_ends_the_sibling_seats_of_its_attempt() {
    let mut bench = siblings();
    let all = bench.package(1, &[1, 2, 3]).commitments;
    let package = bench.signing.package(vec![all[0], all[2]]);
    let sibling = bench.signing.package(vec![all[1], all[2]]);
    bench.open(at(0), 2, 2).unwrap();
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    // While the completion is being written, the sibling is refused and loses nothing.
    let engine = &mut bench.node(1).engine;
    let done = engine.aggregate(request).unwrap().run().unwrap();
    let completion = engine.complete(done).unwrap();
    let meanwhile = code(bench.round2(at(0), (1, 2), &sibling));
    assert_eq!(meanwhile, Some(Code::AttemptAlreadyAggregated));
    let Node { engine, log, .. } = bench.node(1);
    engine.release_signature(durable(completion, log)).unwrap();
    assert_eq!(bench.node(1).engine.live_attempts(), 1);
    let after = code(bench.round2(at(0), (1, 2), &sibling));
    assert_eq!(after, Some(Code::SessionNotFound));
    let reopened = code(bench.open(at(0), 1, 2));
    assert_eq!(reopened, Some(Code::AttemptAlreadyAggregated));
    bench.node(1).restart();
    let reopened = code(bench.open(at(0), 1, 2));
    assert_eq!(reopened, Some(Code::AttemptAlreadyAggregated));
}

#[test]
fn e12_one_seat_neither_erases_nor_blocks_another() {
    let mut bench = siblings();
    let all = bench.package(1, &[1, 2, 3]).commitments;
    assert!(abort(&mut bench, 1, 1));
    assert_eq!(bench.round1(at(0), 1, 2), Ok(all[1]));
    let package = bench.signing.package(vec![all[1], all[2]]);
    bench.round2(at(0), (1, 2), &package).unwrap();
    // Seat 2 has spent its nonces of this attempt; seat 1's are its own.
    bench.open(at(0), 1, 1).unwrap();
    let fresh = bench.round1(at(0), 1, 1).unwrap();
    let package = bench.signing.package(vec![fresh, all[2]]);
    bench.round2(at(0), (1, 1), &package).unwrap();
    assert_eq!(bench.node(1).records(4), 2);
}

#[test]
fn e33_an_engine_reads_back_everything_that_it_wrote() {
    let mut bench = siblings();
    bench.sign(1, &[1, 3]);
    bench.sign(2, &[1, 2]);
    for node in &mut bench.group.nodes {
        node.restart();
    }
    let empty: Engine = Engine::recover(Limits::default(), [].into(), &[]).unwrap();
    assert!(empty.group(bench.signing.public.key_group()).is_none());
    let mut log = MemoryLog::default();
    std::mem::swap(&mut log, &mut bench.node(3).log);
    bench.node(3).restart();
    assert_eq!(code(bench.open(at(0), 3, 3)), Some(Code::DkgNotReady));
    std::mem::swap(&mut log, &mut bench.node(3).log);
    bench.node(3).restart();
    bench.sign(3, &[3, 2]);
}
