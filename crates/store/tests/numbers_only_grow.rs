#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Compaction puts a snapshot in the place of all records; numbers are not given again, and nothing that came in since
//! the snapshot is lost.

use std::fs;

use hardfrost_engine::{EncodedRecord, Log, LogError};
use hardfrost_store::{CompactError, Damage, Store};

mod support;

use support::{append, record, texts, Shelf};

fn four() -> (Shelf, Store) {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    for text in ["one", "two", "three", "four"] {
        append(&store, &[record(text)]);
    }
    (shelf, store)
}

#[test]
fn a_snapshot_takes_the_place_of_all_records() {
    let (shelf, mut store) = four();
    let position = store.position().unwrap();
    store
        .compact(position, &[record("all"), record("four")])
        .unwrap();
    append(&store, &[record("five")]);
    let killed = shelf.copy();
    assert_eq!(
        texts(&store.writer().replay().unwrap()),
        ["all", "four", "five"]
    );
    store.close().unwrap();
    for shelf in [shelf, killed] {
        assert_eq!(shelf.texts(), ["all", "four", "five"]);
        let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
        assert_eq!((report.first, report.last), (5, 7));
        assert_eq!(report.damages, []);
    }
}

#[test]
fn a_store_may_be_compacted_to_nothing_and_again() {
    let (shelf, mut store) = four();
    for _ in 0..2 {
        let position = store.position().unwrap();
        store.compact(position, &[]).unwrap();
    }
    store.close().unwrap();
    assert!(shelf.texts().is_empty());
    let store = shelf.open().store;
    append(&store, &[record("five")]);
    store.close().unwrap();
    assert_eq!(shelf.texts(), ["five"]);
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!((report.first, report.last), (5, 5));
}

#[test]
fn records_that_came_in_since_the_position_are_not_lost() {
    let (shelf, mut store) = four();
    let position = store.position().unwrap();
    append(&store, &[record("five")]);
    let refused = store.compact(position, &[record("all")]);
    assert_eq!(refused, Err(CompactError::Appended));
    append(&store, &[record("six")]);
    store.close().unwrap();
    assert_eq!(
        shelf.texts(),
        ["one", "two", "three", "four", "five", "six"]
    );
}

#[test]
fn a_snapshot_that_cannot_be_written_changes_nothing() {
    let (shelf, mut store) = four();
    let position = store.position().unwrap();
    let long = EncodedRecord::new(1, vec![0; (16 << 20) + 1].into());
    let refused = store.compact(position, &[record("all"), long]);
    assert_eq!(refused, Err(CompactError::Log(LogError::NotWritten)));
    store.close().unwrap();
    assert_eq!(shelf.texts(), ["one", "two", "three", "four"]);
}

/// Wherever the log is cut, all of the old records are there, or all of the new.
#[test]
fn p02_a_torn_compaction_is_none() {
    let (shelf, mut store) = four();
    let before = fs::metadata(shelf.dir.write_ahead_log()).unwrap().len();
    let position = store.position().unwrap();
    let snapshot: Vec<_> = (0..20).map(|_| record(&"all".repeat(1000))).collect();
    store.compact(position, &snapshot).unwrap();
    let image = shelf.copy();
    drop(store);
    let bytes = fs::read(image.dir.write_ahead_log()).unwrap();
    let whole = bytes.len() as u64;
    let mut old = 0;
    for cut in (before..whole).step_by(1500).chain([whole - 1, whole]) {
        let copy = image.copy();
        let torn = &bytes[..usize::try_from(cut).unwrap()];
        fs::write(copy.dir.write_ahead_log(), torn).unwrap();
        let found = copy.texts();
        if cut < whole {
            assert_eq!(found, ["one", "two", "three", "four"], "cut at {cut}");
            old += 1;
        } else {
            assert_eq!(found, texts(&snapshot));
        }
    }
    assert!(old > 10);
}

#[test]
fn p01_a_record_from_before_a_compaction_fits_nowhere() {
    let (shelf, store) = four();
    store.close().unwrap();
    let old = shelf.blob("records 4", "sealed");
    let mut store = shelf.open().store;
    let position = store.position().unwrap();
    store.compact(position, &[record("all")]).unwrap();
    store.close().unwrap();
    let hex: String = old.iter().map(|byte| format!("{byte:02x}")).collect();
    for (number, damage) in [(4, Damage::Extra(4)), (6, Damage::Extra(6))] {
        let copy = shelf.copy();
        copy.sql(&format!(
            "INSERT INTO records VALUES ({number}, 7, x'{hex}')"
        ));
        assert_eq!(copy.damage(), damage);
    }
    shelf.change("records 5", "sealed", |bytes| bytes.clone_from(&old));
    assert_eq!(shelf.damage(), Damage::Record(5));
}

/// Old ciphertext is not left in free pages.
#[test]
fn what_was_compacted_away_is_overwritten() {
    let (shelf, store) = four();
    store.close().unwrap();
    let old = shelf.blob("records 2", "sealed");
    let holds = |shelf: &Shelf| {
        let bytes = fs::read(shelf.dir.records()).unwrap();
        bytes.windows(old.len()).any(|window| window == old)
    };
    assert!(holds(&shelf));
    let mut store = shelf.open().store;
    let position = store.position().unwrap();
    store.compact(position, &[record("all")]).unwrap();
    store.close().unwrap();
    assert!(!holds(&shelf));
}
