//! Why a store does not open, and who must act.

use std::path::PathBuf;

use crate::lock::Holder;
use crate::place::PathFault;
use crate::provider::KeyError;

/// A store that did not open, come to be, or change hands. Nothing was deleted, renamed or begun anew.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing of a store is there: the path is wrong, or none was made yet.
    #[error("there is no store in {0}: check the path, or put the store back from a backup")]
    Absent(PathBuf),
    /// A store, or what is left of one, is there already.
    #[error("{0} holds a store, or what is left of one: nothing is overwritten")]
    Exists(PathBuf),
    /// Another process has it open.
    #[error("{0} has the store open: stop it first")]
    Held(Holder),
    /// Whoever else may touch the files could read or replace them.
    #[error(transparent)]
    Refused(#[from] PathFault),
    /// Written by a newer version. Untouched.
    #[error("the store has schema {found}, this version knows {known}: use the newer version")]
    NewerSchema {
        /// What the header says.
        found: u32,
        /// The newest that this build reads.
        known: u32,
    },
    /// The key did not come. The store is untouched.
    #[error("the store's key is not available: {0}")]
    Provider(#[from] KeyError),
    /// The key that the store was to go over to did not come. The store is untouched.
    #[error("the new key is not available, the old one stays: {0}")]
    NewProvider(KeyError),
    /// The disk failed while the key was being changed.
    #[error(
        "the disk failed while the key was being changed: the store opens with the old key or \
         with the new one, try both ({0})"
    )]
    Undecided(DiskFault),
    /// The key came, and is another one's.
    #[error("this key does not open the store: check which key, or passphrase, belongs to it")]
    WrongKey,
    /// A passphrase where the store has a key, or a key where it has a passphrase.
    #[error("the store is opened by a {store}, not by a {given}")]
    OtherKindOfKey {
        /// What the header says.
        store: &'static str,
        /// What the provider gave.
        given: &'static str,
    },
    /// The key is right or was not needed, and what is stored does not verify.
    #[error("the store is damaged: {0}; keep the files as they are, and restore a backup")]
    Corrupt(#[from] Damage),
    /// The disk or the system refused. Nothing says that the content is bad.
    #[error("the disk fails: {0}")]
    Disk(#[from] DiskFault),
}

/// What does not verify, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A store file of no bytes.
    #[error("{0} is empty")]
    Empty(PathBuf),
    /// The store file is gone, its write-ahead log is not.
    #[error("{0} is there without its store file")]
    Orphan(PathBuf),
    /// A file that no store has and that SQLite would act upon.
    #[error(
        "{0} belongs to no store, and SQLite would play it back: find out where it comes from"
    )]
    Stray(PathBuf),
    /// The write-ahead log is not empty, and its header does not verify: SQLite would take it for empty.
    #[error("the header of {0} does not verify, and what was acknowledged is behind it")]
    LogHeader(PathBuf),
    /// A frame of the write-ahead log does not verify, and it is not of the last transaction, which may be torn: SQLite
    /// would drop it and all that was acknowledged behind it.
    #[error("frame {frame} of {path} does not verify, and what was acknowledged is behind it")]
    LogFrame {
        /// The log.
        path: PathBuf,
        /// Counted from 1.
        frame: u64,
    },
    /// SQLite cannot make sense of the file.
    #[error("the file is no sound database ({0})")]
    Database(String),
    /// Tables other than ours, or ours changed.
    #[error("the tables are not those of a store")]
    Layout,
    /// The header's checksum or shape is wrong.
    #[error("the header does not read")]
    Header,
    /// The sealed head does not open, or is not there.
    #[error("the head does not verify")]
    Head,
    /// A record does not open under its number, kind and store.
    #[error("record {0} does not verify")]
    Record(u64),
    /// A record is not there.
    #[error("record {0} is missing")]
    Missing(u64),
    /// A record where the head says there is none.
    #[error("record {0} is more than there should be")]
    Extra(u64),
    /// Every record is genuine, and they are not the ones that the head was written over.
    #[error("the records are not those that the head was written over")]
    Chain,
    /// A sealed file beside the records.
    #[error("the sealed file {0} does not verify")]
    File(PathBuf),
}

/// What the operating system, or SQLite for it, answered.
#[derive(Debug, thiserror::Error)]
pub enum DiskFault {
    /// A call to the system.
    #[error("cannot {doing} {path}: {source}")]
    System {
        /// A verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// A call to SQLite.
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// No locked memory for keys.
    #[error(transparent)]
    Memory(#[from] hardfrost_locked::LockError),
    /// The store was faulted by an earlier failure.
    #[error("an earlier write failed: close the store and open it again")]
    Faulted,
}

impl DiskFault {
    pub(crate) fn system(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::System {
            doing,
            path,
            source,
        }
    }
}
