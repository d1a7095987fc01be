//! `hardfrost`: hold one Bitcoin taproot key together; any t of n operators sign.

mod blame;
mod cheat;
mod cluster;
mod consensus;
mod demo;
mod dumps;
#[cfg(target_os = "linux")]
mod engine;
mod faulty;
mod group_files;
mod group_size;
mod homes;
mod in_process;
mod keep;
mod node;
mod out_dir;
mod passphrase;
mod progress;
mod psbt;
mod report;
mod roster_file;
mod spending;
mod store;
mod story;
mod watched;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Hold one Bitcoin taproot key together: any t of n operators sign, fewer cannot.
#[derive(Parser)]
#[command(
    name = "hardfrost",
    version,
    propagate_version = true,
    after_help = "Start here:\n  hardfrost demo\n\n\
                  Exit codes: 0 done, 1 refused or failed, 2 wrong usage."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole story on this machine: a key nobody holds, an address, a spend that t members sign.
    Demo(demo::Demo),
    /// Look at partially signed transactions.
    Psbt(psbt::Psbt),
    /// Judge proofs of misbehaviour.
    Blame(blame::Blame),
    /// Keep a node's secrets in a process of their own.
    #[cfg(target_os = "linux")]
    Engine(engine::Engine),
    /// Look at a store, check it, change its key, stop its member.
    Store(store::Store),
}

/// What ends the program other than success.
enum Failure {
    /// The arguments do not go together: exit code 2.
    Usage(String),
    /// Refused or failed: exit code 1.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    // Before anything secret is read.
    let done = dumps::forbid().map_err(Failure::from);
    match done.and_then(|()| run(&command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(why)) => {
            eprintln!("error: {why}\n\nFor more information, try 'hardfrost --help'.");
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("error: {}", in_words(&error));
            ExitCode::from(1)
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(demo) => demo::run(demo),
        Command::Psbt(psbt) => psbt::run(psbt),
        Command::Blame(blame) => blame::run(blame),
        #[cfg(target_os = "linux")]
        Command::Engine(engine) => engine::run(engine),
        Command::Store(store) => store::run(store),
    }
}

/// An error and its causes, each said once: many say their cause themselves.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}
