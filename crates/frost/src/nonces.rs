//! One-use nonces and the commitments to them.

use std::fmt;

use frost_core::Ciphersuite;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use hardfrost_locked::{LockError, Region};
use hardfrost_primitives::Suite;
use k256::Scalar;
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use crate::points::{parse, secret_times_g};
use crate::secret::SecretScalar;
use crate::{bip445, KeyShare};

/// The two secrets, to compute with.
pub(crate) struct NoncePair {
    pub(crate) hiding: Zeroizing<Scalar>,
    pub(crate) binding: Zeroizing<Scalar>,
}

/// A secret nonce pair in locked memory. Move-only: [`crate::sign`] takes it by value. Moving it moves no secret. Wiped
/// on drop.
pub struct SigningNonces {
    hiding: SecretScalar,
    binding: SecretScalar,
    commitments: Commitments,
}

/// The public commitments to a nonce pair: two points that are not the identity. Parsed once, on arrival; the bytes
/// stay beside the points.
#[derive(Clone, Copy)]
pub struct Commitments {
    hiding: PublicKey,
    binding: PublicKey,
    bytes: [[u8; 33]; 2],
}

/// Bytes that are no commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commitment is not a curve point, or is the identity")]
pub struct CommitmentsError;

fn fresh(rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut_slice());
    bytes
}

/// RFC 9591 §4.1: a nonce is hashed from fresh randomness and the share.
fn rfc9591(share: &KeyShare, rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<[Scalar; 2]> {
    let secret = share.dangerous_to_bytes();
    let mut nonces = Zeroizing::new([Scalar::ZERO; 2]);
    for nonce in nonces.iter_mut() {
        let mut preimage = Zeroizing::new([0; 64]);
        let (random, own) = preimage.split_at_mut(32);
        random.copy_from_slice(fresh(rng).as_slice());
        own.copy_from_slice(secret.as_slice());
        *nonce = Secp256K1Sha256TR::H3(preimage.as_slice());
    }
    nonces
}

/// BIP 445 NonceGen, with all that is known of the signer before a message is.
fn bip445(share: &KeyShare, rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<[Scalar; 2]> {
    let secret = share.dangerous_to_bytes();
    let group = share.group();
    let [_, key @ ..] = group.verifying_key();
    let bound = bip445::Bound {
        share: Some(&secret),
        signer: Some(share.member()),
        verifying_share: group
            .verifying_share(share.member())
            .map(PublicKey::serialize),
        key: Some(key),
        ..Default::default()
    };
    bip445::draw(&fresh(rng), &bound)
}

impl NoncePair {
    /// The pair of two scalars, and the commitments to them; `None` when one is zero.
    pub(crate) fn of(drawn: &Zeroizing<[Scalar; 2]>) -> Option<(Self, Commitments)> {
        let [hiding, binding] = &**drawn;
        let commitments = Commitments::of(secret_times_g(hiding)?, secret_times_g(binding)?);
        let pair = Self {
            hiding: Zeroizing::new(*hiding),
            binding: Zeroizing::new(*binding),
        };
        Some((pair, commitments))
    }
}

impl SigningNonces {
    pub(crate) fn draw(
        share: &KeyShare,
        suite: Suite,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, LockError> {
        let region = share.signing_share().region();
        loop {
            let drawn = match suite {
                Suite::Tr => rfc9591(share, rng),
                Suite::Bip445 => bip445(share, rng),
            };
            // A nonce is zero with a chance of 2⁻²⁵⁶, and then it is drawn again.
            if let Some((pair, commitments)) = NoncePair::of(&drawn) {
                return Self::hold(&pair, commitments, region);
            }
        }
    }

    fn hold(
        pair: &NoncePair,
        commitments: Commitments,
        region: &Region,
    ) -> Result<Self, LockError> {
        Ok(Self {
            hiding: SecretScalar::hold(&pair.hiding, region)?,
            binding: SecretScalar::hold(&pair.binding, region)?,
            commitments,
        })
    }

    /// The public commitments.
    #[must_use]
    pub fn commitments(&self) -> Commitments {
        self.commitments
    }

    /// A copy to sign with.
    pub(crate) fn read(&self) -> NoncePair {
        NoncePair {
            hiding: self.hiding.read(),
            binding: self.binding.read(),
        }
    }
}

impl fmt::Debug for SigningNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningNonces")
    }
}

impl Commitments {
    fn of(hiding: PublicKey, binding: PublicKey) -> Self {
        let bytes = [hiding.serialize(), binding.serialize()];
        Self {
            hiding,
            binding,
            bytes,
        }
    }

    /// Parses the hiding and the binding commitment, 33 bytes each.
    ///
    /// # Errors
    /// [`CommitmentsError`] when one is no point or the identity.
    pub fn from_bytes(hiding: &[u8; 33], binding: &[u8; 33]) -> Result<Self, CommitmentsError> {
        Ok(Self {
            hiding: parse(hiding).ok_or(CommitmentsError)?,
            binding: parse(binding).ok_or(CommitmentsError)?,
            bytes: [*hiding, *binding],
        })
    }

    /// The hiding commitment.
    #[must_use]
    pub fn hiding(&self) -> [u8; 33] {
        let [hiding, _] = self.bytes;
        hiding
    }

    /// The binding commitment.
    #[must_use]
    pub fn binding(&self) -> [u8; 33] {
        let [_, binding] = self.bytes;
        binding
    }

    pub(crate) fn hiding_point(&self) -> &PublicKey {
        &self.hiding
    }

    pub(crate) fn binding_point(&self) -> &PublicKey {
        &self.binding
    }
}

/// A point has one encoding of 33 bytes, so equal bytes are equal points.
impl PartialEq for Commitments {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Commitments {}

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
