//! Threads that call one engine for a share each, and again when they have it: how many shares come, and how long one
//! waits. Wall-clock time, on the disk of the folder for temporary files.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{ensure, Context};
use hardfrost_engine::{Command, EncodedRecord, Log, LogError, MemoryLog, Reply, Round2, Shared};
use rand_core::OsRng;

use crate::durable::{median, timed, Place, APPENDED};
use crate::signer::{now, Session, Signer};
use crate::table::Row;

/// How many call at once, and what of shares per second a durable log may cost them.
const CALLERS: [(usize, Option<f64>); 3] = [(1, None), (8, None), (64, Some(2.0))];
const SHARES: u32 = 20;
const SYNCS: usize = 60;

/// A log without a sync that many threads may call.
#[derive(Clone, Default)]
struct Unsynced(Arc<Mutex<MemoryLog>>);

impl Log for Unsynced {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.append_durably(records)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.replay()
    }
}

/// What so many callers saw.
struct Seen {
    /// Time for each share that was given.
    share: Duration,
    /// The median wait for one.
    wait: Duration,
}

/// Throughput and latency of the whole way of a share: 1, 8, 64 callers.
///
/// # Errors
/// The disk.
pub fn rows() -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let sync = one_sync(folder.path())?;
    let mut rows = Vec::new();
    for (callers, goal) in CALLERS {
        let place = Place::new(folder.path(), &format!("threads-{callers}"))?;
        let store = place.open()?.store;
        let ours = seen(store.writer(), callers)?;
        store.close()?;
        let unsynced = seen(Unsynced::default(), callers)?;
        rows.push(Row::of(
            format!("a share, {callers} threads, one engine"),
            (ours.share, unsynced.share),
            ("without a sync", goal),
        ));
        rows.push(Row::of(
            format!("its wait, {callers} threads, one engine"),
            (ours.wait, sync),
            ("append+fdatasync", None),
        ));
    }
    Ok(rows)
}

fn one_sync(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(folder.join("appended"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let (took, done) = timed(|| file.write_all(&APPENDED).and_then(|()| file.sync_data()));
        done?;
        times.push(took);
    }
    median(times)
}

fn seen<L: Log + Clone + Send + Sync>(log: L, callers: usize) -> anyhow::Result<Seen> {
    let mut signer = Signer::new(log)?;
    let mut asked: Vec<Vec<Round2>> = Vec::new();
    for payment in 0..callers as u64 {
        let session: Session = signer.approve(payment)?;
        let requests = (1..=SHARES).map(|number| signer.committed(&session, number));
        asked.push(requests.collect::<anyhow::Result<_>>()?);
    }
    let shared = signer.shared();
    let start = Barrier::new(callers + 1);
    let (took, waits) = thread::scope(|scope| {
        let ask = |requests| {
            let (shared, start) = (&shared, &start);
            scope.spawn(move || waits(shared, start, requests))
        };
        let threads: Vec<_> = asked.into_iter().map(ask).collect();
        start.wait();
        let begun = Instant::now();
        let waits: Option<Vec<Vec<Duration>>> =
            threads.into_iter().map(|t| t.join().ok()?).collect();
        (begun.elapsed(), waits)
    });
    let waits = waits.context("everybody gets every share")?.concat();
    ensure!(waits.len() == callers * SHARES as usize, "every share came");
    Ok(Seen {
        share: took / u32::try_from(waits.len())?,
        wait: median(waits)?,
    })
}

/// How long each share took; none, if one did not come.
fn waits<L: Log + Clone>(
    shared: &Shared<L>,
    start: &Barrier,
    requests: Vec<Round2>,
) -> Option<Vec<Duration>> {
    start.wait();
    let ask = |request| {
        let call = || shared.call(now(), &mut OsRng, Command::Round2(request));
        let (took, reply) = timed(call);
        matches!(reply, Reply::Share(_)).then_some(took)
    };
    requests.into_iter().map(ask).collect()
}
