//! Approve: the operator's word for a transaction, which becomes permission for exactly the sessions it implies.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::GroupPublic;
use hardfrost_primitives::derive::session_id;
use hardfrost_primitives::{
    Hash32, KeyGroup, KeySpec, Message, Now, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_spend::{SpendError, SpendFacts, SpendPlan, TaggedMessage, UnsignedPsbt};

use crate::context::suite_fits;
use crate::engine::{Engine, Settle};
use crate::gates;
use crate::record::{ApprovalRecord, ApprovedFacts, ApprovedItem, Record};
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
    /// The artifact of an approved transaction that spends a coin of this one: its approval ends with this one.
    pub replaces: Option<Hash32>,
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
    /// Whose key signs.
    pub key_group: KeyGroup,
    /// Hash of the PSBT or tagged message.
    pub artifact: Hash32,
    /// From then on it permits nothing.
    pub expires: UnixTime,
    /// Hash of the limits that it was judged by.
    pub policy: Hash32,
    /// The artifact whose approval ended with it.
    pub replaces: Option<Hash32>,
    /// What it permits.
    pub inputs: Vec<ApprovedInput>,
}

/// Index, message and key spec of one thing to sign.
pub(crate) type Wanted = (usize, Message, KeySpec);

/// A request without its artifact.
struct Asked {
    key_group: KeyGroup,
    suite: Suite,
    request: RequestId,
    life: Duration,
    replaces: Option<Hash32>,
}

/// An artifact to be worked out, without the engine.
pub struct ApproveJob {
    request: Approve,
    public: Arc<GroupPublic>,
}

/// What an artifact asks for, before anybody has judged it.
pub struct Explained {
    asked: Asked,
    artifact: Hash32,
    wanted: Vec<Wanted>,
    facts: ApprovedFacts,
}

/// An approval on its way to the log. It counts from the decision on, so that two of one batch cannot spend one coin.
pub(crate) struct Approving {
    pub(crate) key_group: KeyGroup,
    pub(crate) artifact: Hash32,
    pub(crate) facts: ApprovedFacts,
    /// Where a host has named the session: its name, and what it is for.
    pub(crate) named: Option<(SessionId, Message)>,
}

impl ApproveJob {
    /// Everything the artifact asks the group to sign.
    ///
    /// # Errors
    /// `validation_error`, `signing_policy_rejected`.
    pub fn run(self) -> Result<Explained, Rejection> {
        let Approve {
            key_group,
            artifact,
            suite,
            request,
            life,
            replaces,
        } = self.request;
        let (artifact, wanted, facts) = explain(&self.public, artifact)?;
        let asked = Asked {
            key_group,
            suite,
            request,
            life,
            replaces,
        };
        Ok(Explained {
            asked,
            artifact,
            wanted,
            facts,
        })
    }
}

pub(crate) fn explain(
    public: &Arc<GroupPublic>,
    artifact: Artifact,
) -> Result<(Hash32, Vec<Wanted>, ApprovedFacts), Rejection> {
    match artifact {
        Artifact::Psbt(bytes) => {
            let psbt = UnsignedPsbt::parse(&bytes).map_err(Rejection::invalid)?;
            let plan = SpendPlan::new(&psbt, public).map_err(refused)?;
            let inputs = plan.inputs().iter();
            let wanted = inputs.map(|i| (i.index, i.message, i.key_spec.clone()));
            let facts = ApprovedFacts::Spend(plan.facts());
            Ok((psbt.hash(), wanted.collect(), facts))
        }
        Artifact::Tagged {
            tag,
            data,
            key_spec,
        } => {
            let tagged = TaggedMessage::new(&tag, &data).map_err(Rejection::invalid)?;
            let message = tagged.message();
            let wanted = vec![(0, message, key_spec)];
            Ok((Hash32(message.0), wanted, ApprovedFacts::Tagged(tag)))
        }
    }
}

impl Engine {
    /// Works out what the artifact asks to be signed and stages the approval of just that. Approving again extends it.
    /// A transaction that spends a coin of another approved one must name that one as replaced.
    ///
    /// # Errors
    /// `dkg_not_ready`, `validation_error`, `signing_policy_rejected`, `lifecycle_policy_rejected`,
    /// `session_finalized`, `capacity_exceeded`.
    pub fn approve(&mut self, now: Now, request: Approve) -> Result<Staged<Approval>, Rejection> {
        let explained = self.approve_begin(request)?.run()?;
        self.approve_end(now, explained)
    }

    /// First part, for a host whose other threads do not wait for the transaction to be worked out.
    ///
    /// # Errors
    /// As for [`Self::approve`].
    pub fn approve_begin(&self, request: Approve) -> Result<ApproveJob, Rejection> {
        self.ready()?;
        let public = Arc::clone(&self.installed(&request.key_group)?.public);
        suite_fits(request.suite, &public)?;
        if request.life.is_zero() || request.life > self.limits.life_max {
            return Err(Rejection::invalid(
                "an approval holds from now to the engine's limit",
            ));
        }
        if let Artifact::Tagged { tag, .. } = &request.artifact {
            self.permits_tag(tag)?;
        }
        Ok(ApproveJob { request, public })
    }

    /// Last part: what is asked for, judged by what is so now.
    ///
    /// # Errors
    /// As for [`Self::approve`].
    pub fn approve_end(
        &mut self,
        now: Now,
        explained: Explained,
    ) -> Result<Staged<Approval>, Rejection> {
        self.ready()?;
        let Explained {
            asked,
            artifact,
            wanted,
            facts,
        } = explained;
        let Asked {
            key_group,
            suite,
            request,
            life,
            replaces,
        } = asked;
        self.permits(&key_group, &facts)?;
        self.replaceable(now, &key_group, (&facts, replaces))?;
        self.room_for(now, wanted.len())?;
        let inputs = self.inputs(&key_group, wanted, (suite, &request))?;
        let (items, expires) = (items(&inputs), now.utc.plus(life));
        let policy = self.policy(&key_group).hash();
        self.approving.push(Approving {
            key_group: key_group.clone(),
            artifact,
            facts: facts.clone(),
            named: None,
        });
        let record = Record::Approved(ApprovalRecord {
            key_group: key_group.clone(),
            artifact,
            request,
            suite,
            expires,
            policy,
            facts,
            replaces,
            items,
        });
        let approval = Approval {
            key_group,
            artifact,
            expires,
            policy,
            replaces,
            inputs,
        };
        Ok(self.stage(record, approval))
    }

    /// What is wanted, each with its session, none of which is over.
    fn inputs(
        &self,
        key_group: &KeyGroup,
        wanted: Vec<Wanted>,
        (suite, request): (Suite, &RequestId),
    ) -> Result<Vec<ApprovedInput>, Rejection> {
        let input = |(index, message, key_spec)| {
            let session = session_id(key_group, &message, &key_spec, suite, request);
            gates::killed(self, key_group, &session)?;
            gates::retired(self, key_group, &session)?;
            Ok(ApprovedInput {
                index,
                session,
                message,
                key_spec,
            })
        };
        wanted.into_iter().map(input).collect()
    }

    /// No approval in force, nor one on its way to the log, spends a coin of this one, but for the one that it
    /// replaces.
    pub(crate) fn replaceable(
        &self,
        now: Now,
        key_group: &KeyGroup,
        (facts, replaces): (&ApprovedFacts, Option<Hash32>),
    ) -> Result<(), Rejection> {
        let ApprovedFacts::Spend(facts) = facts else {
            return Ok(());
        };
        let kept = self.state.approvals.iter();
        let kept = kept.filter(|((group, _), entry)| group == key_group && entry.expires > now.utc);
        let kept = kept.map(|(_, entry)| (entry.artifact, entry.facts.as_ref()));
        let coming = self.approving.iter().filter(|a| a.key_group == *key_group);
        let coming = coming.map(|a| (a.artifact, &a.facts));
        // A transaction of many inputs has as many entries, which share their facts.
        let mut last: Option<&ApprovedFacts> = None;
        for (artifact, other) in kept.chain(coming) {
            let seen = last
                .replace(other)
                .is_some_and(|last| std::ptr::eq(last, other));
            if !seen && Some(artifact) != replaces && conflict(facts, other) {
                return Err(Rejection::SigningPolicy(
                    PolicyReason::CoinSpentByAnotherApproval,
                ));
            }
        }
        Ok(())
    }

    /// A batch of sessions fits whole, with attempts to spare for each, or is refused whole.
    fn room_for(&self, now: Now, sessions: usize) -> Result<(), Rejection> {
        let approvals = self.state.approvals.values();
        let in_force = approvals.filter(|a| a.expires > now.utc).count();
        if in_force + sessions > self.limits.live_attempts_max {
            return Err(Rejection::CapacityExceeded("approvals".into()));
        }
        let each = ATTEMPTS_A_SESSION.min(usize::from(self.limits.window));
        let (working, attempts) = self.custody.working(each);
        if working + sessions > self.limits.sessions_max {
            return Err(Rejection::CapacityExceeded("sessions".into()));
        }
        if attempts + sessions * each > self.limits.live_attempts_max {
            return Err(Rejection::CapacityExceeded("live attempts".into()));
        }
        Ok(())
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

fn items(inputs: &[ApprovedInput]) -> Vec<ApprovedItem> {
    let item = |input: &ApprovedInput| ApprovedItem {
        session: input.session.clone(),
        message: input.message,
        key_spec: input.key_spec.clone(),
    };
    inputs.iter().map(item).collect()
}

fn conflict(facts: &SpendFacts, other: &ApprovedFacts) -> bool {
    match other {
        ApprovedFacts::Spend(other) => facts.conflicts(other),
        ApprovedFacts::Tagged(_) => false,
    }
}

/// The first that is like it: equal ones are alike.
fn arrived(engine: &mut Engine, approval: &Approval) {
    let mut coming = engine.approving.iter();
    let like = |a: &Approving| {
        let same = a.artifact == approval.artifact && a.key_group == approval.key_group;
        let named = approval.inputs.first().map(|input| &input.session);
        same && a
            .named
            .as_ref()
            .is_none_or(|(session, _)| Some(session) == named)
    };
    if let Some(place) = coming.position(like) {
        engine.approving.swap_remove(place);
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

    fn release(self, engine: &mut Engine) -> Result<Self, Rejection> {
        arrived(engine, &self);
        Ok(self)
    }

    fn give_back(self, engine: &mut Engine) {
        arrived(engine, &self);
    }
}
