//! What the log holds. Live code and recovery apply the same [`Record`] through the same `State::apply`.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_frost::{GroupPublic, KeyShare, KeyShareError};
use hardfrost_locked::{scrubbed, LockError, Region};
use hardfrost_primitives::{
    Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_spend::{Policy, SpendFacts};
use zeroize::Zeroizing;

use crate::attempt::AttemptKey;
use crate::engine::RecoverError;
use crate::reason::Reason;

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
    /// Nothing is signed any more, in the group or in one session. There is no way back.
    Rekey(RekeyRecord),
    /// The operator keeps a member out, or takes that back.
    Quarantine(QuarantineRecord),
    /// A proof against a member was verified.
    Conviction(ConvictionRecord),
    /// The session is over for good.
    Retired(RetiredRecord),
    /// The operator's limits from now on.
    Policy(PolicyRecord),
}

pub(crate) struct PendingShareOfKey {
    pub(crate) ceremony: Hash32,
    pub(crate) share_epoch: u32,
    pub(crate) transcript: Hash32,
    pub(crate) share: KeyShare,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct InstalledKey {
    pub(crate) ceremony: Hash32,
    pub(crate) member: Member,
    pub(crate) certificate: Hash32,
    /// The certificate itself, for whoever can read it.
    pub(crate) file: Vec<u8>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct ApprovalRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) artifact: Hash32,
    pub(crate) request: RequestId,
    pub(crate) suite: Suite,
    pub(crate) expires: UnixTime,
    /// Hash of the limits that were in force.
    pub(crate) policy: Hash32,
    pub(crate) facts: ApprovedFacts,
    /// The artifact whose approval ends with this one.
    pub(crate) replaces: Option<Hash32>,
    pub(crate) items: Vec<ApprovedItem>,
}

/// What a later policy is asked about again.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) enum ApprovedFacts {
    /// A transaction.
    Spend(SpendFacts),
    /// A message under this tag.
    Tagged(String),
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
    pub(crate) suite: Suite,
    /// Hash of the package that was completed.
    pub(crate) package: Hash32,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct RekeyRecord {
    pub(crate) key_group: KeyGroup,
    /// One session only, or the whole group.
    pub(crate) session: Option<SessionId>,
    pub(crate) at: UnixTime,
    pub(crate) reason: Reason,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct QuarantineRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) member: Member,
    pub(crate) at: UnixTime,
    /// Why the member is kept out; nothing where it is let in again.
    pub(crate) reason: Option<Reason>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct ConvictionRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) member: Member,
    pub(crate) at: UnixTime,
    pub(crate) evidence: Hash32,
    /// The proof itself, for whoever can read it.
    pub(crate) proof: Vec<u8>,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct RetiredRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) session: SessionId,
}

#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) key_group: KeyGroup,
    pub(crate) at: UnixTime,
    pub(crate) policy: Policy,
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
            Self::KeyPending(key) => {
                let names = (key.ceremony, key.share_epoch, key.transcript);
                (1, encode_pending(names, &key.share))
            }
            Self::KeyInstalled(key) => (2, plain(&|out| key.serialize(out))),
            Self::Approved(approval) => (3, plain(&|out| approval.serialize(out))),
            Self::Consumed(consumed) => (4, plain(&|out| consumed.serialize(out))),
            Self::Completed(completed) => (5, plain(&|out| completed.serialize(out))),
            Self::Rekey(rekey) => (6, plain(&|out| rekey.serialize(out))),
            Self::Quarantine(change) => (7, plain(&|out| change.serialize(out))),
            Self::Conviction(conviction) => (8, plain(&|out| conviction.serialize(out))),
            Self::Retired(retired) => (9, plain(&|out| retired.serialize(out))),
            Self::Policy(policy) => (10, plain(&|out| policy.serialize(out))),
        };
        EncodedRecord::new(kind, Zeroizing::new(bytes))
    }

    /// Reads a record; a key share in it goes into `region`.
    pub(crate) fn decode(
        record: &EncodedRecord,
        position: usize,
        region: &Region,
    ) -> Result<Self, RecoverError> {
        let bytes = record.as_bytes();
        let decoded = match record.kind {
            1 => {
                let key = scrubbed(|| PendingShareOfKey::decode(bytes, region));
                key.transpose()?.map(Self::KeyPending)
            }
            2 => borsh::from_slice(bytes).ok().map(Self::KeyInstalled),
            3 => borsh::from_slice(bytes).ok().map(Self::Approved),
            4 => borsh::from_slice(bytes).ok().map(Self::Consumed),
            5 => borsh::from_slice(bytes).ok().map(Self::Completed),
            6 => borsh::from_slice(bytes).ok().map(Self::Rekey),
            7 => borsh::from_slice(bytes).ok().map(Self::Quarantine),
            8 => borsh::from_slice(bytes).ok().map(Self::Conviction),
            9 => borsh::from_slice(bytes).ok().map(Self::Retired),
            10 => borsh::from_slice(bytes).ok().map(Self::Policy),
            _ => None,
        };
        let unread = RecordError {
            position,
            kind: record.kind,
        };
        decoded.ok_or(unread.into())
    }
}

/// Record 1 of a share, by ceremony, share epoch and transcript. It only looks at the share.
pub(crate) fn encode_pending(
    (ceremony, share_epoch, transcript): (Hash32, u32, Hash32),
    share: &KeyShare,
) -> Vec<u8> {
    let group = share.group().to_bytes();
    // The exact size, so that growing leaves no copy of the share behind.
    let mut bytes = Vec::with_capacity(PENDING_HEAD + group.len());
    bytes.extend_from_slice(&ceremony.0);
    bytes.extend_from_slice(&share_epoch.to_be_bytes());
    bytes.extend_from_slice(&transcript.0);
    bytes.extend_from_slice(&share.member().to_be_bytes());
    scrubbed(|| bytes.extend_from_slice(share.dangerous_to_bytes().as_slice()));
    bytes.extend_from_slice(&group);
    bytes
}

impl PendingShareOfKey {
    /// None where the bytes are no share of a key.
    fn decode(bytes: &[u8], region: &Region) -> Option<Result<Self, LockError>> {
        let (ceremony, rest) = bytes.split_first_chunk::<32>()?;
        let (share_epoch, rest) = rest.split_first_chunk::<4>()?;
        let (transcript, rest) = rest.split_first_chunk::<32>()?;
        let (member, rest) = rest.split_first_chunk::<2>()?;
        let (secret, group) = rest.split_first_chunk::<32>()?;
        let secret = Zeroizing::new(*secret);
        let member = Member::new(u16::from_be_bytes(*member)).ok()?;
        let group = Arc::new(GroupPublic::from_bytes(group).ok()?);
        let share = match KeyShare::from_bytes(member, &secret, group, region) {
            Ok(share) => share,
            Err(KeyShareError::Memory(error)) => return Some(Err(error)),
            Err(
                KeyShareError::NoSuchMember(_)
                | KeyShareError::NotAScalar
                | KeyShareError::DoesNotFit(_),
            ) => return None,
        };
        Some(Ok(Self {
            ceremony: Hash32(*ceremony),
            share_epoch: u32::from_be_bytes(*share_epoch),
            transcript: Hash32(*transcript),
            share,
        }))
    }
}
