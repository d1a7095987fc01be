//! `hardfrost completions` and `hardfrost man`: what a shell and a manual know of the commands.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::story::print_line;
use crate::Failure;

/// Print what a shell needs to complete the commands
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost completions bash \\\n    \
    > ~/.local/share/bash-completion/completions/hardfrost")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

/// Write manual pages, one for each command
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost man /usr/local/share/man/man1")]
pub struct Man {
    /// The folder that receives them; made if absent
    folder: PathBuf,
}

/// Prints the completions of these commands.
pub fn complete(arguments: &Completions, mut commands: Command) {
    let name = commands.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut commands, name, &mut script);
    print_line(String::from_utf8_lossy(&script).trim_end());
}

/// Writes the pages of these commands.
///
/// # Errors
/// As the file system says.
pub fn write(arguments: &Man, commands: Command) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make {shown}"))?;
    let written = clap_mangen::generate_to(commands, folder);
    Ok(written.with_context(|| format!("cannot write in {shown}"))?)
}
