#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Stores of the present schema, as the first release that had it left them, with a record of each kind in them. What
//! comes later opens them as they are; `older_schemas_go_forward` has those before. `vectors/store/README.md` says what
//! is in them.

#[path = "../../../vectors/frames/recorded.rs"]
#[allow(
    dead_code,
    reason = "no specimens here: a store is sealed with fresh nonces"
)]
mod recorded;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use hardfrost_engine::EncodedRecord;
use hardfrost_store::{FileName, KeyProvider, Opened, Passphrase, Store, StoreError};
use support::{append, copy_private, Shelf};

fn fixture(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors/store/schema-2")
        .join(kind)
}

/// A copy: git keeps no modes, and a store is private.
fn shelf(kind: &str) -> Shelf {
    let shelf = Shelf::empty();
    shelf.make_folder();
    for entry in fs::read_dir(fixture(kind)).unwrap() {
        let path = entry.unwrap().path();
        copy_private(&path, &shelf.dir.path().join(path.file_name().unwrap()));
    }
    shelf
}

/// The engine's recorded records, whose names begin with their kinds.
fn records() -> Vec<EncodedRecord> {
    let all = recorded::recorded("records.txt").into_iter();
    let record = |(name, bytes): (String, Vec<u8>)| {
        let kind = name.split_once('/').unwrap().0.parse().unwrap();
        EncodedRecord::new(kind, bytes.into())
    };
    all.map(record).collect()
}

fn words() -> KeyProvider {
    KeyProvider::Passphrase(Passphrase::new(b"correct horse".to_vec().into()).unwrap())
}

fn operator() -> FileName {
    FileName::new("operator").unwrap()
}

fn holds_what_was_written(opened: &Opened) {
    let said = |records: &[EncodedRecord]| -> Vec<(u8, Vec<u8>)> {
        let records = records.iter();
        let said = records.map(|record| (record.kind(), record.as_bytes().to_vec()));
        said.collect()
    };
    assert_eq!(said(&opened.records), said(&records()));
    let sealed = opened.store.file(operator()).read().unwrap();
    assert_eq!(sealed.as_slice(), [0x0a; 32]);
}

#[test]
fn a_store_under_a_key_opens_as_it_was_left() {
    let shelf = shelf("key");
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!((report.schema, report.generation), (2, 2));
    assert_eq!(report.damages, []);
    let opened = shelf.open();
    holds_what_was_written(&opened);
    assert_eq!(opened.store.generation(), 3);
    opened.store.close().unwrap();
}

#[test]
fn a_store_under_a_passphrase_opens_as_it_was_left() {
    let shelf = shelf("passphrase");
    let opened = Store::open(&shelf.dir, &words()).unwrap();
    holds_what_was_written(&opened);
    opened.store.close().unwrap();
}

/// In every part of what is sealed: each of its files, at many places.
#[test]
fn a_bit_of_the_sealed_file_or_of_a_record_is_missed() {
    let changed = |kind: &str, file: &str, at: usize| {
        let shelf = shelf(kind);
        let path = shelf.dir.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        shelf
    };
    let sealed = fs::metadata(fixture("key").join("operator.sealed")).unwrap();
    for at in 0..usize::try_from(sealed.len()).unwrap() {
        let opened = changed("key", "operator.sealed", at).open();
        assert!(opened.store.file(operator()).read().is_err(), "{at}");
    }
    let database = fs::read(fixture("passphrase").join("records.db")).unwrap();
    // The last bytes of a page are those of its first record.
    let last = database.iter().rposition(|byte| *byte != 0).unwrap();
    let refused = Store::open(&changed("passphrase", "records.db", last).dir, &words());
    assert!(matches!(refused.err(), Some(StoreError::Corrupt(_))));
}

#[test]
#[ignore = "writes vectors/store/schema-2, where it is not there"]
fn write_schema_2() {
    for (kind, killed) in [("key", true), ("passphrase", false)] {
        fs::create_dir_all(fixture("")).unwrap();
        fs::create_dir(fixture(kind)).expect("what is recorded stays as it is");
        let shelf = Shelf::empty();
        let provider = if killed { shelf.provider() } else { words() };
        Store::create(&shelf.dir, &provider).unwrap();
        let (first, last) = {
            let mut records = records();
            let last = records.split_off(records.len() - 2);
            (records, last)
        };
        let Opened { store, .. } = Store::open(&shelf.dir, &provider).unwrap();
        store.file(operator()).create(&[0x0a; 32]).unwrap();
        append(&store, &first);
        store.close().unwrap();
        let Opened { store, .. } = Store::open(&shelf.dir, &provider).unwrap();
        append(&store, &last);
        let store = if killed {
            Some(store)
        } else {
            store.close().map(|()| None).unwrap()
        };
        for name in ["records.db", "records.db-wal", "operator.sealed"] {
            let from = shelf.dir.path().join(name);
            if from.exists() {
                fs::copy(from, fixture(kind).join(name)).unwrap();
            }
        }
        drop(store);
    }
}
