//! `hardfrost roster`: who the operators of a group are.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use hardfrost_node::{Card, RosterFile, CARD_FILE};
use hardfrost_primitives::Suite;
use serde::Serialize;

use super::table::{self, counted, Column};
use crate::group_files::read;
use crate::group_folder::ROSTER;
use crate::story::print_line;
use crate::Failure;

/// Say who the operators of a group are
#[derive(Args)]
pub struct Roster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a roster of the operators' cards
    New(New),
    /// Read a roster, and show it
    Check(Check),
    /// Print a roster's hash
    Hash(Hash),
    /// The same roster, with what a newer card says of its operator's node
    Update(Update),
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost roster new alice/card.toml bob/card.toml carol/card.toml \\\n    \
    > roster.toml\n\n\
    Seats are given out in the order of the cards. All operators use one and the\n\
    same file, or files with the same hash: compare it by telephone.")]
struct New {
    /// The cards
    #[arg(required = true)]
    cards: Vec<PathBuf>,
    /// How the group signs: bip445 or tr
    #[arg(long, value_name = "SUITE", default_value = "bip445")]
    suite: Suite,
    /// Print one JSON object, with the roster's text in it
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Check {
    /// The roster
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Hash {
    /// The roster
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost roster update roster.toml bob/card.toml > roster.new\n\n\
    A node may move and change its transport key: the roster's hash stays, and so\n\
    does the group's key. The operator key, the name and the seats cannot change.")]
struct Update {
    /// The roster
    file: PathBuf,
    /// The newer card
    card: PathBuf,
    /// Print one JSON object, with the roster's text in it
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made {
    hash: String,
    members: u16,
    toml: String,
}

#[derive(Serialize)]
struct Named {
    hash: String,
}

#[derive(Serialize)]
struct Shown {
    hash: String,
    suite: String,
    members: u16,
    operators: Vec<ShownOperator>,
}

#[derive(Serialize)]
struct ShownOperator {
    name: String,
    key: String,
    seats: Vec<u16>,
    transport: Option<String>,
    addresses: Vec<String>,
}

/// Runs one of the actions.
///
/// # Errors
/// A file that does not read, or operators that make no roster.
pub fn run(arguments: &Roster) -> Result<(), Failure> {
    Ok(match &arguments.action {
        Action::New(new) => make(new),
        Action::Check(check_arguments) => check(check_arguments),
        Action::Hash(hash_arguments) => hash(hash_arguments),
        Action::Update(update_arguments) => update(update_arguments),
    }?)
}

/// What a file says; `usual` is its name in a node's folder.
fn text(path: &Path, usual: &str) -> anyhow::Result<String> {
    let shown = path.display();
    let inside = path.join(usual);
    let inside = inside.display();
    anyhow::ensure!(
        !path.is_dir(),
        "{shown} is a folder: name the file, {inside}"
    );
    String::from_utf8(read(path)?).with_context(|| format!("{shown} is no text"))
}

fn card(path: &Path) -> anyhow::Result<Card> {
    let read = Card::from_toml(&text(path, CARD_FILE)?);
    read.with_context(|| format!("{} is no operator's card", path.display()))
}

fn roster(path: &Path) -> anyhow::Result<RosterFile> {
    let read = RosterFile::from_toml(&text(path, ROSTER)?);
    read.with_context(|| format!("{} is no roster", path.display()))
}

fn make(arguments: &New) -> anyhow::Result<()> {
    let cards: anyhow::Result<Vec<Card>> = arguments.cards.iter().map(|path| card(path)).collect();
    let file = RosterFile::of_cards(arguments.suite, &cards?)?;
    tell(&file, arguments.json)
}

fn tell(file: &RosterFile, json: bool) -> anyhow::Result<()> {
    let toml = file.to_toml();
    if !json {
        print_line(toml.trim_end());
        return Ok(());
    }
    let made = Made {
        hash: file.roster.hash().to_string(),
        members: file.roster.count(),
        toml,
    };
    print_line(&serde_json::to_string(&made)?);
    Ok(())
}

fn hash(arguments: &Hash) -> anyhow::Result<()> {
    let hash = roster(&arguments.file)?.roster.hash().to_string();
    if arguments.json {
        print_line(&serde_json::to_string(&Named { hash })?);
    } else {
        print_line(&hash);
    }
    Ok(())
}

fn update(arguments: &Update) -> anyhow::Result<()> {
    let file = roster(&arguments.file)?.with_card(&card(&arguments.card)?)?;
    tell(&file, arguments.json)
}

fn check(arguments: &Check) -> anyhow::Result<()> {
    let file = roster(&arguments.file)?;
    let operators = file.roster.operators().iter().zip(&file.contacts);
    let operators = operators.map(|(operator, contact)| ShownOperator {
        name: operator.name.clone(),
        key: operator.key.to_string(),
        seats: operator.seats.iter().map(|seat| seat.number()).collect(),
        transport: contact.as_ref().map(|c| hex::encode(c.transport)),
        addresses: contact.iter().flat_map(|c| c.addresses.clone()).collect(),
    });
    let shown = Shown {
        hash: file.roster.hash().to_string(),
        suite: file.roster.suite().to_string(),
        members: file.roster.count(),
        operators: operators.collect(),
    };
    if arguments.json {
        print_line(&serde_json::to_string(&shown)?);
        return Ok(());
    }
    print_line(&format!("roster {}", shown.hash));
    let (seats, suite) = (counted(shown.members, "seat", "seats"), &shown.suite);
    print_line(&format!("{seats}, signing as {suite}"));
    let row = |one: &ShownOperator| {
        let transport = if one.transport.is_some() {
            "certified"
        } else {
            "missing"
        };
        vec![
            one.name.clone(),
            table::numbers(&one.seats),
            one.key.clone(),
            transport.to_owned(),
            one.addresses.join(" "),
        ]
    };
    let rows: Vec<Vec<String>> = shown.operators.iter().map(row).collect();
    let heads = [
        Column::text("operator"),
        Column::text("seats"),
        Column::hex("operator key"),
        Column::whole("transport key"),
        Column::text("addresses"),
    ];
    table::print(&heads, &rows);
    Ok(())
}
