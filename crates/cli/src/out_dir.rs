//! The folder that receives the demonstration's public files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context};

/// Written last, and what tells a folder of ours from somebody else's.
const MARK: &str = "demo.json";

/// A folder that may be written to.
pub struct OutDir {
    path: PathBuf,
}

impl OutDir {
    /// Makes the folder, or takes an empty one or one of an earlier demonstration. Others' files are never overwritten.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be made.
    pub fn prepare(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {shown}"))?;
        let mut entries =
            fs::read_dir(path).with_context(|| format!("cannot read the folder {shown}"))?;
        if entries.next().is_some() && !path.join(MARK).is_file() {
            bail!("{shown} holds other files: name an empty or a new folder with --out");
        }
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes the report, which marks the folder as ours.
    ///
    /// # Errors
    /// As the file system says.
    pub fn mark(&self, report: &str) -> anyhow::Result<()> {
        self.write(MARK, report.as_bytes())
    }
}
