//! Bytes sealed under a key that lasts: XChaCha20-Poly1305, a fresh random nonce of 24 bytes each time.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use crate::error::DiskFault;
use crate::keys::{Key, KeyBytes};

const NONCE: usize = 24;
const TAG: usize = 16;

/// Bytes that sealing adds.
pub(crate) const OVERHEAD: usize = NONCE + TAG;

/// Seals; like [`open`] it is called inside `scrubbed`, once for many records.
/// `nonce (24) ‖ ciphertext ‖ tag (16)`. The nonce comes from the system here and nowhere else: it must never repeat,
/// and a caller with a seeded generator could make it.
pub(crate) fn seal(key: &Key, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, DiskFault> {
    let mut nonce = [0; NONCE];
    fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let (_, body) = sealed.split_at_mut(NONCE);
    let tag = cipher(key)
        .encrypt_in_place_detached(XNonce::from_slice(&nonce), associated, body)
        .expect("a record is far shorter than the cipher's 256 GiB");
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// What was sealed under this key with this associated data; none if it was not.
pub(crate) fn open(key: &Key, associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let (body, tag) = rest.split_last_chunk::<TAG>()?;
    let mut plain = Zeroizing::new(body.to_vec());
    cipher(key)
        .decrypt_in_place_detached(
            XNonce::from_slice(nonce),
            associated,
            &mut plain,
            Tag::from_slice(tag),
        )
        .ok()?;
    Some(plain)
}

/// What authenticates sealed bytes; all of them, where there are too few.
pub(crate) fn tag(sealed: &[u8]) -> &[u8] {
    sealed
        .split_last_chunk::<TAG>()
        .map_or(sealed, |(_, tag)| tag)
}

/// Fills from the system's randomness, which may fail and then says so.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), DiskFault> {
    OsRng
        .try_fill_bytes(bytes)
        .map_err(|_| DiskFault::Randomness)
}

/// A key that nobody gave.
pub(crate) fn fresh_key() -> Result<KeyBytes, DiskFault> {
    let mut key = Zeroizing::new([0; 32]);
    fill(key.as_mut_slice())?;
    Ok(key)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.read().as_slice().into())
}
