//! Opening: what is absent, what is not ours to open, and what another one has open.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;

use hardfrost_store::{
    Damage, Holder, KeyProvider, Passphrase, PathFault, PathProblem, Store, StoreDir, StoreError,
};

use crate::support::{append, mode, open_as_told, record, spawn, write_private, Shelf};

fn problem(error: &StoreError) -> PathProblem {
    let StoreError::Refused(PathFault { problem, .. }) = error else {
        panic!("not refused: {error}");
    };
    *problem
}

#[test]
fn p03_absent_is_only_what_is_absent_and_nothing_is_made() {
    let shelf = Shelf::empty();
    assert!(matches!(shelf.error(), StoreError::Absent(_)));
    assert!(!shelf.dir.path().exists());
    fs::create_dir(shelf.dir.path()).unwrap();
    mode(shelf.dir.path(), 0o700);
    assert!(matches!(shelf.error(), StoreError::Absent(_)));
    assert_eq!(fs::read_dir(shelf.dir.path()).unwrap().count(), 0);
}

#[test]
fn p03_what_is_left_of_a_store_is_damage_and_never_a_first_start() {
    let emptied = Shelf::holding(&["one"]);
    fs::write(emptied.dir.records(), "").unwrap();
    assert!(matches!(emptied.damage(), Damage::Empty(_)));
    let orphan = Shelf::holding(&["one"]);
    fs::remove_file(orphan.dir.records()).unwrap();
    assert!(matches!(orphan.damage(), Damage::Orphan(_)));
    let garbage = Shelf::holding(&["one"]);
    fs::write(garbage.dir.records(), "not a database at all".repeat(100)).unwrap();
    assert!(matches!(garbage.damage(), Damage::Database(_)));
    let dangling = Shelf::holding(&["one"]);
    fs::remove_file(dangling.dir.records()).unwrap();
    symlink(dangling.path().join("nowhere"), dangling.dir.records()).unwrap();
    assert_eq!(problem(&dangling.error()), PathProblem::Symlink);
    for shelf in [emptied, orphan, garbage, dangling] {
        let found: Vec<_> = fs::read_dir(shelf.dir.path()).unwrap().collect();
        let created = Store::create(&shelf.dir, &shelf.provider());
        assert!(matches!(created, Err(StoreError::Exists(_))));
        assert_eq!(fs::read_dir(shelf.dir.path()).unwrap().count(), found.len());
        assert!(!shelf.path().join("nowhere").exists());
    }
}

#[test]
fn p03_a_store_is_never_made_over_another() {
    let shelf = Shelf::holding(&["one"]);
    let again = Store::create(&shelf.dir, &shelf.provider());
    assert!(matches!(again, Err(StoreError::Exists(_))));
    assert_eq!(shelf.texts(), ["one"]);
}

#[test]
fn p03_a_creation_that_was_cut_off_is_absent_and_begins_again() {
    let shelf = Shelf::empty();
    fs::create_dir(shelf.dir.path()).unwrap();
    mode(shelf.dir.path(), 0o700);
    for name in ["new.db", "new.db-wal", "new.db-journal"] {
        write_private(&shelf.dir.path().join(name), b"half");
    }
    assert!(matches!(shelf.error(), StoreError::Absent(_)));
    Store::create(&shelf.dir, &shelf.provider()).unwrap();
    assert!(shelf.texts().is_empty());
}

/// SQLite would play it back into the database before anything is verified.
#[test]
fn p03_a_journal_that_no_store_has_is_not_played_back() {
    let shelf = Shelf::holding(&["one"]);
    let journal = shelf.dir.path().join("records.db-journal");
    write_private(&journal, &[0xd9; 2048]);
    let before = shelf.files();
    assert_eq!(shelf.damage(), Damage::Stray(journal));
    assert_eq!(shelf.files(), before);
}

#[test]
fn p04_a_wrong_key_an_absent_one_and_damage_are_told_apart_and_change_nothing() {
    let shelf = Shelf::holding(&["one"]);
    let before = shelf.files();
    let other = shelf.path().join("other");
    write_private(&other, "5b".repeat(32).as_bytes());
    let wrong = Store::open(&shelf.dir, &KeyProvider::File(other));
    assert!(matches!(wrong, Err(StoreError::WrongKey)));
    let gone = KeyProvider::File(shelf.path().join("gone"));
    let unavailable = Store::open(&shelf.dir, &gone);
    assert!(matches!(unavailable, Err(StoreError::Provider(_))));
    let words = Passphrase::new(b"words".to_vec().into()).unwrap();
    let other_kind = Store::open(&shelf.dir, &KeyProvider::Passphrase(words));
    assert!(matches!(other_kind, Err(StoreError::OtherKindOfKey { .. })));
    assert_eq!(shelf.files(), before);
    assert_eq!(shelf.texts(), ["one"]);
}

#[test]
fn p06_a_second_opening_is_refused_and_told_who_holds_the_store() {
    let shelf = Shelf::holding(&["one"]);
    let first = shelf.open();
    let refused = shelf.error();
    let StoreError::Held(Holder { process }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(process, Some(std::process::id()));
    append(&first.store, &[record("two")]);
    first.store.close().unwrap();
    assert_eq!(shelf.texts(), ["one", "two"]);
}

/// The other process of the next test: holds the store until it is killed.
#[test]
#[ignore = "a part of the next test, in a process of its own"]
fn holds_a_store() {
    let opened = open_as_told();
    append(&opened.store, &[record("theirs")]);
    println!("\nholding");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn p06_another_process_is_named_and_its_death_frees_the_store() {
    let shelf = Shelf::holding(&["one"]);
    let mut child = spawn(&shelf, "", "doors::holds_a_store");
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let holding = said.map_while(Result::ok).any(|line| line == "holding");
    assert!(holding, "the other process did not open the store");
    let refused = shelf.error();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        matches!(refused, StoreError::Held(Holder { process }) if process == Some(child.id())),
        "{refused}"
    );
    assert!(refused.to_string().contains(&child.id().to_string()));
    assert_eq!(shelf.texts(), ["one", "theirs"]);
}

#[test]
fn p10_a_newer_schema_is_refused_and_untouched() {
    let shelf = Shelf::holding(&["one"]);
    let newer = |bytes: &mut Vec<u8>| {
        use sha2::Digest;
        let end = bytes.len() - 32;
        bytes[19] += 1;
        // A newer version may have more to say there.
        bytes.splice(end..end, *b"more");
        let checksum = sha2::Sha256::digest(&bytes[..end + 4]);
        bytes[end + 4..].copy_from_slice(&checksum);
    };
    shelf.change("header", "bytes", newer);
    let before = shelf.files();
    let refused = shelf.error();
    let StoreError::NewerSchema { found, known } = refused else {
        panic!("{refused}");
    };
    assert_eq!(found, known + 1);
    let mut after = shelf.files();
    // SQLite leaves an empty log where there was none.
    after.retain(|path, bytes| before.contains_key(path) || !bytes.is_empty());
    assert_eq!(after, before);
}

#[test]
fn p11_folders_and_files_that_others_may_reach_are_refused() {
    let shelf = Shelf::holding(&["one"]);
    let dir = shelf.dir.path().to_owned();
    let inside = [
        shelf.dir.records(),
        shelf.dir.write_ahead_log(),
        dir.join("lock"),
    ];
    for (path, own) in [(dir, 0o700)].into_iter().chain(inside.map(|p| (p, 0o600))) {
        for extra in [0o040, 0o004, 0o020, 0o002, 0o010, 0o001] {
            mode(&path, own | extra);
            let found = problem(&shelf.error());
            assert_eq!(found, PathProblem::TooWide(own | extra), "{path:?}");
        }
        mode(&path, own);
    }
    assert_eq!(shelf.texts(), ["one"]);
}

#[test]
fn p11_links_to_elsewhere_are_refused() {
    let shelf = Shelf::holding(&["one"]);
    let link = shelf.path().join("link");
    symlink(shelf.dir.path(), &link).unwrap();
    let slashed = format!("{}/", link.display());
    for path in [
        link.clone(),
        slashed.clone().into(),
        format!("{slashed}.").into(),
    ] {
        let opened = Store::open(&StoreDir::new(&path), &shelf.provider());
        assert_eq!(
            problem(&opened.err().unwrap()),
            PathProblem::Symlink,
            "{path:?}"
        );
        let created = Store::create(&StoreDir::new(&path), &shelf.provider());
        assert_eq!(
            problem(&created.err().unwrap()),
            PathProblem::Symlink,
            "{path:?}"
        );
    }
    let dir = shelf.dir.path();
    for path in [
        shelf.dir.records(),
        shelf.dir.write_ahead_log(),
        dir.join("lock"),
    ] {
        let moved = shelf.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert_eq!(problem(&shelf.error()), PathProblem::Symlink, "{path:?}");
        fs::remove_file(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
    }
    assert_eq!(shelf.texts(), ["one"]);
}

#[test]
fn p11_a_store_and_its_files_are_private_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    let shelf = Shelf::new();
    let opened = shelf.open();
    append(&opened.store, &[record("one")]);
    let bits = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(bits(shelf.dir.path()), 0o700);
    let entries: Vec<_> = fs::read_dir(shelf.dir.path()).unwrap().collect();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        let path = entry.unwrap().path();
        assert_eq!(bits(&path), 0o600, "{path:?}");
    }
}
