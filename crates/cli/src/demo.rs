//! `hardfrost demo`: from nothing to a verified taproot spend, with members that are silent or cheat if asked for.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{ensure, Context};
use bitcoin::consensus::encode::serialize_hex;
use clap::Args;
use hardfrost_evidence::EvidenceFile;
use hardfrost_primitives::{RequestId, Suite, MEMBERS_DEFAULT_MAX};
use hardfrost_spend::{Explanation, Network};

use crate::cheat::CheatKind;
use crate::cluster::{Cluster, MadeKey, Signing};
use crate::faulty;
use crate::in_process::InProcess;
use crate::out_dir::OutDir;
use crate::report::{self, Culprit, Report};
use crate::roster_file;
use crate::spending::{signatures, Spending};
use crate::story::{listed, print_line, Story};
use crate::Failure;

/// The whole story on this machine: a key nobody holds, an address, a spend that t members sign.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost demo                          3 of 5 members sign\n  \
    hardfrost demo -t 7 -n 10               a larger group\n  \
    hardfrost demo --silent 1 --cheat 1     one member never answers, one sends a bad share\n  \
    hardfrost demo --cheat 2 --cheat-kind double-package\n  \
    hardfrost demo --json --out run-1       one JSON object, files in run-1/\n\n\
    The coins are made up (regtest) and no secret is written anywhere.")]
pub struct Demo {
    /// How many members must sign: 2 to n
    #[arg(short = 't', long, value_name = "T", default_value_t = 3)]
    threshold: u16,
    /// How many members there are: 2 to 128
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    members: u16,
    /// The suite they sign with: tr or bip445
    #[arg(long, value_name = "SUITE", default_value_t = Suite::Bip445)]
    suite: Suite,
    /// How many members never answer once there is a key
    #[arg(long, value_name = "K", default_value_t = 0)]
    silent: u16,
    /// How many members cheat once there is a key
    #[arg(long, value_name = "K", default_value_t = 0)]
    cheat: u16,
    /// How they cheat
    #[arg(
        long,
        value_name = "KIND",
        default_value = "bad-share",
        requires = "cheat"
    )]
    cheat_kind: CheatKind,
    /// The folder for the public files; made if absent
    #[arg(long, value_name = "DIR", default_value = "hardfrost-demo")]
    out: PathBuf,
    /// Print one JSON object instead of the story
    #[arg(long)]
    json: bool,
}

/// Runs the demonstration.
///
/// # Errors
/// [`Failure::Usage`] when the sizes do not go together; everything else is a failure.
pub fn run(arguments: &Demo) -> Result<(), Failure> {
    check_sizes(arguments).map_err(Failure::Usage)?;
    let out = OutDir::prepare(&arguments.out)?;
    let story = Story::new(arguments.json);
    let Told { report, unsigned } = tell(arguments, &out, &story)?;
    let json = serde_json::to_string(&report).context("the report is plain data")?;
    out.mark(&json)?;
    if arguments.json {
        print_line(&json);
    } else {
        story.ends(&out, unsigned.is_empty(), &report.culprits);
    }
    if report.verified {
        Ok(())
    } else if unsigned.is_empty() {
        Err(anyhow::anyhow!("consensus does not accept the transaction").into())
    } else {
        Err(anyhow::anyhow!("{}", unsigned.join("; ")).into())
    }
}

/// What came of it, and why it was not signed, if it was not.
struct Told {
    report: Report,
    unsigned: Vec<String>,
}

fn check_sizes(arguments: &Demo) -> Result<(), String> {
    let Demo {
        threshold,
        members,
        silent,
        cheat,
        ..
    } = *arguments;
    if !(2..=MEMBERS_DEFAULT_MAX).contains(&members) {
        return Err(format!(
            "-n {members}: a group has 2 to {MEMBERS_DEFAULT_MAX} members"
        ));
    }
    if threshold < 2 {
        return Err(format!(
            "-t {threshold}: at least 2 members must sign, or one alone could spend"
        ));
    }
    if threshold > members {
        return Err(format!(
            "-t {threshold} -n {members}: more members would have to sign than there are"
        ));
    }
    if u32::from(silent) + u32::from(cheat) >= u32::from(members) {
        return Err(format!(
            "--silent {silent} --cheat {cheat}: at least one of {members} members must be honest"
        ));
    }
    Ok(())
}

fn tell(arguments: &Demo, out: &OutDir, story: &Story) -> anyhow::Result<Told> {
    let mut cluster = InProcess::new(arguments.suite, arguments.members)?;
    story.begins((arguments.threshold, arguments.members), arguments.suite);
    let key = make_key(&mut cluster, arguments.threshold, story)?;
    let certificate = key.certificate.to_bytes();
    out.write(
        "roster.toml",
        roster_file::to_toml(cluster.roster())?.as_bytes(),
    )?;
    out.write("certificate.bin", &certificate)?;

    let spending = Spending::prepare(&key.public)?;
    out.write("funding.hex", serialize_hex(&spending.funding).as_bytes())?;
    out.write("spend.before.psbt", &spending.psbt.to_bytes())?;
    story.spend(
        &spending.address,
        &Explanation::new(&spending.plan, Network::Regtest),
    );

    let signing = sign(arguments, &mut cluster, (&key, &spending), story)?;
    let culprits = write_evidence(&signing, cluster.roster(), &certificate, out)?;
    story.culprits(&culprits, out);
    let (transaction, verified, unsigned) = match signatures(&signing) {
        Ok(signatures) => {
            let (transaction, verified) = spending.finish(&signatures, out)?;
            story.verified(&transaction, verified);
            (transaction, verified, Vec::new())
        }
        Err(mut unsigned) => {
            unsigned.extend(absent(&signing, arguments));
            story.unsigned(&unsigned);
            (spending.psbt.transaction().clone(), false, unsigned)
        }
    };
    let report = Report {
        group_key: key.public.key_group().to_string(),
        address: spending.address.to_string(),
        txid: transaction.compute_txid().to_string(),
        transaction: serialize_hex(&transaction),
        verified,
        attempts: report::attempts(&signing.sessions),
        culprits,
    };
    Ok(Told { report, unsigned })
}

/// Whether it could have been signed at all, and who is missing: those never heard of, those that owe a share.
fn absent(signing: &Signing, arguments: &Demo) -> Vec<String> {
    let Demo {
        threshold, members, ..
    } = *arguments;
    let honest = members - arguments.silent - arguments.cheat;
    let mut said = Vec::new();
    if honest < threshold {
        said.push(format!(
            "infeasible: {honest} of {members} members do their part, {threshold} must sign"
        ));
    }
    let silent = report::missing(&signing.sessions, members);
    let owing = report::owing(&signing.sessions);
    for (what, who) in [("never answered", silent), ("owing a valid share", owing)] {
        if !who.is_empty() {
            said.push(format!("{what}: {}", listed(&who)));
        }
    }
    said
}

fn make_key(cluster: &mut dyn Cluster, threshold: u16, story: &Story) -> anyhow::Result<MadeKey> {
    let started = Instant::now();
    let key = story.watching(|progress| cluster.make_key(threshold, progress))?;
    let certified = key.certificate.verify(cluster.roster())?;
    ensure!(
        certified == key.public,
        "the certificate is for another key"
    );
    story.key(&key, started.elapsed());
    Ok(key)
}

fn sign(
    arguments: &Demo,
    cluster: &mut dyn Cluster,
    (key, spending): (&MadeKey, &Spending),
    story: &Story,
) -> anyhow::Result<Signing> {
    let request = RequestId::new("demo")?;
    let input = spending
        .plan
        .inputs()
        .first()
        .context("the PSBT has an input of ours")?;
    let wanted = (arguments.silent, arguments.cheat, arguments.cheat_kind);
    let faults = faulty::pick(wanted, &key.public, input, (arguments.suite, &request))?;
    story.faults(&faults);
    cluster.turn_faulty(&faults);
    let bytes = spending.psbt.to_bytes();
    let group = key.public.key_group();
    let signing = story.watching(|progress| cluster.sign(group, &bytes, &request, progress))?;
    story.signed(&signing);
    Ok(signing)
}

/// One file for each convicted member, with everything a stranger needs.
fn write_evidence(
    signing: &Signing,
    roster: &hardfrost_wire::Roster,
    certificate: &[u8],
    out: &OutDir,
) -> anyhow::Result<Vec<Culprit>> {
    let mut culprits = Vec::new();
    for (member, proof) in &signing.convicted {
        let kind = proof.kind();
        let name = format!("evidence-{member}-{kind}.bin");
        let file = EvidenceFile::new(proof.clone(), roster, certificate.to_vec());
        out.write(&name, &file.to_bytes())?;
        culprits.push(Culprit {
            member: member.number(),
            kind: kind.to_string(),
            evidence: out.path().join(name).display().to_string(),
        });
    }
    Ok(culprits)
}
