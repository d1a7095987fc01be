//! Compaction: the records that a log needs to say what it says, without its history.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_primitives::{Now, UnixTime};
use zeroize::Zeroizing;

use crate::engine::Engine;
use crate::record::{
    encode_pending, ApprovalRecord, ApprovedFacts, ApprovedItem, ConsumedRecord, ConvictionRecord,
    EncodedRecord, InstalledKey, PolicyRecord, QuarantineRecord, Record, RekeyRecord,
    RetiredRecord,
};
use crate::rejection::Rejection;
use crate::standing::{ConvictionEntry, QuarantineEntry, Standing};
use crate::state::{ApprovalEntry, SessionName, State};

/// An approval is forgotten so long after its end. Before that, whoever comes late still hears that it has expired.
const EXPIRED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Engine {
    /// Records whose fold is what this engine knows now, for a log that is to be written anew. An engine recovered from
    /// them answers as one recovered from the whole log does. Left out are approvals that ended long ago.
    ///
    /// # Errors
    /// `storage_fault`; `capacity_exceeded` while a decision is on its way to the log: its record is in neither yet.
    pub fn snapshot(&self, now: Now) -> Result<Vec<EncodedRecord>, Rejection> {
        self.ready()?;
        if self.under_way > 0 {
            return Err(Rejection::CapacityExceeded(
                "records are being written".into(),
            ));
        }
        Ok(self.state.records(now.utc))
    }
}

impl State {
    fn records(&self, now: UnixTime) -> Vec<EncodedRecord> {
        let mut out = self.key_records();
        let forgotten = |expires: UnixTime| expires.plus(EXPIRED_KEPT) <= now;
        let approvals = self.approvals.iter();
        let approvals = approvals.filter(|(_, approval)| !forgotten(approval.expires));
        out.extend(approval_records(approvals).iter().map(Record::encode));
        out.extend(self.consumed.iter().map(|(attempt, binding)| {
            Record::Consumed(ConsumedRecord {
                attempt: attempt.clone(),
                message: binding.message,
                key_spec: binding.key_spec.clone(),
                suite: binding.suite,
                share_epoch: binding.share_epoch,
            })
            .encode()
        }));
        let completed = self.completed.values();
        out.extend(completed.map(|record| Record::Completed(record.clone()).encode()));
        out.extend(self.standing.records().iter().map(Record::encode));
        let policies = self.policies.iter();
        out.extend(policies.map(|(key_group, (at, policy))| {
            let (key_group, at, policy) = (key_group.clone(), *at, policy.clone());
            Record::Policy(PolicyRecord {
                key_group,
                at,
                policy,
            })
            .encode()
        }));
        out
    }

    /// Each installed share as pending and installed, then what is pending still.
    fn key_records(&self) -> Vec<EncodedRecord> {
        let mut out = Vec::new();
        let pending = |bytes| EncodedRecord::new(1, Zeroizing::new(bytes));
        for ((ceremony, member), seat) in &self.installed {
            let Some(group) = self.keys.get(&seat.key_group) else {
                continue;
            };
            let Some(share) = group.shares.get(member) else {
                continue;
            };
            let names = (*ceremony, group.share_epoch, seat.transcript);
            out.push(pending(encode_pending(names, share)));
            let installed = InstalledKey {
                ceremony: *ceremony,
                member: *member,
                certificate: group.certificate,
                file: Arc::clone(&group.certificate_file).to_vec(),
            };
            out.push(Record::KeyInstalled(installed).encode());
        }
        for key in self.pending.values() {
            let names = (key.ceremony, key.share_epoch, key.transcript);
            out.push(pending(encode_pending(names, &key.share)));
        }
        out
    }
}

/// Approvals as they were given: the inputs of one transaction in one record, so that what it does is said once.
fn approval_records<'a>(
    approvals: impl Iterator<Item = (&'a SessionName, &'a ApprovalEntry)>,
) -> Vec<Record> {
    let mut records: BTreeMap<_, ApprovalRecord> = BTreeMap::new();
    for ((key_group, session), approval) in approvals {
        let ApprovalEntry {
            artifact,
            request,
            suite,
            expires,
            policy,
            ..
        } = approval;
        let name = (key_group, artifact, request, *suite, expires, policy);
        let record = records.entry(name).or_insert_with(|| ApprovalRecord {
            key_group: key_group.clone(),
            artifact: *artifact,
            request: request.clone(),
            suite: *suite,
            expires: *expires,
            policy: *policy,
            facts: ApprovedFacts::clone(&approval.facts),
            replaces: None,
            items: Vec::new(),
        });
        record.items.push(ApprovedItem {
            session: session.clone(),
            message: approval.message,
            key_spec: approval.key_spec.clone(),
        });
    }
    records.into_values().map(Record::Approved).collect()
}

impl Standing {
    fn records(&self) -> Vec<Record> {
        let rekeys = self
            .rekeys
            .iter()
            .map(|((key_group, session), (at, reason))| {
                Record::Rekey(RekeyRecord {
                    key_group: key_group.clone(),
                    session: session.clone(),
                    at: *at,
                    reason: reason.clone(),
                })
            });
        let mut out: Vec<Record> = rekeys.collect();
        for ((key_group, member), entry) in &self.quarantines {
            let change = |at, reason| {
                Record::Quarantine(QuarantineRecord {
                    key_group: key_group.clone(),
                    member: *member,
                    at,
                    reason,
                })
            };
            let QuarantineEntry {
                operator,
                lifted,
                conviction,
            } = entry;
            // A proof that came after the operator's pardon is in force: it must come after it here too.
            let in_force = conviction.as_ref().is_none_or(|proof| proof.in_force);
            out.extend(lifted.filter(|_| in_force).map(|at| change(at, None)));
            if let Some(ConvictionEntry {
                at,
                evidence,
                proof,
                in_force,
                ..
            }) = conviction
            {
                out.push(Record::Conviction(ConvictionRecord {
                    key_group: key_group.clone(),
                    member: *member,
                    at: *at,
                    evidence: *evidence,
                    proof: proof.clone(),
                }));
                let lifted = (!in_force).then(|| change(lifted.unwrap_or(*at), None));
                out.extend(lifted);
            }
            let kept_out = operator.clone();
            out.extend(kept_out.map(|(at, reason)| change(at, Some(reason))));
        }
        out.extend(self.retired.iter().map(|(key_group, session)| {
            Record::Retired(RetiredRecord {
                key_group: key_group.clone(),
                session: session.clone(),
            })
        }));
        out
    }
}
