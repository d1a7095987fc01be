//! What the nodes say to each other in a key generation.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::Hash32;

use crate::frame::Payload;
use crate::Kind;

/// Step 1: a dealer's contribution.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round1Payload {
    /// Commitments to the t coefficients.
    pub commitment: Vec<[u8; 33]>,
    /// Proof of knowledge of the constant term.
    pub proof_of_knowledge: [u8; 64],
    /// The ceremony's ephemeral key.
    pub ephemeral: [u8; 33],
    /// BIP-340 proof of possession of the ephemeral key.
    pub possession: [u8; 64],
}

/// Step 2: what the author saw in step 1.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EchoPayload {
    /// The n body hashes, by ascending member.
    pub bodies: Vec<Hash32>,
}

/// Step 3: one sealed share for each other member.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Round2Payload {
    /// n − 1 ciphertexts, by ascending recipient.
    pub sealed: Vec<[u8; 48]>,
}

/// Step 5: the author holds a durable share of this very key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConfirmPayload {
    /// Hash of step 1: the terms and all contributions, which every echo fixes.
    pub transcript: Hash32,
    /// The roster's hash.
    pub roster: Hash32,
    /// t
    pub threshold: u16,
    /// 0 for a new key.
    pub share_epoch: u32,
    /// D6's encoding of the group public.
    pub group_public: Vec<u8>,
}

/// What the author holds of the ceremony.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DkgPullPayload {
    /// 4n bits, the lowest of a byte first: whose contributions, echoes, sealed shares and confirmations are held.
    pub held: Vec<u8>,
}

impl Payload for DkgPullPayload {
    const KIND: Kind = Kind::DkgPull;
}

impl Payload for Round1Payload {
    const KIND: Kind = Kind::DkgRound1;
}

impl Payload for EchoPayload {
    const KIND: Kind = Kind::DkgEcho;
}

impl Payload for Round2Payload {
    const KIND: Kind = Kind::DkgRound2;
}

impl Payload for ConfirmPayload {
    const KIND: Kind = Kind::DkgConfirm;
}
