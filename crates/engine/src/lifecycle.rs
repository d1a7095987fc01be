//! What closes a gate: the kill switch, the end of a session, quarantine and conviction. One kind of pending value for
//! all.

use std::time::Duration;

use hardfrost_primitives::{Hash32, KeyGroup, Member, Now, RequestId, SessionId, UnixTime};

use crate::approve::{Approval, ApprovedInput};
use crate::engine::{Engine, Settle};
use crate::gates::Gate;
use crate::quarantine::Quarantined;
use crate::reason::Reason;
use crate::record::{Record, RekeyRecord, RetiredRecord};
use crate::rejection::Rejection;
use crate::staged::{Committed, Decision, Uncommitted};

/// The kill switch. There is no way back: a new key must be made, and the coins moved to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmergencyRekey {
    /// The group.
    pub key_group: KeyGroup,
    /// One session only; absent, everything of the group.
    pub session: Option<SessionId>,
    /// For people.
    pub reason: Reason,
}

/// A session that is over for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalizeSession {
    /// The group.
    pub key_group: KeyGroup,
    /// The session.
    pub session: SessionId,
}

/// An approval in force, for one of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenApproval {
    /// The request's name.
    pub request: RequestId,
    /// The approval, of one input. Records do not say which of the transaction's inputs that is: its index is 0.
    pub approval: Approval,
}

/// A kill switch that is set: when and why it was first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// When it was set.
    pub at: UnixTime,
    /// Why.
    pub reason: Reason,
}

/// What is so from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The kill switch is set.
    Rekeyed(Rekeyed),
    /// The session is over for good.
    Finalized,
    /// How the member stands.
    Quarantine(Quarantined),
    /// The limits with this hash are in force.
    Policy(Hash32),
}

/// A change of what may be signed, until its record is durable.
pub struct PendingChange {
    pub(crate) change: Change,
}

pub(crate) enum Change {
    /// This gate is closing.
    Close(Gate),
    /// This member is let in again, or convicted: nothing follows before that is durable.
    Stands(KeyGroup, Member),
}

impl Engine {
    /// Sets the kill switch. Open and Round2 are refused from here on; live nonces are wiped once it is durable. A
    /// repeat changes nothing and reports the first.
    ///
    /// # Errors
    /// `dkg_not_ready`.
    pub fn emergency_rekey(
        &mut self,
        now: Now,
        request: EmergencyRekey,
    ) -> Result<Decision<Changed, PendingChange>, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let EmergencyRekey {
            key_group,
            session,
            reason,
        } = request;
        self.installed(&key_group)?;
        let scope = (key_group, session);
        if let Some(first) = self.first_rekey(&scope) {
            return Ok(Decision::Already(Changed::Rekeyed(first)));
        }
        let (key_group, session) = scope;
        let gate = Gate::Rekey(key_group.clone(), session.clone());
        let at = now.utc;
        let record = Record::Rekey(RekeyRecord {
            key_group,
            session,
            at,
            reason,
        });
        Ok(self.change(record, Change::Close(gate)))
    }

    /// Ends a session for good: no attempt of it is opened or signed any more, and its markers may be forgotten.
    /// Repeating it changes nothing.
    ///
    /// # Errors
    /// `dkg_not_ready`; `session_not_found` for a session that this engine never heard of.
    pub fn finalize_session(
        &mut self,
        now: Now,
        request: FinalizeSession,
    ) -> Result<Decision<Changed, PendingChange>, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let FinalizeSession { key_group, session } = request;
        self.installed(&key_group)?;
        if self.state.standing.is_retired(&key_group, &session) {
            return Ok(Decision::Already(Changed::Finalized));
        }
        let opened = self.custody.session(&key_group, &session).is_some();
        if !opened && !self.state.has_heard_of(&key_group, &session) {
            return Err(Rejection::SessionNotFound);
        }
        let gate = Gate::Retired(key_group.clone(), session.clone());
        let record = Record::Retired(RetiredRecord { key_group, session });
        Ok(self.change(record, Change::Close(gate)))
    }

    /// Sessions whose approval ended so long ago and that are not over yet: nobody takes them up again, and their
    /// markers can go once they are finalized.
    #[must_use]
    pub fn left_behind(&self, now: Now, since: Duration) -> Vec<FinalizeSession> {
        let approvals = self.state.approvals.iter();
        let left = approvals.filter(|(_, approval)| approval.expires.plus(since) <= now.utc);
        left.map(|((key_group, session), _)| FinalizeSession {
            key_group: key_group.clone(),
            session: session.clone(),
        })
        .collect()
    }

    /// What was approved, is still in force, and was not completed here: its sessions go on after a restart.
    #[must_use]
    pub fn open_approvals(&self, now: Now) -> Vec<OpenApproval> {
        let approvals = self.state.approvals.iter();
        let open = approvals.filter(|((key_group, session), approval)| {
            let stopped = |scope: Option<SessionId>| {
                let name = (key_group.clone(), scope);
                self.state.standing.rekeys.contains_key(&name)
            };
            approval.expires > now.utc
                && self.state.completions(key_group, session) == 0
                && !stopped(None)
                && !stopped(Some(session.clone()))
        });
        open.map(|((key_group, session), approval)| OpenApproval {
            request: approval.request.clone(),
            approval: Approval {
                key_group: key_group.clone(),
                artifact: approval.artifact,
                expires: approval.expires,
                policy: approval.policy,
                replaces: None,
                inputs: vec![ApprovedInput {
                    index: 0,
                    session: session.clone(),
                    message: approval.message,
                    key_spec: approval.key_spec.clone(),
                }],
            },
        })
        .collect()
    }

    pub(crate) fn change(
        &mut self,
        record: Record,
        change: Change,
    ) -> Decision<Changed, PendingChange> {
        if let Change::Close(gate) = &change {
            self.closing.close(gate.clone());
        }
        Decision::New(self.stage(record, PendingChange { change }))
    }

    pub(crate) fn first_rekey(&self, scope: &(KeyGroup, Option<SessionId>)) -> Option<Rekeyed> {
        let (at, reason) = self.state.standing.rekeys.get(scope)?.clone();
        Some(Rekeyed { at, reason })
    }

    /// What is so, now that its record is durable.
    ///
    /// # Errors
    /// `internal_error` when an invariant of ours is broken.
    pub fn release_change(&mut self, done: Committed<PendingChange>) -> Result<Changed, Rejection> {
        self.settle(done)
    }

    /// The record did not become durable. Nothing written: everything is as before.
    pub fn withdraw_change(&mut self, not: Uncommitted<PendingChange>) {
        self.unsettle(not);
    }
}

impl Settle for PendingChange {
    type Released = Changed;

    fn release(self, engine: &mut Engine) -> Result<Changed, Rejection> {
        let gate = match self.change {
            Change::Close(gate) => gate,
            Change::Stands(key_group, member) => {
                let standing = engine.quarantine_status(&key_group, member);
                return Ok(Changed::Quarantine(standing));
            }
        };
        engine.closing.settle(&gate);
        match gate {
            Gate::Rekey(key_group, session) => {
                engine.custody.end(&key_group, session.as_ref());
                let first = engine.first_rekey(&(key_group, session));
                first.map(Changed::Rekeyed).ok_or(Rejection::Internal)
            }
            Gate::Retired(key_group, session) => {
                engine.custody.retire(&key_group, &session);
                Ok(Changed::Finalized)
            }
            Gate::Quarantine(key_group, member) => {
                let standing = engine.quarantine_status(&key_group, member);
                Ok(Changed::Quarantine(standing))
            }
            Gate::Policy(_, policy) => Ok(Changed::Policy(policy.hash())),
        }
    }

    fn give_back(self, engine: &mut Engine) {
        match self.change {
            Change::Close(gate) => engine.closing.settle(&gate),
            Change::Stands(..) => {}
        }
    }
}
