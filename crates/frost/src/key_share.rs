//! A member's long-lived secret.

use std::fmt;
use std::sync::Arc;

use frost_secp256k1_tr::keys::{SigningShare, VerifyingShare};
use hardfrost_primitives::Member;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::identifier::identifier;
use crate::nonces::SigningNonces;
use crate::GroupPublic;

/// A member's signing share of a group key, proven to fit the group public. No `Clone`; wiped on drop.
pub struct KeyShare {
    member: Member,
    signing_share: Zeroizing<SigningShare>,
    group: Arc<GroupPublic>,
}

/// A scalar that is not this member's share of this group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyShareError {
    /// The group has no such member.
    #[error("the group has no member {0}")]
    NoSuchMember(Member),
    /// Not a scalar below the group order.
    #[error("the signing share is not a scalar")]
    NotAScalar,
    /// signing share · G differs from the verifying share.
    #[error("the signing share of member {0} does not fit its verifying share")]
    DoesNotFit(Member),
}

impl KeyShare {
    /// Reads a share of 32 big-endian bytes and proves that it fits.
    ///
    /// # Errors
    /// See [`KeyShareError`].
    pub fn from_bytes(
        member: Member,
        bytes: &Zeroizing<[u8; 32]>,
        group: Arc<GroupPublic>,
    ) -> Result<Self, KeyShareError> {
        let share = SigningShare::deserialize(bytes.as_slice());
        Self::new(member, share.map_err(|_| KeyShareError::NotAScalar)?, group)
    }

    pub(crate) fn new(
        member: Member,
        signing_share: SigningShare,
        group: Arc<GroupPublic>,
    ) -> Result<Self, KeyShareError> {
        let expected = group.package().verifying_shares().get(&identifier(member));
        let expected = expected.ok_or(KeyShareError::NoSuchMember(member))?;
        if VerifyingShare::from(signing_share) != *expected {
            return Err(KeyShareError::DoesNotFit(member));
        }
        Ok(Self {
            member,
            signing_share: Zeroizing::new(signing_share),
            group,
        })
    }

    /// The share as 32 big-endian bytes, for the one place that encodes it into a sealed record.
    #[must_use]
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        let encoded = Zeroizing::new(self.signing_share.serialize());
        bytes.copy_from_slice(&encoded);
        bytes
    }

    /// Draws a one-use nonce pair (RFC 9591 §5.1: hashed from fresh randomness and the share).
    pub fn commit(&self, rng: &mut (impl RngCore + CryptoRng)) -> SigningNonces {
        SigningNonces::draw(&self.signing_share, rng)
    }

    /// Whose share this is.
    #[must_use]
    pub fn member(&self) -> Member {
        self.member
    }

    /// The group.
    #[must_use]
    pub fn group(&self) -> &Arc<GroupPublic> {
        &self.group
    }

    pub(crate) fn signing_share(&self) -> &SigningShare {
        &self.signing_share
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyShare")
    }
}
