//! A secret in a file of its own beside the records, such as an operator's key: written once, bound to its store and
//! name.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use hardfrost_locked::scrubbed;
use zeroize::Zeroizing;

use crate::disk::{put_in_place, remove_unfinished};
use crate::error::DiskFault;
use crate::header::StoreId;
use crate::keys::Key;
use crate::place::{metadata, private_file, FileName, PathFault, StoreDir, FILE_MODE};
use crate::sealing;

const MAGIC: &[u8; 16] = b"hardfrost sealed";
const VERSION: u32 = 1;
/// Magic, version, store id.
const HEAD: usize = 16 + 4 + 16;

/// A file beside an open store's records, which its key seals. It is there or not.
pub struct SealedFile<'a> {
    path: PathBuf,
    unfinished: PathBuf,
    name: FileName,
    id: StoreId,
    key: &'a Key,
    turn: &'a Turn,
}

/// Whoever creates a sealed file of a store waits for its turn: a file that is unfinished has a name of its own, and
/// another thread would take it for one that was left behind.
pub(crate) type Turn = Mutex<()>;

/// Why a sealed file was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum SealedFileError {
    /// It is not there.
    #[error("there is no {0}")]
    Absent(PathBuf),
    /// It is there already.
    #[error("{0} is there already: nothing is overwritten")]
    Exists(PathBuf),
    /// More than it may hold.
    #[error("a sealed file holds at most {0} bytes")]
    TooLong(usize),
    /// Written by a newer version.
    #[error("{path} has version {found}, this program knows {known}: use the newer program")]
    NewerVersion {
        /// Which file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// The newest that this build reads.
        known: u32,
    },
    /// Another store's.
    #[error("{0} belongs to another store")]
    OtherStore(PathBuf),
    /// Changed, cut, or put under another name.
    #[error("{0} does not verify: keep it as it is, and restore a backup")]
    Corrupt(PathBuf),
    /// Others could reach it.
    #[error(transparent)]
    Refused(#[from] PathFault),
    /// The system's word on it.
    #[error(transparent)]
    Disk(#[from] DiskFault),
}

impl<'a> SealedFile<'a> {
    /// Most that it holds, in bytes.
    pub const BYTES_MAX: usize = 64 << 10;

    pub(crate) fn new(
        dir: &StoreDir,
        name: FileName,
        id: StoreId,
        (key, turn): (&'a Key, &'a Turn),
    ) -> Self {
        Self {
            path: dir.sealed_file(&name),
            unfinished: dir.path().join(format!("{name}.new")),
            name,
            id,
            key,
            turn,
        }
    }

    /// Seals these bytes into the file, which must not be there yet. It is whole and durable, or not there.
    ///
    /// # Errors
    /// [`SealedFileError::Exists`], [`SealedFileError::TooLong`], [`SealedFileError::Disk`]
    pub fn create(&self, plain: &[u8]) -> Result<(), SealedFileError> {
        if plain.len() > Self::BYTES_MAX {
            return Err(SealedFileError::TooLong(Self::BYTES_MAX));
        }
        let mut bytes = self.head();
        let sealed = scrubbed(|| sealing::seal(self.key, &self.associated(), plain))?;
        bytes.extend_from_slice(&sealed);
        // It guards nothing that a panic could have left half done.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // The store is locked, and it is our turn: what is left there is of a creation that did not come to its end.
        remove_unfinished(&self.unfinished)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&self.unfinished)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(DiskFault::system("write", &self.unfinished))?;
        if put_in_place(&self.unfinished, &self.path)? {
            Ok(())
        } else {
            remove_unfinished(&self.unfinished)?;
            Err(SealedFileError::Exists(self.path.clone()))
        }
    }

    /// What is sealed in the file.
    ///
    /// # Errors
    /// See [`SealedFileError`].
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, SealedFileError> {
        let corrupt = || SealedFileError::Corrupt(self.path.clone());
        let bytes = self.bytes()?;
        let (magic, rest) = bytes.split_first_chunk::<16>().ok_or_else(corrupt)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(corrupt)?;
        if magic != MAGIC {
            return Err(corrupt());
        }
        match u32::from_be_bytes(*version) {
            VERSION => {}
            0 => return Err(corrupt()),
            found => {
                return Err(SealedFileError::NewerVersion {
                    path: self.path.clone(),
                    found,
                    known: VERSION,
                })
            }
        }
        let (id, sealed) = rest.split_first_chunk::<16>().ok_or_else(corrupt)?;
        if *id != self.id.0 {
            return Err(SealedFileError::OtherStore(self.path.clone()));
        }
        scrubbed(|| sealing::open(self.key, &self.associated(), sealed)).ok_or_else(corrupt)
    }

    fn bytes(&self) -> Result<Vec<u8>, SealedFileError> {
        let found = metadata(&self.path)?;
        let found = found.ok_or_else(|| SealedFileError::Absent(self.path.clone()))?;
        private_file(&self.path, &found)?;
        let mut bytes = Vec::new();
        let bytes_max = HEAD + sealing::OVERHEAD + Self::BYTES_MAX;
        OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)
            .and_then(|file| file.take(bytes_max as u64 + 1).read_to_end(&mut bytes))
            .map_err(DiskFault::system("read", &self.path))?;
        if bytes.len() > bytes_max {
            return Err(SealedFileError::Corrupt(self.path.clone()));
        }
        Ok(bytes)
    }

    fn head(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.id.0);
        bytes
    }

    fn associated(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(self.name.as_str().as_bytes());
        bytes
    }
}
