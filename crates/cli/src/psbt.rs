//! `hardfrost psbt`: look at a transaction before anybody approves it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{bail, Context};
use clap::{Args, Subcommand};
use hardfrost_dkg::Certificate;
use hardfrost_frost::GroupPublic;
use hardfrost_spend::{Explanation, Network, SpendPlan, UnsignedPsbt, PSBT_BYTES_MAX};
use serde::Serialize;

use crate::roster_file;
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
    let group = group(&arguments.certificate, &arguments.roster)?;
    let name = arguments.file.display().to_string();
    let bytes = read(&arguments.file)?;
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

/// The key that a certificate proves, under the roster it was made for.
fn group(certificate: &Path, roster: &Path) -> anyhow::Result<Arc<GroupPublic>> {
    let shown = roster.display();
    let text = fs::read_to_string(roster).with_context(|| format!("cannot read {shown}"))?;
    let roster = roster_file::from_toml(&text).with_context(|| format!("{shown} is no roster"))?;
    let shown = certificate.display();
    let bytes = fs::read(certificate).with_context(|| format!("cannot read {shown}"))?;
    let certified = Certificate::from_bytes(&bytes).and_then(|it| it.verify(&roster));
    certified.with_context(|| format!("{shown} certifies nothing"))
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let limit = u64::try_from(PSBT_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin()
            .take(limit)
            .read_to_end(&mut bytes)
            .context("standard input")?;
    } else {
        let shown = file.display();
        let open = fs::File::open(file).with_context(|| format!("cannot read {shown}"))?;
        open.take(limit)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {shown}"))?;
    }
    if bytes.is_empty() {
        bail!("{} is empty", file.display());
    }
    Ok(bytes)
}
