//! D1: which key of a group signs.

use std::fmt;
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Hash32, PATH_LEN_MAX};

/// A non-hardened BIP-32 index, below 2³¹.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildIndex(u32);

/// The taproot tweak on the (child) key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taproot {
    /// 0: the key as it is.
    Untweaked,
    /// 1: key path only, the empty TapTweak.
    KeyPathOnly,
    /// 2: a script tree with this Merkle root.
    Root(Hash32),
}

/// Which key of the group signs: child path, then taproot. It goes wherever "which key" is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeySpec {
    path: Vec<ChildIndex>,
    taproot: Taproot,
}

/// Bytes or numbers that are no key spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySpecError {
    /// Hardened children need the private key, which nobody holds.
    #[error("child index {0} is hardened: a group key has only non-hardened children")]
    Hardened(u32),
    /// More steps than a path may have.
    #[error("a path has at most {PATH_LEN_MAX} steps, not {0}")]
    PathTooLong(usize),
    /// A taproot byte other than 0, 1, 2.
    #[error("taproot byte {0} is not 0, 1 or 2")]
    UnknownTaproot(u8),
    /// Too few bytes, or bytes left over.
    #[error("a key spec of this shape has another length")]
    Length,
}

impl ChildIndex {
    /// Parses an index.
    ///
    /// # Errors
    /// [`KeySpecError::Hardened`] from 2³¹ on.
    pub fn new(index: u32) -> Result<Self, KeySpecError> {
        if index >> 31 == 0 {
            Ok(Self(index))
        } else {
            Err(KeySpecError::Hardened(index))
        }
    }

    /// The index.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl KeySpec {
    /// A child path and a taproot tweak.
    ///
    /// # Errors
    /// [`KeySpecError::PathTooLong`] above 8 steps.
    pub fn new(path: Vec<ChildIndex>, taproot: Taproot) -> Result<Self, KeySpecError> {
        if path.len() > PATH_LEN_MAX {
            return Err(KeySpecError::PathTooLong(path.len()));
        }
        Ok(Self { path, taproot })
    }

    /// The group key as it is: empty path, taproot 0.
    #[must_use]
    pub fn group_key() -> Self {
        Self {
            path: Vec::new(),
            taproot: Taproot::Untweaked,
        }
    }

    /// The child steps, at most 8.
    #[must_use]
    pub fn path(&self) -> &[ChildIndex] {
        &self.path
    }

    /// The tweak.
    #[must_use]
    pub fn taproot(&self) -> Taproot {
        self.taproot
    }

    /// `path_len u8 ‖ index u32 … ‖ taproot u8 ‖ [root(32)]`, big-endian: self-delimiting, one encoding per value.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![u8::try_from(self.path.len()).expect("a path has at most 8 steps")];
        for index in &self.path {
            out.extend_from_slice(&index.0.to_be_bytes());
        }
        match self.taproot {
            Taproot::Untweaked => out.push(0),
            Taproot::KeyPathOnly => out.push(1),
            Taproot::Root(root) => {
                out.push(2);
                out.extend_from_slice(&root.0);
            }
        }
        out
    }

    /// Reads what [`Self::to_bytes`] wrote, all of it.
    ///
    /// # Errors
    /// See [`KeySpecError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeySpecError> {
        let mut rest = bytes;
        let spec = Self::read(&mut rest)?;
        if rest.is_empty() {
            Ok(spec)
        } else {
            Err(KeySpecError::Length)
        }
    }

    /// Reads a key spec off the front of `reader`.
    fn read(reader: &mut impl io::Read) -> Result<Self, KeySpecError> {
        let [path_len] = take(reader)?;
        if usize::from(path_len) > PATH_LEN_MAX {
            return Err(KeySpecError::PathTooLong(path_len.into()));
        }
        let mut path = Vec::with_capacity(path_len.into());
        for _ in 0..path_len {
            path.push(ChildIndex::new(u32::from_be_bytes(take(reader)?))?);
        }
        let [taproot] = take(reader)?;
        let taproot = match taproot {
            0 => Taproot::Untweaked,
            1 => Taproot::KeyPathOnly,
            2 => Taproot::Root(Hash32(take(reader)?)),
            other => return Err(KeySpecError::UnknownTaproot(other)),
        };
        Ok(Self { path, taproot })
    }
}

fn take<const N: usize>(reader: &mut impl io::Read) -> Result<[u8; N], KeySpecError> {
    let mut bytes = [0; N];
    reader
        .read_exact(&mut bytes)
        .map_err(|_| KeySpecError::Length)?;
    Ok(bytes)
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for index in &self.path {
            write!(f, "/{}", index.0)?;
        }
        match self.taproot {
            Taproot::Untweaked => Ok(()),
            Taproot::KeyPathOnly => f.write_str(" tweaked, key path only"),
            Taproot::Root(root) => write!(f, " tweaked with root {root}"),
        }
    }
}

impl BorshSerialize for KeySpec {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }
}

impl BorshDeserialize for KeySpec {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Self::read(reader).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_spec_has_one_encoding() {
        let path = vec![
            ChildIndex::new(1).unwrap(),
            ChildIndex::new(0x7fff_ffff).unwrap(),
        ];
        let spec = KeySpec::new(path, Taproot::Root(Hash32([0x11; 32]))).unwrap();
        let bytes = spec.to_bytes();
        assert_eq!(hex::encode(&bytes[..10]), "02000000017fffffff02");
        assert_eq!(KeySpec::from_bytes(&bytes), Ok(spec));
        assert_eq!(KeySpec::group_key().to_bytes(), [0, 0]);
    }

    #[test]
    fn rejects_what_is_no_key_spec() {
        assert_eq!(
            ChildIndex::new(1 << 31),
            Err(KeySpecError::Hardened(1 << 31))
        );
        assert_eq!(KeySpec::from_bytes(&[9]), Err(KeySpecError::PathTooLong(9)));
        assert_eq!(
            KeySpec::from_bytes(&[0, 3]),
            Err(KeySpecError::UnknownTaproot(3))
        );
        assert_eq!(KeySpec::from_bytes(&[0, 0, 0]), Err(KeySpecError::Length));
        // An empty root is an error, never "absent".
        assert_eq!(KeySpec::from_bytes(&[0, 2]), Err(KeySpecError::Length));
        assert_eq!(KeySpec::from_bytes(&[]), Err(KeySpecError::Length));
    }
}
