//! The result: a plain BIP-340 signature.

use std::fmt;

use hardfrost_primitives::Message;
use secp256k1::{schnorr, XOnlyPublicKey, SECP256K1};

/// 64 bytes, BIP 340.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Verifies with libsecp256k1 under an x-only key.
    #[must_use]
    pub fn verifies(&self, message: &Message, key: &[u8; 32]) -> bool {
        let Ok(key) = XOnlyPublicKey::from_slice(key) else {
            return false;
        };
        let Ok(signature) = schnorr::Signature::from_slice(&self.0) else {
            return false;
        };
        let message = secp256k1::Message::from_digest(message.0);
        SECP256K1.verify_schnorr(&signature, &message, &key).is_ok()
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}
