//! A member's long-lived secret.

use std::fmt;
use std::sync::Arc;

use hardfrost_locked::{scrubbed, LockError, Region};
use hardfrost_primitives::{Member, Suite};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::nonces::SigningNonces;
use crate::points::{scalar, secret_times_g};
use crate::secret::SecretScalar;
use crate::GroupPublic;

/// A member's signing share of a group key, proven to fit the group public. It lies in locked memory. No `Clone`; wiped
/// on drop.
pub struct KeyShare {
    member: Member,
    signing_share: Arc<SecretScalar>,
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
    /// There is no locked memory for it.
    #[error(transparent)]
    Memory(#[from] LockError),
}

impl KeyShare {
    /// Reads a share of 32 big-endian bytes into `region` and proves that it fits.
    ///
    /// # Errors
    /// See [`KeyShareError`].
    pub fn from_bytes(
        member: Member,
        bytes: &Zeroizing<[u8; 32]>,
        group: Arc<GroupPublic>,
        region: &Region,
    ) -> Result<Self, KeyShareError> {
        scrubbed(|| {
            let share = Zeroizing::new(scalar(**bytes).ok_or(KeyShareError::NotAScalar)?);
            Self::new(member, SecretScalar::hold(&share, region)?, group)
        })
    }

    pub(crate) fn new(
        member: Member,
        signing_share: SecretScalar,
        group: Arc<GroupPublic>,
    ) -> Result<Self, KeyShareError> {
        let expected = group.verifying_share(member);
        let expected = expected.ok_or(KeyShareError::NoSuchMember(member))?;
        if secret_times_g(&signing_share.read()).as_ref() != Some(expected) {
            return Err(KeyShareError::DoesNotFit(member));
        }
        Ok(Self {
            member,
            signing_share: Arc::new(signing_share),
            group,
        })
    }

    /// The share as 32 big-endian bytes, for the one place that encodes it into a sealed record. Ask inside
    /// [`scrubbed`].
    #[must_use]
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.signing_share.to_bytes()
    }

    /// Draws a one-use nonce pair the way the suite does: RFC 9591 §5.1 or BIP 445 NonceGen. Both hash fresh randomness
    /// with the share; no nonce is ever derived without randomness. It lies in the region of the share.
    ///
    /// # Errors
    /// [`LockError`]: there is no locked memory for it.
    pub fn commit(
        &self,
        suite: Suite,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<SigningNonces, LockError> {
        scrubbed(|| SigningNonces::draw(self, suite, rng))
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

    pub(crate) fn signing_share(&self) -> &Arc<SecretScalar> {
        &self.signing_share
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyShare")
    }
}
