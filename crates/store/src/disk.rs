//! The file system below a store.

use std::fs::File;
use std::path::Path;

use crate::error::DiskFault;

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
