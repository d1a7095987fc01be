//! The one thread that writes, and its handles. Whatever waits when it looks becomes one transaction, hence one sync.

use std::path::PathBuf;
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};

use hardfrost_engine::{EncodedRecord, Log, LogError};
use hardfrost_locked::scrubbed;

use crate::database::{Change, Database};
use crate::disk::free_bytes;
use crate::error::DiskFault;
use crate::fate;
use crate::head::{Head, SealedRecord};
use crate::header::Header;
use crate::keys::{Key, Keys};
use crate::lock::Lock;
use crate::open::Begun;
use crate::place::StoreDir;
use crate::reading::read;
use crate::sealing;

/// Longest record, in bytes.
const RECORD_BYTES_MAX: usize = hardfrost_primitives::REQUEST_BYTES_MAX;
/// Most that goes into one transaction, in bytes; a single append may be as long as this.
const BATCH_BYTES_MAX: usize = 64 << 20;
/// Appends that may wait; the next caller waits until there is room.
const WAITING_MAX: usize = 1024;
/// Pages in the write-ahead log from which on they are moved, once those who wait have their answer.
const PAGES_AHEAD_MAX: u64 = 1024;
const PAGE_BYTES: u64 = 4096;
/// Pages that a transaction touches beside those that its records fill: the head, and the way to the last record.
const PAGES_BESIDE: u64 = 16;

type Answer<T, E> = SyncSender<Result<T, E>>;

enum Request {
    Append(Append),
    Replay(Answer<Vec<EncodedRecord>, LogError>),
    Position(Answer<Position, LogError>),
    Compact(Compact),
    Close(Answer<(), DiskFault>),
}

struct Append {
    records: Vec<EncodedRecord>,
    answer: Answer<(), LogError>,
}

struct Compact {
    since: Position,
    records: Vec<EncodedRecord>,
    answer: Answer<(), CompactError>,
}

/// How far a store had come: which record was its newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position(u64);

/// Why a store was not compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// Records came in since: they are not in the snapshot, and would be lost.
    #[error("records were appended since the snapshot's position: take another snapshot")]
    Appended,
    /// The disk.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A handle on an open store. Clones are cheap.
#[derive(Clone)]
pub struct Writer {
    requests: SyncSender<Request>,
}

impl Writer {
    /// A writer that is gone, or went while it had the question, leaves open what it had written.
    fn ask<T, E>(&self, gone: E, request: impl FnOnce(Answer<T, E>) -> Request) -> Result<T, E> {
        let (answer, told) = sync_channel(1);
        match self.requests.send(request(answer)) {
            Ok(()) => told.recv().unwrap_or(Err(gone)),
            Err(_) => Err(gone),
        }
    }

    pub(crate) fn position(&self) -> Result<Position, LogError> {
        self.ask(LogError::Unknown, Request::Position)
    }

    pub(crate) fn compact(
        &self,
        since: Position,
        records: &[EncodedRecord],
    ) -> Result<(), CompactError> {
        let records: Vec<_> = records.iter().map(EncodedRecord::duplicate).collect();
        self.ask(LogError::Unknown.into(), |answer| {
            Request::Compact(Compact {
                since,
                records,
                answer,
            })
        })
    }

    pub(crate) fn close(&self) -> Result<(), DiskFault> {
        self.ask(DiskFault::Faulted, Request::Close)
    }
}

impl Log for Writer {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        let records: Vec<_> = records.iter().map(EncodedRecord::duplicate).collect();
        self.ask(LogError::Unknown, |answer| {
            Request::Append(Append { records, answer })
        })
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.ask(LogError::Unknown, Request::Replay)
    }
}

/// What stays with the store when the rest goes to the thread.
pub(crate) struct Kept {
    pub(crate) lock: Lock,
    pub(crate) files: Key,
}

/// The writer's own side.
pub(crate) struct Work {
    requests: Receiver<Request>,
    folder: PathBuf,
    database: Database,
    header: Header,
    keys: Keys,
    head: Head,
    faulted: bool,
}

impl Work {
    pub(crate) fn new(begun: Begun, dir: &StoreDir) -> (Self, Writer, Kept) {
        let (sender, requests) = sync_channel(WAITING_MAX);
        let Begun {
            lock,
            database,
            header,
            keys,
            files,
            head,
        } = begun;
        let work = Self {
            requests,
            folder: dir.path().to_owned(),
            database,
            header,
            keys,
            head,
            faulted: false,
        };
        (work, Writer { requests: sender }, Kept { lock, files })
    }

    /// Serves until it is closed, or until the last handle is gone.
    pub(crate) fn run(mut self) {
        let mut carried = None;
        while let Some(request) = carried.take().or_else(|| self.requests.recv().ok()) {
            match request {
                Request::Append(first) => {
                    let (batch, other) = self.gather(first);
                    carried = other;
                    self.settle(batch);
                }
                Request::Replay(answer) => tell(&answer, self.replay()),
                Request::Position(answer) => {
                    tell(&answer, self.standing().map(|()| Position(self.head.last)));
                }
                Request::Compact(compact) => {
                    let outcome = self.compact(&compact);
                    tell(&compact.answer, outcome);
                    self.move_pages();
                }
                Request::Close(answer) => {
                    tell(&answer, self.leave());
                    return;
                }
            }
        }
    }

    /// Everything that waits by now, up to the first request of another kind, or one that does not fit.
    fn gather(&self, first: Append) -> (Vec<Append>, Option<Request>) {
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        while let Ok(request) = self.requests.try_recv() {
            match request {
                Request::Append(next) if bytes + next.bytes() <= BATCH_BYTES_MAX => {
                    bytes += next.bytes();
                    batch.push(next);
                }
                other @ (Request::Append(_)
                | Request::Replay(_)
                | Request::Position(_)
                | Request::Compact(_)
                | Request::Close(_)) => {
                    return (batch, Some(other));
                }
            }
        }
        (batch, None)
    }

    /// Makes a batch durable and tells everyone in it the same truth; what is too long is refused alone.
    fn settle(&mut self, batch: Vec<Append>) {
        let (fitting, oversized): (Vec<_>, Vec<_>) = batch.into_iter().partition(Append::fits);
        for append in &oversized {
            tell(
                &append.answer,
                self.standing().and(Err(LogError::NotWritten)),
            );
        }
        let outcome = self.append(&fitting);
        for append in &fitting {
            tell(&append.answer, outcome);
        }
        if outcome.is_ok() {
            self.move_pages();
        }
    }

    fn standing(&self) -> Result<(), LogError> {
        if self.faulted {
            Err(LogError::Unknown)
        } else {
            Ok(())
        }
    }

    fn append(&mut self, batch: &[Append]) -> Result<(), LogError> {
        self.standing()?;
        let records = batch.iter().flat_map(|append| &append.records);
        let head = self.head;
        let sealed = self.seal(head, records)?;
        if sealed.records.is_empty() {
            return Ok(());
        }
        self.write(sealed, 0, |change, sealed| change.insert(&sealed.records))
    }

    /// The records of a snapshot take the place of all there are, under numbers of their own.
    fn compact(&mut self, compact: &Compact) -> Result<(), CompactError> {
        self.standing()?;
        if compact.since != Position(self.head.last) {
            return Err(CompactError::Appended);
        }
        if !compact.records.iter().all(fits) {
            return Err(LogError::NotWritten.into());
        }
        let sealed = self.seal(self.head.emptied(&self.header), &compact.records)?;
        // What is let go of is overwritten, so all pages are.
        let pages = self.database.pages().map_err(|_| LogError::NotWritten)?;
        self.write(sealed, pages, |change, sealed| {
            change.remove_records()?;
            change.insert(&sealed.records)
        })?;
        Ok(())
    }

    fn seal<'a>(
        &self,
        mut head: Head,
        records: impl IntoIterator<Item = &'a EncodedRecord>,
    ) -> Result<Sealed, LogError> {
        let seal = || {
            let records = records
                .into_iter()
                .map(|record| head.append(record, &self.header, &self.keys))
                .collect::<Result<Vec<_>, DiskFault>>()?;
            Ok::<_, DiskFault>(Sealed {
                records,
                head_bytes: head.seal(&self.header, &self.keys)?,
                head,
            })
        };
        // Only randomness can fail here, and nothing was begun.
        scrubbed(seal).map_err(|_| LogError::NotWritten)
    }

    fn write(
        &mut self,
        sealed: Sealed,
        pages_overwritten: u64,
        make: impl FnOnce(&Change<'_>, &Sealed) -> rusqlite::Result<()>,
    ) -> Result<(), LogError> {
        if !self.has_room(&sealed.records, pages_overwritten) {
            return Err(LogError::NotWritten);
        }
        let done = self.database.change(|change| {
            make(change, &sealed)?;
            change.replace_head(&sealed.head_bytes)
        });
        match done {
            Ok(()) => {
                self.head = sealed.head;
                Ok(())
            }
            Err(interrupted) => {
                let fate = fate::of(&interrupted);
                self.faulted |= !fate.goes_on || !self.database.is_idle();
                Err(fate.told)
            }
        }
    }

    /// Whether the disk takes the batch, first into the write-ahead log and later into the database, beside what the
    /// database does not have yet. A full disk is better met here, where nothing was written, than inside COMMIT.
    fn has_room(&self, sealed: &[SealedRecord], pages_overwritten: u64) -> bool {
        let bytes: usize = sealed.iter().map(|record| record.sealed.len() + 32).sum();
        let pages = (bytes as u64).div_ceil(PAGE_BYTES / 2) + PAGES_BESIDE;
        let ahead = self.database.pages_ahead().unwrap_or(PAGES_AHEAD_MAX);
        let needed = (2 * pages + pages_overwritten + ahead) * PAGE_BYTES;
        // Where the system does not say, COMMIT will.
        free_bytes(&self.folder).is_none_or(|free| free >= needed)
    }

    fn move_pages(&mut self) {
        let ahead = self.database.pages_ahead();
        if ahead.is_ok_and(|pages| pages < PAGES_AHEAD_MAX) {
            return;
        }
        if self.database.checkpoint().is_err() {
            self.faulted = true;
        }
    }

    fn replay(&self) -> Result<Vec<EncodedRecord>, LogError> {
        self.standing()?;
        let mut records = Vec::new();
        read(&self.database, &self.header, &self.keys, &mut records)
            .map_err(|_| LogError::Unknown)?;
        Ok(records)
    }

    /// A faulted store is left as it is: what the disk says is for the next opening to find out.
    fn leave(&self) -> Result<(), DiskFault> {
        if self.faulted {
            return Err(DiskFault::Faulted);
        }
        Ok(self.database.checkpoint()?)
    }
}

/// What a transaction writes, and the head once it is durable.
struct Sealed {
    records: Vec<SealedRecord>,
    head_bytes: Vec<u8>,
    head: Head,
}

fn fits(record: &EncodedRecord) -> bool {
    record.as_bytes().len() <= RECORD_BYTES_MAX
}

impl Append {
    fn bytes(&self) -> usize {
        let sizes = self.records.iter().map(|record| record.as_bytes().len());
        sizes.map(|size| size + sealing::OVERHEAD).sum()
    }

    fn fits(&self) -> bool {
        self.bytes() <= BATCH_BYTES_MAX && self.records.iter().all(fits)
    }
}

/// Whoever asked may be gone.
fn tell<T>(answer: &SyncSender<T>, told: T) {
    drop(answer.send(told));
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::open::verify;
    use crate::provider::KeyProvider;
    use crate::store::Store;

    fn record(text: &str) -> EncodedRecord {
        EncodedRecord::new(7, text.as_bytes().to_vec().into())
    }

    fn work(folder: &std::path::Path) -> (StoreDir, Work, Writer, Kept) {
        let key = folder.join("key");
        fs::write(&key, "5a".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let dir = StoreDir::new(folder.join("store"));
        let provider = KeyProvider::File(key);
        Store::create(&dir, &provider).unwrap();
        let verified = verify(&dir, &provider, &mut Vec::new()).unwrap();
        let (work, writer, kept) = Work::new(verified.begin().unwrap(), &dir);
        (dir, work, writer, kept)
    }

    /// Frames of the write-ahead log that end a transaction: each is one sync.
    fn commits(dir: &StoreDir) -> usize {
        let log = fs::read(dir.write_ahead_log()).unwrap();
        log[32..]
            .chunks(24 + 4096)
            .filter(|frame| frame[4..8] != [0; 4])
            .count()
    }

    #[test]
    fn whoever_waits_shares_one_sync_and_gets_its_own_answer() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, work, writer, _lock) = work(folder.path());
        let before = commits(&dir);
        let mut answers = Vec::new();
        for text in ["one", "two", "three"] {
            let (answer, told) = sync_channel(1);
            let records = vec![record(text), record(text)];
            let append = Request::Append(Append { records, answer });
            writer.requests.send(append).unwrap();
            answers.push(told);
        }
        let (answer, replayed) = sync_channel(1);
        writer.requests.send(Request::Replay(answer)).unwrap();
        drop(writer);
        work.run();
        assert_eq!(commits(&dir), before + 1);
        for told in answers {
            assert_eq!(told.recv().unwrap(), Ok(()));
        }
        let records = replayed.recv().unwrap().unwrap();
        let texts: Vec<&[u8]> = records.iter().map(EncodedRecord::as_bytes).collect();
        assert_eq!(
            texts,
            [b"one" as &[u8], b"one", b"two", b"two", b"three", b"three"]
        );
    }

    #[test]
    fn e04_in_a_failed_commit_everyone_of_the_batch_is_told_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let (_dir, mut work, writer, _lock) = work(folder.path());
        // The commit that failed is made elsewhere in the tests; what counts here is that nobody is told otherwise.
        work.faulted = true;
        let mut answers = Vec::new();
        for records in [
            vec![record("one")],
            vec![],
            vec![record(&"x".repeat(17 << 20))],
        ] {
            let (answer, told) = sync_channel(1);
            let append = Request::Append(Append { records, answer });
            writer.requests.send(append).unwrap();
            answers.push(told);
        }
        drop(writer);
        work.run();
        for told in answers {
            assert_eq!(told.recv().unwrap(), Err(LogError::Unknown));
        }
    }

    #[test]
    fn e04_a_writer_that_is_gone_leaves_it_open_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (_dir, work, mut writer, _lock) = work(folder.path());
        drop(work);
        assert_eq!(
            writer.append_durably(&[record("one")]),
            Err(LogError::Unknown)
        );
        assert_eq!(writer.replay().err(), Some(LogError::Unknown));
    }

    #[test]
    fn e04_a_writer_that_dies_with_the_question_leaves_it_open_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (_dir, work, mut writer, _lock) = work(folder.path());
        let dying = std::thread::spawn(move || work.requests.recv().is_ok());
        assert_eq!(
            writer.append_durably(&[record("one")]),
            Err(LogError::Unknown)
        );
        assert!(dying.join().unwrap());
    }
}
