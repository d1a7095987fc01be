//! D1: the names of things. A value that exists is valid; case is folded once, here.

use std::fmt;
use std::io;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};

/// A text or byte string that is not the name it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Wrong number of characters.
    #[error("{what} must be {expected} long, not {actual}")]
    Length {
        /// Which name.
        what: &'static str,
        /// The length or range allowed.
        expected: &'static str,
        /// The length found, in bytes.
        actual: usize,
    },
    /// A character outside the name's alphabet.
    #[error("{what} contains a character that is not allowed")]
    Alphabet {
        /// Which name.
        what: &'static str,
    },
    /// A key group that is not a compressed even-Y key.
    #[error("a key group begins with 02: keys are normalised to even Y")]
    Parity,
}

/// 32 bytes that are a hash or a public digest. Shown as lowercase hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Hash32(pub [u8; 32]);

/// What is signed: exactly 32 bytes, usually a BIP-341 sighash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Message(pub [u8; 32]);

/// A group's handle: lowercase hex of its 33-byte compressed verifying key, 66 characters. Compared and hashed as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyGroup(String);

/// A signing session's name: 1..=128 bytes of text without control characters, space, `=`, `"` or `\`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionId(String);

/// An attempt's id (D5): 64 hex characters, any case in, lowercase inside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct AttemptId(Hash32);

/// The fingerprint of an included set (D5): 64 hex characters, any case in, lowercase inside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Fingerprint(Hash32);

/// What a caller names a request with, to keep repeated signings of one message apart: 1..=64 bytes, the same alphabet
/// as a session id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(String);

fn checked_text(
    what: &'static str,
    text: &str,
    bytes_max: usize,
    expected: &'static str,
) -> Result<String, NameError> {
    if text.is_empty() || text.len() > bytes_max {
        return Err(NameError::Length {
            what,
            expected,
            actual: text.len(),
        });
    }
    let barred = |c: char| c.is_control() || matches!(c, ' ' | '=' | '"' | '\\');
    if text.contains(barred) {
        return Err(NameError::Alphabet { what });
    }
    Ok(text.to_owned())
}

fn hash_from_hex(what: &'static str, text: &str) -> Result<Hash32, NameError> {
    if text.len() != 64 {
        return Err(NameError::Length {
            what,
            expected: "64 hex characters",
            actual: text.len(),
        });
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| NameError::Alphabet { what })?;
    Ok(Hash32(bytes))
}

impl KeyGroup {
    /// The handle of a compressed even-Y verifying key.
    ///
    /// # Errors
    /// [`NameError::Parity`] when the first byte is not 02.
    pub fn from_key(key: [u8; 33]) -> Result<Self, NameError> {
        match key {
            [2, ..] => Ok(Self(hex::encode(key))),
            _ => Err(NameError::Parity),
        }
    }

    /// The 66 characters, which is what derivations hash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyGroup {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let what = "a key group";
        if text.len() != 66 {
            let expected = "66 hex characters";
            return Err(NameError::Length {
                what,
                expected,
                actual: text.len(),
            });
        }
        let mut key = [0; 33];
        hex::decode_to_slice(text, &mut key).map_err(|_| NameError::Alphabet { what })?;
        Self::from_key(key)
    }
}

impl SessionId {
    /// Parses a session id.
    ///
    /// # Errors
    /// Empty, above 128 bytes, or a character outside the alphabet.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked_text("a session id", text, 128, "1 to 128 bytes").map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RequestId {
    /// Parses a request id.
    ///
    /// # Errors
    /// Empty, above 64 bytes, or a character outside the alphabet.
    pub fn new(text: &str) -> Result<Self, NameError> {
        checked_text("a request id", text, 64, "1 to 64 bytes").map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AttemptId {
    /// The id of these 32 bytes.
    #[must_use]
    pub fn from_hash(hash: Hash32) -> Self {
        Self(hash)
    }
}

impl Fingerprint {
    /// The fingerprint of these 32 bytes.
    #[must_use]
    pub fn from_hash(hash: Hash32) -> Self {
        Self(hash)
    }
}

impl FromStr for AttemptId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        hash_from_hex("an attempt id", text).map(Self)
    }
}

impl FromStr for Fingerprint {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        hash_from_hex("a fingerprint", text).map(Self)
    }
}

impl FromStr for Message {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        hash_from_hex("a message", text).map(|hash| Self(hash.0))
    }
}

impl FromStr for Hash32 {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        hash_from_hex("a hash", text)
    }
}

macro_rules! shown_as_hex {
    ($($name:ident => $bytes:expr),+ $(,)?) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let bytes: fn(&Self) -> &[u8; 32] = $bytes;
                f.write_str(&hex::encode(bytes(self)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    )+};
}

shown_as_hex! {
    Hash32 => |it| &it.0,
    Message => |it| &it.0,
    AttemptId => |it| &it.0.0,
    Fingerprint => |it| &it.0.0,
}

macro_rules! shown_as_text {
    ($($name:ident => $parse:expr),+ $(,)?) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl BorshSerialize for $name {
            fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
                self.0.serialize(writer)
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
                let text = String::deserialize_reader(reader)?;
                let parse: fn(&str) -> Result<Self, NameError> = $parse;
                parse(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
            }
        }
    )+};
}

shown_as_text! {
    KeyGroup => KeyGroup::from_str,
    SessionId => SessionId::new,
    RequestId => RequestId::new,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e06_hex_names_of_either_case_are_one_value() {
        let lower = "ab".repeat(32);
        let upper = "AB".repeat(32);
        assert_eq!(AttemptId::from_str(&lower), AttemptId::from_str(&upper));
        assert_eq!(Message::from_str(&lower), Message::from_str(&upper));
        let group = format!("02{lower}");
        let shouted = format!("02{upper}");
        assert_eq!(KeyGroup::from_str(&group), KeyGroup::from_str(&shouted));
        assert_eq!(KeyGroup::from_str(&shouted).unwrap().as_str(), group);
    }

    #[test]
    fn rejects_an_odd_key_group() {
        assert_eq!(
            KeyGroup::from_str(&format!("03{}", "ab".repeat(32))),
            Err(NameError::Parity)
        );
    }

    #[test]
    fn rejects_text_that_could_break_out_of_a_line() {
        for text in ["", "a b", "a=b", "a\"b", "a\\b", "a\nb", &"x".repeat(129)] {
            assert!(SessionId::new(text).is_err(), "{text:?}");
        }
        assert!(SessionId::new(&"x".repeat(128)).is_ok());
        assert!(RequestId::new(&"x".repeat(65)).is_err());
    }
}
