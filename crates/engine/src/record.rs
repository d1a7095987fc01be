//! What the log holds. Live code and recovery apply the same [`Record`] through the same `State::apply`.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_frost::{GroupPublic, KeyShare};
use hardfrost_primitives::{
    Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId, Suite, UnixTime,
};
use zeroize::Zeroizing;

use crate::attempt::AttemptKey;

/// Bytes for the log. A key share may be among them, so they are wiped on drop and never shown.
pub struct EncodedRecord {
    kind: u8,
    bytes: Zeroizing<Vec<u8>>,
}

/// A record that this build cannot read. Nothing is skipped, nothing is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {position} of kind {kind} does not read")]
pub struct RecordError {
    /// Its place in the log, from 0.
    pub position: usize,
    /// Its kind.
    pub kind: u8,
}

/// A fact that survives the process.
pub(crate) enum Record {
    /// All shares of a ceremony are in; not everybody has confirmed.
    KeyPending(PendingShareOfKey),
    /// The ceremony's certificate is here: the pending share signs from now on.
    KeyInstalled(InstalledKey),
    /// A message may be signed in a session, until it expires.
    Approved(ApprovalRecord),
    /// The nonces of this attempt and seat are spent. Durable before the share exists.
    Consumed(ConsumedRecord),
    /// The attempt has its signature.
    Completed(CompletedRecord),
}

pub(crate) struct PendingShareOfKey {
    pub(crate) ceremony: Hash32,
    pub(crate) share_epoch: u32,
    pub(crate) transcript: Hash32,
    pub(crate) share: KeyShare,
}

#[derive(Clone, Copy, BorshSerialize, BorshDeserialize)]
pub(crate) struct InstalledKey {
    pub(crate) ceremony: Hash32,
    pub(crate) member: Member,
    pub(crate) certificate: Hash32,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct ApprovalRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) artifact: Hash32,
    pub(crate) request: RequestId,
    pub(crate) expires: UnixTime,
    pub(crate) items: Vec<ApprovedItem>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct ApprovedItem {
    pub(crate) session: SessionId,
    pub(crate) message: Message,
    pub(crate) key_spec: KeySpec,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct ConsumedRecord {
    pub(crate) attempt: AttemptKey,
    pub(crate) message: Message,
    pub(crate) key_spec: KeySpec,
    pub(crate) suite: Suite,
    pub(crate) share_epoch: u32,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct CompletedRecord {
    /// The seat is the one whose engine aggregated.
    pub(crate) attempt: AttemptKey,
    pub(crate) transcript_digest: Hash32,
    pub(crate) key_spec: KeySpec,
}

/// A pending key as bytes: a fixed head, so that the secret is written once into a buffer of the right size.
const PENDING_HEAD: usize = 32 + 4 + 32 + 2 + 32;

impl EncodedRecord {
    /// A record as the log stored it.
    #[must_use]
    pub fn new(kind: u8, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { kind, bytes }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// The bytes; seal them before they leave the process.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A second copy, for logs that keep records in memory.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            kind: self.kind,
            bytes: self.bytes.clone(),
        }
    }
}

impl Record {
    pub(crate) fn encode(&self) -> EncodedRecord {
        let plain = |value: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
            let mut bytes = Vec::new();
            value(&mut bytes).expect("writing to memory does not fail");
            bytes
        };
        let (kind, bytes) = match self {
            Self::KeyPending(key) => (1, key.encode()),
            Self::KeyInstalled(key) => (2, plain(&|out| key.serialize(out))),
            Self::Approved(approval) => (3, plain(&|out| approval.serialize(out))),
            Self::Consumed(consumed) => (4, plain(&|out| consumed.serialize(out))),
            Self::Completed(completed) => (5, plain(&|out| completed.serialize(out))),
        };
        EncodedRecord {
            kind,
            bytes: Zeroizing::new(bytes),
        }
    }

    pub(crate) fn decode(record: &EncodedRecord, position: usize) -> Result<Self, RecordError> {
        let bytes = record.as_bytes();
        let decoded = match record.kind {
            1 => PendingShareOfKey::decode(bytes).map(Self::KeyPending),
            2 => borsh::from_slice(bytes).ok().map(Self::KeyInstalled),
            3 => borsh::from_slice(bytes).ok().map(Self::Approved),
            4 => borsh::from_slice(bytes).ok().map(Self::Consumed),
            5 => borsh::from_slice(bytes).ok().map(Self::Completed),
            _ => None,
        };
        decoded.ok_or(RecordError {
            position,
            kind: record.kind,
        })
    }
}

impl PendingShareOfKey {
    fn encode(&self) -> Vec<u8> {
        let group = self.share.group().to_bytes();
        let mut bytes = Vec::with_capacity(PENDING_HEAD + group.len());
        bytes.extend_from_slice(&self.ceremony.0);
        bytes.extend_from_slice(&self.share_epoch.to_be_bytes());
        bytes.extend_from_slice(&self.transcript.0);
        bytes.extend_from_slice(&self.share.member().to_be_bytes());
        bytes.extend_from_slice(self.share.dangerous_to_bytes().as_slice());
        bytes.extend_from_slice(&group);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (ceremony, rest) = bytes.split_first_chunk::<32>()?;
        let (share_epoch, rest) = rest.split_first_chunk::<4>()?;
        let (transcript, rest) = rest.split_first_chunk::<32>()?;
        let (member, rest) = rest.split_first_chunk::<2>()?;
        let (secret, group) = rest.split_first_chunk::<32>()?;
        let secret = Zeroizing::new(*secret);
        let member = Member::new(u16::from_be_bytes(*member)).ok()?;
        let group = Arc::new(GroupPublic::from_bytes(group).ok()?);
        Some(Self {
            ceremony: Hash32(*ceremony),
            share_epoch: u32::from_be_bytes(*share_epoch),
            transcript: Hash32(*transcript),
            share: KeyShare::from_bytes(member, &secret, group).ok()?,
        })
    }
}
