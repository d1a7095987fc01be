//! What a disk does to a store: it loses power, is full, or becomes read only.

use std::fs;

use hardfrost_engine::Code;
use hardfrost_store::{Store, StoreError};

use crate::disk::{sync, Disk};
use crate::judge::Expected;
use crate::life::Home;
use crate::said::Said;
use crate::signer::{code, Signer};
use crate::tracer::{watch, Cut, Kind};

/// A disk, or the reason why there is none, which is told.
fn disk(what: &str) -> Option<Disk> {
    match Disk::new() {
        Ok(disk) => Some(disk),
        Err(why) if rustix::process::geteuid().is_root() => {
            println!("{what}: SKIPPED, root may not mount a disk here: {why}");
            None
        }
        Err(why) => {
            println!("{what}: SKIPPED, only root may mount a disk: {why}");
            None
        }
    }
}

/// A folder on the disk with the keys of a life, and nothing else.
fn furnish(disk: &Disk) -> Home {
    let home = disk.root().join("home");
    if home.exists() {
        fs::remove_dir_all(&home).unwrap();
    }
    fs::create_dir(&home).unwrap();
    sync(&disk.root());
    let home = Home::furnish(&home);
    for name in ["old", "new", ""] {
        sync(&home.folder.join(name));
    }
    home
}

/// Before and after each sync: what a sync makes of the disk lasts until the next one.
fn points(calls: &[Kind]) -> Vec<usize> {
    let is_sync = |number: usize| matches!(calls.get(number), Some(Kind::Sync | Kind::SyncFolder));
    let near = |number: &usize| is_sync(*number) || (*number > 0 && is_sync(*number - 1));
    (0..calls.len()).filter(near).collect()
}

#[test]
fn p02_what_was_acknowledged_is_there_when_the_power_comes_back() {
    let what = "power lost";
    let Some(disk) = disk(what) else { return };
    let home = furnish(&disk);
    let Ok(lived) = watch(&home.folder, Cut::Nowhere, &|| {}) else {
        println!("{what}: SKIPPED, this machine lets nobody trace a process");
        return;
    };
    assert_eq!(lived.said.last(), Some(&Said::Done));
    let points = points(&lived.calls);
    let mut lost = 0;
    for point in &points {
        let home = furnish(&disk);
        let watched = watch(&home.folder, Cut::PowerLost(*point), &|| disk.power_off()).unwrap();
        assert!(watched.met, "call {point} never came");
        disk.power_on();
        lost += usize::from(Expected::of(&watched.said).judge(&home));
    }
    println!(
        "{what}: {} calls, {} cuts, {lost} with a write lost",
        lived.calls.len(),
        points.len()
    );
    assert!(points.len() > 50);
    assert!(lost > 10, "hardly anything was lost: was the power off?");
}

/// Nearly full, more or less. Whoever is refused before anything was written goes on when there is space again, with
/// the very same nonces; whoever met the end inside a write starts again. Nothing acknowledged is lost either way.
#[test]
fn p07_a_disk_that_fills_up_under_an_open_store_goes_on_when_there_is_space() {
    let what = "disk full";
    let Some(disk) = disk(what) else { return };
    let home = furnish(&disk);
    let mut signer = Signer::new(&home);
    let (mut refused, mut stopped, mut unhurt) = (0, 0, 0);
    for case in 0..60_u64 {
        let sats = 1_000_000 + case;
        let signing = (sats, signer.operator.approve(&signer.public, sats).unwrap());
        let package = signer.operator.commit(&signing.1, 1).unwrap();
        let markers = signer.operator.engine.status().records.consumed;
        // Too little and enough in turn: what the store needs grows with its write-ahead log.
        let pages = if case % 2 == 0 { case } else { 40 * case };
        disk.fill(pages * 4096);
        let first = signer.operator.share(&signing, (1, 1), &package);
        disk.free();
        match code(&first) {
            None => unhurt += 1,
            // The log said that nothing was written.
            Some(Code::CapacityExceeded) => {
                refused += 1;
                assert_eq!(signer.operator.engine.status().records.consumed, markers);
                signer.operator.share(&signing, (1, 1), &package).unwrap();
            }
            Some(Code::StorageFault) => {
                stopped += 1;
                assert!(signer.operator.refuses_everything());
                drop(signer);
                signer = Signer::again(&home);
                let found = signer.operator.engine.status().records.consumed;
                assert!((markers..=markers + 1).contains(&found));
            }
            other => panic!("{other:?}"),
        }
        signer.operator.sign(&signing, 2).unwrap();
    }
    println!(
        "{what}: 60 cases, {refused} refused before a write, {stopped} inside, {unhurt} unhurt"
    );
    assert!(refused > 5 && unhurt > 5, "it was never full, or always");
    signer.store.close().unwrap();
    let report = Store::check(&home.dir, &home.key("old")).unwrap();
    assert_eq!(report.damages, []);
}

/// What a file system does that has found an error: it becomes read only under an open store.
#[test]
fn e04_a_disk_that_becomes_read_only_stops_the_engine_and_loses_nothing() {
    let Some(disk) = disk("read only") else {
        return;
    };
    let home = furnish(&disk);
    let mut signer = Signer::new(&home);
    let signing = (
        1_000_000,
        signer.operator.approve(&signer.public, 1_000_000).unwrap(),
    );
    signer.operator.sign(&signing, 1).unwrap();
    let package = signer.operator.commit(&signing.1, 2).unwrap();
    let before = signer.operator.engine.status().records;
    disk.remount("abort");
    let share = signer.operator.share(&signing, (2, 1), &package);
    assert_eq!(code(&share), Some(Code::StorageFault));
    assert!(signer.operator.refuses_everything());
    drop(signer);
    let refused = Store::open(&home.dir, &home.key("old")).err();
    assert!(matches!(refused, Some(StoreError::Disk(_))), "{refused:?}");
    disk.power_on();
    let mut signer = Signer::again(&home);
    let after = signer.operator.engine.status().records;
    assert!((before.consumed..=before.consumed + 1).contains(&after.consumed));
    assert_eq!(after.completed, before.completed);
    signer.operator.sign(&signing, 3).unwrap();
}

/// A store on a disk that may only be read does not open, says whose fault that is, and opens when it may be written.
#[test]
fn p07_a_closed_store_on_a_read_only_disk_is_not_touched_and_opens_later() {
    let Some(disk) = disk("closed, read only") else {
        return;
    };
    let home = furnish(&disk);
    let signer = Signer::new(&home);
    signer.store.close().unwrap();
    drop(signer.operator);
    disk.remount("ro");
    for _ in 0..2 {
        let refused = Store::open(&home.dir, &home.key("old")).err();
        assert!(matches!(refused, Some(StoreError::Disk(_))), "{refused:?}");
    }
    disk.remount("rw");
    let mut signer = Signer::again(&home);
    let signing = (
        1_000_000,
        signer.operator.approve(&signer.public, 1_000_000).unwrap(),
    );
    signer.operator.sign(&signing, 1).unwrap();
    assert_eq!(signer.operator.engine.held_keys().len(), 1);
}
