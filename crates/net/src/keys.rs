//! Transport keys: Ed25519, for TLS and for nothing else.

use std::fmt;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring::sign::any_eddsa_type;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::sign::SigningKey;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A PKCS #8 document of an Ed25519 key up to its seed (RFC 8410 §7).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A subject public key info of an Ed25519 key up to its 32 bytes (RFC 8410 §4).
const SPKI_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A public transport key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportPublic(pub [u8; 32]);

impl TransportPublic {
    /// As it travels in TLS (RFC 7250 §3).
    pub(crate) fn to_spki(self) -> Vec<u8> {
        [SPKI_HEAD.as_slice(), &self.0].concat()
    }

    pub(crate) fn from_spki(spki: &[u8]) -> Option<Self> {
        let key = spki.strip_prefix(SPKI_HEAD.as_slice())?;
        key.try_into().ok().map(Self)
    }
}

/// A secret transport key: an Ed25519 seed, wiped when dropped.
///
/// While an [`Endpoint`](crate::Endpoint) lives, the TLS library holds the key as well, and does not wipe it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct TransportKey([u8; 32]);

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportKey")
    }
}

impl TransportKey {
    /// The key of this seed (RFC 8032 §5.1.5): any 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(*seed)
    }

    /// Its public half.
    pub fn public(&self) -> TransportPublic {
        let signing = self.signing_key();
        let spki = signing.public_key();
        let public = spki.and_then(|spki| TransportPublic::from_spki(&spki));
        public.expect("the library writes an Ed25519 key in its one form, RFC 8410 §4")
    }

    pub(crate) fn signing_key(&self) -> Arc<dyn SigningKey> {
        let mut document = Zeroizing::new([0; 48]);
        let (head, seed) = document.split_at_mut(PKCS8_HEAD.len());
        head.copy_from_slice(&PKCS8_HEAD);
        seed.copy_from_slice(&self.0);
        let document = PrivatePkcs8KeyDer::from(document.as_slice());
        any_eddsa_type(&document).expect("32 bytes of any value are a seed, RFC 8032 §5.1.5")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 1.
    #[test]
    fn a_public_key_is_that_of_its_seed() {
        let hex = |text: &str| -> [u8; 32] {
            let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
            std::array::from_fn(byte)
        };
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let key = TransportKey::from_seed(&seed);
        assert_eq!(key.public(), TransportPublic(public));
        assert_eq!(format!("{key:?}"), "TransportKey");
    }
}
