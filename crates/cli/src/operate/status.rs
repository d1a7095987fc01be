//! `hardfrost node status`: a node at a glance.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use hardfrost_api::local::{EngineView, FederationView, NodeView, PeerView};

use super::table::{self, counted, numbers, Column};
use super::{making, pending, Way};
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::watching::Watching;
use crate::Failure;

/// Between two questions while somebody waits.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost node status --node alice\n  \
    hardfrost node status --node alice --wait 10   nodes started just now\n\n\
    With --wait it fails if the time is over first, and says what is missing then.\n\
    What is waited for is the others: t members of each key that is held, all n to\n\
    make the first one.")]
pub struct Status {
    #[command(flatten)]
    way: Way,
    /// Wait at most so many seconds until the node can sign or make a key with the others
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Shows it.
///
/// # Errors
/// A node that cannot be reached; with --wait also one that does not reach the others in time.
pub fn run(arguments: &Status) -> Result<(), Failure> {
    let view = seen(arguments)?;
    if arguments.json {
        print_line(&serde_json::to_string(&view).context("plain data")?);
    } else {
        show(&arguments.way, &view);
    }
    if arguments.wait == 0 || view.ready.connected {
        return Ok(());
    }
    let seconds = counted(arguments.wait, "second", "seconds");
    Err(anyhow::anyhow!("after {seconds}: {}", lacks(&view)).into())
}

/// What the node says of itself; if somebody waits, once it reaches enough others, or the last before the time is over.
fn seen(arguments: &Status) -> Result<NodeView, Failure> {
    let until = Instant::now() + Duration::from_secs(arguments.wait);
    let watching = (arguments.wait > 0).then(|| Watching::new(arguments.json));
    loop {
        let answer = arguments.way.get::<NodeView>("/v1/node");
        let lacking = match &answer {
            Ok(view) if view.ready.connected => return answer,
            Ok(view) => lacks(view),
            Err(Failure::Unreachable(_)) => "waiting for the node to start".to_owned(),
            Err(Failure::Usage(_) | Failure::Failed(_)) => return answer,
        };
        if Instant::now() >= until {
            return answer;
        }
        if let Some(watching) = &watching {
            watching.says(&lacking);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Why a node reaches too few others.
fn lacks(view: &NodeView) -> String {
    if let Some(away) = &view.engine.away {
        return away.clone();
    }
    let peers = view.federations.iter().flat_map(|all| &all.peers);
    let away = peers.filter(|peer| peer.link == "none");
    let names: Vec<&str> = away.map(|peer| peer.operator.as_str()).collect();
    match names.as_slice() {
        [] => "the links are there: ask again".to_owned(),
        [only] => format!("no link to {only}"),
        [first @ .., last] => format!("no link to {} and {last}", first.join(", ")),
    }
}

fn show(way: &Way, view: &NodeView) {
    let state = if view.ready.ready {
        "ready to sign"
    } else {
        "not ready"
    };
    print_line(&format!("hardfrost {}, {state}", view.version));
    for missing in &view.ready.missing {
        print_line(&wrapped(&format!("   {missing}"), 6));
    }
    if has_no_key(view) {
        print_line(&format!("   make one: {}", way.command("key create -t T")));
    }
    print_line(&format!("operator key  {}", view.operator));
    print_line(&format!("listens at    {}", listening(&view.listen)));
    engine(&view.engine);
    view.federations.iter().for_each(federation);
    for one in making::all(view) {
        print_line("");
        making::show(way, view, one);
    }
    for (why, count) in &view.refused {
        let count = counted(*count, "connection", "connections");
        print_line(&format!("refused       {count}: {why}"));
    }
}

/// There is no key, and none is being made. What an engine that is away holds is not known.
fn has_no_key(view: &NodeView) -> bool {
    let mut keys = view.federations.iter().flat_map(|all| &all.keys);
    let known = view.engine.away.is_none();
    known && keys.next().is_none() && view.unplaced.is_empty() && !making::is_under_way(view)
}

fn engine(view: &EngineView) {
    let place = view.socket.as_deref().unwrap_or("in this process");
    print_line(&format!("engine        {place}"));
    if view.away.is_some() {
        print_line("              away");
        return;
    }
    let live = counted(view.live_attempts, "live attempt", "live attempts");
    let approvals = counted(view.approvals, "approval", "approvals");
    let spent = counted(view.consumed, "nonce pair", "nonce pairs");
    print_line(&format!("              {live}, {approvals}, {spent} spent"));
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
    let word = match view.seats.as_slice() {
        [_] => "seat",
        _ => "seats",
    };
    let are = if word == "seat" { "is" } else { "are" };
    print_line("");
    print_line(&format!("roster {}", view.roster));
    print_line(&format!(
        "   {word} {seats} of {n} {are} here, signing as {}",
        view.suite
    ));
    for key in &view.keys {
        print_line(&format!("   key {key}"));
    }
    pending::tell(view);
    let rows: Vec<Vec<String>> = view.peers.iter().map(peer).collect();
    let heads = [
        Column::text("operator"),
        Column::text("seats"),
        Column::whole("link"),
        Column::whole("trip"),
        Column::whole("clock"),
        Column::whole("sent"),
        Column::whole("came"),
        Column::whole("lost"),
        Column::text("where"),
    ];
    table::print(&heads, &rows);
    // Why there is no link takes more room than a column has.
    for peer in view.peers.iter().filter(|peer| peer.link == "none") {
        if let Some(why) = &peer.detail {
            let line = format!("   {}: {why}", peer.operator);
            print_line(&wrapped(&hardfrost_spend::printable(&line), 6));
        }
    }
}

fn peer(view: &PeerView) -> Vec<String> {
    let dash = || "-".to_owned();
    let reached = view.detail.as_ref().filter(|_| view.link != "none");
    vec![
        view.operator.clone(),
        numbers(&view.seats),
        view.link.clone(),
        view.round_trip_millis
            .map_or_else(dash, |millis| format!("{millis:.1} ms")),
        view.skew_millis
            .map_or_else(dash, |millis| format!("{millis:+} ms")),
        view.sent.to_string(),
        view.received.to_string(),
        view.dropped.to_string(),
        reached.cloned().unwrap_or_default(),
    ]
}
