//! D6: the attempt context, which every protocol message of an attempt is bound to.

use std::collections::BTreeSet;

use super::{attempt_id, coordinator, fingerprint, transcript_digest, ElectionSeed};
use crate::{
    AttemptId, Fingerprint, Framed, Hash32, KeyGroup, KeySpec, Member, Message, Reader, SessionId,
    Suite,
};

const DOMAIN: &str = "hardfrost/attempt-context/v1";

/// Everything an attempt is: D6's preimage as values. The seed is derived, so it cannot disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptContext {
    /// The session.
    pub session: SessionId,
    /// The key group.
    pub key_group: KeyGroup,
    /// What is signed.
    pub message: Message,
    /// Which key of the group signs.
    pub key_spec: KeySpec,
    /// The signing suite.
    pub suite: Suite,
    /// The key's threshold.
    pub threshold: u16,
    /// How often the key's shares were refreshed.
    pub share_epoch: u32,
    /// Hash of the group public.
    pub group_public: Hash32,
    /// Hash of the roster.
    pub roster: Hash32,
    /// From 1.
    pub attempt_number: u32,
    /// Members that may be chosen.
    pub included: BTreeSet<Member>,
    /// Members left out for good. Empty between our own nodes.
    pub excluded: BTreeSet<Member>,
    /// Members left out for now. Empty between our own nodes.
    pub parked: BTreeSet<Member>,
}

/// Bytes that are no attempt context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not the preimage of an attempt context")]
pub struct ContextError;

/// Reads the parts of the preimage; the caller compares the whole.
fn read(reader: &mut Reader<'_>) -> Option<AttemptContext> {
    if reader.framed_text()? != DOMAIN {
        return None;
    }
    Some(AttemptContext {
        session: SessionId::new(reader.framed_text()?).ok()?,
        key_group: reader.framed_text()?.parse().ok()?,
        message: Message(reader.array()?),
        key_spec: borsh::BorshDeserialize::deserialize_reader(reader.rest()).ok()?,
        suite: Suite::try_from(reader.u8()?).ok()?,
        threshold: reader.u16()?,
        share_epoch: reader.u32()?,
        group_public: Hash32(reader.array()?),
        roster: Hash32(reader.array()?),
        attempt_number: reader.u32()?,
        included: reader.members()?,
        excluded: reader.members()?,
        parked: reader.members()?,
    })
}

fn member_set(set: &BTreeSet<Member>) -> Vec<u8> {
    let count = u16::try_from(set.len()).expect("member numbers are u16 from 1, so a set fits");
    let members = set.iter().flat_map(|m| m.to_be_bytes());
    count.to_be_bytes().into_iter().chain(members).collect()
}

impl AttemptContext {
    /// D3 for this session.
    #[must_use]
    pub fn seed(&self) -> ElectionSeed {
        ElectionSeed::derive(&self.key_group, &self.session, &self.message)
    }

    /// D4 for this attempt; `None` when nobody is included or the number is 0.
    #[must_use]
    pub fn coordinator(&self) -> Option<Member> {
        coordinator(self.seed(), self.attempt_number, &self.included)
    }

    /// D5's fingerprint of the included set.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.included)
    }

    /// D5's attempt id under this context's coordinator; `None` as for [`Self::coordinator`].
    #[must_use]
    pub fn attempt_id(&self) -> Option<AttemptId> {
        let digest = transcript_digest(&self.message);
        let coordinator = self.coordinator()?;
        let number = self.attempt_number;
        Some(attempt_id(
            &self.session,
            digest,
            number,
            coordinator,
            self.fingerprint(),
        ))
    }

    /// D6's preimage, which travels wherever a stranger must check it.
    #[must_use]
    pub fn preimage(&self) -> Vec<u8> {
        Framed::domain(DOMAIN)
            .frame(self.session.as_str().as_bytes())
            .frame(self.key_group.as_str().as_bytes())
            .raw(&self.message.0)
            .raw(&self.key_spec.to_bytes())
            .raw(&[self.suite.number()])
            .raw(&self.threshold.to_be_bytes())
            .raw(&self.share_epoch.to_be_bytes())
            .raw(&self.group_public.0)
            .raw(&self.roster.0)
            .raw(&self.attempt_number.to_be_bytes())
            .raw(&member_set(&self.included))
            .raw(&member_set(&self.excluded))
            .raw(&member_set(&self.parked))
            .raw(&self.seed().to_bytes())
            .into_bytes()
    }

    /// Reads a preimage. Only the one encoding that [`Self::preimage`] makes is accepted, the seed included.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn from_preimage(bytes: &[u8]) -> Result<Self, ContextError> {
        let context = read(&mut Reader::new(bytes)).ok_or(ContextError)?;
        if context.preimage() == bytes {
            Ok(context)
        } else {
            Err(ContextError)
        }
    }

    /// D6: the hash that heads every message of the attempt.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.preimage())
    }
}
