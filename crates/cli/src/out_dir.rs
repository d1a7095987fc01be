//! The folder that receives the demonstration's public files.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use anyhow::{bail, Context};

use crate::Failure;

/// What tells a folder of ours from somebody else's, also where a demonstration was interrupted. Filled last.
const MARK: &str = "demo.json";

/// What a demonstration writes.
const FILES: [(&str, &str); 8] = [
    ("roster.toml", "who the operators are"),
    ("certificate.bin", "what they certify"),
    ("funding.hex", "the transaction that brings the coins"),
    ("spend.before.psbt", "what was to be signed"),
    ("spend.after.psbt", "the same, signed"),
    ("spending.hex", "the transaction that spends"),
    (PROOFS, "a proof against each convicted member"),
    (MARK, "what --json prints"),
];

const PROOFS: &str = "evidence-*.bin";

/// Under which of the names above a file of this path is listed.
fn known(path: &Path) -> Option<&'static str> {
    let name = path.file_name().and_then(|name| name.to_str())?;
    if !path.is_file() {
        return None;
    }
    if name.starts_with("evidence-") && name.ends_with(".bin") {
        return Some(PROOFS);
    }
    let mut files = FILES.iter().map(|(known, _)| *known);
    files.find(|known| *known == name)
}

/// Whether a demonstration writes a file of this name.
fn is_ours(path: &Path) -> bool {
    known(path).is_some()
}

/// Where a path leads, through all links, whether or not its end is there yet.
fn resolved(path: &Path) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    let path = std::path::absolute(path).with_context(|| format!("cannot find {shown}"))?;
    let mut leads = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            leads.pop();
            continue;
        }
        leads.push(part);
        match fs::canonicalize(&leads) {
            Ok(real) => leads = real,
            // From here on all is yet to be made, and made without links.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot find {shown}")),
        }
    }
    Ok(leads)
}

/// A folder that may be written to.
pub struct OutDir {
    path: PathBuf,
}

impl OutDir {
    /// A folder that is absent, empty, or holds an earlier demonstration and nothing else. Nothing is changed yet.
    ///
    /// # Errors
    /// The folder holds something else. Others' files are never overwritten.
    pub fn at(path: &Path) -> anyhow::Result<Self> {
        let out = Self {
            path: path.to_owned(),
        };
        let names = out.names()?;
        let ours = path.join(MARK).is_file() && names.iter().all(|name| is_ours(name));
        if !names.is_empty() && !ours {
            let shown = path.display();
            bail!("{shown} holds other files: name an empty or a new folder with --out");
        }
        Ok(out)
    }

    /// That neither folder is, or lies in, the other one: the files of an earlier demonstration are removed, and a kept
    /// group's have the same names.
    ///
    /// # Errors
    /// One does; says so. Or the file system does not say.
    pub fn is_apart_from(&self, kept: &Path) -> Result<(), Failure> {
        let (out, keep) = (resolved(&self.path)?, resolved(kept)?);
        if out.starts_with(&keep) || keep.starts_with(&out) {
            let (out, keep) = (self.path.display(), kept.display());
            return Err(Failure::Usage(format!(
                "--out {out} --keep {keep}: a kept group has a folder of its own, name another"
            )));
        }
        Ok(())
    }

    /// Makes the folder, removes the files of an earlier demonstration, and marks it as ours.
    ///
    /// # Errors
    /// Somebody else's files have come since; else as the file system says.
    pub fn prepare(&self) -> anyhow::Result<()> {
        let shown = self.path.display();
        Self::at(&self.path)?;
        fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot make the folder {shown}"))?;
        for old in self.names()?.iter().filter(|name| is_ours(name)) {
            fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        self.mark("")
    }

    /// What is there, in words.
    pub fn contents(&self) -> Vec<(&'static str, &'static str)> {
        let names = self.names().unwrap_or_default();
        let there: Vec<&str> = names.iter().filter_map(|name| known(name)).collect();
        let files = FILES.into_iter();
        files.filter(|(name, _)| there.contains(name)).collect()
    }

    fn names(&self) -> anyhow::Result<Vec<PathBuf>> {
        let shown = self.path.display();
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {shown}"))?,
        };
        let names = entries.map(|entry| Ok(entry?.path()));
        names.collect::<anyhow::Result<_>>()
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

    /// Writes the report.
    ///
    /// # Errors
    /// As the file system says.
    pub fn mark(&self, report: &str) -> anyhow::Result<()> {
        self.write(MARK, report.as_bytes())
    }
}
