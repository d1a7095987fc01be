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
mod group_folder;
mod group_size;
mod homes;
mod in_process;
mod manual;
mod node;
mod operate;
mod out_dir;
mod passphrase;
mod processes;
mod progress;
mod report;
mod spending;
mod store;
mod story;
mod terminal;
mod traitor;
mod utc;
mod watched;
mod watching;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Hold one Bitcoin taproot key together: any t of n operators sign, fewer cannot.
#[derive(Parser)]
#[command(
    name = "hardfrost",
    version,
    propagate_version = true,
    after_help = "Start here:\n  hardfrost demo\n\n\
                  Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot reach the node."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole story on this machine: a key nobody holds, an address, a spend that t members sign.
    Demo(demo::Demo),
    #[command(hide = true)]
    Traitor(traitor::Traitor),
    /// Make a node's folder: its keys, its configuration, a card for the others.
    Init(operate::init::Init),
    /// Say who the operators of a group are.
    Roster(operate::roster::Roster),
    /// Run a node, or look at one that runs.
    Node(operate::node::Node),
    /// Make keys that no single operator holds, and look at them.
    Key(operate::key::Key),
    /// Print the address of a key.
    Address(operate::address::Address),
    /// Look at partially signed transactions, approve, sign and finalize them.
    Psbt(operate::psbt::Psbt),
    /// See what is being signed, who is awaited and who owes.
    Session(operate::session::Session),
    /// See who is convicted, and judge proofs.
    Blame(blame::Blame),
    /// Keep a node's secrets in a process of their own.
    #[cfg(target_os = "linux")]
    Engine(engine::Engine),
    /// Look at a store, check it, change its key, stop its member.
    Store(store::Store),
    /// Print what a shell needs to complete the commands.
    Completions(manual::Completions),
    /// Write manual pages.
    Man(manual::Man),
}

/// What ends the program other than success.
enum Failure {
    /// The arguments do not go together: exit code 2.
    Usage(String),
    /// Refused or failed: exit code 1.
    Failed(anyhow::Error),
    /// The node that should answer does not: exit code 3.
    Unreachable(String),
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
        Err(Failure::Unreachable(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(3)
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(demo) => demo::run(demo),
        Command::Traitor(traitor) => traitor::run(traitor),
        Command::Init(init) => operate::init::run(init),
        Command::Roster(roster) => operate::roster::run(roster),
        Command::Node(node) => operate::node::run(node),
        Command::Key(key) => operate::key::run(key),
        Command::Address(address) => operate::address::run(address),
        Command::Psbt(psbt) => operate::psbt::run(psbt),
        Command::Session(session) => operate::session::run(session),
        Command::Blame(blame) => blame::run(blame),
        #[cfg(target_os = "linux")]
        Command::Engine(engine) => engine::run(engine),
        Command::Store(store) => store::run(store),
        Command::Completions(completions) => {
            manual::complete(completions, Arguments::command());
            Ok(())
        }
        Command::Man(man) => manual::write(man, Arguments::command()),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal of this width shows them as they are: what is broken elsewhere cannot be pasted.
    const COLUMNS: usize = 80;

    fn after_helps(command: &clap::Command) -> Vec<String> {
        let own = command.get_after_help().map(ToString::to_string);
        let below = command.get_subcommands().flat_map(after_helps);
        own.into_iter().chain(below).collect()
    }

    #[test]
    fn what_the_helps_say_last_fits_a_terminal_and_can_be_pasted() {
        let all = after_helps(&Arguments::command());
        assert!(all.len() > 20, "{}", all.len());
        for line in all.iter().flat_map(|text| text.lines()) {
            assert!(line.chars().count() <= COLUMNS, "{line}");
        }
    }
}
