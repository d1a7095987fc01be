//! A process or a machine stops at any instant; an old copy comes back.

use std::fs;

use crate::support::{append, record, texts, Shelf};

/// The log is cut at every page and inside each; what was acknowledged before the cut is there, whole, and nothing
/// else.
#[test]
fn p02_a_torn_write_is_ignored_and_nothing_before_it() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let wal = shelf.dir.write_ahead_log();
    let mut acknowledged = vec![(fs::metadata(&wal).unwrap().len(), Vec::new())];
    for text in ["one", "two", "three"] {
        append(&store, &[record(text), record(&text.repeat(2000))]);
        let mut all: Vec<String> = acknowledged.last().unwrap().1.clone();
        all.extend([text.to_owned(), text.repeat(2000)]);
        acknowledged.push((fs::metadata(&wal).unwrap().len(), all));
    }
    let image = shelf.copy();
    let bytes = fs::read(&wal).unwrap();
    drop(store);
    let (first, whole) = (acknowledged[0].0, bytes.len() as u64);
    assert_eq!(acknowledged.last().unwrap().0, whole);
    let edges = acknowledged
        .iter()
        .flat_map(|(at, _)| [*at, at - 1, at + 1]);
    for cut in (first..=whole).step_by(511).chain(edges) {
        if !(first..=whole).contains(&cut) {
            continue;
        }
        let copy = image.copy();
        let torn = &bytes[..usize::try_from(cut).unwrap()];
        fs::write(copy.dir.write_ahead_log(), torn).unwrap();
        let expected = acknowledged.iter().rfind(|(at, _)| *at <= cut).unwrap();
        assert_eq!(copy.texts(), expected.1, "cut at {cut} of {whole}");
    }
}

/// What follows a torn write is as durable as what was before it.
#[test]
fn p02_a_store_goes_on_behind_a_torn_write() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    append(&store, &[record("one")]);
    append(&store, &[record("lost")]);
    let image = shelf.copy();
    drop(store);
    let wal = image.dir.write_ahead_log();
    let bytes = fs::read(&wal).unwrap();
    fs::write(&wal, &bytes[..bytes.len() - 7]).unwrap();
    let store = image.open().store;
    append(&store, &[record("two")]);
    let after = image.copy();
    drop(store);
    assert_eq!(image.texts(), ["one", "two"]);
    assert_eq!(after.texts(), ["one", "two"]);
}

#[test]
fn p08_an_old_copy_put_back_shows_a_generation_that_was_seen_before() {
    let shelf = Shelf::holding(&["one"]);
    let backup = shelf.copy();
    let mut seen = 0;
    for text in ["two", "three"] {
        let store = shelf.open().store;
        append(&store, &[record(text)]);
        assert!(store.generation() > seen);
        seen = store.generation();
        store.close().unwrap();
    }
    for path in [shelf.dir.records(), shelf.dir.write_ahead_log()] {
        fs::copy(backup.dir.path().join(path.file_name().unwrap()), path).unwrap();
    }
    let opened = shelf.open();
    assert_eq!(texts(&opened.records), ["one"]);
    assert!(opened.store.generation() < seen);
}

/// It grows by opening, not by closing: a process that was killed has used its own.
#[test]
fn p08_a_generation_is_durable_before_anything_is_appended() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let killed = shelf.copy();
    assert_eq!(store.generation(), 1);
    assert_eq!(killed.open().store.generation(), 2);
}
