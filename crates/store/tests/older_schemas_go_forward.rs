#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Stores that earlier versions wrote are brought forward when they are opened, in one transaction. The fixtures were
//! written by the first version of each schema; `vectors/store/README.md` says what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use hardfrost_engine::EncodedRecord;
use hardfrost_store::{FileName, KeyProvider, Opened, Passphrase, Store};

mod support;

use support::{append, copy_private, record, Shelf};

fn fixture(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors/store")
        .join(kind)
}

/// A shelf with the fixture's files in it.
fn shelf(kind: &str) -> Shelf {
    let shelf = Shelf::new();
    for entry in fs::read_dir(fixture(kind)).unwrap() {
        let path = entry.unwrap().path();
        copy_private(&path, &shelf.dir.path().join(path.file_name().unwrap()));
    }
    shelf
}

fn holds_what_was_written(opened: &Opened) {
    let kinds: Vec<u8> = opened.records.iter().map(EncodedRecord::kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5]);
    let bytes: Vec<&[u8]> = opened.records.iter().map(EncodedRecord::as_bytes).collect();
    let expected: [&[u8]; 5] = [b"pending", b"installed", b"", &[0xa5; 10_000], b"completed"];
    assert_eq!(bytes, expected);
}

#[test]
fn a_store_of_schema_1_is_brought_forward_and_goes_on() {
    let shelf = shelf("schema-1/key");
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!((report.schema, report.generation), (1, 2));
    assert_eq!(report.damages, []);
    let opened = shelf.open();
    holds_what_was_written(&opened);
    assert_eq!(opened.store.generation(), 3);
    append(&opened.store, &[record("of schema 2")]);
    let name = FileName::new("operator").unwrap();
    opened.store.file(name.clone()).create(b"secret").unwrap();
    opened.store.close().unwrap();
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!((report.schema, report.schema_known), (2, 2));
    assert_eq!((report.first, report.last), (1, 6));
    assert_eq!(report.damages, []);
    let opened = shelf.open();
    assert_eq!(opened.records.len(), 6);
    assert_eq!(
        opened.store.file(name).read().unwrap().as_slice(),
        b"secret"
    );
}

#[test]
fn a_store_of_schema_1_under_a_passphrase_is_brought_forward() {
    let shelf = shelf("schema-1/passphrase");
    let words = Passphrase::new(b"correct horse".to_vec().into()).unwrap();
    let words = KeyProvider::Passphrase(words);
    for generation in 2..4 {
        let opened = Store::open(&shelf.dir, &words).unwrap();
        assert_eq!(opened.records.len(), 1);
        assert_eq!(opened.records[0].as_bytes(), b"pending");
        assert_eq!(opened.store.generation(), generation);
    }
}

/// A crash on the way: wherever the log is cut, the store opens, with everything in it.
#[test]
fn p02_a_torn_migration_begins_again() {
    let shelf = shelf("schema-1/key");
    let opened = shelf.open();
    let image = shelf.copy();
    drop(opened);
    let bytes = fs::read(image.dir.write_ahead_log()).unwrap();
    let mut schemas = Vec::new();
    for cut in (0..bytes.len())
        .step_by(1000)
        .chain([bytes.len() - 1, bytes.len()])
    {
        let copy = image.copy();
        fs::write(copy.dir.write_ahead_log(), &bytes[..cut]).unwrap();
        let report = Store::check(&copy.dir, &copy.provider()).unwrap();
        assert_eq!(report.damages, [], "cut at {cut}");
        schemas.push(report.schema);
        holds_what_was_written(&copy.open());
    }
    assert!(schemas.contains(&1) && schemas.contains(&2));
}

#[test]
fn a_check_of_an_older_schema_does_not_bring_it_forward() {
    let shelf = shelf("schema-1/key");
    let before = shelf.files();
    Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!(shelf.files(), before);
}

#[test]
fn rotation_brings_an_older_schema_forward() {
    let shelf = shelf("schema-1/key");
    let words = Passphrase::new(b"correct horse".to_vec().into()).unwrap();
    let words = KeyProvider::Passphrase(words);
    Store::rotate_key(&shelf.dir, &shelf.provider(), &words).unwrap();
    let opened = Store::open(&shelf.dir, &words).unwrap();
    holds_what_was_written(&opened);
}
