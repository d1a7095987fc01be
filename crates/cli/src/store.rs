//! `hardfrost store`: a node's durable log, while the node is stopped.

mod check;
mod desk;
pub mod keys;
mod kill_switch;
mod quarantine;
mod rotate_key;
mod status;

use clap::{Args, Subcommand};

use crate::Failure;

/// Look at a store, check it, change its key, stop its member
#[derive(Args)]
pub struct Store {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say what a store is: generation, records, schema
    Status(status::Status),
    /// Read and verify everything, and list what is wrong
    Check(check::Check),
    /// Seal everything anew under another key
    RotateKey(rotate_key::RotateKey),
    /// Do not sign beside a member, or let it in again
    Quarantine(quarantine::Quarantine),
    /// Never sign with a key again
    KillSwitch(kill_switch::KillSwitch),
}

/// Runs one of the actions.
///
/// # Errors
/// A store that does not open or does not verify, a key that does not come.
pub fn run(arguments: &Store) -> Result<(), Failure> {
    match &arguments.action {
        Action::Status(status) => status::run(status),
        Action::Check(check) => check::run(check),
        Action::RotateKey(rotate_key) => rotate_key::run(rotate_key),
        Action::Quarantine(quarantine) => quarantine::run(quarantine),
        Action::KillSwitch(kill_switch) => kill_switch::run(kill_switch),
    }
}
