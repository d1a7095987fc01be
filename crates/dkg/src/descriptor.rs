//! What a ceremony is about, fixed by its proposer before the first message.

use hardfrost_primitives::{Framed, Hash32, UnixTime};

/// What the ceremony makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CeremonyKind {
    /// A new key.
    Generate = 1,
}

/// A ceremony's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it makes.
    pub kind: CeremonyKind,
    /// Hash of the roster whose seats take part.
    pub roster: Hash32,
    /// t
    pub threshold: u16,
    /// n
    pub count: u16,
    /// 32 random bytes of the proposer.
    pub salt: [u8; 32],
    /// When the ceremony gives up.
    pub deadline: UnixTime,
}

const BYTES: usize = 1 + 32 + 2 + 2 + 33 + 4 + 32 + 8;

impl Descriptor {
    /// Everything that the id covers: `kind u8 ‖ roster(32) ‖ t u16 ‖ n u16 ‖ old key group ‖ share epoch u32 ‖
    /// salt(32)`; for a new key 33 zero bytes and epoch 0.
    fn named(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind as u8];
        bytes.extend_from_slice(&self.roster.0);
        bytes.extend_from_slice(&self.threshold.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&[0; 33]);
        bytes.extend_from_slice(&self.share_epoch().to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// The share epoch that the ceremony makes: 0 for a new key.
    #[must_use]
    pub fn share_epoch(&self) -> u32 {
        match self.kind {
            CeremonyKind::Generate => 0,
        }
    }

    /// The ceremony id.
    #[must_use]
    pub fn id(&self) -> Hash32 {
        Hash32::of(&self.named())
    }

    /// The descriptor as it travels and as the head covers it: what the id covers, then the deadline as u64.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.named();
        bytes.extend_from_slice(&self.deadline.0.to_be_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != BYTES {
            return None;
        }
        let (&[kind], rest) = bytes.split_first_chunk::<1>()?;
        let (roster, rest) = rest.split_first_chunk::<32>()?;
        let (threshold, rest) = rest.split_first_chunk::<2>()?;
        let (count, rest) = rest.split_first_chunk::<2>()?;
        let (_, rest) = rest.split_first_chunk::<37>()?;
        let (salt, deadline) = rest.split_first_chunk::<32>()?;
        let descriptor = Self {
            kind: if kind == 1 {
                CeremonyKind::Generate
            } else {
                return None;
            },
            roster: Hash32(*roster),
            threshold: u16::from_be_bytes(*threshold),
            count: u16::from_be_bytes(*count),
            salt: *salt,
            deadline: UnixTime(u64::from_be_bytes(deadline.try_into().ok()?)),
        };
        (descriptor.to_bytes() == bytes).then_some(descriptor)
    }

    /// `H(F("hardfrost/ceremony/v1") ‖ descriptor)`: heads every body of the ceremony.
    #[must_use]
    pub fn head(&self) -> Hash32 {
        Framed::domain("hardfrost/ceremony/v1")
            .raw(&self.to_bytes())
            .hash()
    }

    /// `H(F("hardfrost/dkg-transcript/v1") ‖ head ‖ the n round-1 body hashes, ascending)`.
    #[must_use]
    pub fn transcript(&self, bodies: &[Hash32]) -> Hash32 {
        let bodies: Vec<u8> = bodies.iter().flat_map(|body| body.0).collect();
        Framed::domain("hardfrost/dkg-transcript/v1")
            .raw(&self.head().0)
            .raw(&bodies)
            .hash()
    }
}
