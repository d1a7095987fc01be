//! `hardfrost node`: run one, or look at one that runs.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use hardfrost_net::Transport;
use hardfrost_node::{Config, Keys, LogFormat, Prepared, Wrap};
use hardfrost_wire::Roster;
use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::filter::LevelFilter;

use super::card::{self, Card};
use super::checking;
use super::status::{self, Status};
use super::Way;
use crate::Failure;

/// Run a node, or look at one that runs
#[derive(Args)]
pub struct Node {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run the node of a folder, until SIGTERM or Ctrl-C
    Run(Run),
    /// Show a node at a glance
    Status(Status),
    /// Print the operator's card, with other addresses or another transport key
    Card(Card),
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost node run --node alice\n  \
    hardfrost node run --node alice --check\n\n\
    On SIGTERM or Ctrl-C it finishes what is under way (stop_seconds in node.toml)\n\
    and ends with exit code 0. After a crash it starts again as it is: nothing needs\n\
    to be repaired.")]
pub struct Run {
    #[command(flatten)]
    way: Way,
    /// Only read the configuration, the rosters, the keys and the engine's store, and say what is wrong
    #[arg(long)]
    check: bool,
    /// With --check: print one JSON object
    #[arg(long, requires = "check")]
    json: bool,
    /// Stop also when standard input ends: for a program that runs the node as its child
    #[arg(long)]
    attached: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A node that does not start or cannot be reached.
pub fn run(arguments: &Node) -> Result<(), Failure> {
    match &arguments.action {
        Action::Run(run) => start(run),
        Action::Status(status) => status::run(status),
        Action::Card(card) => card::run(card),
    }
}

fn start(arguments: &Run) -> Result<(), Failure> {
    let config = arguments.way.config()?;
    if arguments.check {
        return checking::check(config, arguments.json);
    }
    Ok(serve(config, &plainly, arguments.attached)?)
}

/// The folder that systemd makes for a service's credentials.
pub fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Runs a node in this process until a signal says that it is enough; if it is attached, or the end of standard input.
///
/// # Errors
/// It does not start, or breaks.
pub fn serve(config: Config, wrap: &Wrap, attached: bool) -> anyhow::Result<()> {
    log_as(config.log);
    let prepared = Prepared::read(config, credentials()).context("the node does not start")?;
    // Its own engine computes in a thread of its own, so one is enough for the loop, its network and its interface.
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().context("the system")?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate()).context("signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
        let stop = async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
                () = input_ends(attached) => {}
            }
        };
        let ready = |addresses: &[std::net::SocketAddr]| {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let listening = if shown.is_empty() {
                "dials only".to_owned()
            } else {
                format!("listens at {}", shown.join(", "))
            };
            // Nobody may be there to read it, nor the log: that does not end a node.
            let _unread = writeln!(std::io::stderr(), "hardfrost node is ready: {listening}");
        };
        let ran = hardfrost_node::run(prepared, wrap, ready, stop).await;
        ran.context("the node ended")
    })
}

/// Waits for the end of standard input, or for ever. However the program at the other end ended, the system says so.
async fn input_ends(attached: bool) {
    if !attached {
        return std::future::pending().await;
    }
    let (ended, end) = tokio::sync::oneshot::channel();
    // A thread of its own, which nobody waits for: reading cannot be called off.
    std::thread::spawn(move || {
        let _what_came = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _told = ended.send(());
    });
    // Nothing to send it with is an end too.
    let _over = end.await;
}

/// What an honest node does with its network.
pub fn plainly(transport: Box<dyn Transport>, _: &Keys, _: &Roster) -> Box<dyn Transport> {
    transport
}

/// Ids and outcomes; no library's own chatter.
fn log_as(format: LogFormat) {
    let base = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .with_max_level(LevelFilter::INFO);
    match format {
        LogFormat::Human => base
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .init(),
        LogFormat::Json => base.json().init(),
    }
}
