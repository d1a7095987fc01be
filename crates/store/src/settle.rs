//! A write-ahead log after a failed sync.
//!
//! Once a sync has failed, the kernel may keep in memory, and show to every reader, bytes that it will never write
//! again. A store reopened then would go on behind a record that the next power loss takes away, and what was
//! acknowledged behind it would go with it: the checksums of that log are chained. So the bytes that are read are
//! written once more, unchanged, and synced, before anything is built upon them.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::DiskFault;

const CHUNK: usize = 1 << 20;

/// Writes the file over itself and syncs it. An absent or empty one is left alone.
pub(crate) fn settle(path: &Path) -> Result<(), DiskFault> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DiskFault::system("open", path)(error)),
    };
    rewrite(&file).map_err(DiskFault::system("settle", path))
}

fn rewrite(file: &File) -> std::io::Result<()> {
    let mut left = file.metadata()?.len();
    if left == 0 {
        return Ok(());
    }
    let mut chunk = vec![0; CHUNK];
    let mut offset = 0;
    while left > 0 {
        let size = left.min(CHUNK as u64);
        let part = chunk
            .get_mut(..usize::try_from(size).unwrap_or(CHUNK))
            .unwrap_or_default();
        file.read_exact_at(part, offset)?;
        file.write_all_at(part, offset)?;
        offset += size;
        left -= size;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_byte_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            settle(&path).unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "{size} bytes");
        }
    }

    #[test]
    fn what_is_absent_stays_absent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        settle(&path).unwrap();
        assert!(!path.exists());
    }
}
