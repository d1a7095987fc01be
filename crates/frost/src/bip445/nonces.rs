//! NonceGen: fresh randomness, masked with the share and bound to what is known of the signer.

use hardfrost_primitives::{Hash32, Member};
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use zeroize::Zeroizing;

/// What the nonces are bound to beside the randomness. All of it is a second line of defence, should the source of
/// randomness repeat itself.
#[derive(Default)]
pub(crate) struct Bound<'a> {
    /// \[secshare\]
    pub(crate) share: Option<&'a Zeroizing<[u8; 32]>>,
    /// \[signer_id\]
    pub(crate) signer: Option<Member>,
    /// \[pubshare\]
    pub(crate) verifying_share: Option<[u8; 33]>,
    /// \[thresh_pk\], x-only.
    pub(crate) key: Option<[u8; 32]>,
    /// \[msg\]: absent and empty are two things.
    pub(crate) message: Option<&'a [u8]>,
    /// \[extra_in\]
    pub(crate) extra: &'a [u8],
}

/// One byte of length, then the bytes; nothing of them when absent.
fn short(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(u8::try_from(bytes.len()).expect("a key and an identifier are short"));
    out.extend_from_slice(bytes);
}

/// The standard's identifier, 4 bytes.
pub(super) fn identifier(member: Member) -> [u8; 4] {
    (u32::from(member.number()) - 1).to_be_bytes()
}

fn reduced(hash: Hash32) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&hash.0.into())
}

/// The two nonces \[k_1, k_2\]; either is zero with a chance of 2⁻²⁵⁶.
pub(crate) fn draw(random: &Zeroizing<[u8; 32]>, bound: &Bound<'_>) -> Zeroizing<[Scalar; 2]> {
    let mut masked = random.clone();
    if let Some(share) = bound.share {
        let mask = Zeroizing::new(Hash32::tagged("BIP0445/aux", random.as_slice()).0);
        for ((byte, share), mask) in masked.iter_mut().zip(share.iter()).zip(mask.iter()) {
            *byte = share ^ mask;
        }
    }
    let message = bound.message.unwrap_or_default();
    // The exact size, so that growing leaves no copy of the masked share behind.
    let size = 32 + 3 + 4 + 33 + 32 + 1 + 8 + message.len() + 4 + bound.extra.len() + 1;
    let mut preimage = Zeroizing::new(Vec::with_capacity(size));
    preimage.extend_from_slice(masked.as_slice());
    short(
        &mut preimage,
        bound.signer.map(identifier).as_ref().map_or(&[], |id| id),
    );
    short(
        &mut preimage,
        bound.verifying_share.as_ref().map_or(&[], |share| share),
    );
    short(&mut preimage, bound.key.as_ref().map_or(&[], |key| key));
    preimage.push(u8::from(bound.message.is_some()));
    if bound.message.is_some() {
        preimage.extend_from_slice(&(message.len() as u64).to_be_bytes());
        preimage.extend_from_slice(message);
    }
    let extra = u32::try_from(bound.extra.len()).expect("what a caller adds is far below 4 GiB");
    preimage.extend_from_slice(&extra.to_be_bytes());
    preimage.extend_from_slice(bound.extra);
    preimage.push(0);
    let mut nonces = Zeroizing::new([Scalar::ZERO; 2]);
    for (which, nonce) in (0u8..).zip(nonces.iter_mut()) {
        if let Some(last) = preimage.last_mut() {
            *last = which;
        }
        *nonce = reduced(Hash32::tagged("BIP0445/nonce", &preimage));
    }
    nonces
}
