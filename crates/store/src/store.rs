//! A store that is open.

use std::thread::{self, JoinHandle};

use hardfrost_engine::EncodedRecord;

use crate::create;
use crate::error::{DiskFault, StoreError};
use crate::header::StoreId;
use crate::lock::Lock;
use crate::open::verify;
use crate::place::StoreDir;
use crate::provider::KeyProvider;
use crate::writer::{Work, Writer};

/// An open store: the lock on its folder, its key in memory, and the thread that writes. Dropping it closes it; handles
/// that are left then answer [`hardfrost_engine::LogError::Unknown`].
pub struct Store {
    writer: Writer,
    thread: Option<JoinHandle<()>>,
    id: StoreId,
    generation: u64,
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
        let mut records = Vec::new();
        let verified = verify(dir, provider, &mut |record| records.push(record))?;
        let verified = verified.begin(dir)?;
        let (id, generation) = (verified.header.id, verified.head.generation);
        let (work, writer, lock) = Work::new(verified, dir);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || work.run())
            .map_err(DiskFault::system("start a thread for", dir.path()))?;
        let store = Self {
            writer,
            thread: Some(thread),
            id,
            generation,
            _lock: lock,
        };
        Ok(Opened { store, records })
    }

    /// A handle that appends. Clones share the one writer, and its syncs.
    #[must_use]
    pub fn writer(&self) -> Writer {
        self.writer.clone()
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
