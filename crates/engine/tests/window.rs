#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A member's window of live attempts in a session, and the floor that only rises.

use hardfrost_engine::{Abort, Code, LogError, Staged};
use hardfrost_primitives::Limits;

mod support;

use support::{at, code, Bench, Scripted};

const SUPERSEDED: Option<Code> = Some(Code::AttemptSuperseded);

fn bench(window: u16) -> Bench {
    let limits = Limits {
        window,
        ..Limits::default()
    };
    Bench::with(2, 3, limits)
}

fn live(bench: &mut Bench, numbers: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let live = |number: &u32| bench.round1(at(0), *number, 1).is_ok();
    numbers.into_iter().filter(live).collect()
}

fn abort(bench: &mut Bench, number: u32) {
    let key = bench.signing.key(number, 1);
    let request = Abort {
        key_group: key.key_group,
        session: key.session,
        attempt: Some(key.attempt),
        member: None,
    };
    assert_eq!(bench.node(1).engine.abort(at(0), &request), Ok(true));
}

#[test]
fn one_more_than_the_window_wipes_the_lowest_and_raises_the_floor() {
    let mut bench = bench(2);
    for number in [3, 7, 10] {
        assert_eq!(bench.open(at(0), number, 1), Ok(false));
    }
    assert_eq!(live(&mut bench, 1..=12), [7, 10]);
    // Below every live one, at the floor, and below it.
    for number in [1, 2, 3, 5] {
        assert_eq!(code(bench.open(at(0), number, 1)), SUPERSEDED, "{number}");
    }
    // A gap above the lowest is open, and costs the lowest.
    assert_eq!(bench.open(at(0), 8, 1), Ok(false));
    assert_eq!(live(&mut bench, 1..=12), [8, 10]);
    assert_eq!(code(bench.open(at(0), 7, 1)), SUPERSEDED);
}

#[test]
fn the_floor_stays_when_the_window_empties() {
    let mut bench = bench(1);
    for number in [1, 2, 3] {
        bench.open(at(0), number, 1).unwrap();
    }
    abort(&mut bench, 3);
    for number in [1, 2] {
        assert_eq!(code(bench.open(at(0), number, 1)), SUPERSEDED, "{number}");
    }
    // What was aborted, not wiped, may be opened again, with fresh nonces.
    assert_eq!(bench.open(at(0), 3, 1), Ok(false));
}

#[test]
fn an_aborted_attempt_opens_again_with_fresh_nonces() {
    let mut bench = bench(2);
    let first = bench.package(1, &[1]).commitments[0];
    abort(&mut bench, 1);
    assert_eq!(code(bench.round1(at(0), 1, 1)), Some(Code::SessionNotFound));
    let second = bench.package(1, &[1]).commitments[0];
    assert_ne!(first, second);
}

#[test]
fn a_seat_that_signed_frees_its_place() {
    let mut bench = bench(1);
    let package = bench.package(1, &[1, 2]);
    bench.round2(at(0), (1, 1), &package).unwrap();
    bench.open(at(0), 3, 1).unwrap();
    assert_eq!(bench.node(1).engine.live_attempts(), 1);
    // The window was never exceeded, so nothing raised the floor; 2 is below the only live one.
    assert_eq!(code(bench.open(at(0), 2, 1)), SUPERSEDED);
}

#[test]
fn an_attempt_under_way_to_the_log_is_never_wiped_by_a_newer_one() {
    let mut bench = bench(1);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let staged = bench.node(1).engine.round2(at(0), request).unwrap();
    let blocked = code(bench.open(at(0), 2, 1));
    assert_eq!(blocked, Some(Code::CapacityExceeded));
    let mut log = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut log).err().unwrap();
    bench.node(1).engine.withdraw(not);
    bench.round2(at(0), (1, 1), &package).unwrap();
    bench.open(at(0), 2, 1).unwrap();
}

#[test]
fn attempts_share_neither_nonce_nor_share() {
    let mut bench = bench(3);
    let first = bench.package(1, &[1, 2]);
    let second = bench.package(2, &[1, 2]);
    assert_ne!(first.commitments, second.commitments);
    let crossed = code(bench.round2(at(0), (2, 1), &first));
    assert_eq!(crossed, Some(Code::ValidationError));
    assert_ne!(bench.shares(1, &first), bench.shares(2, &second));
}
