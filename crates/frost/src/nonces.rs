//! One-use nonces and the commitments to them.

use std::fmt;

use frost_secp256k1_tr::keys::SigningShare;
use frost_secp256k1_tr::round1::{self, NonceCommitment};
use k256::elliptic_curve::group::GroupEncoding;
use rand_core::{CryptoRng, RngCore};

/// A secret nonce pair. Move-only: [`crate::sign`] takes it by value. Wiped on drop.
pub struct SigningNonces {
    // Boxed, so that moving the pair between states leaves no copy of it on the stack.
    inner: Box<round1::SigningNonces>,
}

/// The public commitments to a nonce pair: two points that are not the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Commitments {
    inner: round1::SigningCommitments,
}

/// Bytes that are no commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commitment is not a curve point, or is the identity")]
pub struct CommitmentsError;

impl SigningNonces {
    pub(crate) fn draw(share: &SigningShare, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self {
            inner: Box::new(round1::SigningNonces::new(share, rng)),
        }
    }

    /// The public commitments.
    #[must_use]
    pub fn commitments(&self) -> Commitments {
        Commitments {
            inner: self.inner.as_ref().into(),
        }
    }

    pub(crate) fn inner(&self) -> &round1::SigningNonces {
        &self.inner
    }
}

impl fmt::Debug for SigningNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningNonces")
    }
}

impl Commitments {
    /// Parses the hiding and the binding commitment, 33 bytes each.
    ///
    /// # Errors
    /// [`CommitmentsError`] when one is no point or the identity.
    pub fn from_bytes(hiding: &[u8; 33], binding: &[u8; 33]) -> Result<Self, CommitmentsError> {
        let parse =
            |bytes: &[u8; 33]| NonceCommitment::deserialize(bytes).map_err(|_| CommitmentsError);
        Ok(Self {
            inner: round1::SigningCommitments::new(parse(hiding)?, parse(binding)?),
        })
    }

    /// The hiding commitment.
    #[must_use]
    pub fn hiding(&self) -> [u8; 33] {
        self.inner.hiding().value().to_affine().to_bytes().into()
    }

    /// The binding commitment.
    #[must_use]
    pub fn binding(&self) -> [u8; 33] {
        self.inner.binding().value().to_affine().to_bytes().into()
    }

    pub(crate) fn inner(&self) -> round1::SigningCommitments {
        self.inner
    }
}

impl fmt::Debug for Commitments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Commitments({}, {})",
            hex::encode(self.hiding()),
            hex::encode(self.binding())
        )
    }
}
