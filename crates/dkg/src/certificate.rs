//! The certificate: all n members confirm that they durably hold shares of this very key.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Framed, Hash32, Member};
use hardfrost_wire::{ConfirmPayload, Frame, Roster, Sizes};

use crate::descriptor::Descriptor;

const MAGIC: [u8; 8] = *b"HFCERT\x00\x01";

/// A self-proving file: descriptor, group public, n signed confirmations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    descriptor: Descriptor,
    group_public: Vec<u8>,
    confirmations: Vec<Vec<u8>>,
}

/// A file that certifies nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate file.
    #[error("this is not a certificate file of this version")]
    Layout,
    /// Made under another roster.
    #[error("the certificate is for roster {0}")]
    OtherRoster(Hash32),
    /// A confirmation is missing, foreign, unsigned or confirms something else.
    #[error("the confirmation of member {0} is missing or does not hold")]
    Confirmation(Member),
    /// The group public does not parse, or is of another size.
    #[error("the certificate's group public is malformed")]
    GroupPublic,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    magic: [u8; 8],
    descriptor: Vec<u8>,
    group_public: Vec<u8>,
    confirmations: Vec<Vec<u8>>,
}

impl Certificate {
    pub(crate) fn new(
        descriptor: Descriptor,
        group: &GroupPublic,
        confirmations: Vec<Vec<u8>>,
    ) -> Self {
        Self {
            descriptor,
            group_public: group.to_bytes(),
            confirmations,
        }
    }

    /// The ceremony's terms.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The members' frames, ascending.
    pub(crate) fn confirmations(&self) -> &[Vec<u8>] {
        &self.confirmations
    }

    /// Hash of what is certified. It does not cover the signatures, so every member computes the same.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Framed::domain("hardfrost/certificate/v1")
            .frame(&self.descriptor.to_bytes())
            .frame(&self.group_public)
            .hash()
    }

    /// The file: a magic with the version, then borsh.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let encoded = Encoded {
            magic: MAGIC,
            descriptor: self.descriptor.to_bytes(),
            group_public: self.group_public.clone(),
            confirmations: self.confirmations.clone(),
        };
        borsh::to_vec(&encoded).expect("writing to memory does not fail")
    }

    /// Reads a file. Says nothing of whether it certifies anything.
    ///
    /// # Errors
    /// [`CertificateError::Layout`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CertificateError> {
        let layout = CertificateError::Layout;
        let encoded: Encoded = borsh::from_slice(bytes).map_err(|_| layout.clone())?;
        if encoded.magic != MAGIC {
            return Err(layout);
        }
        let descriptor = Descriptor::from_bytes(&encoded.descriptor).ok_or(layout)?;
        let Encoded {
            group_public,
            confirmations,
            ..
        } = encoded;
        Ok(Self {
            descriptor,
            group_public,
            confirmations,
        })
    }

    /// Checks everything against a roster and returns the key that is certified.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn verify(&self, roster: &Roster) -> Result<Arc<GroupPublic>, CertificateError> {
        let Descriptor {
            threshold,
            count,
            roster: hash,
            ..
        } = self.descriptor;
        if hash != roster.hash() || count != roster.count() {
            return Err(CertificateError::OtherRoster(hash));
        }
        let group = GroupPublic::from_bytes(&self.group_public)
            .map_err(|_| CertificateError::GroupPublic)?;
        if group.threshold() != threshold || group.count() != count {
            return Err(CertificateError::GroupPublic);
        }
        let mut transcript = None;
        for (index, member) in Member::all(count).enumerate() {
            let bad = CertificateError::Confirmation(member);
            let bytes = self.confirmations.get(index).ok_or(bad.clone())?;
            let confirmed = self.confirmed(bytes, member, roster).ok_or(bad.clone())?;
            let first = transcript.get_or_insert(confirmed);
            if *first != confirmed {
                return Err(bad);
            }
        }
        if self.confirmations.len() != usize::from(count) {
            return Err(CertificateError::Layout);
        }
        Ok(Arc::new(group))
    }

    /// The transcript that `member` confirms for this key, if the frame is its and says so.
    fn confirmed(&self, bytes: &[u8], member: Member, roster: &Roster) -> Option<Hash32> {
        let Descriptor {
            threshold, count, ..
        } = self.descriptor;
        let frame = Frame::parse(bytes.to_vec(), Sizes { threshold, count }).ok()?;
        let head = frame.head();
        if head.author != member || head.context != self.descriptor.head() {
            return None;
        }
        let payload: ConfirmPayload = frame.verify(roster).ok()?.payload().ok()?;
        let same = payload.roster == self.descriptor.roster
            && payload.threshold == threshold
            && payload.share_epoch == self.descriptor.share_epoch()
            && payload.group_public == self.group_public;
        same.then_some(payload.transcript)
    }
}
