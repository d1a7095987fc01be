#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A check lists what is wrong and where, and leaves every byte as it is.

use std::fs;

use hardfrost_store::{Damage, FileName, Store, StoreError};

mod support;

use support::{append, record, write_private, Shelf};

fn damages(shelf: &Shelf) -> Vec<Damage> {
    let before = shelf.files();
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    let mut after = shelf.files();
    // SQLite leaves an empty log where there was none.
    after.retain(|path, bytes| before.contains_key(path) || !bytes.is_empty());
    assert_eq!(after, before);
    report.damages
}

#[test]
fn all_that_there_is_to_say_is_said() {
    let shelf = Shelf::holding(&["one", "two"]);
    let opened = shelf.open();
    append(&opened.store, &[record("three")]);
    let name = FileName::new("operator").unwrap();
    opened.store.file(name).create(b"secret").unwrap();
    let killed = shelf.copy();
    opened.store.close().unwrap();
    let report = Store::check(&shelf.dir, &shelf.provider()).unwrap();
    assert_eq!((report.first, report.last, report.generation), (1, 3, 2));
    assert!(report.kinds.into_iter().eq([(7, 3)]));
    assert_eq!(report.files, ["operator"]);
    assert_eq!(report.opened_by, "key");
    assert_eq!(report.damages, []);
    // With a write-ahead log that is not moved yet.
    assert_eq!(damages(&killed), []);
    assert_eq!(damages(&shelf), []);
}

#[test]
fn every_damage_is_listed() {
    let shelf = Shelf::holding(&["one", "two", "three", "four", "five", "six"]);
    shelf.change("records 2", "sealed", |bytes| bytes[30] ^= 1);
    shelf.change("records 6", "sealed", |bytes| bytes.truncate(3));
    shelf.sql("DELETE FROM records WHERE sequence = 4");
    shelf.sql("INSERT INTO records SELECT 9, kind, sealed FROM records WHERE sequence = 3");
    assert_eq!(
        damages(&shelf),
        [
            Damage::Record(2),
            Damage::Missing(4),
            Damage::Record(6),
            Damage::Extra(9),
            Damage::Chain,
        ]
    );
}

#[test]
fn a_list_of_damages_has_an_end() {
    let texts = vec!["x"; 150];
    let shelf = Shelf::holding(&texts);
    shelf.sql("UPDATE records SET sealed = x'00'");
    assert_eq!(damages(&shelf).len(), 100);
}

#[test]
fn a_damaged_sealed_file_is_named() {
    let shelf = Shelf::holding(&["one"]);
    let path = shelf.dir.path().join("operator.sealed");
    write_private(&path, b"none");
    assert_eq!(damages(&shelf), [Damage::File(path)]);
}

#[test]
fn where_there_is_no_reading_on_it_says_so() {
    let shelf = Shelf::holding(&["one"]);
    shelf.change("head", "sealed", |bytes| bytes[30] ^= 1);
    let refused = Store::check(&shelf.dir, &shelf.provider());
    assert!(matches!(refused, Err(StoreError::Corrupt(Damage::Head))));
    let absent = Shelf::empty();
    let refused = Store::check(&absent.dir, &absent.provider());
    assert!(matches!(refused, Err(StoreError::Absent(_))));
    assert!(fs::metadata(absent.dir.path()).is_err());
}
