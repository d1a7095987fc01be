//! The folder that receives the demonstration's public files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{bail, Context};

/// Written last, and what tells a folder of ours from somebody else's.
const MARK: &str = "demo.json";

/// Whether a demonstration writes a file of this name.
fn is_ours(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let proof = name.starts_with("evidence-") && name.ends_with(".bin");
    let known = [
        MARK,
        "roster.toml",
        "certificate.bin",
        "funding.hex",
        "spending.hex",
        "spend.before.psbt",
        "spend.after.psbt",
    ];
    path.is_file() && (proof || known.contains(&name))
}

/// A folder that may be written to.
pub struct OutDir {
    path: PathBuf,
}

impl OutDir {
    /// Makes the folder, or takes an empty one or one that holds an earlier demonstration and nothing else, whose
    /// files it removes. Others' files are never overwritten.
    ///
    /// # Errors
    /// The folder holds something else, or cannot be made.
    pub fn prepare(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make the folder {shown}"))?;
        let entries = fs::read_dir(path).with_context(|| format!("cannot read {shown}"))?;
        let names: Vec<PathBuf> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<_>>()?;
        let ours = path.join(MARK).is_file() && names.iter().all(|name| is_ours(name));
        if !names.is_empty() && !ours {
            bail!("{shown} holds other files: name an empty or a new folder with --out");
        }
        for old in &names {
            fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
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
