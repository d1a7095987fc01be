//! A store that is open.

use std::thread::{self, JoinHandle};

use hardfrost_engine::{EncodedRecord, LogError};

use crate::create;
use crate::error::{DiskFault, StoreError};
use crate::header::StoreId;
use crate::keys::Key;
use crate::lock::Lock;
use crate::open::verify;
use crate::place::{FileName, StoreDir};
use crate::provider::KeyProvider;
use crate::report::{check, Report};
use crate::rotate::rotate;
use crate::sealed_file::{SealedFile, Turn};
use crate::writer::{CompactError, Kept, Position, Work, Writer};

/// An open store: the lock on its folder, its key in memory, and the thread that writes. Dropping it closes it; handles
/// that are left then answer [`hardfrost_engine::LogError::Unknown`].
pub struct Store {
    writer: Writer,
    thread: Option<JoinHandle<()>>,
    id: StoreId,
    generation: u64,
    dir: StoreDir,
    files: Key,
    turn: Turn,
    // After the thread: the lock goes last.
    _lock: Lock,
}

/// A store just opened, and all that it holds.
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Its records, verified, oldest first.
    pub records: Vec<EncodedRecord>,
}

impl Store {
    /// Makes a store where nothing of one is. A crash on the way leaves no store, and the next call begins again.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Held`], [`StoreError::Refused`], [`StoreError::Provider`],
    /// [`StoreError::Disk`]
    pub fn create(dir: &StoreDir, provider: &KeyProvider) -> Result<(), StoreError> {
        create::create(dir, provider)
    }

    /// Opens a store, reads and verifies all of it, and begins its next generation, durably.
    ///
    /// # Errors
    /// See [`StoreError`]. Nothing is repaired, deleted or begun anew.
    pub fn open(dir: &StoreDir, provider: &KeyProvider) -> Result<Opened, StoreError> {
        let dir = &dir.absolute()?;
        let mut records = Vec::new();
        let begun = verify(dir, provider, &mut records)?.settle(dir)?.begin()?;
        let (id, generation) = (begun.header.id, begun.head.generation);
        let (work, writer, Kept { lock, files }) = Work::new(begun, dir);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || work.run())
            .map_err(DiskFault::system("start a thread for", dir.path()))?;
        let store = Self {
            writer,
            thread: Some(thread),
            id,
            generation,
            dir: dir.clone(),
            files,
            turn: Turn::default(),
            _lock: lock,
        };
        Ok(Opened { store, records })
    }

    /// Seals a closed store anew under another key, all of it in one transaction. Sealed files beside it need not
    /// change.
    ///
    /// # Errors As for [`Store::open`], and [`StoreError::NewProvider`]; nothing is changed then.
    /// [`StoreError::Undecided`] if the disk failed at the very end.
    pub fn rotate_key(
        dir: &StoreDir,
        old: &KeyProvider,
        new: &KeyProvider,
    ) -> Result<(), StoreError> {
        rotate(dir, old, new)
    }

    /// Reads and verifies all of a closed store and changes nothing: damage is listed, not only the first of it.
    ///
    /// # Errors
    /// As for [`Store::open`], where there is no reading on: no store, no key, no header or head.
    pub fn check(dir: &StoreDir, provider: &KeyProvider) -> Result<Report, StoreError> {
        check(dir, provider)
    }

    /// All records of a closed store, verified, oldest first; nothing is changed.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn read(dir: &StoreDir, provider: &KeyProvider) -> Result<Vec<EncodedRecord>, StoreError> {
        let mut records = Vec::new();
        verify(&dir.absolute()?, provider, &mut records)?;
        Ok(records)
    }

    /// How far the store has come. Ask before taking a snapshot for [`Store::compact`].
    ///
    /// # Errors
    /// [`LogError::Unknown`] if the store is faulted.
    pub fn position(&self) -> Result<Position, LogError> {
        self.writer.position()
    }

    /// Puts the records of a snapshot in the place of all that the store holds, in one transaction. Numbers go on
    /// growing: an old record fits nowhere any more. `since` was asked for before the snapshot was taken.
    ///
    /// # Errors [`CompactError::Appended`] if anything came in since then; nothing is changed. Otherwise as for an
    /// append.
    pub fn compact(
        &mut self,
        since: Position,
        records: &[EncodedRecord],
    ) -> Result<(), CompactError> {
        self.writer.compact(since, records)
    }

    /// A handle that appends. Clones share the one writer, and its syncs.
    #[must_use]
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// The sealed file of that name beside the records, there or not.
    #[must_use]
    pub fn file(&self, name: FileName) -> SealedFile<'_> {
        SealedFile::new(&self.dir, name, self.id, (&self.files, &self.turn))
    }

    /// The store's name.
    #[must_use]
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// How often this store was opened. It only grows; an old copy that was put back shows a lower one than was seen.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Ends the writer, after all that waits, and leaves one file that holds everything.
    ///
    /// # Errors
    /// What the last checkpoint met; what was acknowledged is durable all the same.
    pub fn close(mut self) -> Result<(), StoreError> {
        Ok(self.end()?)
    }

    fn end(&mut self) -> Result<(), DiskFault> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let said = self.writer.close();
        match thread.join() {
            Ok(()) => said,
            Err(_) => Err(DiskFault::Faulted),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        drop(self.end());
    }
}
