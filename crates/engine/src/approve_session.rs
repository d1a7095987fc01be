//! Approve under a session's name that a host has chosen, where [`crate::Approve`] derives the name.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_primitives::{Hash32, KeyGroup, KeySpec, Message, Now, RequestId, SessionId, Suite};

use crate::approve::{explain, Approval, ApprovedInput, Approving, Artifact, Wanted};
use crate::context::suite_fits;
use crate::engine::Engine;
use crate::gates;
use crate::record::{ApprovalRecord, ApprovedFacts, ApprovedItem, Record};
use crate::rejection::{PolicyReason, Rejection};
use crate::staged::Staged;

/// What such approvals have for a request id: the session's name keeps them apart.
const REQUEST: &str = "host-named-session";

/// A request to approve one input of a transaction for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveSession {
    /// The group.
    pub key_group: KeyGroup,
    /// The session, by the host's name for it.
    pub session: SessionId,
    /// The whole transaction. The engine recomputes every sighash from it.
    pub psbt: Vec<u8>,
    /// Which of them the session is to sign.
    pub message: Message,
    /// Under which key of the group.
    pub key_spec: KeySpec,
    /// The suite that signs.
    pub suite: Suite,
    /// How long the approval holds.
    pub life: Duration,
}

/// Where in the transaction this message is asked for, under this key.
fn place(wanted: &[Wanted], message: &Message, key_spec: &KeySpec) -> Result<usize, Rejection> {
    let asked = |(_, wanted, spec): &&Wanted| wanted == message && spec == key_spec;
    let found = wanted.iter().find(asked).map(|(index, ..)| *index);
    let reason = PolicyReason::MessageNotBoundToApproval;
    found.ok_or(Rejection::SigningPolicy(reason))
}

impl Engine {
    /// Works out what the transaction asks of the group, and stages the approval of that one message for that one
    /// session. Approving the same again extends it.
    ///
    /// # Errors
    /// `dkg_not_ready`, `validation_error`, `signing_policy_rejected` where the transaction does not ask for this
    /// message under this key, `lifecycle_policy_rejected`, `session_finalized`, `session_conflict`,
    /// `capacity_exceeded`.
    pub fn approve_session(
        &mut self,
        now: Now,
        request: ApproveSession,
    ) -> Result<Staged<Approval>, Rejection> {
        self.ready()?;
        let ApproveSession {
            key_group,
            session,
            psbt,
            message,
            key_spec,
            suite,
            life,
        } = request;
        let public = Arc::clone(&self.installed(&key_group)?.public);
        suite_fits(suite, &public)?;
        self.bearable(life)?;
        let (artifact, wanted, facts) = explain(&public, Artifact::Psbt(psbt))?;
        let index = place(&wanted, &message, &key_spec)?;
        self.free_for(now, &key_group, &session, &message)?;
        self.permits(&key_group, &facts)?;
        self.replaceable(now, &key_group, (&facts, None))?;
        let name = RequestId::new(REQUEST).map_err(|_| Rejection::Internal)?;
        let named = (session.clone(), message);
        let policy = self.coming(&key_group, (artifact, &facts), named);
        let expires = now.utc.plus(life);
        let record = Record::Approved(ApprovalRecord {
            key_group: key_group.clone(),
            artifact,
            request: name,
            suite,
            expires,
            policy,
            facts,
            replaces: None,
            items: vec![ApprovedItem {
                session: session.clone(),
                message,
                key_spec: key_spec.clone(),
            }],
        });
        let input = ApprovedInput {
            index,
            session,
            message,
            key_spec,
        };
        let approval = Approval {
            key_group,
            artifact,
            expires,
            policy,
            replaces: None,
            inputs: vec![input],
        };
        Ok(self.stage(record, approval))
    }

    /// The approval counts from here on; with it the hash of the limits that it was judged by.
    fn coming(
        &mut self,
        key_group: &KeyGroup,
        (artifact, facts): (Hash32, &ApprovedFacts),
        named: (SessionId, Message),
    ) -> Hash32 {
        self.approving.push(Approving {
            key_group: key_group.clone(),
            artifact,
            facts: facts.clone(),
            named: Some(named),
        });
        self.policy(key_group).hash()
    }

    fn bearable(&self, life: Duration) -> Result<(), Rejection> {
        if life.is_zero() || life > self.limits.life_max {
            let why = "an approval holds from now to the engine's limit";
            return Err(Rejection::invalid(why));
        }
        Ok(())
    }

    /// A session has one message for good, and there are not more approvals in force than sessions.
    fn free_for(
        &self,
        now: Now,
        key_group: &KeyGroup,
        session: &SessionId,
        message: &Message,
    ) -> Result<(), Rejection> {
        gates::killed(self, key_group, session)?;
        gates::retired(self, key_group, session)?;
        let name = (key_group.clone(), session.clone());
        let known = self.state.approvals.get(&name);
        let otherwise = |a: &Approving| {
            let named = a.named.as_ref().filter(|(coming, _)| coming == session);
            named.is_some_and(|(_, coming)| coming != message || a.key_group != *key_group)
        };
        let coming = self.approving.iter().any(otherwise);
        if coming || known.is_some_and(|approval| approval.message != *message) {
            return Err(Rejection::SessionConflict(
                "the session is approved for another message".into(),
            ));
        }
        let approvals = self.state.approvals.values();
        let in_force = approvals.filter(|a| a.expires > now.utc).count();
        if in_force >= self.limits.sessions_max && known.is_none() {
            return Err(Rejection::CapacityExceeded("approvals".into()));
        }
        Ok(())
    }
}
