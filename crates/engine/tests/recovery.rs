#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! State is a fold over the log: a restarted engine knows everything but nonces, and a log that does not read is no
//! reason to begin anew.

use hardfrost_engine::{Code, EncodedRecord, Engine, Log, RecordError, RecoverError};
use hardfrost_primitives::Limits;

mod support;

use support::{at, code, Bench, CERTIFICATE};

fn records(bench: &mut Bench) -> Vec<EncodedRecord> {
    bench.node(1).log.replay().unwrap()
}

fn recover(records: &[EncodedRecord]) -> Result<Engine, RecoverError> {
    Engine::recover(Limits::default(), [].into(), records)
}

/// The record with its bytes changed.
fn changed(record: &EncodedRecord, change: impl FnOnce(&mut Vec<u8>)) -> EncodedRecord {
    let mut bytes = record.as_bytes().to_vec();
    change(&mut bytes);
    EncodedRecord::new(record.kind(), bytes.into())
}

#[test]
fn a_restarted_engine_knows_keys_approvals_markers_and_completions() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    bench.package(2, &[1, 2]);
    bench.node(1).restart();
    let key_group = bench.signing.public.key_group().clone();
    let public = bench.signing.public.clone();
    let engine = &bench.node(1).engine;
    assert_eq!(engine.live_attempts(), 0);
    let (seats, certificate) = engine.seats(&key_group).unwrap();
    assert!(seats.into_iter().eq([support::member(1)]));
    assert_eq!(certificate, CERTIFICATE);
    assert_eq!(**engine.group(&key_group).unwrap(), *public);
    let spent = code(bench.open(at(0), 1, 1));
    assert_eq!(spent, Some(Code::ConsumedNonceReplay));
    // Attempt 2 was only open: it opens again, with fresh nonces.
    assert_eq!(bench.open(at(0), 2, 1), Ok(false));
    bench.sign(3, &[1, 3]);
}

#[test]
fn a_restart_after_every_record_gives_the_same_answers() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    let all = records(&mut bench);
    let kinds: Vec<u8> = all.iter().map(EncodedRecord::kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5]);
    let context = bench.signing.context(1);
    let request = bench.signing.open(1, 1);
    let expected = [
        Some(Code::DkgNotReady),
        Some(Code::DkgNotReady),
        Some(Code::SigningPolicyRejected),
        None,
        Some(Code::ConsumedNonceReplay),
        Some(Code::ConsumedNonceReplay),
    ];
    for (count, expected) in expected.into_iter().enumerate() {
        let mut engine = recover(&all[..count]).unwrap();
        let derived = engine.derive_attempt_context(&context).is_ok();
        assert_eq!(derived, count >= 2, "after {count} records");
        let opened = code(engine.open(at(0), request.clone()));
        assert_eq!(opened, expected, "after {count} records");
    }
}

#[test]
fn a_record_that_does_not_read_is_named_and_nothing_is_skipped() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    let all = records(&mut bench);
    for position in 0..all.len() {
        let kind = all[position].kind();
        let cut = changed(&all[position], |bytes| bytes.truncate(bytes.len() - 1));
        let long = changed(&all[position], |bytes| bytes.push(0));
        for bad in [cut, long] {
            let mut log: Vec<_> = all.iter().map(EncodedRecord::duplicate).collect();
            log[position] = bad;
            let refused = recover(&log).err();
            let expected = RecoverError::Record(RecordError { position, kind });
            assert_eq!(refused, Some(expected));
        }
        let mut log: Vec<_> = all.iter().map(EncodedRecord::duplicate).collect();
        log[position] = EncodedRecord::new(99, all[position].as_bytes().to_vec().into());
        let unknown = RecordError { position, kind: 99 };
        assert_eq!(recover(&log).err(), Some(RecoverError::Record(unknown)));
    }
}

#[test]
fn a_share_that_is_not_its_groups_does_not_read() {
    let mut bench = Bench::new(2, 3);
    let all = records(&mut bench);
    // The share and, in it, one bit; the seat that it is said to belong to.
    for place in [69, 101] {
        let mut log: Vec<_> = all.iter().map(EncodedRecord::duplicate).collect();
        log[0] = changed(&all[0], |bytes| bytes[place] ^= 3);
        let expected = RecordError {
            position: 0,
            kind: 1,
        };
        assert_eq!(recover(&log).err(), Some(RecoverError::Record(expected)));
    }
}

#[test]
fn a_record_that_contradicts_the_ones_before_it_is_named() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    let all = records(&mut bench);
    let marker_twice: Vec<_> = [0, 1, 2, 3, 3].map(|i| all[i].duplicate()).into();
    assert_eq!(
        recover(&marker_twice).err(),
        Some(RecoverError::Contradiction(4))
    );
    let no_pending: Vec<_> = [1].map(|i| all[i].duplicate()).into();
    assert_eq!(
        recover(&no_pending).err(),
        Some(RecoverError::Contradiction(0))
    );
    let mut other: Vec<_> = [0, 1, 1].map(|i| all[i].duplicate()).into();
    assert!(recover(&other).is_ok());
    other[2] = changed(&all[1], |bytes| bytes[34] ^= 1);
    assert_eq!(recover(&other).err(), Some(RecoverError::Contradiction(2)));
}

#[test]
fn p05_a_lowered_limit_is_a_matter_of_configuration_and_no_damage() {
    let mut bench = Bench::new(2, 3);
    let all = records(&mut bench);
    let lowered = |members_max| {
        let limits = Limits {
            members_max,
            ..Limits::default()
        };
        Engine::recover(limits, [].into(), &all).err()
    };
    let expected = RecoverError::Lowered {
        limit: "members_max",
        allowed: 2,
        found: 3,
    };
    assert_eq!(lowered(2), Some(expected));
    assert_eq!(lowered(3), None);
}

#[test]
fn p05_fewer_markers_allowed_than_there_are_refuses_new_ones_only() {
    let mut bench = Bench::new(2, 3);
    bench.sign(1, &[1, 2]);
    bench.sign(2, &[1, 2]);
    let limits = Limits {
        markers_per_seat_max: 1,
        sessions_max: 1,
        live_attempts_max: 1,
        ..Limits::default()
    };
    assert!(Engine::recover(limits, [].into(), &records(&mut bench)).is_ok());
}
