//! An operator's identity: the key that signs envelopes and nothing else.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::Hash32;
use secp256k1::{schnorr, Keypair, Message, SecretKey, XOnlyPublicKey, SECP256K1};

/// An operator's secret key. No `Clone`; erased on drop. Signs domain-separated envelopes only.
pub struct OperatorKey {
    pair: Keypair,
    // Auxiliary randomness of BIP 340: fresh per process, so that signing needs no source of randomness.
    aux: [u8; 32],
}

/// An operator's public key: 32 bytes, x-only (BIP 340).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct OperatorPublic(pub [u8; 32]);

/// 32 bytes that are no secret key: zero, or not below the group order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes are not a secret key")]
pub struct OperatorKeyError;

impl OperatorKey {
    /// A key from 32 secret bytes, and 32 random bytes drawn anew at every process start.
    ///
    /// # Errors
    /// [`OperatorKeyError`] with a chance of 2⁻¹²⁸ for random bytes: draw again.
    pub fn new(secret: &[u8; 32], aux: [u8; 32]) -> Result<Self, OperatorKeyError> {
        let mut secret = SecretKey::from_slice(secret).map_err(|_| OperatorKeyError)?;
        let pair = Keypair::from_secret_key(SECP256K1, &secret);
        secret.non_secure_erase();
        Ok(Self { pair, aux })
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> OperatorPublic {
        OperatorPublic(self.pair.x_only_public_key().0.serialize())
    }

    pub(crate) fn sign(&self, digest: &Hash32) -> [u8; 64] {
        let message = Message::from_digest(digest.0);
        SECP256K1
            .sign_schnorr_with_aux_rand(&message, &self.pair, &self.aux)
            .serialize()
    }
}

impl Drop for OperatorKey {
    fn drop(&mut self) {
        self.pair.non_secure_erase();
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey")
    }
}

impl OperatorPublic {
    /// Whether these 32 bytes are an x coordinate on the curve.
    #[must_use]
    pub fn is_key(&self) -> bool {
        XOnlyPublicKey::from_slice(&self.0).is_ok()
    }

    pub(crate) fn verifies(&self, digest: &Hash32, signature: &[u8; 64]) -> bool {
        let Ok(key) = XOnlyPublicKey::from_slice(&self.0) else {
            return false;
        };
        let Ok(signature) = schnorr::Signature::from_slice(signature) else {
            return false;
        };
        SECP256K1
            .verify_schnorr(&signature, &Message::from_digest(digest.0), &key)
            .is_ok()
    }
}

impl fmt::Display for OperatorPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for OperatorPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperatorPublic({self})")
    }
}
