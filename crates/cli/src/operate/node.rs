//! `hardfrost node`: run one, or look at one that runs.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Args, Subcommand};
use hardfrost_api::local::{FederationView, NodeView, PeerView};
use hardfrost_net::Transport;
use hardfrost_node::{Config, Keys, LogFormat, Prepared, Wrap};
use hardfrost_wire::Roster;
use tokio::signal::unix::{signal, SignalKind};
use tracing_subscriber::filter::LevelFilter;

use super::card::{self, Card};
use super::pending;
use super::table::{self, numbers};
use super::Way;
use crate::story::print_line;
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
    On SIGTERM or Ctrl-C it finishes what is under way (stop_seconds in node.toml) and ends\n\
    with exit code 0. After a crash it starts again as it is: nothing needs to be repaired.")]
pub struct Run {
    #[command(flatten)]
    way: Way,
    /// Only read the configuration, the rosters and the keys, and say what is wrong
    #[arg(long)]
    check: bool,
    /// Stop also when standard input ends: for a program that runs the node as its child
    #[arg(long)]
    attached: bool,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost node status --node alice\n  \
    hardfrost node status --node alice --wait 10   a node that was started just now")]
struct Status {
    #[command(flatten)]
    way: Way,
    /// Wait so many seconds for the node to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A node that does not start or cannot be reached.
pub fn run(arguments: &Node) -> Result<(), Failure> {
    match &arguments.action {
        Action::Run(run) => start(run),
        Action::Status(status) => show(status),
        Action::Card(card) => card::run(card),
    }
}

fn start(arguments: &Run) -> Result<(), Failure> {
    let config = arguments.way.config()?;
    if arguments.check {
        let prepared = Prepared::read(config, credentials()).context("the node would not start")?;
        drop(prepared);
        print_line("The configuration, the rosters and the keys are in order.");
        return Ok(());
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

/// What the node says of itself; a node that starts is asked again until it answers.
fn seen(arguments: &Status) -> Result<NodeView, Failure> {
    let until = Instant::now() + Duration::from_secs(arguments.wait);
    loop {
        match arguments.way.get("/v1/node") {
            Err(Failure::Unreachable(_)) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(50));
            }
            answer => return answer,
        }
    }
}

fn show(arguments: &Status) -> Result<(), Failure> {
    let view = seen(arguments)?;
    if arguments.json {
        print_line(&serde_json::to_string(&view).context("plain data")?);
        return Ok(());
    }
    let state = if view.ready.ready {
        "ready to sign"
    } else {
        "not ready"
    };
    print_line(&format!("hardfrost {}, {state}", view.version));
    for missing in &view.ready.missing {
        print_line(&format!("   {missing}"));
    }
    print_line(&format!("operator key  {}", view.operator));
    print_line(&format!("listens at    {}", listening(&view.listen)));
    let engine = &view.engine;
    let place = engine.socket.as_deref().unwrap_or("in this process");
    print_line(&format!("engine        {place}"));
    let (live, approvals, spent) = (engine.live_attempts, engine.approvals, engine.consumed);
    print_line(&format!(
        "              {live} live attempts, {approvals} approvals, {spent} nonce pairs spent"
    ));
    view.federations.iter().for_each(federation);
    for (why, count) in &view.refused {
        print_line(&format!("refused       {count} connections: {why}"));
    }
    Ok(())
}

fn listening(addresses: &[String]) -> String {
    if addresses.is_empty() {
        "nowhere: it only dials".to_owned()
    } else {
        addresses.join(", ")
    }
}

fn federation(view: &FederationView) {
    let (seats, n) = (numbers(&view.seats), view.members);
    print_line("");
    print_line(&format!("roster {}", view.roster));
    print_line(&format!(
        "   seat {seats} of {n} is here, signing as {}",
        view.suite
    ));
    for key in &view.keys {
        print_line(&format!("   key {key}"));
    }
    pending::tell(view);
    let rows: Vec<Vec<String>> = view.peers.iter().map(peer).collect();
    let heads = [
        "operator",
        "seats",
        "link",
        "round trip",
        "clock",
        "sent",
        "received",
        "dropped",
        "where",
    ];
    table::print(&heads, &rows);
}

fn peer(view: &PeerView) -> Vec<String> {
    let dash = || "-".to_owned();
    let round_trip = view.round_trip_millis;
    vec![
        view.operator.clone(),
        numbers(&view.seats),
        view.link.clone(),
        round_trip.map_or_else(dash, |millis| format!("{millis:.1} ms")),
        view.skew_millis
            .map_or_else(dash, |millis| format!("{millis:+} ms")),
        view.sent.to_string(),
        view.received.to_string(),
        view.dropped.to_string(),
        view.detail.clone().unwrap_or_default(),
    ]
}
