//! One function decides whether something may be signed, at Open and at Round2 alike, so the two cannot drift.

use hardfrost_primitives::{KeyGroup, Member, Now, SessionId};
use hardfrost_spend::Policy;

use crate::engine::Engine;
use crate::rejection::{LifecycleReason, PolicyReason, Rejection};
use crate::standing::QuarantineEntry;
use crate::state::Binding;

/// The gates were open for this session's message and key. Comes only from the gates, has no `Clone`, and signing
/// consumes it.
#[derive(Debug)]
pub struct Approved {
    binding: Binding,
}

impl Approved {
    pub(crate) fn into_binding(self) -> Binding {
        self.binding
    }
}

/// What is to be let through.
pub(crate) struct Asked<'a> {
    pub(crate) key_group: &'a KeyGroup,
    pub(crate) session: &'a SessionId,
    pub(crate) binding: &'a Binding,
    /// Our seat: kept out by the operator's word, or by a proof.
    pub(crate) member: Member,
    /// At Round2, everybody who signs with it: kept out by the operator's word alone (docs/adr: convicts are not
    /// chosen).
    pub(crate) chosen: &'a [Member],
}

/// A gate that closes for good, or until the operator opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The kill switch of a group or of one session.
    Rekey(KeyGroup, Option<SessionId>),
    /// The end of a session.
    Retired(KeyGroup, SessionId),
    /// A member that is kept out.
    Quarantine(KeyGroup, Member),
    /// Limits that were not in force before.
    Policy(KeyGroup, Policy),
}

/// Gates whose records are being written. They are closed from the decision on: nothing of the same batch slips
/// through, and a decision that is dropped leaves its gate closed until the engine is recovered.
#[derive(Default)]
pub(crate) struct Closing {
    gates: Vec<Gate>,
}

impl Closing {
    pub(crate) fn close(&mut self, gate: Gate) {
        self.gates.push(gate);
    }

    /// The record is applied, or was not written.
    pub(crate) fn settle(&mut self, gate: &Gate) {
        if let Some(place) = self.gates.iter().position(|closing| closing == gate) {
            self.gates.swap_remove(place);
        }
    }

    /// Limits that hold already, though their record is being written.
    pub(crate) fn policies(&self, key_group: &KeyGroup) -> impl Iterator<Item = &Policy> {
        let key_group = key_group.clone();
        self.gates.iter().filter_map(move |gate| match gate {
            Gate::Policy(group, policy) if *group == key_group => Some(policy),
            Gate::Policy(..) | Gate::Rekey(..) | Gate::Retired(..) | Gate::Quarantine(..) => None,
        })
    }

    fn has(&self, gate: &Gate) -> bool {
        self.gates.contains(gate)
    }
}

/// Checks every gate. Order: kill switch, end of the session, quarantine, approval, and the approval again under the
/// limits of today.
pub(crate) fn check(engine: &Engine, now: Now, asked: &Asked<'_>) -> Result<Approved, Rejection> {
    let Asked {
        key_group,
        session,
        binding,
        member,
        chosen,
    } = asked;
    killed(engine, key_group, session)?;
    retired(engine, key_group, session)?;
    quarantined(engine, key_group, *member, QuarantineEntry::holds)?;
    for member in *chosen {
        let by_word = |entry: &QuarantineEntry| entry.operator.is_some();
        quarantined(engine, key_group, *member, by_word)?;
    }
    let refuse = |reason| Err(Rejection::SigningPolicy(reason));
    let name = ((*key_group).clone(), (*session).clone());
    let Some(approval) = engine.state.approvals.get(&name) else {
        return refuse(PolicyReason::MessageNotBoundToApproval);
    };
    let bound = approval.message == binding.message
        && approval.key_spec == binding.key_spec
        && approval.suite == binding.suite;
    if !bound {
        return refuse(PolicyReason::MessageNotBoundToApproval);
    }
    if approval.expires <= now.utc {
        return refuse(PolicyReason::ApprovalExpired);
    }
    engine.permits(key_group, &approval.facts)?;
    Ok(Approved {
        binding: (*binding).clone(),
    })
}

/// Refuses where the kill switch of the group or the session is set.
pub(crate) fn killed(
    engine: &Engine,
    key_group: &KeyGroup,
    session: &SessionId,
) -> Result<(), Rejection> {
    let whole = Gate::Rekey(key_group.clone(), None);
    let alone = Gate::Rekey(key_group.clone(), Some(session.clone()));
    let set = engine.state.standing.rekeyed(key_group, session).is_some();
    if set || engine.closing.has(&whole) || engine.closing.has(&alone) {
        return Err(Rejection::Lifecycle(
            LifecycleReason::EmergencyRekeyRequired,
        ));
    }
    Ok(())
}

/// Refuses where the session is over for good.
pub(crate) fn retired(
    engine: &Engine,
    key_group: &KeyGroup,
    session: &SessionId,
) -> Result<(), Rejection> {
    let gate = Gate::Retired(key_group.clone(), session.clone());
    let set = engine.state.standing.is_retired(key_group, session);
    if set || engine.closing.has(&gate) {
        return Err(Rejection::SessionFinalized);
    }
    Ok(())
}

fn quarantined(
    engine: &Engine,
    key_group: &KeyGroup,
    member: Member,
    holds: impl Fn(&QuarantineEntry) -> bool,
) -> Result<(), Rejection> {
    let name = (key_group.clone(), member);
    if engine.allowed.contains(&name) {
        return Ok(());
    }
    let gate = Gate::Quarantine(key_group.clone(), member);
    let set = engine
        .state
        .standing
        .quarantines
        .get(&name)
        .is_some_and(holds);
    if set || engine.closing.has(&gate) {
        return Err(Rejection::Quarantine(member));
    }
    Ok(())
}
