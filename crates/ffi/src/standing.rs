//! The calls around signing: the kill switch, quarantine, what was counted.

use std::collections::BTreeMap;

use hardfrost_engine::{Changed, Decision, EmergencyRekey, Engine, Reason, RecordCounts};
use serde::Serialize;

use crate::call::Call;
use crate::failure::Failure;
use crate::json::member;
use crate::persist::ceremony;
use crate::requests::{OfOperator, Rekey};
use crate::signer::Signer;
use crate::transaction::session_id;

#[derive(Serialize)]
pub(crate) struct Rekeyed {
    session_id: String,
    triggered_at_unix: u64,
}

#[derive(Serialize)]
pub(crate) struct Standing {
    quarantined: bool,
    allowlisted: bool,
}

/// How often a call was made, and how that ended.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Counted {
    calls: u64,
    successes: u64,
    /// By code.
    rejections: BTreeMap<&'static str, u64>,
}

/// Since the library was loaded.
pub(crate) type Counters = BTreeMap<&'static str, Counted>;

#[derive(Serialize)]
pub(crate) struct Metrics {
    calls: Counters,
    configured: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<SignerMetrics>,
}

#[derive(Serialize)]
struct SignerMetrics {
    generation: u64,
    key_groups: usize,
    sessions: usize,
    live_attempts: usize,
    dkg_handles: usize,
    built_transactions: usize,
    records: RecordMetrics,
}

#[derive(Serialize)]
struct RecordMetrics {
    installed: usize,
    approvals: usize,
    consumed: usize,
    completed: usize,
    rekeys: usize,
    quarantines: usize,
    retired: usize,
}

impl Counted {
    pub(crate) fn count(counters: &mut Counters, call: Call, ended: Result<(), &Failure>) {
        let entry = counters.entry(call.as_str()).or_default();
        entry.calls += 1;
        match ended {
            Ok(()) => entry.successes += 1,
            Err(failure) => *entry.rejections.entry(failure.code.as_str()).or_default() += 1,
        }
    }
}

impl Metrics {
    pub(crate) fn of(calls: Counters, signer: Option<&Signer>) -> Result<Self, Failure> {
        let signer = signer.map(Signer::metrics).transpose()?;
        Ok(Self {
            calls,
            configured: signer.is_some(),
            signer,
        })
    }
}

impl Signer {
    fn metrics(&self) -> Result<SignerMetrics, Failure> {
        let dkg_handles = self.handles()?.count();
        let built_transactions = self.builds()?.count();
        let status = self.engine()?.status();
        let RecordCounts {
            installed,
            pending: _,
            approvals,
            consumed,
            completed,
            rekeys,
            quarantines,
            retired,
        } = status.records;
        Ok(SignerMetrics {
            generation: self.generation,
            key_groups: status.keys.len(),
            sessions: status.sessions,
            live_attempts: status.live_attempts,
            dkg_handles,
            built_transactions,
            records: RecordMetrics {
                installed,
                approvals,
                consumed,
                completed,
                rekeys,
                quarantines,
                retired,
            },
        })
    }

    /// The session id of a key generation stops the whole key; that of a signing stops the one session.
    pub(crate) fn rekey(&self, request: &Rekey<'_>) -> Result<Rekeyed, Failure> {
        let session = session_id(&request.session_id)?;
        let reason = Reason::new(&request.reason).map_err(|why| Failure::field("reason", why))?;
        let whole = self.engine()?.ceremony_group(&ceremony(&session)).cloned();
        let (key_group, one) = match whole {
            Some(key_group) => (key_group, None),
            None => (self.group_of(&session)?, Some(session)),
        };
        let now = self.clock.now();
        let asked = EmergencyRekey {
            key_group,
            session: one,
            reason,
        };
        let decision = self.engine()?.emergency_rekey(now, asked)?;
        let changed = match decision {
            Decision::Already(changed) => changed,
            Decision::New(staged) => {
                self.durable(staged, Engine::release_change, Engine::withdraw_change)?
            }
        };
        let Changed::Rekeyed(first) = changed else {
            return Err(Failure::internal());
        };
        Ok(Rekeyed {
            session_id: request.session_id.to_string(),
            triggered_at_unix: first.at.0,
        })
    }

    /// Over all key groups: an operator is quarantined where any of them keeps its seat out.
    pub(crate) fn quarantine(&self, request: &OfOperator) -> Result<Standing, Failure> {
        let member = member("operator_identifier", request.operator_identifier)?;
        let engine = self.engine()?;
        let groups = engine.held_keys();
        let standing = groups
            .iter()
            .map(|key| engine.quarantine_status(key.public.key_group(), member));
        let start = Standing {
            quarantined: false,
            allowlisted: false,
        };
        Ok(standing.fold(start, |all, one| Standing {
            quarantined: all.quarantined || one.quarantined,
            allowlisted: all.allowlisted || one.allowlisted,
        }))
    }
}
