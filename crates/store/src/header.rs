//! The header: what is needed before there is a key. Its magic, schema and checksum stay where they are for ever, so
//! that a newer store is recognised and a damaged one is not taken for a newer.

use hardfrost_locked::scrubbed;
use sha2::{Digest, Sha256};

use crate::error::{Damage, DiskFault, StoreError};

use crate::keys::{Key, KeyBytes, Keys, PassphraseCost};
use crate::sealing;

/// The newest schema that this build reads, and the only one that it writes.
pub(crate) const SCHEMA: u32 = 2;

const MAGIC: &[u8; 16] = b"hardfrost store\n";
const CHECKSUM: usize = 32;
const SOURCE_KEY: u8 = 0;
const SOURCE_PASSPHRASE: u8 = 1;

/// A store's random name; every sealed byte is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreId(pub [u8; 16]);

impl std::fmt::Display for StoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// How the store's key comes from what the provider gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// It is that key.
    Key,
    /// Argon2id of that passphrase.
    Passphrase {
        salt: [u8; 16],
        cost: PassphraseCost,
    },
}

impl KeySource {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Passphrase { .. } => "passphrase",
        }
    }
}

/// The readable part of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) schema: u32,
    pub(crate) id: StoreId,
    pub(crate) source: KeySource,
    /// Opens under the right key and under no other. In it, from schema 2 on, is the key of sealed files: it stays when
    /// the store goes over to another key, so that those files need not change in the same instant.
    check: Vec<u8>,
}

impl Header {
    /// The header of a new store, or of one that goes over to this schema or to these keys.
    pub(crate) fn new(
        id: StoreId,
        source: KeySource,
        keys: &Keys,
        files: &KeyBytes,
    ) -> Result<Self, DiskFault> {
        let mut header = Self {
            schema: SCHEMA,
            id,
            source,
            check: Vec::new(),
        };
        let part = header.open_part();
        header.check = scrubbed(|| sealing::seal(&keys.check, &part, files.as_slice()))?;
        Ok(header)
    }

    /// The key of sealed files, if these are the store's keys. Under schema 1 there were no such files.
    pub(crate) fn unlock(&self, keys: &Keys) -> Result<Option<Key>, StoreError> {
        scrubbed(|| self.unlocked(keys))
    }

    fn unlocked(&self, keys: &Keys) -> Result<Option<Key>, StoreError> {
        let sealed = sealing::open(&keys.check, &self.open_part(), &self.check);
        let plain = sealed.ok_or(StoreError::WrongKey)?;
        if self.schema == 1 && plain.is_empty() {
            return Ok(None);
        }
        let mut key = KeyBytes::default();
        let given: &[u8; 32] = plain.as_slice().try_into().map_err(|_| Damage::Header)?;
        key.copy_from_slice(given);
        Ok(Some(Key::hold(&key, keys.check.region())?))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.open_part();
        bytes.extend_from_slice(&self.check);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    /// What `to_bytes` made, its schema known.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(Damage::Header)?;
        if Sha256::digest(body).as_slice() != checksum {
            return Err(Damage::Header.into());
        }
        let (magic, rest) = body.split_first_chunk::<16>().ok_or(Damage::Header)?;
        let (schema, rest) = rest.split_first_chunk::<4>().ok_or(Damage::Header)?;
        let schema = u32::from_be_bytes(*schema);
        if magic != MAGIC || schema == 0 {
            return Err(Damage::Header.into());
        }
        if schema > SCHEMA {
            return Err(StoreError::NewerSchema {
                found: schema,
                known: SCHEMA,
            });
        }
        Ok(Self::known(schema, rest).ok_or(Damage::Header)?)
    }

    fn known(schema: u32, rest: &[u8]) -> Option<Self> {
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (kind, rest) = rest.split_first()?;
        let (salt, rest) = rest.split_first_chunk::<16>()?;
        let (memory_kib, rest) = rest.split_first_chunk::<4>()?;
        let (passes, rest) = rest.split_first_chunk::<4>()?;
        let (lanes, check) = rest.split_first_chunk::<4>()?;
        let cost = PassphraseCost {
            memory_kib: u32::from_be_bytes(*memory_kib),
            passes: u32::from_be_bytes(*passes),
            lanes: u32::from_be_bytes(*lanes),
        };
        let source = match *kind {
            SOURCE_KEY => KeySource::Key,
            SOURCE_PASSPHRASE if cost.is_bearable() => KeySource::Passphrase { salt: *salt, cost },
            _ => return None,
        };
        Some(Self {
            schema,
            id: StoreId(*id),
            source,
            check: check.to_vec(),
        })
    }

    /// Everything before the check, which is bound to it.
    fn open_part(&self) -> Vec<u8> {
        let (kind, salt, cost) = match &self.source {
            KeySource::Key => (SOURCE_KEY, [0; 16], None),
            KeySource::Passphrase { salt, cost } => (SOURCE_PASSPHRASE, *salt, Some(cost)),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.schema.to_be_bytes());
        bytes.extend_from_slice(&self.id.0);
        bytes.push(kind);
        bytes.extend_from_slice(&salt);
        for number in [
            cost.map_or(0, |cost| cost.memory_kib),
            cost.map_or(0, |cost| cost.passes),
            cost.map_or(0, |cost| cost.lanes),
        ] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is sealed before there is a key: whoever has the file writes the costs, and a checksum that is right.
    #[test]
    fn p01_no_header_asks_for_more_than_is_bearable() {
        let header = |cost| {
            let source = KeySource::Passphrase {
                salt: [7; 16],
                cost,
            };
            let header = Header {
                schema: SCHEMA,
                id: StoreId([1; 16]),
                source,
                check: vec![0; 72],
            };
            Header::from_bytes(&header.to_bytes())
        };
        let good = PassphraseCost::STANDARD;
        assert!(header(good).is_ok());
        for number in [0, 65, 1 << 29, (1 << 29) + 1, u32::MAX] {
            let (lanes, passes) = (number, number);
            for bad in [
                PassphraseCost { lanes, ..good },
                PassphraseCost { passes, ..good },
                PassphraseCost {
                    lanes,
                    memory_kib: number,
                    ..good
                },
            ] {
                let refused = header(bad);
                assert!(
                    matches!(refused, Err(StoreError::Corrupt(Damage::Header))),
                    "{bad:?}"
                );
            }
        }
        for memory_kib in [0, 8 * good.lanes - 1, (4 << 20) + 1, u32::MAX] {
            assert!(header(PassphraseCost { memory_kib, ..good }).is_err());
        }
    }
}
