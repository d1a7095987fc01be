//! A store that exists twice.

use std::fs;

use hardfrost_engine::{Code, Command};

use crate::disk::quick_folder;
use crate::life::Home;
use crate::signer::{code, Signer};
use crate::signing::open;

/// What a backup of a running signer holds, put elsewhere under the same key.
fn copy(home: &Home, to: &std::path::Path) -> Home {
    let copy = Home::furnish(to);
    fs::create_dir(copy.dir.path()).unwrap();
    let private = |path: &std::path::Path, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(path, mode).unwrap();
    };
    private(copy.dir.path(), 0o700);
    for name in ["records.db", "records.db-wal"] {
        let file = copy.dir.path().join(name);
        fs::copy(home.dir.path().join(name), &file).unwrap();
        private(&file, 0o600);
    }
    copy
}

/// The copy was made while nonces lived, before their share left: it has neither nonces nor marker. Whatever it signs,
/// it signs under nonces of its own.
#[test]
fn e09_p08_two_copies_of_a_store_never_give_two_shares_under_one_nonce_pair() {
    let (folder, other) = (quick_folder(), quick_folder());
    let home = Home::furnish(folder.path());
    let mut first = Signer::new(&home);
    let signing = (
        1_000_000,
        first.operator.approve(&first.public, 1_000_000).unwrap(),
    );
    let package = first.operator.commit(&signing.1, 1).unwrap();
    let copied = copy(&home, other.path());
    let share = first.operator.share(&signing, (1, 1), &package).unwrap();
    let mut second = Signer::again(&copied);
    assert_eq!(second.store.id(), first.store.id());
    // The package of the first one's commitments: there is nothing here to answer it with.
    let answer = second.operator.share(&signing, (1, 1), &package);
    assert_eq!(code(&answer), Some(Code::SessionNotFound));
    // The attempt opens here, since its marker came later; its nonces are others.
    let own = second.operator.commit(&signing.1, 1).unwrap();
    for (ours, theirs) in own.commitments.iter().zip(&package.commitments) {
        assert_eq!(ours.member, theirs.member);
        assert_ne!((ours.hiding, ours.binding), (theirs.hiding, theirs.binding));
    }
    let answer = second.operator.share(&signing, (1, 1), &package);
    assert_eq!(code(&answer), Some(Code::ValidationError));
    let fresh = second.operator.share(&signing, (1, 1), &own).unwrap();
    assert_ne!(share, fresh);
    // The first one's marker holds, whatever the copy does.
    let again = Command::Open(open(signing.1.context(1), 1));
    assert_eq!(
        code(&first.operator.ask(again)),
        Some(Code::ConsumedNonceReplay)
    );
}

/// Put back in the place of the newer store, the copy shows it: its generation was seen before.
#[test]
fn p08_a_copy_that_is_put_back_shows_a_generation_that_was_seen() {
    let (folder, other) = (quick_folder(), quick_folder());
    let home = Home::furnish(folder.path());
    let signer = Signer::new(&home);
    let copied = copy(&home, other.path());
    drop(signer);
    let seen = {
        let signer = Signer::again(&home);
        drop(signer.operator);
        let generation = signer.store.generation();
        signer.store.close().unwrap();
        Signer::again(&home).store.generation().max(generation)
    };
    fs::rename(home.dir.path(), home.folder.join("aside")).unwrap();
    fs::rename(copied.dir.path(), home.dir.path()).unwrap();
    let signer = Signer::again(&home);
    assert!(signer.store.generation() < seen);
}
