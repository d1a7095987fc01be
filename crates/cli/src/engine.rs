//! `hardfrost engine`: the secrets of a node in a process of their own.

mod lockdown;
mod serve;
mod user;

use clap::{Args, Subcommand};

use crate::Failure;

/// Keep a node's secrets in a process of their own
#[derive(Args)]
pub struct Engine {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Hold the secrets of a store, and sign for the one node that asks over a local socket
    Serve(serve::Serve),
}

/// Runs one of the actions.
///
/// # Errors
/// A store that does not open, a socket that others could reach, a system that does not lock this process down.
pub fn run(arguments: &Engine) -> Result<(), Failure> {
    match &arguments.action {
        Action::Serve(serve) => serve::run(serve),
    }
}
