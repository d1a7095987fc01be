//! What durability costs: real engines on real stores, wall-clock time on the disk of the folder for temporary files.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context};
use hardfrost_engine::{Command, EncodedRecord, Engine, Log, MemoryLog};
use hardfrost_primitives::Limits;
use hardfrost_store::{KeyProvider, Opened, Store, StoreDir, Writer};

use crate::signer::{Session, Signer};
use crate::table::Row;

const ROUNDS: usize = 60;
const CALLERS: usize = 64;
const RECORDS: usize = 100_000;
/// About what a consumption record has, sealed.
pub const APPENDED: [u8; 300] = [0xa5; 300];

/// The three rows of durability.
///
/// # Errors
/// The disk.
pub fn rows() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    Ok(vec![
        one_round2(folder.path())?,
        many_callers(folder.path())?,
        restart(folder.path())?,
    ])
}

pub struct Place {
    pub dir: StoreDir,
    key: KeyProvider,
}

impl Place {
    pub fn new(folder: &Path, name: &str) -> anyhow::Result<Self> {
        let place = Self {
            dir: StoreDir::new(folder.join(name)),
            key: KeyProvider::make_key_file(&folder.join(format!("{name}.key")))?,
        };
        Store::create(&place.dir, &place.key)?;
        Ok(place)
    }

    pub fn open(&self) -> anyhow::Result<Opened> {
        Ok(Store::open(&self.dir, &self.key)?)
    }
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

pub fn median(mut times: Vec<Duration>) -> anyhow::Result<Duration> {
    times.sort();
    let middle = times.get(times.len() / 2);
    middle.copied().context("something was measured")
}

/// Round2 of one attempt, and by turns one append and fdatasync of as many bytes.
fn one_round2(folder: &Path) -> anyhow::Result<Row> {
    let place = Place::new(folder, "one")?;
    let store = place.open()?.store;
    let mut signer = Signer::new(store.writer())?;
    let session = signer.approve(1)?;
    let mut file = File::create(folder.join("appended"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=ROUNDS {
        let round2 = signer.committed(&session, u32::try_from(number)?)?;
        let (took, done) = timed(|| signer.ask(vec![Command::Round2(round2)]));
        done?;
        ours.push(took);
        let (took, done) = timed(|| file.write_all(&APPENDED).and_then(|()| file.sync_data()));
        done?;
        theirs.push(took);
    }
    store.close()?;
    Ok(Row::new(
        "one durable round2",
        (median(ours)?, median(theirs)?),
        ("append+fdatasync", 1.3),
    ))
}

/// 64 callers ask for a share each, and ask again when they have it: what waits becomes one append.
fn many_callers(folder: &Path) -> anyhow::Result<Row> {
    let place = Place::new(folder, "many")?;
    let store = place.open()?.store;
    let ours = share_of_many(store.writer())?;
    store.close()?;
    let theirs = share_of_many(MemoryLog::default())?;
    Ok(Row::new(
        format!("a share, {CALLERS} callers, 2-of-3"),
        (ours, theirs),
        ("without a sync", 2.0),
    ))
}

fn share_of_many<L: Log>(log: L) -> anyhow::Result<Duration> {
    let mut signer = Signer::new(log)?;
    let sessions: Vec<Session> = (0..CALLERS as u64)
        .map(|payment| signer.approve(payment))
        .collect::<anyhow::Result<_>>()?;
    let mut times = Vec::new();
    for number in 1..=10 {
        let mut asked = Vec::new();
        for session in &sessions {
            asked.push(Command::Round2(signer.committed(session, number)?));
        }
        let (took, done) = timed(|| signer.ask(asked));
        ensure!(done?.len() == CALLERS, "everybody gets a share");
        times.push(took / u32::try_from(CALLERS)?);
    }
    median(times)
}

/// A store of consumption records, opened and recovered, beside reading its file once.
fn restart(folder: &Path) -> anyhow::Result<Row> {
    let place = Place::new(folder, "restart")?;
    let store = place.open()?.store;
    let mut signer = Signer::new(store.writer())?;
    let session = signer.approve(1)?;
    let round2 = signer.committed(&session, 1)?;
    let attempt = hex::decode(round2.key.attempt.to_string())?;
    signer.ask(vec![Command::Round2(round2)])?;
    let mut writer: Writer = store.writer();
    let all = writer.replay()?;
    let marker = all.iter().rfind(|record| record.kind() == 4);
    let marker = marker.context("a share leaves a marker")?;
    for batch in 0..RECORDS / 1000 {
        let numbers = batch * 1000..(batch + 1) * 1000;
        let records: Option<Vec<EncodedRecord>> = numbers
            .map(|number| another(marker, &attempt, number))
            .collect();
        writer.append_durably(&records.context("a marker names its attempt")?)?;
    }
    drop((signer, writer));
    store.close()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (took, opened) = timed(|| -> anyhow::Result<Store> {
            let Opened { store, records } = place.open()?;
            ensure!(records.len() > RECORDS, "all records are there");
            Engine::recover(Limits::default(), [].into(), &records)?;
            Ok(store)
        });
        opened?.close()?;
        ours.push(took);
        theirs.push(timed(|| fs::read(place.dir.records())).0);
    }
    Ok(Row::new(
        format!("restart with {RECORDS} records"),
        (median(ours)?, median(theirs)?),
        ("reading the file", 5.0),
    ))
}

/// The same marker for another attempt.
fn another(marker: &EncodedRecord, attempt: &[u8], number: usize) -> Option<EncodedRecord> {
    let mut bytes = marker.as_bytes().to_vec();
    let mut windows = bytes.windows(attempt.len());
    let at = windows.position(|window| window == attempt)?;
    bytes
        .get_mut(at..at + 8)?
        .copy_from_slice(&(number as u64).to_be_bytes());
    Some(EncodedRecord::new(marker.kind(), bytes.into()))
}
