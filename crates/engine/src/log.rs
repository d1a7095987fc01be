//! The durable log, as the engine sees it.

use crate::record::EncodedRecord;

/// Why an append failed: the difference decides whether nonces live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// No byte reached a write: the disk is as it was.
    #[error("nothing was written")]
    NotWritten,
    /// A short or failed write, or a failed sync: what is on the disk is not known.
    #[error("it is not known what was written")]
    Unknown,
}

/// Where records become durable. One call is one sync, whatever the number of records.
pub trait Log {
    /// Makes all of `records` durable, or says truthfully that it did not.
    ///
    /// # Errors
    /// See [`LogError`].
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError>;

    /// All durable records, oldest first.
    ///
    /// # Errors
    /// [`LogError::Unknown`] when they cannot be read.
    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError>;
}

/// A log that lives as long as its process, for runs that leave nothing behind.
#[derive(Default)]
pub struct MemoryLog {
    records: Vec<EncodedRecord>,
}

impl Log for MemoryLog {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        self.records
            .extend(records.iter().map(EncodedRecord::duplicate));
        Ok(())
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        Ok(self.records.iter().map(EncodedRecord::duplicate).collect())
    }
}
