//! Which signing protocol makes the shares.

use std::fmt;
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

/// A signing suite. Bound at Open, in the attempt context (D6) and in every record; fixed by the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Suite {
    /// FROST(secp256k1, SHA-256) with taproot, as the crate `frost-secp256k1-tr` 3.x computes it.
    Tr = 1,
}

/// A suite number that this build does not sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing suite {0} is not offered by this version")]
pub struct SuiteError(pub u8);

impl Suite {
    /// The byte that stands for the suite everywhere.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl TryFrom<u8> for Suite {
    type Error = SuiteError;

    fn try_from(number: u8) -> Result<Self, SuiteError> {
        match number {
            1 => Ok(Self::Tr),
            other => Err(SuiteError(other)),
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tr => f.write_str("tr"),
        }
    }
}

impl BorshSerialize for Suite {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.number().serialize(writer)
    }
}

impl BorshDeserialize for Suite {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let number = u8::deserialize_reader(reader)?;
        Self::try_from(number).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}
