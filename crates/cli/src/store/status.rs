//! `hardfrost store status`: what a store is.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use hardfrost_store::{Report, StoreDir};
use serde::Serialize;

use super::keys::KeyOptions;
use crate::story::print_line;
use crate::Failure;

/// Say what a store is: generation, records, schema
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost store status /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/store.key\n  \
    hardfrost store status /var/lib/hardfrost/store --passphrase --json\n\n\
    The node that has the store open must be stopped first. Nothing is changed. The\n\
    generation grows every time a store is opened: one that is lower than you saw it\n\
    before means that an old copy was put back.")]
pub struct Status {
    /// The store's folder
    folder: PathBuf,
    #[command(flatten)]
    key: KeyOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    store: String,
    generation: u64,
    records: u64,
    first: u64,
    last: u64,
    schema: u32,
    opened_by: &'static str,
    sealed_files: Vec<String>,
    sound: bool,
}

/// Prints the status.
///
/// # Errors
/// A store that does not open or does not verify.
pub fn run(arguments: &Status) -> Result<(), Failure> {
    let provider = arguments.key.provider()?;
    let dir = StoreDir::new(&arguments.folder);
    let report = hardfrost_store::Store::check(&dir, &provider).map_err(anyhow::Error::from)?;
    Ok(tell(&report, arguments.json)?)
}

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    let shown = Shown {
        store: report.id.to_string(),
        generation: report.generation,
        records: report.kinds.values().sum(),
        first: report.first,
        last: report.last,
        schema: report.schema,
        opened_by: report.opened_by,
        sealed_files: report.files.clone(),
        sound: report.damages.is_empty(),
    };
    if json {
        print_line(&serde_json::to_string(&shown)?);
    } else {
        print_line(&format!("store        {}", shown.store));
        print_line(&format!("generation   {}", shown.generation));
        let numbers = match shown.records {
            0 => String::new(),
            _ => format!(" (numbers {} to {})", shown.first, shown.last),
        };
        print_line(&format!("records      {}{numbers}", shown.records));
        print_line(&format!("schema       {}", shown.schema));
        print_line(&format!("opened by    a {}", shown.opened_by));
        for file in &shown.sealed_files {
            print_line(&format!("sealed file  {file}"));
        }
    }
    if !shown.sound {
        bail!("the store is damaged: hardfrost store check says where");
    }
    Ok(())
}
