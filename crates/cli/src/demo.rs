//! `hardfrost demo`: from nothing to a verified taproot spend, with members that are silent or cheat if asked for.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{ensure, Context};
use bitcoin::consensus::encode::serialize_hex;
use clap::Args;
use hardfrost_evidence::EvidenceFile;
use hardfrost_node::{random, RosterFile};
use hardfrost_primitives::RequestId;
use hardfrost_spend::{Explanation, Network, UnsignedPsbt};

use crate::cheat::CheatKind;
use crate::cluster::{Cluster, Faults, MadeKey, Signing};
use crate::faulty;
use crate::group_files;
use crate::group_folder::GroupFolder;
use crate::group_size::{GroupSize, Wanted};
use crate::homes::Homes;
use crate::in_process::InProcess;
use crate::out_dir::OutDir;
use crate::processes::Processes;
use crate::progress::Progress;
use crate::report::{self, Culprit, Report};
use crate::spending::{signatures, Spending};
use crate::story::{listed, print_line, NodesAre, Story};
use crate::Failure;

/// The whole story on this machine: a key nobody holds, an address, a spend that t members sign.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost demo                          3 of 5 members sign\n  \
    hardfrost demo -t 7 -n 10               a larger group\n  \
    hardfrost demo -t 67 -n 100             a hundred processes\n  \
    hardfrost demo --silent 1 --cheat 1     one is silent, one sends a bad share\n  \
    hardfrost demo --cheat 2 --cheat-kind double-package\n  \
    hardfrost demo --json --out run-1       one JSON object, files in run-1/\n  \
    hardfrost demo --keep group             it stays in group/ and signs again\n  \
    hardfrost demo --keep group --psbt FILE it signs a PSBT that spends its coins\n\n\
    Each node is a process of its own, `hardfrost node run`, with its stores in a\n\
    folder, on a port of 127.0.0.1. Without --keep these folders are removed at the\n\
    end. With it DIR holds all that signs: whoever has it has the coins. The coins\n\
    are made up (regtest) unless --psbt brings others.\n\n\
    Convictions stay in a kept group too: a convicted member does not sign there\n\
    again, unless `store quarantine --lift` lets it in; --cheat is refused where too\n\
    few are left.")]
pub struct Demo {
    #[command(flatten)]
    wanted: Wanted,
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
    /// All nodes in this process, with no store and no network; waiting is skipped
    #[arg(long, conflicts_with = "keep")]
    in_process: bool,
    /// The folder that keeps the group; made if absent
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// A PSBT for the kept group to sign, binary or base64; `-` for standard input
    #[arg(long, value_name = "FILE", requires = "keep")]
    psbt: Option<PathBuf>,
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
    let story = Story::new(arguments.json);
    let out = OutDir::at(&arguments.out)?;
    if let Some(keep) = &arguments.keep {
        out.is_apart_from(keep)?;
    }
    let brought = arguments.psbt.as_deref().map(read_psbt).transpose()?;
    let begun = begin(arguments, &story)?;
    let spending = match brought {
        Some(psbt) => Spending::of(psbt, &begun.key.public).context("this PSBT is not signed")?,
        None => Spending::prepare(&begun.key.public)?,
    };
    let members = begun.size.members;
    let asked = ask(arguments, &begun, spending)?;
    out.prepare()?;
    let Told { report, unsigned } = tell(begun, &asked, (&out, &story))?;
    let json = serde_json::to_string(&report).context("the report is plain data")?;
    out.mark(&json)?;
    if arguments.json {
        print_line(&json);
    } else {
        story.ends(&out, arguments.place(), members);
    }
    if report.verified {
        Ok(())
    } else if unsigned.is_empty() {
        Err(anyhow::anyhow!("consensus does not accept the transaction").into())
    } else {
        Err(anyhow::anyhow!("{}", unsigned.join("; ")).into())
    }
}

fn read_psbt(file: &Path) -> anyhow::Result<UnsignedPsbt> {
    let bytes = group_files::read(file)?;
    UnsignedPsbt::parse(&bytes).with_context(|| format!("{} is no PSBT", file.display()))
}

/// Nodes that hold a key.
struct Begun {
    cluster: Box<dyn Cluster>,
    key: MadeKey,
    size: GroupSize,
}

/// What is to be signed, under which name, and who will not do their part.
struct Asked {
    spending: Spending,
    request: RequestId,
    faults: Faults,
    /// All others: neither faulty nor convicted before.
    honest: usize,
}

/// What came of it, and why it was not signed, if it was not.
struct Told {
    report: Report,
    unsigned: Vec<String>,
}

/// Makes a key, or finds the one that is kept.
fn begin(arguments: &Demo, story: &Story) -> Result<Begun, Failure> {
    let keep = arguments.keep.as_deref().map(GroupFolder::kept);
    let mut cluster = nodes(arguments, story)?;
    let (key, size) = match cluster.known_key()? {
        Some(key) => {
            let size = arguments.wanted.kept_group(&key.public, cluster.roster());
            let size = enough_honest(size, arguments)?;
            story.found(&key, arguments.keep.as_deref());
            (key, size)
        }
        None => {
            if let Some(keep) = &keep {
                keep.no_key_yet()?;
            }
            let members = cluster.roster().count();
            let size = enough_honest(arguments.wanted.new_group(), arguments)?;
            if members != size.members || cluster.roster().suite() != size.suite {
                let why = "the kept operators are others: leave -n and --suite away";
                return Err(Failure::Usage(why.to_owned()));
            }
            story.begins(size, arguments.place());
            (make_key(cluster.as_mut(), size.threshold, story)?, size)
        }
    };
    if let Some(keep) = keep {
        keep.certify(&key.certificate.to_bytes())?;
    }
    Ok(Begun { cluster, key, size })
}

impl Demo {
    fn place(&self) -> NodesAre<'_> {
        match &self.keep {
            _ if self.in_process => NodesAre::InProcess,
            None => NodesAre::Processes,
            Some(keep) => NodesAre::Kept(keep),
        }
    }
}

/// What the nodes begin with: what is kept, or all new.
fn nodes(arguments: &Demo, story: &Story) -> Result<Box<dyn Cluster>, Failure> {
    let keep = arguments.keep.as_deref().map(GroupFolder::kept);
    let (folder, there) = match keep {
        Some(keep) => {
            let there = keep.is_there();
            (keep, there)
        }
        None => (GroupFolder::temporary(), false),
    };
    if there {
        let opened = story.watching(|progress| Processes::open(folder, progress));
        return Ok(Box::new(opened?));
    }
    let size = enough_honest(arguments.wanted.new_group(), arguments)?;
    let (suite, members) = (size.suite, size.members);
    if arguments.in_process {
        let homes = Homes::in_memory(suite, members)?;
        return Ok(Box::new(InProcess::new(homes)?));
    }
    if let (Some(keep), true) = (&arguments.keep, arguments.psbt.is_some()) {
        let shown = keep.display();
        let why = "--psbt is for a group that is there: make one first, without it";
        return Err(Failure::Usage(format!("{shown} keeps no group; {why}")));
    }
    let found = |progress: &dyn Progress| Processes::found(folder, (suite, members), progress);
    Ok(Box::new(story.watching(found)?))
}

fn enough_honest(size: Result<GroupSize, String>, arguments: &Demo) -> Result<GroupSize, Failure> {
    let size = size.map_err(Failure::Usage)?;
    let Demo { silent, cheat, .. } = arguments;
    let GroupSize {
        threshold, members, ..
    } = size;
    if u32::from(*silent) + u32::from(*cheat) >= u32::from(members) {
        return Err(Failure::Usage(format!(
            "--silent {silent} --cheat {cheat}: at least one of {members} members must be honest"
        )));
    }
    if arguments.keep.is_some() && *cheat > 0 && arguments.cheat_kind.convicts() {
        faulty::remaining(usize::from(members - cheat), threshold).map_err(Failure::Usage)?;
    }
    Ok(size)
}

/// Picks who will not do their part. Nothing is written yet, and a kept group is not put to an end.
fn ask(arguments: &Demo, begun: &Begun, spending: Spending) -> Result<Asked, Failure> {
    let Begun { cluster, key, .. } = begun;
    // A name of its own each time: what was signed before is signed again in another session.
    let name = format!("demo-{}", hex::encode(random::<8>()));
    let request = RequestId::new(&name).context("a plain name")?;
    let inputs = spending.plan.inputs();
    let input = inputs.first().context("the PSBT has an input of ours")?;
    let wanted = (arguments.silent, arguments.cheat, arguments.cheat_kind);
    let suite = cluster.roster().suite();
    let faults = faulty::pick(wanted, &key.public, input, (suite, &request))?;
    if arguments.keep.is_some() {
        faulty::bearable(&faults, &cluster.convicted(), &key.public).map_err(Failure::Usage)?;
    }
    let convicted = cluster.convicted();
    let honest = key.public.members().filter(|member| {
        let faulty = faults.silent.contains(member) || faults.cheats.contains_key(member);
        !faulty && !convicted.contains(member)
    });
    Ok(Asked {
        honest: honest.count(),
        spending,
        request,
        faults,
    })
}

fn tell(begun: Begun, asked: &Asked, (out, story): (&OutDir, &Story)) -> anyhow::Result<Told> {
    let Begun {
        mut cluster,
        key,
        size,
    } = begun;
    let spending = &asked.spending;
    let certificate = key.certificate.to_bytes();
    let roster = RosterFile::unreached(cluster.roster().clone()).to_toml();
    out.write("roster.toml", roster.as_bytes())?;
    out.write("certificate.bin", &certificate)?;
    if let Some(funding) = &spending.funding {
        out.write("funding.hex", serialize_hex(funding).as_bytes())?;
    }
    out.write("spend.before.psbt", &spending.psbt.to_bytes())?;
    let explained = Explanation::new(&spending.plan, Network::Regtest);
    story.spend(&spending.address, &explained, spending.funding.is_some());

    let signing = sign(cluster.as_mut(), &key, asked, story)?;
    let culprits = write_evidence(&signing, cluster.roster(), &certificate, out)?;
    cluster.close();
    story.culprits(&culprits, out);
    let (transaction, verified, left, unsigned) = match signatures(&signing) {
        Ok(signatures) => {
            let finished = spending.finish(&signatures, out)?;
            story.verified(&finished);
            let left = finished.unsigned_by_others;
            (finished.transaction, finished.verified, left, Vec::new())
        }
        Err(mut unsigned) => {
            unsigned.extend(absent(&signing, size, asked.honest));
            story.unsigned(&unsigned);
            let transaction = spending.psbt.transaction().clone();
            (transaction, false, Vec::new(), unsigned)
        }
    };
    let report = Report {
        group_key: key.public.key_group().to_string(),
        address: spending.address.to_string(),
        txid: transaction.compute_txid().to_string(),
        transaction: serialize_hex(&transaction),
        verified,
        inputs_left: left,
        attempts: report::attempts(&signing.sessions),
        culprits,
    };
    Ok(Told { report, unsigned })
}

/// Whether it could have been signed at all, and who is missing: those never heard of, those that owe a share.
fn absent(signing: &Signing, size: GroupSize, honest: usize) -> Vec<String> {
    let GroupSize {
        threshold, members, ..
    } = size;
    let mut said = Vec::new();
    if honest < usize::from(threshold) {
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
    cluster: &mut dyn Cluster,
    key: &MadeKey,
    asked: &Asked,
    story: &Story,
) -> anyhow::Result<Signing> {
    let Asked {
        spending,
        request,
        faults,
        ..
    } = asked;
    story.faults(faults);
    let group = key.public.key_group();
    let signing = story.watching(|progress| {
        cluster.turn_faulty(faults, progress)?;
        cluster.sign(group, &spending.psbt, request, progress)
    })?;
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
