//! `F(x)`: u32 big-endian length of x, then x. The framing of every derivation.

use sha2::{Digest, Sha256};

use crate::Hash32;

/// Appends `F(x)` to `out`.
///
/// # Panics
/// Never for inputs below 4 GiB, which every limit in this project keeps to.
pub fn framed(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("every input is bounded far below 4 GiB");
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Builds a preimage of framed and raw parts and hashes it once.
#[derive(Default)]
pub struct Framed {
    bytes: Vec<u8>,
}

impl Framed {
    /// Starts with `F(domain)`.
    #[must_use]
    pub fn domain(domain: &str) -> Self {
        Self::default().frame(domain.as_bytes())
    }

    /// Appends `F(bytes)`.
    #[must_use]
    pub fn frame(mut self, bytes: &[u8]) -> Self {
        framed(&mut self.bytes, bytes);
        self
    }

    /// Appends bytes of a fixed or self-delimiting layout.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// The preimage itself.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the preimage.
    #[must_use]
    pub fn hash(self) -> Hash32 {
        Hash32::of(&self.bytes)
    }
}

impl Hash32 {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// BIP-340 tagged hash: `H(H(tag) ‖ H(tag) ‖ bytes)`.
    #[must_use]
    pub fn tagged(tag: &str, bytes: &[u8]) -> Self {
        let tag = Sha256::digest(tag.as_bytes());
        Self(
            Sha256::new()
                .chain_update(tag)
                .chain_update(tag)
                .chain_update(bytes)
                .finalize()
                .into(),
        )
    }
}
