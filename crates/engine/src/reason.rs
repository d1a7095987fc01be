//! Why an operator did something that stays: a line of text for people.

use std::fmt;
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

/// Bytes of a reason at the most.
const BYTES_MAX: usize = 256;

/// One line of text: 1 to 256 bytes, no control characters, no space at either end.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason(String);

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason is one line of 1 to {BYTES_MAX} bytes")]
pub struct ReasonError;

impl Reason {
    /// Reads a reason.
    ///
    /// # Errors
    /// Empty, too long, control characters, or space at an end.
    pub fn new(text: &str) -> Result<Self, ReasonError> {
        let fits = (1..=BYTES_MAX).contains(&text.len());
        if fits && !text.contains(char::is_control) && text.trim() == text {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReasonError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BorshSerialize for Reason {
    fn serialize<W: io::Write>(&self, out: &mut W) -> io::Result<()> {
        self.0.serialize(out)
    }
}

impl BorshDeserialize for Reason {
    fn deserialize_reader<R: io::Read>(from: &mut R) -> io::Result<Self> {
        let text = String::deserialize_reader(from)?;
        Self::new(&text).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}
