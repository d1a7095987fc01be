//! `hardfrost node card`: what an operator hands to the others, when it has changed.

use std::fs;

use anyhow::Context;
use clap::Args;
use hardfrost_node::{another_transport, card_of, check_addresses, Card as Saved, Keys, CARD_FILE};

use super::node::credentials;
use super::Way;
use crate::story::print_line;
use crate::Failure;

/// Print the operator's card, with other addresses or another transport key
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost node card --node bob --address new.example:7400 > card.toml\n  \
    hardfrost node card --node bob --new-transport-key > card.toml\n\n\
    The other operators take the card up with `hardfrost roster update`, and so does this one;\n\
    then each node starts again. A new transport key is put to use by its number, under\n\
    [identity] in node.toml. The roster's hash and the group's key stay as they are.")]
pub struct Card {
    #[command(flatten)]
    way: Way,
    /// How the others reach the node, host:port; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<String>,
    /// Make another transport key
    #[arg(long)]
    new_transport_key: bool,
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
    let keys = if arguments.new_transport_key {
        let (number, keys) = another_transport(&config, credentials().as_deref())?;
        eprintln!("Put it to use in node.toml, under [identity]: transport = {number}");
        keys
    } else {
        Keys::read(&config, credentials().as_deref())?
    };
    print_line(card_of(&keys, &before).to_toml().trim_end());
    Ok(())
}
