//! `hardfrost store rotate-key`: another key, everything sealed anew.

use std::path::PathBuf;

use clap::Args;
use hardfrost_store::StoreDir;
use serde::Serialize;

use super::keys::{KeyOptions, NewKeyOptions};
use crate::story::print_line;
use crate::Failure;

/// Seal everything anew under another key
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost store rotate-key /var/lib/hardfrost/store \\\n    \
    --key-file /etc/hardfrost/old.key --make-key-file /etc/hardfrost/new.key\n  \
    hardfrost store rotate-key /var/lib/hardfrost/store --passphrase \\\n    \
    --new-passphrase\n\n\
    The node that has the store open must be stopped first. A crash on the way\n\
    leaves the old key or the new one in force, never neither. Backups made before\n\
    still open with the old key.")]
pub struct RotateKey {
    /// The store's folder
    folder: PathBuf,
    #[command(flatten)]
    old: KeyOptions,
    #[command(flatten)]
    new: NewKeyOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Rotated {
    rotated: bool,
}

/// Rotates the key.
///
/// # Errors
/// A store that does not open or does not verify, a key that does not come.
pub fn run(arguments: &RotateKey) -> Result<(), Failure> {
    let old = arguments.old.provider()?;
    let new = arguments.new.provider()?;
    let dir = StoreDir::new(&arguments.folder);
    hardfrost_store::Store::rotate_key(&dir, &old, &new).map_err(anyhow::Error::from)?;
    if arguments.json {
        let said =
            serde_json::to_string(&Rotated { rotated: true }).map_err(anyhow::Error::from)?;
        print_line(&said);
    } else {
        print_line("The store opens with the new key, and with the old one no more.");
        print_line("Tell the node's configuration, and keep the old key as long as old backups.");
    }
    Ok(())
}
