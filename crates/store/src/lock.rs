//! One process at a time, and the others are told which.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use crate::error::{DiskFault, StoreError};
use crate::place::{metadata, private_file, StoreDir, FILE_MODE};

/// Longest content that is read of a lock file.
const HOLDER_BYTES_MAX: u64 = 64;

/// Who has a store open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, where it left one.
    pub process: Option<u32>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.process {
            Some(id) => write!(f, "process {id}"),
            None => f.write_str("another process"),
        }
    }
}

/// The store is ours as long as this lives; the kernel frees it when the process ends, however it ends. A file apart
/// from the database: closing one's own descriptor of a database would drop the locks that SQLite has on it.
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    pub(crate) fn take(dir: &StoreDir) -> Result<Self, StoreError> {
        let path = dir.lock();
        if let Some(found) = metadata(&path)? {
            private_file(&path, &found)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(DiskFault::system("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => {
                return Err(DiskFault::system("lock", &path)(error).into());
            }
        }
        let named = file
            .set_len(0)
            .and_then(|()| writeln!(file, "process {}", std::process::id()));
        // A full disk must not keep a store from opening: the lock holds without its holder's name.
        drop(named);
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The name must not outlive the lock; if it does, the next holder replaces it.
        drop(self.file.set_len(0));
        drop(self.file.unlock());
    }
}

fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(HOLDER_BYTES_MAX).read_to_string(&mut text));
    let process = read
        .ok()
        .and_then(|_| text.trim_end().strip_prefix("process ")?.parse().ok());
    Holder { process }
}
