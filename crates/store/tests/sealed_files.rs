#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A secret in a file of its own: written once, bound to its store and its name.

use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::thread;

use hardfrost_store::{FileName, SealedFile, SealedFileError, Store};

mod support;

use support::{copy_private, mode, write_private, Shelf};

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

fn read(store: &Store, file: &str) -> Result<Vec<u8>, SealedFileError> {
    store.file(name(file)).read().map(|bytes| bytes.to_vec())
}

#[test]
fn what_was_sealed_is_read_again_by_the_next_process() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    for (file, bytes) in [
        ("operator", b"secret".to_vec()),
        ("x-2", vec![7; SealedFile::BYTES_MAX]),
    ] {
        assert!(matches!(
            read(&store, file),
            Err(SealedFileError::Absent(_))
        ));
        store.file(name(file)).create(&bytes).unwrap();
        assert_eq!(read(&store, file).unwrap(), bytes);
    }
    store.close().unwrap();
    let path = shelf.dir.path().join("operator.sealed");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"secret"));
    let store = shelf.open().store;
    assert_eq!(read(&store, "operator").unwrap(), b"secret");
}

#[test]
fn it_is_written_once() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    // What a creation left that was cut off.
    write_private(&shelf.dir.path().join("operator.new"), b"half");
    store.file(name("operator")).create(b"first").unwrap();
    let again = store.file(name("operator")).create(b"second");
    assert!(matches!(again, Err(SealedFileError::Exists(_))));
    assert_eq!(read(&store, "operator").unwrap(), b"first");
    assert!(!shelf.dir.path().join("operator.new").exists());
    let long = store
        .file(name("long"))
        .create(&vec![0; SealedFile::BYTES_MAX + 1]);
    assert!(matches!(long, Err(SealedFileError::TooLong(_))));
    assert!(matches!(
        read(&store, "long"),
        Err(SealedFileError::Absent(_))
    ));
}

/// One of two threads creates it, and what that one wrote is what is there; the other is told.
#[test]
fn two_threads_create_it_once() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    for round in 0..100 {
        let file = format!("file-{round}");
        let create = |byte: u8| store.file(name(&file)).create(&vec![byte; 60_000]);
        let (one, two) = thread::scope(|scope| {
            let one = scope.spawn(|| create(1));
            let two = scope.spawn(|| create(2));
            (one.join().unwrap(), two.join().unwrap())
        });
        let winner = match (one, two) {
            (Ok(()), Err(SealedFileError::Exists(_))) => 1,
            (Err(SealedFileError::Exists(_)), Ok(())) => 2,
            other => panic!("round {round}: {other:?}"),
        };
        assert!(read(&store, &file)
            .unwrap()
            .iter()
            .all(|byte| *byte == winner));
    }
}

#[test]
fn p01_it_is_bound_to_its_store_and_its_name() {
    let (shelf, other) = (Shelf::new(), Shelf::new());
    let store = shelf.open().store;
    store.file(name("operator")).create(b"secret").unwrap();
    let path = shelf.dir.path().join("operator.sealed");
    copy_private(&path, &shelf.dir.path().join("another.sealed"));
    assert!(matches!(
        read(&store, "another"),
        Err(SealedFileError::Corrupt(_))
    ));
    copy_private(&path, &other.dir.path().join("operator.sealed"));
    let other = other.open().store;
    assert!(matches!(
        read(&other, "operator"),
        Err(SealedFileError::OtherStore(_))
    ));
}

#[test]
fn p01_no_byte_of_it_changes_unnoticed() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    store.file(name("operator")).create(b"secret").unwrap();
    let path = shelf.dir.path().join("operator.sealed");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let refused = read(&store, "operator").err().unwrap();
        match at {
            16..20 => assert!(
                matches!(
                    refused,
                    SealedFileError::NewerVersion { .. } | SealedFileError::Corrupt(_)
                ),
                "byte {at}: {refused}"
            ),
            20..36 => assert!(
                matches!(refused, SealedFileError::OtherStore(_)),
                "byte {at}"
            ),
            _ => assert!(matches!(refused, SealedFileError::Corrupt(_)), "byte {at}"),
        }
    }
    for cut in 0..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        assert!(
            matches!(read(&store, "operator"), Err(SealedFileError::Corrupt(_))),
            "{cut}"
        );
    }
    let long = [good, vec![0; 70_000]].concat();
    fs::write(&path, long).unwrap();
    assert!(matches!(
        read(&store, "operator"),
        Err(SealedFileError::Corrupt(_))
    ));
}

#[test]
fn p11_it_is_private_and_no_link() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    store.file(name("operator")).create(b"secret").unwrap();
    let path = shelf.dir.path().join("operator.sealed");
    mode(&path, 0o640);
    assert!(matches!(
        read(&store, "operator"),
        Err(SealedFileError::Refused(_))
    ));
    mode(&path, 0o600);
    let moved = shelf.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    symlink(&moved, &path).unwrap();
    assert!(matches!(
        read(&store, "operator"),
        Err(SealedFileError::Refused(_))
    ));
    let again = store.file(name("operator")).create(b"second");
    assert!(matches!(again, Err(SealedFileError::Exists(_))));
    fs::remove_file(&moved).unwrap();
    let dangling = store.file(name("operator")).create(b"second");
    assert!(matches!(dangling, Err(SealedFileError::Exists(_))));
    assert!(!moved.exists());
}

#[test]
fn names_lead_nowhere_else() {
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "../a",
        "A",
        "a b",
        "a.b",
        "ä",
        &"a".repeat(33),
    ] {
        assert!(FileName::new(bad).is_none(), "{bad:?}");
    }
    assert!(FileName::new(&"a".repeat(32)).is_some());
}
