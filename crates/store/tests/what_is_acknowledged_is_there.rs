#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! What an append acknowledged is in the store, in order, whoever appended beside it and however the process ends.

use std::fs;
use std::path::Path;
use std::thread;

use hardfrost_engine::Log;

mod support;

use support::{append, record, texts, Shelf};

#[test]
fn after_every_append_a_killed_process_leaves_all_that_was_acknowledged() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let mut expected = Vec::new();
    for count in 0..10 {
        let text = "x".repeat(count * 300);
        append(&store, &[record(&text), record("beside it")]);
        expected.extend([text, "beside it".to_owned()]);
        assert_eq!(shelf.copy().texts(), expected);
    }
}

#[test]
fn several_callers_share_a_store_and_each_finds_its_own_in_order() {
    const CALLERS: usize = 8;
    const APPENDS: usize = 40;
    let shelf = Shelf::new();
    let store = shelf.open().store;
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let mut writer = store.writer();
            scope.spawn(move || {
                for count in 0..APPENDS {
                    let text = format!("{caller} {count}");
                    writer.append_durably(&[record(&text)]).unwrap();
                }
            });
        }
    });
    let killed = shelf.copy();
    store.close().unwrap();
    for shelf in [shelf, killed] {
        let found = shelf.texts();
        assert_eq!(found.len(), CALLERS * APPENDS);
        for caller in 0..CALLERS {
            let name = format!("{caller} ");
            let own = found.iter().filter_map(|text| text.strip_prefix(&name));
            assert!(own.eq((0..APPENDS)
                .map(|count| count.to_string())
                .collect::<Vec<_>>()));
        }
    }
}

/// Many chunks are opened on all processors, and stay in order; the log is moved into the database on the way.
#[test]
fn many_records_are_read_in_order() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let mut expected = Vec::new();
    for batch in 0..40 {
        let all: Vec<String> = (0..200)
            .map(|count| format!("{batch} {count} {}", "x".repeat(count)))
            .collect();
        let records: Vec<_> = all.iter().map(|text| record(text)).collect();
        append(&store, &records);
        expected.extend(all);
    }
    assert_eq!(texts(&store.writer().replay().unwrap()), expected);
    let killed = shelf.copy();
    store.close().unwrap();
    assert_eq!(killed.texts(), expected);
    assert_eq!(shelf.texts(), expected);
}

#[test]
fn a_store_that_was_closed_takes_nothing_more() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let mut writer = store.writer();
    drop(store);
    assert!(writer.append_durably(&[record("late")]).is_err());
    assert!(shelf.texts().is_empty());
}

#[test]
fn the_write_ahead_log_does_not_grow_with_the_store() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let text = "x".repeat(1 << 20);
    for _ in 0..16 {
        append(&store, &[record(&text)]);
    }
    // Asked after the last append: by its answer, what that one left to do is done.
    store.position().unwrap();
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(size(&shelf.dir.write_ahead_log()) < 8 << 20);
    assert!(size(&shelf.dir.records()) > 8 << 20);
    let killed = shelf.copy();
    drop(store);
    assert_eq!(killed.texts(), vec![text; 16]);
}
