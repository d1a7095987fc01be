//! Approve: the operator's word for a transaction, which becomes permission for exactly the sessions it implies.

use std::time::Duration;

use hardfrost_primitives::derive::session_id;
use hardfrost_primitives::{
    Hash32, KeyGroup, KeySpec, Message, Now, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_spend::{SpendError, SpendPlan, TaggedMessage, UnsignedPsbt};

use crate::context::suite_fits;
use crate::engine::{Engine, Settle};
use crate::gates;
use crate::record::{ApprovalRecord, ApprovedItem, Record};
use crate::rejection::{PolicyReason, Rejection};
use crate::staged::{Committed, Staged, Uncommitted};

/// Live attempts that a session may need, where its window allows them.
const ATTEMPTS_A_SESSION: usize = 64;

/// What explains a message. There is no way to approve 32 bytes as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// A PSBT, binary or base64. The engine recomputes every sighash from it.
    Psbt(Vec<u8>),
    /// A message of another protocol, signed as a tagged hash so that it can never be a sighash.
    Tagged {
        /// A tag that the operator's configuration names.
        tag: String,
        /// What the other protocol wants signed.
        data: Vec<u8>,
        /// Which key of the group signs.
        key_spec: KeySpec,
    },
}

/// A request to approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    /// The group.
    pub key_group: KeyGroup,
    /// What is approved.
    pub artifact: Artifact,
    /// The suite that signs: the group's roster fixes it.
    pub suite: Suite,
    /// Keeps repeated signings of one message apart.
    pub request: RequestId,
    /// How long the approval holds.
    pub life: Duration,
}

/// One approved message and the session that may sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedInput {
    /// The input's index in the transaction; 0 for a tagged message.
    pub index: usize,
    /// The session.
    pub session: SessionId,
    /// Its message.
    pub message: Message,
    /// Which key of the group signs.
    pub key_spec: KeySpec,
}

/// An approval: the artifact's hash, its end, and what may be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Hash of the PSBT or tagged message.
    pub artifact: Hash32,
    /// From then on it permits nothing.
    pub expires: UnixTime,
    /// What it permits.
    pub inputs: Vec<ApprovedInput>,
}

/// Index, message and key spec of one thing to sign.
pub(crate) type Wanted = (usize, Message, KeySpec);

impl Engine {
    /// Works out what the artifact asks to be signed and stages the approval of just that. Approving again extends it.
    ///
    /// # Errors
    /// `dkg_not_ready`, `validation_error`, `signing_policy_rejected`, `lifecycle_policy_rejected`,
    /// `session_finalized`, `capacity_exceeded`.
    pub fn approve(&mut self, now: Now, request: Approve) -> Result<Staged<Approval>, Rejection> {
        self.ready()?;
        let Approve {
            key_group,
            artifact,
            suite,
            request,
            life,
        } = request;
        suite_fits(suite, &self.installed(&key_group)?.public)?;
        if life.is_zero() || life > self.limits.life_max {
            return Err(Rejection::invalid(
                "an approval holds from now to the engine's limit",
            ));
        }
        let (artifact, wanted) = self.explain(&key_group, artifact)?;
        self.room_for(now, wanted.len())?;
        let inputs: Vec<ApprovedInput> = wanted
            .into_iter()
            .map(|(index, message, key_spec)| ApprovedInput {
                index,
                session: session_id(&key_group, &message, &key_spec, suite, &request),
                message,
                key_spec,
            })
            .collect();
        for input in &inputs {
            gates::killed(self, &key_group, &input.session)?;
            gates::retired(self, &key_group, &input.session)?;
        }
        let items = inputs.iter().map(|input| ApprovedItem {
            session: input.session.clone(),
            message: input.message,
            key_spec: input.key_spec.clone(),
        });
        let (items, expires) = (items.collect(), now.utc.plus(life));
        let record = Record::Approved(ApprovalRecord {
            key_group,
            artifact,
            request,
            suite,
            expires,
            items,
        });
        Ok(self.stage(
            record,
            Approval {
                artifact,
                expires,
                inputs,
            },
        ))
    }

    /// A batch of sessions fits whole, with attempts to spare for each, or is refused whole.
    fn room_for(&self, now: Now, sessions: usize) -> Result<(), Rejection> {
        let approvals = self.state.approvals.values();
        let in_force = approvals.filter(|a| a.expires > now.utc).count();
        if in_force + sessions > self.limits.live_attempts_max {
            return Err(Rejection::CapacityExceeded("approvals"));
        }
        let each = ATTEMPTS_A_SESSION.min(usize::from(self.limits.window));
        let (working, attempts) = self.custody.working(each);
        if working + sessions > self.limits.sessions_max {
            return Err(Rejection::CapacityExceeded("sessions"));
        }
        if attempts + sessions * each > self.limits.live_attempts_max {
            return Err(Rejection::CapacityExceeded("live attempts"));
        }
        Ok(())
    }

    /// Everything the artifact asks this group to sign.
    pub(crate) fn explain(
        &self,
        key_group: &KeyGroup,
        artifact: Artifact,
    ) -> Result<(Hash32, Vec<Wanted>), Rejection> {
        let group = self.installed(key_group)?;
        match artifact {
            Artifact::Psbt(bytes) => {
                let psbt = UnsignedPsbt::parse(&bytes).map_err(Rejection::invalid)?;
                let plan = SpendPlan::new(&psbt, &group.public).map_err(refused)?;
                let inputs = plan.inputs().iter();
                let inputs = inputs
                    .map(|i| (i.index, i.message, i.key_spec.clone()))
                    .collect();
                Ok((psbt.hash(), inputs))
            }
            Artifact::Tagged {
                tag,
                data,
                key_spec,
            } => {
                if !self.raw_tags.contains(&tag) {
                    let reason = PolicyReason::RawMessageSigningDisabled;
                    return Err(Rejection::SigningPolicy(reason));
                }
                let tagged = TaggedMessage::new(&tag, &data).map_err(Rejection::invalid)?;
                let message = tagged.message();
                Ok((Hash32(message.0), vec![(0, message, key_spec)]))
            }
        }
    }

    /// The approval, now in force.
    ///
    /// # Errors
    /// `internal_error` when an invariant of ours is broken.
    pub fn release_approval(&mut self, done: Committed<Approval>) -> Result<Approval, Rejection> {
        self.settle(done)
    }

    /// The approval did not become durable.
    pub fn withdraw_approval(&mut self, not: Uncommitted<Approval>) {
        self.unsettle(not);
    }
}

fn refused(error: SpendError) -> Rejection {
    if error.is_sighash_type() {
        Rejection::SigningPolicy(PolicyReason::SighashTypeNotAllowed)
    } else {
        Rejection::invalid(error)
    }
}

impl Settle for Approval {
    type Released = Self;

    fn release(self, _: &mut Engine) -> Result<Self, Rejection> {
        Ok(self)
    }

    fn give_back(self, _: &mut Engine) {}
}
