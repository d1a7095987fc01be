//! `hardfrost psbt`: from a transaction that somebody wants signed to one that can be sent.

use std::path::PathBuf;

use anyhow::{bail, Context};
use bitcoin::consensus::encode::serialize_hex;
use clap::{Args, Subcommand};
use hardfrost_api::local::SessionView;
use hardfrost_spend::{SignedPsbt, UnsignedPsbt};
use serde::Serialize;

use super::approving::Approving;
use super::psbt_sample::{self, Sample};
use super::psbt_show::{self, Show};
use super::quoted;
use crate::consensus;
use crate::group_files;
use crate::story::print_line;
use crate::terminal::wrapped;
use crate::Failure;

/// Look at partially signed transactions, approve, sign and finalize them
#[derive(Args)]
pub struct Psbt {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a PSBT that spends made-up coins of a key, to try a group out
    Sample(Sample),
    /// Say in words what a PSBT asks a group to sign
    Show(Show),
    /// Approve a transaction: this node signs it with whoever else approves it
    Approve(Approve),
    /// Approve a transaction, wait for its signatures, and put them in
    Sign(Sign),
    /// Make the transaction of a signed PSBT
    Finalize(Finalize),
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost psbt approve --node bob spend.psbt\n\n\
    At least t operators approve the same transaction, each at its own node. Nothing\n\
    is signed before; with the t-th approval it is.")]
struct Approve {
    #[command(flatten)]
    approving: Approving,
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost psbt sign --node alice spend.psbt --out signed.psbt")]
struct Sign {
    #[command(flatten)]
    approving: Approving,
    /// Write the signed PSBT to this file, binary, instead of base64 on standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Example:\n  \
    hardfrost psbt finalize signed.psbt > transaction.hex\n\n\
    Bitcoin's consensus code judges every input before the transaction is printed.")]
struct Finalize {
    /// The signed PSBT, binary or base64; - for standard input
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A PSBT that does not read or is not to be signed; a node that refuses or cannot be reached.
pub fn run(arguments: &Psbt) -> Result<(), Failure> {
    match &arguments.action {
        Action::Sample(sample) => psbt_sample::run(sample),
        Action::Show(show) => psbt_show::run(show),
        Action::Approve(approve_arguments) => approve(&approve_arguments.approving),
        Action::Sign(sign_arguments) => sign(sign_arguments),
        Action::Finalize(finalize_arguments) => Ok(finalize(finalize_arguments)?),
    }
}

/// Of a session's name, enough to tell it from others.
const SESSION_SHOWN: usize = 12;

/// A session that this approval does not start again.
fn over(session: &SessionView) -> String {
    match (session.state.as_str(), &session.why) {
        ("signed", _) => "      is over: signed before".to_owned(),
        (state, Some(why)) => format!("      is over: {state}, {why}"),
        (state, None) => format!("      is over: {state}"),
    }
}

fn approve(arguments: &Approving) -> Result<(), Failure> {
    let approved = arguments.approve()?;
    if arguments.json {
        let line = serde_json::to_string(&approved.approval).context("plain data")?;
        print_line(&line);
        return Ok(());
    }
    let request = format!("Approved as request {}.", approved.approval.request);
    print_line(&wrapped(&request, 3));
    let sessions = approved.sessions(&arguments.way)?;
    for (input, session) in approved.approval.inputs.iter().zip(&sessions) {
        let line = format!("   input {}: session {}", input.index, session.session);
        print_line(&wrapped(&line, 6));
        if session.state != "signing" {
            print_line(&wrapped(&over(session), 6));
        }
    }
    let begins: String = sessions.first().map_or_else(String::new, |session| {
        session.session.chars().take(SESSION_SHOWN).collect()
    });
    if sessions.iter().any(|session| session.state == "signing") {
        print_line("It is signed once enough operators have approved it. To see how far it is:");
        print_line(&format!("   {}", arguments.way.command("session list")));
    } else if sessions.iter().all(|session| session.state == "signed") {
        print_line("It is signed already. To have its signatures in the file:");
        let (file, options) = (quoted(&arguments.file), arguments.options());
        let sign = format!("psbt sign {file}{options} --out signed.psbt");
        print_line(&format!("   {}", arguments.way.command(&sign)));
    } else {
        print_line("Nothing more is signed under this name. To see why:");
        let show = format!("session show {begins}");
        print_line(&format!("   {}", arguments.way.command(&show)));
    }
    Ok(())
}

#[derive(Serialize)]
struct Signed {
    request: String,
    txid: String,
    psbt: String,
    sessions: Vec<String>,
}

fn sign(arguments: &Sign) -> Result<(), Failure> {
    let Sign { approving, out } = arguments;
    let approved = approving.approve()?;
    let sessions = approved.wait(&approving.way, approving.json)?;
    let mut shown = Signed {
        request: approved.approval.request.clone(),
        txid: approved.plan.txid().to_string(),
        psbt: String::new(),
        sessions: sessions.iter().map(|view| view.session.clone()).collect(),
    };
    let signed = approved.complete(&sessions)?;
    shown.psbt = signed.to_base64();
    if let Some(path) = out {
        group_files::write(path, &signed.to_bytes())?;
    }
    if approving.json {
        print_line(&serde_json::to_string(&shown).context("plain data")?);
    } else if let Some(path) = out {
        print_line(&format!("Signed: {}. Next:", path.display()));
        print_line(&format!("   hardfrost psbt finalize {}", quoted(path)));
    } else {
        print_line(&shown.psbt);
    }
    Ok(())
}

#[derive(Serialize)]
struct Finalized {
    txid: String,
    transaction: String,
}

fn finalize(arguments: &Finalize) -> anyhow::Result<()> {
    let shown = arguments.file.display();
    let bytes = group_files::read(&arguments.file)?;
    let psbt = UnsignedPsbt::parse(&bytes).with_context(|| format!("{shown} is not readable"))?;
    let signed = SignedPsbt::brought(psbt);
    let transaction = signed.finalize()?;
    let spent = signed.spent();
    let spent = spent.context("the PSBT does not say what its inputs spend")?;
    let all: Vec<usize> = (0..transaction.input.len()).collect();
    if !consensus::accepts(&transaction, &spent, &all) {
        bail!("consensus does not accept this transaction: a signature in it is wrong");
    }
    let finalized = Finalized {
        txid: transaction.compute_txid().to_string(),
        transaction: serialize_hex(&transaction),
    };
    if arguments.json {
        print_line(&serde_json::to_string(&finalized)?);
    } else {
        print_line(&finalized.transaction);
    }
    Ok(())
}
