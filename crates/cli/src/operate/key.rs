//! `hardfrost key`: keys that no single operator holds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{bail, Context};
use clap::{Args, Subcommand};
use hardfrost_api::local::{CeremonyView, KeyView, NodeView, StartCeremony};
use serde::Serialize;

use super::key_cancel::{self, Cancel};
use super::table::{self, numbers, Column};
use super::way::{verified, Way};
use super::{making, pending};
use crate::group_files::write;
use crate::story::{listed, print_line};
use crate::terminal::{short, wrapped};
use crate::utc::utc;
use crate::watching::Watching;
use crate::Failure;

/// Make keys that no single operator holds, and look at them
#[derive(Args)]
pub struct Key {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key together with the other operators
    Create(Create),
    /// End this node's part in a key generation that is under way
    Cancel(Cancel),
    /// List the keys that this node holds shares of, and the key generations under way
    List(List),
    /// Show one key, and write its public files
    Show(Show),
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost key create --node alice -t 2               begin: prints a code\n  \
    hardfrost key create --node bob -t 2 --join CODE     take part\n\n\
    Every operator of the roster takes part, with a node that runs. One begins and\n\
    reads the code to the others. It ends with a certificate that all of them have\n\
    signed, or not at all.")]
struct Create {
    #[command(flatten)]
    way: Way,
    /// How many members must sign; all operators agree upon it first
    #[arg(short = 't', long, value_name = "T")]
    threshold: u16,
    /// The code of the operator who began
    #[arg(long, value_name = "CODE")]
    join: Option<String>,
    /// How long to wait for the others, in minutes
    #[arg(
        long,
        value_name = "MINUTES",
        default_value_t = 60,
        conflicts_with = "join"
    )]
    minutes: u64,
    /// The roster's hash; needed where the node has several rosters
    #[arg(long, value_name = "HASH", conflicts_with = "join")]
    roster: Option<String>,
    /// Do not wait for the end
    #[arg(long)]
    detach: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  hardfrost key list --node alice")]
struct List {
    #[command(flatten)]
    way: Way,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost key show --node alice --certificate certificate.bin \\\n    \
    --roster roster.toml\n\n\
    With these two files anybody can look at a transaction and judge a proof,\n\
    offline.")]
struct Show {
    #[command(flatten)]
    way: Way,
    /// The key, hex; needed where the node holds several
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Write the certificate to this file
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Write the roster to this file
    #[arg(long, value_name = "FILE")]
    roster: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A node that cannot be reached or refuses; no key comes of it.
pub fn run(arguments: &Key) -> Result<(), Failure> {
    match &arguments.action {
        Action::Create(create) => make(create),
        Action::Cancel(cancel) => key_cancel::run(cancel),
        Action::List(list_arguments) => list(list_arguments),
        Action::Show(show_arguments) => show(show_arguments),
    }
}

fn make(arguments: &Create) -> Result<(), Failure> {
    let threshold = arguments.threshold;
    let body = match &arguments.join {
        Some(code) => StartCeremony::Join {
            join: code.clone(),
            threshold: Some(threshold),
        },
        None => StartCeremony::Begin {
            threshold,
            minutes: arguments.minutes,
            roster: arguments.roster.clone(),
        },
    };
    let begun: CeremonyView = arguments.way.post("/v1/ceremonies", &body)?;
    if !arguments.json {
        tell(arguments, &begun);
    }
    let ended = if arguments.detach {
        begun
    } else {
        wait(&arguments.way, begun, arguments.json)?
    };
    if arguments.json {
        print_line(&serde_json::to_string(&ended).context("plain data")?);
    }
    if let ("failed", Some(_)) = (ended.state.as_str(), &ended.pending) {
        let (why, list) = (
            ended.failure.unwrap_or_default(),
            arguments.way.command("key list"),
        );
        return Err(anyhow::anyhow!(
            "{why}; this node has done its part, and the key may come still: see {list}"
        )
        .into());
    }
    match (ended.state.as_str(), &ended.key_group) {
        ("failed", _) => Err(anyhow::anyhow!(
            "no key was made: {}; begin again, all of you, with a new code",
            ended.failure.unwrap_or_default()
        )
        .into()),
        (_, Some(key)) if !arguments.json => {
            print_line(&format!("key {key}"));
            let key = arguments.way.key(Some(key))?;
            verified(&arguments.way, &key)?;
            print_line(&format!(
                "certificate {}, signed by all members",
                short(&key.certificate)
            ));
            print_line(&format!("Next: {}", address(&arguments.way, &key)?));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What has begun, and what comes next.
fn tell(arguments: &Create, begun: &CeremonyView) {
    let (t, n) = (begun.threshold, begun.members);
    print_line(&format!("A key of which any {t} of {n} members sign."));
    if arguments.join.is_none() {
        print_line("Each other operator joins, at the own node, with:");
        print_line(&format!(
            "   hardfrost key create -t {t} --join {}",
            begun.code
        ));
    } else if arguments.detach && begun.state == "waiting" {
        let list = arguments.way.command("key list");
        print_line(&format!("To see how far it is: {list}"));
    }
}

/// The command that shows the address of a key; of several it is named.
fn address(way: &Way, key: &KeyView) -> Result<String, Failure> {
    let held: Vec<KeyView> = way.get("/v1/keys")?;
    Ok(match held.as_slice() {
        [_] => way.command("address"),
        _ => way.command(&format!("address --key {}", key.key_group)),
    })
}

/// Seconds that a question waits for a step to pass: the step that is shown is never older.
const PATIENCE: u64 = 2;

/// Follows a key generation to its end, telling whose part is awaited.
fn wait(way: &Way, begun: CeremonyView, quiet: bool) -> Result<CeremonyView, Failure> {
    let watching = Watching::new(quiet);
    let started = Instant::now();
    let mut view = begun;
    while view.state == "waiting" {
        let awaited = if view.awaited.is_empty() {
            String::new()
        } else {
            format!(" of {}", listed(&view.awaited))
        };
        watching.says(&format!("{}{awaited}", view.step));
        view = way.get(&format!("/v1/ceremonies/{}?wait={PATIENCE}", view.id))?;
        if started.elapsed() > Duration::from_secs(25 * 3600) {
            return Err(anyhow::anyhow!("the node does not end this key generation").into());
        }
    }
    Ok(view)
}

fn list(arguments: &List) -> Result<(), Failure> {
    let keys: Vec<KeyView> = arguments.way.get("/v1/keys")?;
    if arguments.json {
        print_line(&serde_json::to_string(&keys).context("plain data")?);
        return Ok(());
    }
    let node: NodeView = arguments.way.get("/v1/node")?;
    if keys.is_empty() && !making::is_under_way(&node) && node.unplaced.is_empty() {
        let create = arguments.way.command("key create -t T");
        print_line(&format!("No key yet: make one with {create}"));
    }
    let row = |key: &KeyView| {
        vec![
            key.key_group.clone(),
            format!("{} of {}", key.threshold, key.members),
            numbers(&key.seats),
            key.suite.clone(),
            state(key).to_owned(),
        ]
    };
    let mut rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    rows.extend(pending::rows(&node));
    let heads = [
        Column::hex("key"),
        Column::whole("signs"),
        Column::whole("seats here"),
        Column::whole("suite"),
        Column::whole("state"),
    ];
    table::print(&heads, &rows);
    if !node.unplaced.is_empty() {
        print_line(&wrapped(&arguments.way.no_key(&node), 3));
    }
    for one in making::all(&node) {
        making::show(&arguments.way, &node, one);
    }
    Ok(())
}

fn state(key: &KeyView) -> &'static str {
    if key.stopped.is_some() {
        "stopped for good"
    } else {
        "signs"
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    key: &'a KeyView,
    descriptor: String,
}

fn show(arguments: &Show) -> Result<(), Failure> {
    let key = arguments.way.key(arguments.key.as_deref())?;
    let public = verified(&arguments.way, &key)?;
    let files = [
        (
            &arguments.certificate,
            hex::decode(&key.certificate_hex).context("the certificate")?,
        ),
        (&arguments.roster, key.roster_toml.clone().into_bytes()),
    ];
    for (path, bytes) in files {
        if let Some(path) = path {
            write_new(path, &bytes)?;
        }
    }
    let descriptor = hardfrost_spend::descriptor(&public);
    if arguments.json {
        let shown = Shown {
            key: &key,
            descriptor,
        };
        print_line(&serde_json::to_string(&shown).context("plain data")?);
        return Ok(());
    }
    print_line(&format!("key          {}", key.key_group));
    print_line(&format!(
        "signs        any {} of {}, as {}",
        key.threshold, key.members, key.suite
    ));
    print_line(&format!("seats here   {}", numbers(&key.seats)));
    print_line(&format!("certificate  {}", key.certificate));
    print_line("             verified here, under the roster of the node's folder");
    print_line(&format!("roster       {}", key.roster));
    print_line(&format!("descriptor   {descriptor}"));
    if let Some(stopped) = &key.stopped {
        let (since, reason) = (utc(stopped.since), &stopped.reason);
        print_line(&format!("stopped      for good, since {since}: {reason}"));
    }
    if !key.quarantined.is_empty() {
        print_line(&format!("kept out     {}", listed(&key.quarantined)));
    }
    Ok(())
}

/// Writes a file that is not there yet, or holds the same.
fn write_new(path: &PathBuf, bytes: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    if path.exists() {
        if std::fs::read(path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        bail!("{shown} is there and holds something else");
    }
    write(path, bytes)
}
