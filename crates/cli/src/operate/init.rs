//! `hardfrost init`: a folder for a node, with keys of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hardfrost_node::{check_addresses, make, NewHome, CARD_FILE};
use serde::Serialize;

use super::quoted;
use crate::story::print_line;
use crate::Failure;

/// Make a node's folder: its keys, its configuration, and a card for the other operators
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost init alice --name alice --listen 10.0.0.1:7400\n  \
    hardfrost init alice --name alice --listen 0.0.0.0:7400 \\\n    \
    --address alice.example:7400\n\n\
    Hand card.toml to the other operators over a channel you trust: it says who you\n\
    are. It holds nothing secret. The rest of the folder is yours alone; the files\n\
    *.key open what lies beside them: docs/operations.md says where they belong.")]
pub struct Init {
    /// The folder, new or empty
    folder: PathBuf,
    /// What the other operators call you
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where the node listens, address:port; may be given several times
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listens)]
    listen: Vec<SocketAddr>,
    /// How the others reach it, host:port, where that is another address than it listens at
    #[arg(long, value_name = "HOST:PORT")]
    address: Vec<String>,
    /// How many seats you ask for
    #[arg(long, value_name = "NUMBER", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    seats: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made {
    folder: String,
    operator: String,
    transport: String,
    card: String,
    addresses: Vec<String>,
}

/// Makes the folder.
///
/// # Errors
/// It holds something; an address that is none; the disk fails.
pub fn run(arguments: &Init) -> Result<(), Failure> {
    let listen: Vec<String> = arguments.listen.iter().map(ToString::to_string).collect();
    let reachable = |at: &&SocketAddr| !at.ip().is_unspecified() && at.port() != 0;
    let addresses = if arguments.address.is_empty() {
        let known = arguments.listen.iter().filter(reachable);
        known.map(ToString::to_string).collect()
    } else {
        arguments.address.clone()
    };
    check_addresses(&addresses).map_err(|error| Failure::Usage(error.to_string()))?;
    let name = arguments.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        let why = "--name takes 1 to 64 printable characters";
        return Err(Failure::Usage(why.to_owned()));
    }
    let wanted = NewHome {
        name,
        listen,
        addresses,
        seats: arguments.seats,
    };
    let card = make(&arguments.folder, &wanted).context("no node was made")?;
    let path = arguments.folder.join(CARD_FILE);
    let made = Made {
        folder: arguments.folder.display().to_string(),
        operator: card.key.to_string(),
        transport: hex::encode(card.contact.transport),
        card: path.display().to_string(),
        addresses: card.contact.addresses,
    };
    if arguments.json {
        print_line(&serde_json::to_string(&made).context("plain data")?);
        return Ok(());
    }
    print_line(&format!("{} is a node's folder now.", made.folder));
    print_line(&format!("   operator key {}", made.operator));
    print_line(&format!("   card         {}", made.card));
    if made.addresses.is_empty() {
        print_line("   the card has no address: others cannot dial this node (--address)");
    }
    let (card, folder) = (quoted(&path), quoted(&arguments.folder));
    print_line("Next: hand the card to the other operators. All cards make one roster; the same");
    print_line("file goes into every node's folder. Then the node starts:");
    print_line(&format!(
        "   hardfrost roster new {card} OTHER.toml ... > roster.toml"
    ));
    print_line(&format!("   cp roster.toml {folder}"));
    print_line(&format!("   hardfrost node run --node {folder}"));
    Ok(())
}

/// What a person types as the place to listen at.
fn listens(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "an IP address of this machine and a port, such as 10.0.0.1:7400, [::1]:7400, or \
         0.0.0.0:7400 for all of its addresses; names belong into --address"
            .to_owned()
    })
}
