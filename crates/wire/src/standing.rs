//! What an operator has said of a group for good: kept by the peers, so that a restored node hears its own word again.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::{Framed, Hash32, KeyGroup, Member, SessionId, UnixTime};

use crate::frame::Payload;
use crate::{Incarnation, Kind};

/// The head of what operators say of a group.
#[must_use]
pub fn standing_head(key_group: &KeyGroup) -> Hash32 {
    Framed::domain("hardfrost/standing-head/v1")
        .frame(key_group.as_str().as_bytes())
        .hash()
}

/// What is said. Of each of these the author's latest word counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Subject {
    /// Signing under the group's key.
    Group,
    /// One session of it.
    Session(SessionId),
    /// A member's part in it.
    Member(Member),
}

/// An operator's word. It binds its author alone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StandingPayload {
    /// What it is about.
    pub subject: Subject,
    /// When it was said.
    pub at: UnixTime,
    /// Why it must stop; absent where a member is let in again.
    pub stopped: Option<String>,
}

/// Its author asks what operators, itself above all, have said of the group.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StandingPullPayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// Hash of all that it has of them: whoever has the same does not answer.
    pub known: Hash32,
}

impl Payload for StandingPayload {
    const KIND: Kind = Kind::Standing;
}

impl Payload for StandingPullPayload {
    const KIND: Kind = Kind::StandingPull;
}
