//! `hardfrost psbt`: look at a transaction before anybody approves it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use hardfrost_spend::{Explanation, Network, SpendPlan, UnsignedPsbt};
use serde::Serialize;

use crate::group_files;
use crate::story::print_line;
use crate::Failure;

/// Look at partially signed transactions
#[derive(Args)]
pub struct Psbt {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say in words what a PSBT asks a group to sign
    Show(Show),
}

#[derive(Args)]
#[command(after_help = "Example, after `hardfrost demo`:\n  \
    hardfrost psbt show hardfrost-demo/spend.before.psbt \\\n    \
    --certificate hardfrost-demo/certificate.bin --roster hardfrost-demo/roster.toml")]
struct Show {
    /// The PSBT, binary or base64; - for standard input
    file: PathBuf,
    /// The group's certificate
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// The group's roster
    #[arg(long, value_name = "FILE")]
    roster: PathBuf,
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

/// Runs one of the actions.
///
/// # Errors
/// Everything that does not read, or asks nothing of the group.
pub fn run(arguments: &Psbt) -> Result<(), Failure> {
    match &arguments.action {
        Action::Show(show_arguments) => Ok(show(show_arguments)?),
    }
}

fn show(arguments: &Show) -> anyhow::Result<()> {
    let (_, group) = group_files::group(&arguments.certificate, &arguments.roster)?;
    let name = arguments.file.display().to_string();
    let bytes = group_files::read(&arguments.file)?;
    let psbt = UnsignedPsbt::parse(&bytes).with_context(|| format!("{name} is not readable"))?;
    let plan = SpendPlan::new(&psbt, &group).with_context(|| format!("{name} is refused"))?;
    let network: Network = arguments.network.parse().context("network")?;
    let explained = Explanation::new(&plan, network);
    if !arguments.json {
        explained.lines().for_each(print_line);
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
