//! A folder around stores, under the rules of a store's own folder.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::disk::{put_in_place, remove_unfinished, sync_folder_of};
use crate::error::DiskFault;
use crate::place::{make_dir, metadata, private_dir, PathFault, FILE_MODE};

/// A folder that was found to be a folder, no link, ours, and out of others' reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateFolder {
    path: PathBuf,
}

/// A file's name, and what it holds.
pub type NamedFile = (OsString, Result<Vec<u8>, DiskFault>);

/// A folder that is not taken, or a file in it that was not written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Others could reach it.
    #[error(transparent)]
    Refused(#[from] PathFault),
    /// The system's word on it.
    #[error(transparent)]
    Disk(#[from] DiskFault),
}

impl PrivateFolder {
    /// The folder at `path`, which is there.
    ///
    /// # Errors
    /// [`FolderError::Refused`], [`FolderError::Disk`]
    pub fn at(path: impl AsRef<Path>) -> Result<Self, FolderError> {
        // A trailing slash would follow a link.
        let path: PathBuf = path.as_ref().components().collect();
        let absent = || DiskFault::system("find", &path)(std::io::ErrorKind::NotFound.into());
        let found = metadata(&path)?.ok_or_else(absent)?;
        private_dir(&path, &found)?;
        Ok(Self { path })
    }

    /// The folder at `path`, if there is one.
    ///
    /// # Errors
    /// [`FolderError::Refused`], [`FolderError::Disk`]
    pub fn found(path: impl AsRef<Path>) -> Result<Option<Self>, FolderError> {
        let path: PathBuf = path.as_ref().components().collect();
        match metadata(&path)? {
            Some(_) => Self::at(&path).map(Some),
            None => Ok(None),
        }
    }

    /// The folder at `path`, made (0700) and durable if it was not there. The one that it lies in is there.
    ///
    /// # Errors
    /// [`FolderError::Refused`], [`FolderError::Disk`]
    pub fn make(path: impl AsRef<Path>) -> Result<Self, FolderError> {
        let path: PathBuf = path.as_ref().components().collect();
        let made = make_dir(&path)?;
        let folder = Self::at(&path)?;
        let synced = sync_folder_of(&path);
        // One that was there may lie in a folder that is not ours to read, and so not to sync.
        if made {
            synced?;
        }
        Ok(folder)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that is not there yet: whole and durable, or not there. False if something has the name; what has
    /// it stays as it is, and a link is not followed.
    ///
    /// `name` is a plain name, and only one process at a time writes it.
    ///
    /// # Errors
    /// [`FolderError::Disk`]
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<bool, FolderError> {
        let unfinished = self.path.join(format!("{name}.new"));
        // Of a writing that did not come to its end.
        remove_unfinished(&unfinished)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&unfinished)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(DiskFault::system("write", &unfinished))?;
        let put = put_in_place(&unfinished, &self.path.join(name))?;
        if !put {
            remove_unfinished(&unfinished)?;
        }
        Ok(put)
    }

    /// The names of the plain files in it and what they hold, of a longer one its first `bytes_max`; of one that does
    /// not read, why. A writing that did not come to its end is left out, and no link is followed.
    ///
    /// # Errors
    /// [`FolderError::Disk`]: the folder itself does not read.
    pub fn files(&self, bytes_max: u64) -> Result<Vec<NamedFile>, FolderError> {
        let failed = |error| DiskFault::system("read", &self.path)(error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let unfinished = path.extension().is_some_and(|end| end == "new");
            if unfinished || !entry.file_type().map_err(failed)?.is_file() {
                continue;
            }
            let bytes = read_plain(&path, bytes_max);
            let bytes = bytes.map_err(DiskFault::system("read", &path));
            files.push((entry.file_name(), bytes));
        }
        Ok(files)
    }

    /// Whether the plain file of this name holds these bytes and no others. What is no plain file does not, and neither
    /// does what a link leads to.
    ///
    /// # Errors
    /// [`FolderError::Disk`]
    pub fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool, FolderError> {
        let path = self.path.join(name);
        let plain = metadata(&path)?.is_some_and(|found| found.is_file());
        if !plain {
            return Ok(false);
        }
        let more = u64::try_from(bytes.len()).map_or(u64::MAX, |length| length.saturating_add(1));
        let held = read_plain(&path, more).map_err(DiskFault::system("read", &path))?;
        Ok(held == bytes)
    }

    /// Removes a file, durably; false if it is not there. `name` is a plain name.
    ///
    /// # Errors
    /// [`FolderError::Disk`]
    pub fn remove(&self, name: &str) -> Result<bool, FolderError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(DiskFault::system("remove", &path)(error).into()),
        }
        sync_folder_of(&path)?;
        Ok(true)
    }
}

/// A file's beginning. Whatever has come into its place since it was looked at, no link is followed and no pipe waited
/// for.
fn read_plain(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("this is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The kernel's folder of this process: its files are plain ones, and that of its memory does not read.
    #[test]
    fn one_file_that_does_not_read_hides_no_other() {
        let folder = PrivateFolder {
            path: PathBuf::from("/proc/self"),
        };
        let files = folder.files(8).unwrap();
        let read = |name: &str| {
            let mut files = files.iter();
            let (_, bytes) = files.find(|(known, _)| known == name).unwrap();
            bytes.as_ref().map(Vec::len).map_err(ToString::to_string)
        };
        assert_eq!(read("status"), Ok(8));
        let why = read("mem").unwrap_err();
        assert!(why.contains("/proc/self/mem"), "{why}");
    }

    /// They may come into a file's place after it was looked at.
    #[test]
    fn a_link_is_not_followed_and_a_pipe_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("file"), "bytes").unwrap();
        symlink(at("file"), at("link")).unwrap();
        let mode = rustix::fs::Mode::RUSR;
        let kind = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), kind, mode, 0).unwrap();
        assert_eq!(read_plain(&at("file"), 3).unwrap(), b"byt");
        for other in [at("link"), at("pipe"), place.path().to_owned()] {
            read_plain(&other, 3).unwrap_err();
        }
    }
}
