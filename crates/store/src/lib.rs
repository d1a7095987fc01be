//! The durable log of an engine: SQLite underneath, every record sealed, one writer, one sync for all who wait.
//!
//! A store is a folder of its own (0700). [`Store::create`] makes one, [`Store::open`] opens one, and neither ever does
//! the other's work: a store that is empty, torn or half gone is not "a first start". What opens yields all its
//! records, verified, in one pass:
//! ```no_run
//! # use hardfrost_store::{KeyProvider, Opened, Store, StoreDir, StoreError};
//! # fn main() -> Result<(), StoreError> {
//! let dir = StoreDir::new("/var/lib/hardfrost/engine");
//! let key = KeyProvider::File("/etc/hardfrost/store.key".into());
//! let Opened { store, records } = Store::open(&dir, &key)?;
//! let log = store.writer(); // implements `hardfrost_engine::Log`; clone it freely
//! # drop((records, log));
//! # Ok(())
//! # }
//! ```
//!
//! An open store *is* the resolved key: sub-keys stay in memory until it closes, so a provider that fails later strands
//! nothing that is staged.

mod create;
mod database;
mod disk;
mod error;
mod fate;
mod folder;
mod head;
mod header;
mod keys;
mod lock;
mod open;
mod place;
mod provider;
mod reading;
mod report;
mod reseal;
mod rotate;
mod sealed_file;
mod sealing;
mod settle;
mod store;
mod wal;
mod writer;

pub use error::{Damage, DiskFault, StoreError};
pub use folder::{FolderError, NamedFile, PrivateFolder};
pub use header::StoreId;
pub use keys::ProviderKey;
pub use lock::Holder;
pub use place::{FileName, PathFault, PathProblem, StoreDir};
pub use provider::{CommandFault, KeyCommand, KeyError, KeyProvider, Passphrase};
pub use report::Report;
pub use sealed_file::{SealedFile, SealedFileError};
pub use store::{Opened, Store};
pub use writer::{CompactError, Position, Writer};
