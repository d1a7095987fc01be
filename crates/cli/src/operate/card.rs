//! `hardfrost node card`: what an operator hands to the others, when it has changed.

use std::fs;

use anyhow::Context;
use clap::Args;
use hardfrost_node::{another_transport, card_of, check_addresses, Card as Saved, Keys, CARD_FILE};
use serde::Serialize;

use super::node::credentials;
use super::Way;
use crate::story::print_line;
use crate::Failure;

/// Print the operator's card, with other addresses or another transport key
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost node card --node bob --address new.example:7400 > card.toml\n  \
    hardfrost node card --node bob --new-transport-key > card.toml\n\n\
    The other operators take the card up with `hardfrost roster update`, and so does\n\
    this one; then each node starts again. A new transport key is put to use by its\n\
    number, under [identity] in node.toml. The roster's hash and the group's key\n\
    stay as they are.")]
pub struct Card {
    #[command(flatten)]
    way: Way,
    /// How the others reach the node, host:port; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<String>,
    /// Make another transport key
    #[arg(long)]
    new_transport_key: bool,
    /// Print one JSON object, with the card's text in it
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    operator: String,
    transport: String,
    /// The number that puts a new transport key to use.
    number: Option<u16>,
    addresses: Vec<String>,
    toml: String,
}

/// Prints it.
///
/// # Errors
/// The node's folder is not in order.
pub fn run(arguments: &Card) -> Result<(), Failure> {
    check_addresses(&arguments.address).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(show(arguments)?)
}

fn show(arguments: &Card) -> anyhow::Result<()> {
    let config = arguments.way.config()?;
    let path = config.folder.join(CARD_FILE);
    let shown = path.display();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let mut before = Saved::from_toml(&text).with_context(|| format!("{shown} is no card"))?;
    if !arguments.address.is_empty() {
        before.contact.addresses.clone_from(&arguments.address);
    }
    let mut new = None;
    let keys = if arguments.new_transport_key {
        let (number, keys) = another_transport(&config, credentials().as_deref())?;
        if !arguments.json {
            eprintln!("Put it to use in node.toml, under [identity]: transport = {number}");
        }
        new = Some(number);
        keys
    } else {
        Keys::read(&config, credentials().as_deref())?
    };
    let card = card_of(&keys, &before);
    if !arguments.json {
        print_line(card.to_toml().trim_end());
        return Ok(());
    }
    let shown = Shown {
        toml: card.to_toml(),
        operator: card.key.to_string(),
        transport: hex::encode(card.contact.transport),
        number: new,
        name: card.name,
        addresses: card.contact.addresses,
    };
    print_line(&serde_json::to_string(&shown)?);
    Ok(())
}
