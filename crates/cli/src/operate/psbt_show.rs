//! `hardfrost psbt show`: look at a transaction before anybody approves it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use hardfrost_frost::GroupPublic;
use hardfrost_spend::{Explanation, Network, SpendPlan, UnsignedPsbt};
use serde::Serialize;

use super::way::{verified, Way};
use crate::group_files;
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::Failure;

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost psbt show --node alice spend.psbt\n\n\
    After `hardfrost demo`, without a node:\n  \
    hardfrost psbt show hardfrost-demo/spend.before.psbt \\\n    \
    --certificate hardfrost-demo/certificate.bin \\\n    \
    --roster hardfrost-demo/roster.toml")]
pub struct Show {
    #[command(flatten)]
    way: Way,
    /// The PSBT, binary or base64; - for standard input
    file: PathBuf,
    /// The key, hex; needed where the node holds several
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The group's certificate, where no node is asked
    #[arg(long, value_name = "FILE", requires = "roster")]
    certificate: Option<PathBuf>,
    /// The group's roster, where no node is asked
    #[arg(long, value_name = "FILE", requires = "certificate")]
    roster: Option<PathBuf>,
    /// How addresses are written
    #[arg(long, value_name = "NETWORK", default_value = "regtest",
          value_parser = ["bitcoin", "testnet", "signet", "regtest"])]
    network: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    group_key: String,
    psbt_hash: String,
    txid: String,
    inputs_to_sign: Vec<InputToSign>,
    spent_sats: u64,
    fee_sats: u64,
    explanation: Vec<&'a str>,
}

#[derive(Serialize)]
struct InputToSign {
    index: usize,
    message: String,
    key: String,
}

/// Shows it.
///
/// # Errors
/// Everything that does not read, or asks nothing of the group.
pub fn run(arguments: &Show) -> Result<(), Failure> {
    let group = match (&arguments.certificate, &arguments.roster) {
        (Some(certificate), Some(roster)) => group_files::group(certificate, roster)?.1,
        _ if !arguments.way.is_there() => {
            let why = "there is no node's folder to ask here: name one with --node, or the key's \
                       public files with --certificate and --roster";
            return Err(Failure::Usage(why.to_owned()));
        }
        _ => verified(
            &arguments.way,
            &arguments.way.key(arguments.key.as_deref())?,
        )?,
    };
    Ok(show(arguments, &group)?)
}

fn show(arguments: &Show, group: &Arc<GroupPublic>) -> anyhow::Result<()> {
    let name = arguments.file.display().to_string();
    let bytes = group_files::read(&arguments.file)?;
    let psbt = UnsignedPsbt::parse(&bytes).with_context(|| format!("{name} is not readable"))?;
    let plan = SpendPlan::new(&psbt, group).with_context(|| format!("{name} is refused"))?;
    let network: Network = arguments.network.parse().context("network")?;
    let explained = Explanation::new(&plan, network);
    if !arguments.json {
        explained
            .lines()
            .for_each(|line| print_line(&wrapped(line, 3)));
        return Ok(());
    }
    let shown = Shown {
        group_key: group.key_group().to_string(),
        psbt_hash: plan.psbt_hash().to_string(),
        txid: plan.txid().to_string(),
        inputs_to_sign: inputs(&plan),
        spent_sats: plan.spent().to_sat(),
        fee_sats: plan.fee().to_sat(),
        explanation: explained.lines().collect(),
    };
    print_line(&serde_json::to_string(&shown)?);
    Ok(())
}

fn inputs(plan: &SpendPlan) -> Vec<InputToSign> {
    let all = plan.inputs().iter();
    all.map(|input| InputToSign {
        index: input.index,
        message: input.message.to_string(),
        key: input.key_spec.to_string(),
    })
    .collect()
}
