//! Where a store lies, and who else may reach it there.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Damage, DiskFault, StoreError};

/// Modes that our files and folders have at the most.
pub(crate) const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

const OTHERS: u32 = 0o077;
const SEALED_SUFFIX: &str = ".sealed";
const FILE_NAME_MAX: usize = 32;

/// A sealed file's name, without folder and suffix: 1 to 32 lowercase letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// The name, if it is one.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let fits = (1..=FILE_NAME_MAX).contains(&name.len()) && name.bytes().all(plain);
        fits.then(|| Self(name.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder that holds one store and nothing else's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreDir {
    path: PathBuf,
}

/// A path that others could read or swap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} {problem}")]
pub struct PathFault {
    /// Which.
    pub path: PathBuf,
    /// What about it.
    pub problem: PathProblem,
}

/// What is wrong with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// It leads somewhere else.
    #[error("is a symbolic link: name the place itself")]
    Symlink,
    /// Not what belongs there.
    #[error("is not a folder")]
    NotAFolder,
    /// Not what belongs there.
    #[error("is not a plain file")]
    NotAFile,
    /// Others may read or write it.
    #[error("may be reached by others (mode {0:03o}): take their rights away with chmod go=")]
    TooWide(u32),
    /// Somebody else's.
    #[error("belongs to user {0}, not to the one that runs this")]
    Owner(u32),
}

impl StoreDir {
    /// The folder at `path`. Nothing is looked at yet.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        // A trailing slash would follow a link.
        Self {
            path: path.as_ref().components().collect(),
        }
    }

    /// The same folder for as long as the process lives, whatever folder that works in later.
    pub(crate) fn absolute(&self) -> Result<Self, DiskFault> {
        let path = std::path::absolute(&self.path);
        let path = path.map_err(DiskFault::system("find", &self.path))?;
        Ok(Self { path })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn records(&self) -> PathBuf {
        self.path.join("records.db")
    }

    /// SQLite's write-ahead log beside it: part of the store as long as it is there.
    #[must_use]
    pub fn write_ahead_log(&self) -> PathBuf {
        self.path.join("records.db-wal")
    }

    /// A sealed file beside the database.
    pub(crate) fn sealed_file(&self, name: &FileName) -> PathBuf {
        self.path.join(format!("{name}{SEALED_SUFFIX}"))
    }

    /// The names of the sealed files that are there. Others' files are none of ours.
    ///
    /// # Errors
    /// As the system says.
    pub fn sealed_files(&self) -> Result<Vec<FileName>, DiskFault> {
        let entries = fs::read_dir(&self.path).map_err(DiskFault::system("list", &self.path))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(DiskFault::system("list", &self.path))?;
            let name = entry.file_name();
            let stem = name
                .to_str()
                .and_then(|name| name.strip_suffix(SEALED_SUFFIX));
            names.extend(stem.and_then(FileName::new));
        }
        names.sort();
        Ok(names)
    }

    /// What a creation works on until it is whole.
    pub(crate) fn unfinished(&self) -> [PathBuf; 3] {
        ["new.db", "new.db-wal", "new.db-journal"].map(|name| self.path.join(name))
    }

    /// A path in the folder as SQLite wants it, which follows no link at all: only ours may not be one.
    pub(crate) fn resolved(&self, inside: &Path) -> Result<PathBuf, DiskFault> {
        let folder = fs::canonicalize(&self.path).map_err(DiskFault::system("find", &self.path))?;
        Ok(inside
            .file_name()
            .map_or(folder.clone(), |name| folder.join(name)))
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Whether a whole store file is there to be opened. "Absent" is only said where nothing of a store is.
    pub(crate) fn look(&self) -> Result<(), StoreError> {
        let absent = || StoreError::Absent(self.path.clone());
        let dir = metadata(&self.path)?.ok_or_else(absent)?;
        private_dir(&self.path, &dir)?;
        let journal = self.path.join("records.db-journal");
        if metadata(&journal)?.is_some() {
            return Err(Damage::Stray(journal).into());
        }
        let wal = metadata(&self.write_ahead_log())?;
        if let Some(wal) = &wal {
            private_file(&self.write_ahead_log(), wal)?;
        }
        match (metadata(&self.records())?, wal) {
            (None, None) => Err(absent()),
            (None, Some(_)) => Err(Damage::Orphan(self.write_ahead_log()).into()),
            (Some(file), _) => {
                private_file(&self.records(), &file)?;
                if file.len() == 0 {
                    return Err(Damage::Empty(self.records()).into());
                }
                Ok(())
            }
        }
    }

    /// Makes the folder, or takes one that is private to us; refuses one in which anything of a store is.
    pub(crate) fn prepare(&self) -> Result<(), StoreError> {
        make_dir(&self.path)?;
        let dir = metadata(&self.path)?.ok_or_else(|| StoreError::Absent(self.path.clone()))?;
        private_dir(&self.path, &dir)?;
        for path in [self.records(), self.write_ahead_log()] {
            if metadata(&path)?.is_some() {
                return Err(StoreError::Exists(self.path.clone()));
            }
        }
        Ok(())
    }
}

/// What is at `path` itself, links not followed; none if nothing is.
pub(crate) fn metadata(path: &Path) -> Result<Option<Metadata>, DiskFault> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DiskFault::system("look at", path)(error)),
    }
}

/// Makes a private folder. False if something has the name already.
pub(crate) fn make_dir(path: &Path) -> Result<bool, DiskFault> {
    match fs::DirBuilder::new().mode(DIR_MODE).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(DiskFault::system("make the folder", path)(error)),
    }
}

pub(crate) fn private_dir(path: &Path, found: &Metadata) -> Result<(), PathFault> {
    let right_kind = found.is_dir();
    private(path, found, right_kind, PathProblem::NotAFolder)
}

pub(crate) fn private_file(path: &Path, found: &Metadata) -> Result<(), PathFault> {
    let right_kind = found.is_file();
    private(path, found, right_kind, PathProblem::NotAFile)
}

fn private(
    path: &Path,
    found: &Metadata,
    right_kind: bool,
    wrong: PathProblem,
) -> Result<(), PathFault> {
    let mode = found.permissions().mode() & 0o777;
    let problem = if found.is_symlink() {
        PathProblem::Symlink
    } else if !right_kind {
        wrong
    } else if mode & OTHERS != 0 {
        PathProblem::TooWide(mode)
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        PathProblem::Owner(found.uid())
    } else {
        return Ok(());
    };
    Err(PathFault {
        path: path.to_owned(),
        problem,
    })
}
