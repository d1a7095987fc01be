//! The names and plain values that the signing operations share.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::{AttemptId, Fingerprint, KeyGroup, KeySpec, Member, Message, SessionId};

/// What live nonces and markers are keyed by. Never by the attempt id alone: it binds too little (D5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct AttemptKey {
    /// The group.
    pub key_group: KeyGroup,
    /// The session.
    pub session: SessionId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The seat.
    pub member: Member,
}

/// D4 and D5 of an attempt, as its caller derived them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptIds {
    /// D4.
    pub coordinator: Member,
    /// D5.
    pub fingerprint: Fingerprint,
    /// D5.
    pub attempt: AttemptId,
}

/// One member's commitments as bytes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberCommitments {
    /// Whose.
    pub member: Member,
    /// Compressed point.
    pub hiding: [u8; 33],
    /// Compressed point.
    pub binding: [u8; 33],
}

/// A signing package as it comes from outside, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningPackage {
    /// What the package says is signed; compared with the binding, never used.
    pub message: Message,
    /// Which key the package says signs; compared with the binding, never used.
    pub key_spec: KeySpec,
    /// The chosen members' commitments.
    pub commitments: Vec<MemberCommitments>,
}
