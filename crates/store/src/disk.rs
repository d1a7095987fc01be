//! The file system below a store.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use rustix::fs::{renameat_with, RenameFlags, CWD};

use crate::error::DiskFault;

/// Gives a finished file its name, unless something has it already, and makes that durable. False if something has it.
pub(crate) fn put_in_place(finished: &Path, place: &Path) -> Result<bool, DiskFault> {
    sync(finished)?;
    match renameat_with(CWD, finished, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Ok(false),
        Err(error) => return Err(DiskFault::system("name", place)(error.into())),
    }
    sync_folder_of(place)?;
    Ok(true)
}

/// Makes it durable that `path` is in its folder.
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), DiskFault> {
    match path.parent() {
        Some(folder) if folder != Path::new("") => sync(folder),
        Some(_) | None => sync(Path::new(".")),
    }
}

/// Removes a file of ours that nobody was ever told of, if it is there.
pub(crate) fn remove_unfinished(path: &Path) -> Result<(), DiskFault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(DiskFault::system("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Makes what `path` holds, file or folder, durable.
pub(crate) fn sync(path: &Path) -> Result<(), DiskFault> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(DiskFault::system("sync", path))
}

/// Bytes that an ordinary user may still write where `path` lies; none if the system does not say.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
