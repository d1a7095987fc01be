//! The life, cut at every call that changes the disk.

use std::collections::BTreeMap;

use nix::errno::Errno;

use crate::disk::quick_folder;
use crate::judge::Expected;
use crate::life::Home;
use crate::said::Said;
use crate::tracer::{watch, Cut, Kind, Watched};

/// The calls of a life that nothing happens to; none where this machine lets nobody trace a process.
fn calls() -> Option<Vec<Kind>> {
    let folder = quick_folder();
    let home = Home::furnish(folder.path());
    match watch(folder.path(), Cut::Nowhere, &|| {}) {
        Ok(Watched { calls, said, .. }) => {
            assert_eq!(said.last(), Some(&Said::Done), "{said:#?}");
            Expected::of(&said).judge(&home);
            Some(calls)
        }
        Err(Errno::EPERM | Errno::EACCES | Errno::ENOSYS) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Lives the life once for every call and every cut of it, and judges what is left each time.
fn at_every_call(what: &str, cuts: impl Fn(usize, Kind) -> Vec<Cut>) {
    let Some(calls) = calls() else {
        println!("{what}: SKIPPED, this machine lets nobody trace a process");
        return;
    };
    let cuts: Vec<Cut> = (0..calls.len())
        .flat_map(|number| cuts(number, calls[number]))
        .filter(|cut| !is_in_vain(*cut, &calls))
        .collect();
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for cut in &cuts {
        let folder = quick_folder();
        let home = Home::furnish(folder.path());
        let watched = watch(folder.path(), *cut, &|| {}).unwrap();
        let _named = Named(*cut, &watched.said);
        assert!(watched.met, "it never came");
        *ends.entry(end(*cut, &watched.said)).or_default() += 1;
        Expected::of(&watched.said).judge(&home);
    }
    println!(
        "{what}: {} calls, {} cuts: {ends:?}",
        calls.len(),
        cuts.len()
    );
    assert!(cuts.len() >= 8, "hardly anything was cut");
}

/// The last folder is synced by SQLite alone, after us.
fn is_in_vain(cut: Cut, calls: &[Kind]) -> bool {
    let last = calls.iter().rposition(|kind| *kind == Kind::SyncFolder);
    matches!(cut, Cut::FoldersFrom(at) if Some(at) == last)
}

/// Says where a life was cut, should its judge fail.
struct Named<'a>(Cut, &'a [Said]);

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?}: {:#?}", self.0, self.1);
        }
    }
}

/// How a life ended, which must fit how it was cut.
fn end(cut: Cut, said: &[Said]) -> &'static str {
    let asked = said.contains(&Said::Unknown);
    let stopped = said.contains(&Said::Faulted);
    let last = said.last();
    match (cut, last) {
        (Cut::Before(_) | Cut::After(_) | Cut::PowerLost(_), Some(Said::Done)) => {
            panic!("nobody was killed")
        }
        (Cut::Before(_) | Cut::After(_) | Cut::PowerLost(_), _) => "killed",
        (Cut::FoldersFrom(_), Some(Said::Done)) => panic!("nobody noticed"),
        (_, Some(Said::Done)) => "noticed nothing",
        (_, Some(Said::Failed(..))) if stopped => "the engine stopped",
        (_, Some(Said::Failed(disk, why))) => {
            assert!(!asked, "the log did not know, and the engine went on");
            assert!(disk, "{why}");
            "the store refused"
        }
        (_, other) => panic!("{cut:?} ended with {other:?}"),
    }
}

#[test]
fn e03_p02_killed_before_every_write() {
    at_every_call("killed before", |number, _| vec![Cut::Before(number)]);
}

#[test]
fn e03_p02_killed_after_every_write() {
    at_every_call("killed after", |number, _| vec![Cut::After(number)]);
}

#[test]
fn e04_every_call_fails_once() {
    at_every_call("one call fails", |number, _| {
        vec![Cut::Fails(number, Errno::EIO)]
    });
}

/// SQLite syncs the folder of a file that it made, and ignores a failure. Nothing may be acknowledged in a file whose
/// name is not durable.
#[test]
fn e04_no_failed_sync_of_a_folder_goes_unnoticed() {
    at_every_call("folders fail from", |number, kind| match kind {
        Kind::SyncFolder => vec![Cut::FoldersFrom(number)],
        Kind::Write | Kind::Sync | Kind::Name => Vec::new(),
    });
}

#[test]
fn e04_the_disk_goes_away_at_every_call() {
    at_every_call("everything fails from", |number, _| {
        vec![Cut::GoneFrom(number)]
    });
}

#[test]
fn p07_the_disk_is_full_at_every_write() {
    at_every_call("full", |number, kind| match kind {
        Kind::Write | Kind::Name => vec![Cut::Fails(number, Errno::ENOSPC), Cut::FullFrom(number)],
        Kind::Sync | Kind::SyncFolder => Vec::new(),
    });
}

#[test]
fn p07_every_write_is_cut_short() {
    at_every_call("short", |number, kind| match kind {
        Kind::Write => vec![Cut::Short(number), Cut::ShortThenFull(number)],
        Kind::Sync | Kind::SyncFolder | Kind::Name => Vec::new(),
    });
}
