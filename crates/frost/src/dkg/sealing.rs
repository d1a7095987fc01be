//! One share sealed to one recipient. A key is bound to its direction and transcript and seals once, so the nonce is
//! zero.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce, Tag};
use hardfrost_primitives::{Hash32, Member};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A share (32) and its tag (16).
pub const SEALED_SHARE_BYTES: usize = 48;

/// A sealed share: safe to show to everybody.
pub type SealedShare = [u8; SEALED_SHARE_BYTES];

/// From whom to whom, in which ceremony, after which transcript.
pub(super) struct Direction {
    pub(super) ceremony: Hash32,
    pub(super) sender: Member,
    pub(super) recipient: Member,
    pub(super) transcript: Hash32,
}

impl Direction {
    fn info(&self) -> Vec<u8> {
        let (sender, recipient) = (self.sender.to_be_bytes(), self.recipient.to_be_bytes());
        [
            &self.ceremony.0[..],
            &sender,
            &recipient,
            &self.transcript.0,
        ]
        .concat()
    }

    fn cipher(&self, shared_x: &[u8; 32]) -> ChaCha20Poly1305 {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, shared_x)
            .expand(&self.info(), key.as_mut_slice())
            .expect("32 bytes are within HKDF's limit");
        ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
    }

    pub(super) fn seal(&self, shared_x: &[u8; 32], share: &[u8; 32]) -> SealedShare {
        let mut sealed = [0; SEALED_SHARE_BYTES];
        let (text, tag) = sealed.split_at_mut(32);
        text.copy_from_slice(share);
        let made = self
            .cipher(shared_x)
            .encrypt_in_place_detached(&Nonce::default(), &self.info(), text)
            .expect("32 bytes are within the cipher's limit");
        tag.copy_from_slice(&made);
        sealed
    }

    pub(super) fn open(
        &self,
        shared_x: &[u8; 32],
        sealed: &SealedShare,
    ) -> Option<Zeroizing<[u8; 32]>> {
        let (text, tag) = sealed.split_at(32);
        let mut share = Zeroizing::new([0; 32]);
        share.copy_from_slice(text);
        self.cipher(shared_x)
            .decrypt_in_place_detached(
                &Nonce::default(),
                &self.info(),
                share.as_mut_slice(),
                Tag::from_slice(tag),
            )
            .ok()?;
        Some(share)
    }
}
