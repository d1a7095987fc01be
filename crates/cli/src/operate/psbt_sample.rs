//! `hardfrost psbt sample`: something to sign, for trying a group out before it holds coins.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hardfrost_frost::DerivedGroup;
use hardfrost_node::random;
use hardfrost_primitives::KeySpec;
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Amount, Network, Payment, ScriptBuf,
};
use serde::Serialize;

use super::way::{quoted, verified, Way};
use crate::group_files::write;
use crate::story::print_line;
use crate::Failure;

/// What the made-up coins are worth at least; each sample is worth another sum, so that no two are alike.
const WORTH: u64 = 1_000_000;
const PAID: Amount = Amount::from_sat(750_000);
const FEE: Amount = Amount::from_sat(1_000);

/// Make a PSBT that spends made-up coins of a key
#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost psbt sample --node alice --out spend.psbt\n\n\
    The coins exist nowhere: a group tries out with it whether its members sign\n\
    together. No network would take the transaction.")]
pub struct Sample {
    #[command(flatten)]
    way: Way,
    /// The key, hex; needed where the node holds several
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Write the PSBT to this file, binary, instead of base64 on standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    txid: String,
    psbt: String,
}

/// Makes one.
///
/// # Errors
/// A node that cannot be reached, a file that cannot be written.
pub fn run(arguments: &Sample) -> Result<(), Failure> {
    let key = arguments.way.key(arguments.key.as_deref())?;
    let public = verified(&arguments.way, &key)?;
    let bare = DerivedGroup::new(public.clone(), KeySpec::group_key());
    let bare = bare.context("the group's key")?;
    let more = u64::from(u32::from_le_bytes(random()));
    let worth = Amount::from_sat(WORTH + more);
    let coins = address(&bare, Network::Regtest).script_pubkey();
    let funding = funding_transaction(coins, worth);
    let payee = bitcoin::hashes::Hash::hash(b"somebody else");
    let payment = Payment {
        to: ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_raw_hash(payee)),
        amount: PAID,
        fee: FEE,
    };
    let psbt = spending_psbt(&funding, 0, &public, payment).context("the sample")?;
    if let Some(path) = &arguments.out {
        write(path, &psbt.to_bytes())?;
    }
    let shown = Shown {
        txid: psbt.transaction().compute_txid().to_string(),
        psbt: psbt.to_base64(),
    };
    if arguments.json {
        print_line(&serde_json::to_string(&shown).context("plain data")?);
    } else if let Some(path) = &arguments.out {
        print_line(&format!(
            "{} spends made-up coins of the key.",
            path.display()
        ));
        let key = arguments.key.iter().map(|key| format!(" --key {key}"));
        let next = format!("psbt show {}{}", quoted(path), key.collect::<String>());
        print_line(&format!("Next: {}", arguments.way.command(&next)));
    } else {
        print_line(&shown.psbt);
    }
    Ok(())
}
