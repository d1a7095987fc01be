//! Prints what a store costs on this disk: a restart with many records against reading the file once, and appends by
//! one caller and by several at once.
//!
//!     cargo run --release -p hardfrost-store --example measure -- FOLDER [RECORDS]
//!
//! FOLDER must not exist; it is left behind.
#![allow(clippy::unwrap_used, reason = "a measurement ends where it fails")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use hardfrost_engine::{EncodedRecord, Log};
use hardfrost_store::{KeyProvider, Store, StoreDir};

/// About what a consumption record has.
const RECORD_BYTES: usize = 250;
const BATCH: usize = 100;
const APPENDS: usize = 500;
const CALLERS: usize = 16;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder that does not exist"));
    let count = arguments
        .next()
        .map_or(100_000, |text| text.parse().unwrap());
    fs::create_dir(&folder).unwrap();
    let provider = key(&folder);
    let dir = StoreDir::new(folder.join("store"));
    Store::create(&dir, &provider).unwrap();
    fill(&dir, &provider, count);
    restart(&dir, &provider, count);
    appends(&dir, &provider);
}

fn key(folder: &Path) -> KeyProvider {
    let path = folder.join("key");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    file.write_all("5a".repeat(32).as_bytes()).unwrap();
    KeyProvider::File(path)
}

fn record() -> EncodedRecord {
    EncodedRecord::new(4, vec![0xa5; RECORD_BYTES].into())
}

fn fill(dir: &StoreDir, provider: &KeyProvider, count: usize) {
    let store = Store::open(dir, provider).unwrap().store;
    let mut writer = store.writer();
    let batch: Vec<EncodedRecord> = (0..BATCH).map(|_| record()).collect();
    let (took, ()) = timed(|| {
        for _ in 0..count / BATCH {
            writer.append_durably(&batch).unwrap();
        }
    });
    println!("{count} records of {RECORD_BYTES} bytes, {BATCH} at once: {took:?}");
    store.close().unwrap();
}

fn restart(dir: &StoreDir, provider: &KeyProvider, count: usize) {
    let (read, bytes) = timed(|| fs::read(dir.records()).unwrap().len());
    let (opened, store) = timed(|| Store::open(dir, provider).unwrap());
    assert_eq!(store.records.len(), count / BATCH * BATCH);
    let ratio = opened.as_secs_f64() / read.as_secs_f64();
    println!("the file, {bytes} bytes, read once: {read:?}");
    println!("restart, all verified: {opened:?}, {ratio:.1} times that");
}

fn appends(dir: &StoreDir, provider: &KeyProvider) {
    let store = Store::open(dir, provider).unwrap().store;
    let alone = |calls: usize| {
        let mut writer = store.writer();
        for _ in 0..calls {
            writer.append_durably(&[record()]).unwrap();
        }
    };
    let (one, ()) = timed(|| alone(APPENDS));
    let (many, ()) = timed(|| {
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| alone(APPENDS));
            }
        });
    });
    let rate = |calls: usize, took: Duration| calls as f64 / took.as_secs_f64();
    println!("appends by one caller: {:.0}/s", rate(APPENDS, one));
    println!(
        "appends by {CALLERS} callers: {:.0}/s",
        rate(APPENDS * CALLERS, many)
    );
    store.close().unwrap();
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}
