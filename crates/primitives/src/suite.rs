//! Which signing protocol makes the shares.

use std::fmt;
use std::io;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::limits::MEMBERS_MAX;

/// A signing suite. Bound at Open, in the attempt context (D6) and in every record; fixed by the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Suite {
    /// FROST(secp256k1, SHA-256) with taproot, as the crate `frost-secp256k1-tr` 3.x computes it.
    Tr = 1,
    /// FROST signing as BIP 445 describes it: one nonce coefficient over the aggregate nonce.
    Bip445 = 2,
}

/// All suites.
const SUITES: [Suite; 2] = [Suite::Tr, Suite::Bip445];

/// A suite number that this build does not sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing suite {0} is not offered by this version")]
pub struct SuiteError(pub u8);

/// A name that no suite has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signing suite {0:?} is not offered: it is tr or bip445")]
pub struct SuiteNameError(pub String);

impl Suite {
    /// The byte that stands for the suite everywhere.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The largest group that may sign with it. The proof behind BIP 445 fixes who is corrupt before key generation;
    /// against whoever chooses later it holds for small groups only, so the standard stops at 128.
    #[must_use]
    pub fn members_max(self) -> u16 {
        match self {
            Self::Tr => MEMBERS_MAX,
            Self::Bip445 => 128,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tr => "tr",
            Self::Bip445 => "bip445",
        }
    }
}

impl TryFrom<u8> for Suite {
    type Error = SuiteError;

    fn try_from(number: u8) -> Result<Self, SuiteError> {
        SUITES
            .into_iter()
            .find(|suite| suite.number() == number)
            .ok_or(SuiteError(number))
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Suite {
    type Err = SuiteNameError;

    fn from_str(name: &str) -> Result<Self, SuiteNameError> {
        SUITES
            .into_iter()
            .find(|suite| suite.name() == name)
            .ok_or_else(|| SuiteNameError(name.to_owned()))
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
