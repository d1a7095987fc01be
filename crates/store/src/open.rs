//! How a store is opened: first what needs no key, then the key, then every record, and only then the first write.

use hardfrost_engine::EncodedRecord;

use crate::database::{Checkpoint, Database};
use crate::error::{DiskFault, StoreError};
use crate::head::Head;
use crate::header::Header;
use crate::keys::Keys;
use crate::lock::Lock;
use crate::place::StoreDir;
use crate::provider::KeyProvider;
use crate::reading::read;
use crate::settle::settle;

/// A store that was read and verified to its end. So far nothing was written.
pub(crate) struct Verified {
    pub(crate) lock: Lock,
    pub(crate) database: Database,
    pub(crate) header: Header,
    pub(crate) keys: Keys,
    pub(crate) head: Head,
}

pub(crate) fn verify(
    dir: &StoreDir,
    provider: &KeyProvider,
    keep: &mut dyn FnMut(EncodedRecord),
) -> Result<Verified, StoreError> {
    dir.look()?;
    let lock = Lock::take(dir)?;
    // Once more, now that nobody else can be at it.
    dir.look()?;
    let database = Database::open(&dir.resolved(&dir.records())?)?;
    let header = Header::from_bytes(&database.header()?)?;
    let keys = Keys::derive(&provider.resolve()?, &header.source, &header.id)?;
    if !header.fits(&keys) {
        return Err(StoreError::WrongKey);
    }
    let head = read(&database, &header, &keys, keep)?;
    Ok(Verified {
        lock,
        database,
        header,
        keys,
        head,
    })
}

impl Verified {
    /// Makes sure that all that was read is on the disk, and begins a generation.
    pub(crate) fn begin(mut self, dir: &StoreDir) -> Result<Self, StoreError> {
        settle(&dir.write_ahead_log())?;
        self.database
            .checkpoint(Checkpoint::Truncate)
            .map_err(DiskFault::Sqlite)?;
        self.head.generation += 1;
        let head = self.head.seal(&self.header, &self.keys)?;
        self.database
            .append(&[], &head)
            .map_err(|failure| DiskFault::Sqlite(failure.cause))?;
        Ok(self)
    }
}
