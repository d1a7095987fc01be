//! `hardfrost address`: where coins are sent to.

use anyhow::Context;
use clap::Args;
use hardfrost_frost::DerivedGroup;
use hardfrost_primitives::KeySpec;
use hardfrost_spend::{address, Network};
use serde::Serialize;

use super::way::{verified, Way};
use crate::story::print_line;
use crate::Failure;

/// Print the address of a key
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost address --node alice --network regtest\n\n\
    The certificate of the key is verified before an address is printed.")]
pub struct Address {
    #[command(flatten)]
    way: Way,
    /// The key, hex; needed where the node holds several
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// bitcoin, testnet, signet or regtest
    #[arg(long, value_name = "NETWORK", default_value = "regtest",
          value_parser = ["bitcoin", "testnet", "signet", "regtest"])]
    network: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    key_group: String,
    network: String,
    address: String,
    descriptor: String,
}

/// Prints it.
///
/// # Errors
/// A node that cannot be reached; a key that its certificate does not prove.
pub fn run(arguments: &Address) -> Result<(), Failure> {
    let key = arguments.way.key(arguments.key.as_deref())?;
    let public = verified(&arguments.way, &key)?;
    let network: Network = arguments.network.parse().context("network")?;
    let bare = DerivedGroup::new(public.clone(), KeySpec::group_key());
    let bare = bare.context("the group's key")?;
    let shown = Shown {
        key_group: key.key_group,
        network: arguments.network.clone(),
        address: address(&bare, network).to_string(),
        descriptor: hardfrost_spend::descriptor(&public),
    };
    if arguments.json {
        print_line(&serde_json::to_string(&shown).context("plain data")?);
    } else {
        print_line(&shown.address);
    }
    Ok(())
}
