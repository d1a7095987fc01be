//! What nodes tell over their interface, as the demonstration's own types: read, and believed only where it is proven.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, Context};
use hardfrost_api::local::{AttemptView, ConvictionView, KeyView, SessionView};
use hardfrost_dkg::Certificate;
use hardfrost_evidence::{Evidence, EvidenceFile, Verdict};
use hardfrost_frost::{GroupPublic, Signature};
use hardfrost_primitives::{Member, Message, SessionId};
use hardfrost_roast::{AttemptReport, Outcome};
use hardfrost_seat::SessionReport;
use hardfrost_wire::Roster;

use crate::cluster::MadeKey;

fn members(numbers: &[u16]) -> anyhow::Result<BTreeSet<Member>> {
    let all = numbers.iter().map(|number| Member::new(*number));
    Ok(all.collect::<Result<_, _>>()?)
}

fn attempt(view: &AttemptView) -> anyhow::Result<AttemptReport> {
    Ok(AttemptReport {
        number: view.number,
        coordinator: Member::new(view.coordinator)?,
        committed: members(&view.committed)?,
        chosen: members(&view.chosen)?,
        owing: members(&view.owing)?,
        took: Duration::from_millis(view.millis),
    })
}

/// A session that is over at a node. Its signature is judged where it is put into the transaction.
///
/// # Errors
/// A view that no node of ours gives.
pub fn session(view: &SessionView) -> anyhow::Result<SessionReport> {
    let why = || view.why.clone().unwrap_or_default();
    let outcome = match (view.state.as_str(), &view.signature) {
        ("signed", Some(hex)) => {
            let mut bytes = [0; 64];
            hex::decode_to_slice(hex, &mut bytes).context("a signature")?;
            Outcome::Signed(Signature(bytes))
        }
        ("infeasible", _) => Outcome::Infeasible,
        ("refused", _) => Outcome::Refused(why()),
        ("cancelled", _) => Outcome::Cancelled,
        ("stuck", _) => Outcome::Stuck(why()),
        ("expired", _) => Outcome::Expired,
        (other, _) => bail!("a session cannot end as {other:?}"),
    };
    let attempts = view.attempts.iter().map(attempt);
    let mut message = [0; 32];
    hex::decode_to_slice(&view.message, &mut message).context("a message")?;
    Ok(SessionReport {
        session: SessionId::new(&view.session)?,
        message: Message(message),
        outcome,
        attempts: attempts.collect::<anyhow::Result<_>>()?,
    })
}

/// A key, as its certificate proves it under our roster.
///
/// # Errors
/// It does not.
pub fn key(view: &KeyView, roster: &Roster) -> anyhow::Result<MadeKey> {
    let bytes = hex::decode(&view.certificate_hex).context("a certificate")?;
    let certificate = Certificate::from_bytes(&bytes)?;
    let public = certificate.verify(roster)?;
    Ok(MadeKey {
        certificate,
        public,
    })
}

/// The proof behind a conviction, judged by our own roster and key.
///
/// # Errors
/// It proves nothing, or is against another member.
pub fn proof(
    view: &ConvictionView,
    roster: &Arc<Roster>,
    key: &Arc<GroupPublic>,
) -> anyhow::Result<(Member, Evidence)> {
    let bytes = hex::decode(&view.file_hex).context("an evidence file")?;
    let file = EvidenceFile::from_bytes(&bytes)?;
    let rosters = BTreeMap::from([(roster.hash(), Arc::clone(roster))]);
    let groups = BTreeMap::from([(key.hash(), Arc::clone(key))]);
    match file.evidence.verify(&rosters, &groups) {
        Verdict::Convicts(member) if member.number() == view.member => Ok((member, file.evidence)),
        Verdict::Convicts(member) => {
            bail!(
                "a node convicts member {} and proves it of {member}",
                view.member
            )
        }
        Verdict::Indeterminate(doubt) => {
            bail!(
                "a node convicts member {} without a proof: {doubt}",
                view.member
            )
        }
    }
}
