#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A store goes over to another key whole, or not at all.

use std::fs;
use std::time::Duration;

use hardfrost_store::{FileName, KeyCommand, KeyProvider, Passphrase, Store, StoreError};

mod support;

use support::{append, record, texts, write_private, Shelf};

fn words() -> KeyProvider {
    KeyProvider::Passphrase(Passphrase::new(b"correct horse".to_vec().into()).unwrap())
}

fn new_key(shelf: &Shelf) -> KeyProvider {
    let path = shelf.path().join("new");
    write_private(&path, "77".repeat(32).as_bytes());
    KeyProvider::File(path)
}

#[test]
fn after_a_rotation_the_new_key_opens_everything_and_the_old_one_nothing() {
    let shelf = Shelf::holding(&["one", "two", "three"]);
    let name = || FileName::new("operator").unwrap();
    shelf.open().store.file(name()).create(b"secret").unwrap();
    let generation = Store::check(&shelf.dir, &shelf.provider())
        .unwrap()
        .generation;
    let new = new_key(&shelf);
    for (old, new) in [
        (shelf.provider(), new_key(&shelf)),
        (new_key(&shelf), words()),
        (words(), new_key(&shelf)),
    ] {
        Store::rotate_key(&shelf.dir, &old, &new).unwrap();
        match Store::open(&shelf.dir, &old) {
            Err(StoreError::WrongKey | StoreError::OtherKindOfKey { .. }) => {}
            other => panic!("{:?}", other.err()),
        }
    }
    let opened = Store::open(&shelf.dir, &new).unwrap();
    assert_eq!(texts(&opened.records), ["one", "two", "three"]);
    assert!(opened.store.generation() > generation + 3);
    assert_eq!(
        opened.store.file(name()).read().unwrap().as_slice(),
        b"secret"
    );
    append(&opened.store, &[record("four")]);
    opened.store.close().unwrap();
    assert_eq!(Store::open(&shelf.dir, &new).unwrap().records.len(), 4);
}

#[test]
fn what_the_old_key_sealed_is_overwritten() {
    let shelf = Shelf::holding(&["one", "two", "three"]);
    let sealed = [
        shelf.blob("records 2", "sealed"),
        shelf.blob("head", "sealed"),
    ];
    Store::rotate_key(&shelf.dir, &shelf.provider(), &new_key(&shelf)).unwrap();
    for bytes in shelf.files().values() {
        for old in &sealed {
            assert!(!bytes.windows(old.len()).any(|window| window == old));
        }
    }
}

#[test]
fn e05_a_new_key_that_does_not_come_changes_nothing() {
    let shelf = Shelf::holding(&["one"]);
    let before = shelf.files();
    let failing = KeyProvider::Command(KeyCommand {
        program: "/bin/false".into(),
        arguments: Vec::new(),
        deadline: Duration::from_secs(20),
    });
    let refused = Store::rotate_key(&shelf.dir, &shelf.provider(), &failing);
    assert!(matches!(refused, Err(StoreError::NewProvider(_))));
    let refused = Store::rotate_key(&shelf.dir, &failing, &new_key(&shelf));
    assert!(matches!(refused, Err(StoreError::Provider(_))));
    let refused = Store::rotate_key(&shelf.dir, &new_key(&shelf), &words());
    assert!(matches!(refused, Err(StoreError::WrongKey)));
    assert_eq!(shelf.files(), before);
    assert_eq!(shelf.texts(), ["one"]);
}

#[test]
fn a_damaged_store_is_not_rotated() {
    let shelf = Shelf::holding(&["one", "two"]);
    shelf.change("records 2", "sealed", |bytes| bytes[30] ^= 1);
    let before = shelf.files();
    let refused = Store::rotate_key(&shelf.dir, &shelf.provider(), &new_key(&shelf));
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    let mut after = shelf.files();
    after.retain(|path, bytes| before.contains_key(path) || !bytes.is_empty());
    assert_eq!(after, before);
}

#[test]
fn p06_a_store_that_is_open_is_not_rotated() {
    let shelf = Shelf::holding(&["one"]);
    let opened = shelf.open();
    let refused = Store::rotate_key(&shelf.dir, &shelf.provider(), &new_key(&shelf));
    assert!(matches!(refused, Err(StoreError::Held(_))));
    drop(opened);
    fs::remove_file(shelf.path().join("new")).unwrap();
    assert_eq!(shelf.texts(), ["one"]);
}
