//! Who speaks for a seat.

use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{
    Frame, FrameError, Head, Incarnation, OperatorKey, Payload, Roster, Verified,
};

/// The seat, its operator's key, and this process's incarnation.
pub struct Speaker {
    /// Our seat.
    pub member: Member,
    /// Signs our envelopes.
    pub key: OperatorKey,
    /// Drawn at process start.
    pub incarnation: Incarnation,
}

impl Speaker {
    /// Signs a statement once, and proves that the roster takes it for ours.
    ///
    /// # Errors
    /// Our key does not hold our seat in this roster.
    pub fn say<P: Payload>(
        &self,
        context: Hash32,
        payload: &P,
        roster: &Roster,
    ) -> Result<Verified<Frame>, FrameError> {
        let author = self.member;
        Frame::sign(Head { context, author }, payload, &self.key).verify(roster)
    }
}
