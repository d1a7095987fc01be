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

    /// The names of the plain files in it and what they hold, of a longer one its first `bytes_max`. A writing that did
    /// not come to its end is left out, and no link is followed.
    ///
    /// # Errors
    /// [`FolderError::Disk`]
    pub fn files(&self, bytes_max: u64) -> Result<Vec<(OsString, Vec<u8>)>, FolderError> {
        let failed = |error| DiskFault::system("read", &self.path)(error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let unfinished = path.extension().is_some_and(|end| end == "new");
            if unfinished || !entry.file_type().map_err(failed)?.is_file() {
                continue;
            }
            let mut bytes = Vec::new();
            OpenOptions::new()
                .read(true)
                .open(&path)
                .and_then(|file| file.take(bytes_max).read_to_end(&mut bytes))
                .map_err(DiskFault::system("read", &path))?;
            files.push((entry.file_name(), bytes));
        }
        Ok(files)
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
