//! From what a provider gives to the keys that seal.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hardfrost_locked::{scrubbed, Region, Slot};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{DiskFault, StoreError};
use crate::header::{KeySource, StoreId};

/// A key while it is worked with, inside [`scrubbed`].
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// A key of 32 bytes in locked memory. Wiped when its last handle is dropped.
pub(crate) struct Key(Arc<Slot>);

impl Key {
    pub(crate) fn hold(bytes: &KeyBytes, region: &Region) -> Result<Self, DiskFault> {
        Ok(Self(Arc::new(region.hold(bytes)?)))
    }

    /// In a region of its own.
    pub(crate) fn hold_alone(bytes: &KeyBytes) -> Result<Self, DiskFault> {
        Self::hold(bytes, &Region::new()?)
    }

    /// A second handle on the same memory.
    pub(crate) fn duplicate(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    pub(crate) fn region(&self) -> &Region {
        self.0.region()
    }

    pub(crate) fn read(&self) -> KeyBytes {
        let mut bytes = Zeroizing::new([0; 32]);
        self.0.read(&mut bytes);
        bytes
    }
}

/// What a provider gave: a key, or a passphrase from which one is made. Wiped on drop.
pub struct ProviderKey(pub(crate) Material);

pub(crate) enum Material {
    Key(Key),
    Passphrase(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProviderKey")
    }
}

/// What one guess of a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassphraseCost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl PassphraseCost {
    /// More memory than the second recommendation of RFC 9106 §4 asks, with its passes and lanes: less than a second
    /// at every start.
    pub(crate) const STANDARD: Self = Self {
        memory_kib: 256 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// A header is not authenticated before the key is made: it may not ask for the whole machine.
    pub(crate) fn is_bearable(&self) -> bool {
        (1..=64).contains(&self.passes)
            && (1..=64).contains(&self.lanes)
            && (8 * self.lanes..=4 << 20).contains(&self.memory_kib)
    }
}

/// The keys of an open store: one for each use.
pub(crate) struct Keys {
    pub(crate) record: Key,
    pub(crate) head: Key,
    pub(crate) check: Key,
}

impl Keys {
    /// The same keys once more, for a store that is sealed anew under them.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            record: self.record.duplicate(),
            head: self.head.duplicate(),
            check: self.check.duplicate(),
        }
    }

    pub(crate) fn derive(
        given: &ProviderKey,
        source: &KeySource,
        id: &StoreId,
    ) -> Result<Self, StoreError> {
        let region = Region::new().map_err(DiskFault::from)?;
        scrubbed(|| Self::derived(given, source, id, &region))
    }

    fn derived(
        given: &ProviderKey,
        source: &KeySource,
        id: &StoreId,
        region: &Region,
    ) -> Result<Self, StoreError> {
        let root = match (&given.0, source) {
            (Material::Key(key), KeySource::Key) => key.read(),
            (Material::Passphrase(words), KeySource::Passphrase { salt, cost }) => {
                stretch(words, salt, *cost)?
            }
            (Material::Key(_), KeySource::Passphrase { .. }) => {
                return Err(other("passphrase", "key"));
            }
            (Material::Passphrase(_), KeySource::Key) => return Err(other("key", "passphrase")),
        };
        let expanded = Hkdf::<Sha256>::new(Some(&id.0), root.as_slice());
        let sub_key = |info: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            expanded
                .expand(info, key.as_mut_slice())
                .expect("32 bytes are within HKDF's length");
            Key::hold(&key, region)
        };
        Ok(Self {
            record: sub_key(b"hardfrost/store/record")?,
            head: sub_key(b"hardfrost/store/head")?,
            check: sub_key(b"hardfrost/store/check")?,
        })
    }
}

fn other(store: &'static str, given: &'static str) -> StoreError {
    StoreError::OtherKindOfKey { store, given }
}

fn stretch(words: &[u8], salt: &[u8; 16], cost: PassphraseCost) -> Result<KeyBytes, StoreError> {
    let unusable = |_| StoreError::Corrupt(crate::error::Damage::Header);
    let PassphraseCost {
        memory_kib,
        passes,
        lanes,
    } = cost;
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(unusable)?;
    let mut memory = vec![Block::new(); params.block_count()];
    let mut key = Zeroizing::new([0; 32]);
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(words, salt, key.as_mut_slice(), &mut memory)
        .map_err(unusable);
    memory.zeroize();
    done?;
    Ok(key)
}
