//! Abort: destroys live nonces without a consumption record.

use hardfrost_primitives::{AttemptId, KeyGroup, Member, Now, SessionId};

use crate::engine::Engine;
use crate::rejection::Rejection;

/// What to abort. Absent parts mean all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// The group.
    pub key_group: KeyGroup,
    /// The session.
    pub session: SessionId,
    /// One attempt of it.
    pub attempt: Option<AttemptId>,
    /// One seat of ours.
    pub member: Option<Member>,
}

impl Engine {
    /// Whether anything was live and is ended. Idempotent. An attempt that is being released ends with the outcome of
    /// its record.
    ///
    /// # Errors
    /// `storage_fault`.
    pub fn abort(&mut self, now: Now, request: &Abort) -> Result<bool, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let session = self
            .custody
            .session_mut(&request.key_group, &request.session);
        Ok(session.is_some_and(|s| s.abort(request.member, request.attempt)))
    }

    /// Ends every live attempt and every key generation that is not durable yet: whoever had them open is gone. Records
    /// stay. Sessions are forgotten, as at a restart: whoever comes next gives them deadlines of its own. An attempt
    /// that is being released ends with the outcome of its record.
    pub fn abandon(&mut self) {
        self.custody.end_all();
        self.ceremonies.discard();
    }
}
