//! `hardfrost store check`: whether everything in a store verifies.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use hardfrost_store::{Report, StoreDir};
use serde::Serialize;

use super::keys::KeyOptions;
use crate::operate::counted;
use crate::story::print_line;
use crate::Failure;

/// Read and verify everything, and list what is wrong
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost store check /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/store.key\n  \
    hardfrost store check /mnt/backup/store \\\n    \
    --passphrase-file /dev/fd/3 3<words --json\n\n\
    The node that has the store open must be stopped first. Nothing is changed or\n\
    repaired.")]
pub struct Check {
    /// The store's folder
    folder: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Checked {
    store: String,
    sound: bool,
    generation: u64,
    records: u64,
    sealed_files: Vec<String>,
    damages: Vec<String>,
}

/// Prints what was found.
///
/// # Errors
/// A store that does not open, or in which anything does not verify.
pub fn run(arguments: &Check) -> Result<(), Failure> {
    let provider = arguments.key.provider()?;
    let dir = StoreDir::new(&arguments.folder);
    let report = hardfrost_store::Store::check(&dir, &provider).map_err(anyhow::Error::from)?;
    Ok(tell(&report, arguments.json)?)
}

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    let checked = Checked {
        store: report.id.to_string(),
        sound: report.damages.is_empty(),
        generation: report.generation,
        records: report.kinds.values().sum(),
        sealed_files: report.files.clone(),
        damages: report.damages.iter().map(ToString::to_string).collect(),
    };
    if json {
        print_line(&serde_json::to_string(&checked)?);
    } else {
        for damage in &checked.damages {
            print_line(damage);
        }
        let records = counted(checked.records, "record", "records");
        let files = u64::try_from(checked.sealed_files.len()).unwrap_or(u64::MAX);
        let files = counted(files, "sealed file", "sealed files");
        print_line(&format!("{records} and {files} verify."));
    }
    if !checked.sound {
        bail!("the store is damaged: keep its files as they are, and restore a backup");
    }
    Ok(())
}
