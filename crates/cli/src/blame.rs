//! `hardfrost blame`: whom a node convicts, and a proof judged offline, with no node and no network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{bail, Context};
use clap::{Args, Subcommand};
use hardfrost_dkg::Certificate;
use hardfrost_evidence::{EvidenceFile, EvidenceKind, Verdict};
use hardfrost_frost::GroupPublic;
use hardfrost_wire::Roster;
use serde::Serialize;

use crate::group_files;
use crate::operate::blame_list::{self, List, Show};
use crate::story::print_line;
use crate::Failure;

/// See who is convicted, and judge proofs
#[derive(Args)]
pub struct Blame {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List whom a node knows to be convicted
    List(List),
    /// Show one conviction, and write its evidence file
    Show(Show),
    /// Judge an evidence file offline
    Verify(Verify),
}

#[derive(Args)]
#[command(after_help = "Example, after `hardfrost demo --cheat 1`:\n  \
    hardfrost blame verify hardfrost-demo/evidence-1-invalid-share.bin \\\n    \
    --certificate hardfrost-demo/certificate.bin \\\n    \
    --roster hardfrost-demo/roster.toml\n\n\
    With the group's own certificate and roster the verdict is a conviction. Without\n\
    them it only holds within the roster that the file itself brings: compare that\n\
    hash with one you trust.")]
struct Verify {
    /// The evidence file
    file: PathBuf,
    /// The group's certificate, from a source you trust
    #[arg(long, value_name = "FILE", requires = "roster")]
    certificate: Option<PathBuf>,
    /// The group's roster, from a source you trust
    #[arg(long, value_name = "FILE", requires = "certificate")]
    roster: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Judged {
    convicts: bool,
    member: u16,
    operator: String,
    kind: String,
    roster: String,
    trusted: bool,
}

/// Runs one of the actions.
///
/// # Errors
/// A file that does not read, or that proves nothing.
pub fn run(arguments: &Blame) -> Result<(), Failure> {
    match &arguments.action {
        Action::List(list) => blame_list::list(list),
        Action::Show(show) => blame_list::show(show),
        Action::Verify(verify_arguments) => Ok(verify(verify_arguments)?),
    }
}

fn verify(arguments: &Verify) -> anyhow::Result<()> {
    let shown = arguments.file.display();
    let bytes = group_files::read(&arguments.file)?;
    let file = EvidenceFile::from_bytes(&bytes).with_context(|| shown.to_string())?;
    let (roster, group, trusted) = match (&arguments.certificate, &arguments.roster) {
        (Some(certificate), Some(roster)) => {
            let (roster, group) = group_files::group(certificate, roster)?;
            (roster, group, true)
        }
        _ => {
            let (roster, group) = brought(&file).with_context(|| shown.to_string())?;
            (roster, group, false)
        }
    };
    let rosters = BTreeMap::from([(roster.hash(), Arc::clone(&roster))]);
    let groups = BTreeMap::from([(group.hash(), group)]);
    let member = match file.evidence.verify(&rosters, &groups) {
        Verdict::Convicts(member) => member,
        Verdict::Indeterminate(doubt) => bail!("{shown} convicts nobody: {doubt}"),
    };
    let operator = roster.operator_of(member).and_then(|index| {
        roster
            .operators()
            .get(usize::from(index.0))
            .map(|operator| operator.name.clone())
    });
    let judged = Judged {
        convicts: true,
        member: member.number(),
        operator: operator.unwrap_or_default(),
        kind: file.evidence.kind().to_string(),
        roster: roster.hash().to_string(),
        trusted,
    };
    tell(arguments, &judged, file.evidence.kind())
}

fn tell(arguments: &Verify, judged: &Judged, kind: EvidenceKind) -> anyhow::Result<()> {
    if arguments.json {
        print_line(&serde_json::to_string(judged)?);
        return Ok(());
    }
    let Judged {
        member,
        operator,
        roster,
        trusted,
        ..
    } = judged;
    print_line(&format!(
        "Convicts member {member} ({operator}): {}.",
        words(kind)
    ));
    print_line(
        "Every frame in it is signed by its author's operator key and bound to one attempt.",
    );
    if *trusted {
        print_line("Judged by the certificate and roster you brought, roster");
        print_line(&format!("   {roster}"));
    } else {
        print_line("Convicts within the roster that the file itself brings,");
        print_line(&format!("   {roster}"));
        print_line("Compare that hash with the group's, or bring --certificate and --roster.");
    }
    Ok(())
}

fn words(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::InvalidShare => "it signed a share that does not fit the package it names",
        EvidenceKind::DoubleShare => "it signed two different shares for one package",
        EvidenceKind::DoubleCommitments => "it signed two different commitments in one attempt",
        EvidenceKind::DoublePackage => "as coordinator it signed two packages in one attempt",
        EvidenceKind::MalformedPackage => "as coordinator it signed a package that is none",
    }
}

/// The roster and the key that the file carries with it.
fn brought(file: &EvidenceFile) -> anyhow::Result<(Arc<Roster>, Arc<GroupPublic>)> {
    let roster = Roster::from_bytes(&file.roster).context("the roster inside")?;
    let certificate =
        Certificate::from_bytes(&file.certificate).context("the certificate inside")?;
    let group = certificate
        .verify(&roster)
        .context("the certificate inside")?;
    Ok((Arc::new(roster), group))
}
