//! One function decides whether something may be signed, at Open and at Round2 alike, so the two cannot drift.

use hardfrost_primitives::{KeyGroup, Now, SessionId};

use crate::rejection::{PolicyReason, Rejection};
use crate::state::{Binding, State};

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

/// Checks every gate for `binding` in this session.
pub(crate) fn check(
    state: &State,
    now: Now,
    name: (&KeyGroup, &SessionId),
    binding: &Binding,
) -> Result<Approved, Rejection> {
    let refuse = |reason| Err(Rejection::SigningPolicy(reason));
    let name = (name.0.clone(), name.1.clone());
    let Some(approval) = state.approvals.get(&name) else {
        return refuse(PolicyReason::MessageNotBoundToApproval);
    };
    if approval.message != binding.message || approval.key_spec != binding.key_spec {
        return refuse(PolicyReason::MessageNotBoundToApproval);
    }
    if approval.expires <= now.utc {
        return refuse(PolicyReason::ApprovalExpired);
    }
    Ok(Approved {
        binding: binding.clone(),
    })
}
