//! Durability in the types: staged → committed → released.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::log::{Log, LogError};
use crate::record::{EncodedRecord, Record};

/// A decision whose record is not durable yet, and what it will release. Dropping it destroys what is pending, nonces
/// included.
#[must_use = "nothing leaves the engine until this is committed"]
pub struct Staged<T> {
    pub(crate) record: Record,
    pub(crate) pending: T,
}

/// A decision whose record is durable. The engine applies the record, then releases.
#[must_use = "release it: the record is durable, its effect is not applied yet"]
pub struct Committed<T> {
    pub(crate) record: Record,
    pub(crate) pending: T,
}

/// What was asked for: it is so already, or it needs a record.
#[must_use = "a new decision is nothing until it is committed"]
pub enum Decision<T, P> {
    /// It was so before; no record is needed.
    Already(T),
    /// It is so once the record is durable.
    New(Staged<P>),
}

/// A batch that did not become durable.
#[must_use = "withdraw it: the engine must learn that the write failed"]
pub struct Uncommitted<T> {
    pub(crate) cause: LogError,
    pub(crate) batch: Vec<Staged<T>>,
}

impl<T> Uncommitted<T> {
    /// What the log said.
    #[must_use]
    pub fn cause(&self) -> LogError {
        self.cause
    }
}

impl<T> Staged<T> {
    /// The same decision with its pending part wrapped, so that unlike ones fit one batch.
    pub fn map<U>(self, wrap: impl FnOnce(T) -> U) -> Staged<U> {
        Staged {
            record: self.record,
            pending: wrap(self.pending),
        }
    }

    /// Makes the whole batch durable with one append, hence one sync.
    ///
    /// # Errors
    /// The batch itself, with the log's word: give it to the engine's `withdraw`.
    pub fn commit_all(
        batch: Vec<Self>,
        log: &mut impl Log,
    ) -> Result<Vec<Committed<T>>, Uncommitted<T>> {
        let records: Vec<EncodedRecord> = batch.iter().map(|s| s.record.encode()).collect();
        // A log that panics has not said what it wrote.
        let append = AssertUnwindSafe(|| log.append_durably(&records));
        match catch_unwind(append).unwrap_or(Err(LogError::Unknown)) {
            Ok(()) => Ok(batch
                .into_iter()
                .map(|Staged { record, pending }| Committed { record, pending })
                .collect()),
            Err(cause) => Err(Uncommitted { cause, batch }),
        }
    }
}
