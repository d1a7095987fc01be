//! What the nodes say to each other in a signing session.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::{Framed, Hash32, KeyGroup, KeySpec, Member, Message, SessionId};

use crate::frame::Payload;
use crate::{FrameError, Kind};

/// 16 random bytes drawn at process start, never stored: tells a restarted member from a cheating one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Incarnation(pub [u8; 16]);

/// The head of what concerns a whole session.
#[must_use]
pub fn session_head(session: &SessionId, key_group: &KeyGroup) -> Hash32 {
    Framed::domain("hardfrost/session-head/v1")
        .frame(session.as_str().as_bytes())
        .frame(key_group.as_str().as_bytes())
        .hash()
}

/// A member's commitments for one attempt.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CommitmentsPayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// Compressed point.
    pub hiding: [u8; 33],
    /// Compressed point.
    pub binding: [u8; 33],
    /// Members its author will not sign with, at most n − t.
    pub refuses: Vec<Member>,
}

/// A coordinator's choice: the chosen members' commitment frames, verbatim, ascending.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PackagePayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// Which key of the group signs.
    pub key_spec: KeySpec,
    /// Exactly t frames.
    pub commitments: Vec<Vec<u8>>,
}

/// A chosen member's share.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SharePayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// H(package body).
    pub package: Hash32,
    /// Scalar, big-endian.
    pub share: [u8; 32],
}

/// Its author offers a chosen member the package that chose it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OfferPayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// H(package body).
    pub package: Hash32,
}

/// What its author holds of a session.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PullPayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// The round it is in.
    pub round: u32,
    /// Whose convictions it knows: n bits, the lowest of a byte first; zeros at the end may be left out.
    pub convicted: Vec<u8>,
    /// The turn of the first entry of `held`.
    pub first_turn: u32,
    /// Turn after turn, at most [`PULLED_TURNS_MAX`].
    pub held: Vec<HeldTurn>,
}

/// What is held of one turn.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HeldTurn {
    /// The first 8 bytes of H(package body); zeros where no package is held.
    pub package: [u8; 8],
    /// 2n bits, the lowest of a byte first: whose commitments, then whose shares.
    pub members: Vec<u8>,
}

/// Turns in one pull.
pub const PULLED_TURNS_MAX: usize = 64;

/// Turns that a pull of a group of `count` tells of, so that it keeps its limit: in the largest groups one less.
#[must_use]
pub fn pulled_turns(count: u16) -> usize {
    PULLED_TURNS_MAX - usize::from(count > 960)
}

/// Its author goes on to a round.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AdvancePayload {
    /// The author's.
    pub incarnation: Incarnation,
    /// The round it goes on to, from 1; the first round is 0.
    pub round: u32,
}

impl Payload for OfferPayload {
    const KIND: Kind = Kind::Offer;
}

impl Payload for PullPayload {
    const KIND: Kind = Kind::Pull;
}

impl Payload for AdvancePayload {
    const KIND: Kind = Kind::Advance;
}

impl Payload for CommitmentsPayload {
    const KIND: Kind = Kind::Commitments;
}

impl Payload for PackagePayload {
    const KIND: Kind = Kind::Package;
}

impl Payload for SharePayload {
    const KIND: Kind = Kind::Share;
}

/// A finished signature. It proves itself, so nobody signs it:
/// `kind u8 ‖ head(32) ‖ message(32) ‖ key spec ‖ signature(64)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalSignature {
    /// The session's head.
    pub head: Hash32,
    /// What was signed.
    pub message: Message,
    /// Under which key of the group.
    pub key_spec: KeySpec,
    /// BIP 340.
    pub signature: [u8; 64],
}

impl FinalSignature {
    /// As it travels.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind = [Kind::Signature.number()];
        let spec = self.key_spec.to_bytes();
        [
            &kind[..],
            &self.head.0,
            &self.message.0,
            &spec,
            &self.signature,
        ]
        .concat()
    }

    /// Reads what [`Self::to_bytes`] wrote. Says nothing of whether the signature is good.
    ///
    /// # Errors
    /// [`FrameError::Layout`].
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let layout = FrameError::Layout;
        let (&[kind], rest) = bytes.split_first_chunk::<1>().ok_or(layout)?;
        let (head, rest) = rest.split_first_chunk::<32>().ok_or(layout)?;
        let (message, rest) = rest.split_first_chunk::<32>().ok_or(layout)?;
        let (spec, signature) = rest.split_last_chunk::<64>().ok_or(layout)?;
        if kind != Kind::Signature.number() {
            return Err(FrameError::UnknownKind(kind));
        }
        let key_spec = KeySpec::from_bytes(spec).map_err(|_| layout)?;
        let (head, message) = (Hash32(*head), Message(*message));
        Ok(Self {
            head,
            message,
            key_spec,
            signature: *signature,
        })
    }
}
