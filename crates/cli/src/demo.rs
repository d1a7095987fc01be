//! `hardfrost demo`: from nothing to a verified taproot spend.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{ensure, Context};
use bitcoin::consensus::encode::serialize_hex;
use clap::Args;
use hardfrost_frost::{DerivedGroup, Signature};
use hardfrost_primitives::{KeySpec, RequestId, MEMBERS_DEFAULT_MAX};
use hardfrost_roast::Outcome;
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Address, Amount, Explanation, Network, Payment,
    ScriptBuf, SpendPlan, Transaction, UnsignedPsbt,
};

use crate::cluster::{Cluster, MadeKey, Signing};
use crate::consensus;
use crate::in_process::InProcess;
use crate::out_dir::OutDir;
use crate::report::{self, Report};
use crate::roster_file;
use crate::story::{print_line, Story};
use crate::Failure;

/// The whole story on this machine: a key nobody holds, an address, a spend that t members sign.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    hardfrost demo                      3 of 5 members sign\n  \
    hardfrost demo -t 7 -n 10           a larger group\n  \
    hardfrost demo --json --out run-1   one JSON object, files in run-1/\n\n\
    The coins are made up (regtest) and no secret is written anywhere.")]
pub struct Demo {
    /// How many members must sign: 2 to n
    #[arg(short = 't', long, value_name = "T", default_value_t = 3)]
    threshold: u16,
    /// How many members there are: 2 to 128
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5)]
    members: u16,
    /// The folder for the public files; made if absent
    #[arg(long, value_name = "DIR", default_value = "hardfrost-demo")]
    out: PathBuf,
    /// Print one JSON object instead of the story
    #[arg(long)]
    json: bool,
}

/// What the group is to sign.
struct Spend {
    address: Address,
    funding: Transaction,
    psbt: UnsignedPsbt,
    plan: SpendPlan,
}

const FUNDED: Amount = Amount::from_sat(1_000_000);
const PAID: Amount = Amount::from_sat(750_000);
const FEE: Amount = Amount::from_sat(1_000);

/// Runs the demonstration.
///
/// # Errors
/// [`Failure::Usage`] when the sizes do not go together; everything else is a failure.
pub fn run(arguments: &Demo) -> Result<(), Failure> {
    check_sizes(arguments.threshold, arguments.members).map_err(Failure::Usage)?;
    let out = OutDir::prepare(&arguments.out)?;
    let story = Story::new(arguments.json);
    let report = tell(arguments, &out, &story)?;
    let json = serde_json::to_string(&report).context("the report is plain data")?;
    out.mark(&json)?;
    if arguments.json {
        print_line(&json);
    } else {
        story.ends(&report, &out);
    }
    if report.verified {
        Ok(())
    } else {
        Err(anyhow::anyhow!("the transaction was not verified").into())
    }
}

fn check_sizes(threshold: u16, members: u16) -> Result<(), String> {
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
    Ok(())
}

fn tell(arguments: &Demo, out: &OutDir, story: &Story) -> anyhow::Result<Report> {
    let mut cluster = InProcess::new(arguments.members)?;
    story.begins(arguments.threshold, arguments.members);
    let key = make_key(&mut cluster, arguments.threshold, story)?;
    out.write(
        "roster.toml",
        roster_file::to_toml(cluster.roster())?.as_bytes(),
    )?;
    out.write("certificate.bin", &key.certificate.to_bytes())?;

    let spend = prepare_spend(&key)?;
    out.write("funding.hex", serialize_hex(&spend.funding).as_bytes())?;
    out.write("spend.before.psbt", &spend.psbt.to_bytes())?;
    story.spend(
        &spend.address,
        &Explanation::new(&spend.plan, Network::Regtest),
    );

    let signing = sign(&mut cluster, &key, &spend, story)?;
    let (transaction, verified) = match signatures(&signing) {
        Ok(signatures) => finish(&spend, &signatures, out)?,
        Err(unsigned) => {
            story.unsigned(&unsigned);
            (spend.psbt.transaction().clone(), false)
        }
    };
    story.verified(&transaction, verified);
    Ok(Report {
        group_key: key.public.key_group().to_string(),
        address: spend.address.to_string(),
        txid: transaction.compute_txid().to_string(),
        transaction: serialize_hex(&transaction),
        verified,
        attempts: report::attempts(&signing.sessions),
        culprits: report::culprits(&signing.sessions)
            .iter()
            .map(|m| m.number())
            .collect(),
    })
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

fn prepare_spend(key: &MadeKey) -> anyhow::Result<Spend> {
    let bare = DerivedGroup::new(key.public.clone(), KeySpec::group_key())?;
    let address = address(&bare, Network::Regtest);
    let funding = funding_transaction(address.script_pubkey(), FUNDED);
    let payee = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::from_raw_hash(
        bitcoin::hashes::Hash::hash(b"somebody else"),
    ));
    let payment = Payment {
        to: payee,
        amount: PAID,
        fee: FEE,
    };
    let psbt = spending_psbt(&funding, 0, &key.public, payment)?;
    let plan = SpendPlan::new(&psbt, &key.public)?;
    Ok(Spend {
        address,
        funding,
        psbt,
        plan,
    })
}

fn sign(
    cluster: &mut dyn Cluster,
    key: &MadeKey,
    spend: &Spend,
    story: &Story,
) -> anyhow::Result<Signing> {
    let request = RequestId::new("demo")?;
    let bytes = spend.psbt.to_bytes();
    let group = key.public.key_group();
    let signing = story.watching(|progress| cluster.sign(group, &bytes, &request, progress))?;
    story.signed(&signing);
    Ok(signing)
}

/// The signature of every input, or why there is none, by input.
fn signatures(signing: &Signing) -> Result<BTreeMap<usize, Signature>, Vec<String>> {
    let mut signatures = BTreeMap::new();
    let mut unsigned = Vec::new();
    for input in &signing.approval.inputs {
        let report = signing
            .sessions
            .iter()
            .find(|report| report.session == input.session);
        let why = match report.map(|report| &report.outcome) {
            Some(Outcome::Signed(signature)) => {
                signatures.insert(input.index, *signature);
                continue;
            }
            Some(Outcome::Failed(_, why)) => why.as_str(),
            Some(Outcome::Expired) => "its time was over",
            None => "too few members answered",
        };
        unsigned.push(format!("input {} is not signed: {why}", input.index));
    }
    if unsigned.is_empty() {
        Ok(signatures)
    } else {
        Err(unsigned)
    }
}

/// Completes the PSBT and asks consensus about the transaction, and about a corrupted twin.
fn finish(
    spend: &Spend,
    signatures: &BTreeMap<usize, Signature>,
    out: &OutDir,
) -> anyhow::Result<(Transaction, bool)> {
    let signed = spend.plan.complete(spend.psbt.clone(), signatures)?;
    let transaction = signed.finalize()?;
    out.write("spend.after.psbt", &signed.to_bytes())?;
    out.write("spending.hex", serialize_hex(&transaction).as_bytes())?;
    let spent = [spend
        .funding
        .output
        .first()
        .context("the funding has an output")?
        .clone()];
    let twin = consensus::corrupted_twin(&transaction);
    let verified = consensus::accepts(&transaction, &spent) && !consensus::accepts(&twin, &spent);
    Ok((transaction, verified))
}
