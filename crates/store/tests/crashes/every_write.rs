//! The life, cut at every call that changes the disk.

use std::collections::BTreeMap;

use nix::errno::Errno;
use tempfile::TempDir;

use crate::judge::Expected;
use crate::life::Home;
use crate::said::Said;
use crate::tracer::{watch, Cut, Kind, Watched};

/// A folder in memory where there is one: what a process leaves behind does not depend on what lies below, and syncs
/// that wait for a disk are most of the time.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// The calls of a life that nothing happens to; none where this machine lets nobody trace a process.
fn calls() -> Option<Vec<Kind>> {
    let folder = folder();
    let home = Home::furnish(folder.path());
    match watch(folder.path(), Cut::Nowhere) {
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
    let cuts: Vec<Cut> = (0..)
        .zip(&calls)
        .flat_map(|(number, kind)| cuts(number, *kind))
        .collect();
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for cut in &cuts {
        let folder = folder();
        let home = Home::furnish(folder.path());
        let watched = watch(folder.path(), *cut).unwrap();
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
    assert!(cuts.len() >= 50, "hardly anything was cut");
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
        (Cut::Before(_) | Cut::After(_), Some(Said::Done)) => panic!("nobody was killed"),
        (Cut::Before(_) | Cut::After(_), _) => "killed",
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
        Kind::Sync => Vec::new(),
    });
}

#[test]
fn p07_every_write_is_cut_short() {
    at_every_call("short", |number, kind| match kind {
        Kind::Write => vec![Cut::Short(number), Cut::ShortThenFull(number)],
        Kind::Sync | Kind::Name => Vec::new(),
    });
}
