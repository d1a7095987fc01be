//! A seat's number in its group.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::num::NonZeroU16;

use borsh::{BorshDeserialize, BorshSerialize};

/// A seat in a group, 1..=n (D1). Zero does not exist.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member(NonZeroU16);

/// A number that names no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// Seats are numbered from 1.
    #[error("member 0 does not exist: seats are numbered from 1")]
    Zero,
    /// A wider integer that does not fit a seat number. It is never narrowed.
    #[error("member {0} is above 65535")]
    TooLarge(u64),
    /// A list that names one seat twice.
    #[error("member {0} appears twice")]
    Duplicate(Member),
}

impl Member {
    /// Member 1: there is none below it.
    pub const FIRST: Self = Self(NonZeroU16::MIN);

    /// Parses a seat number.
    ///
    /// # Errors
    /// [`MemberError::Zero`] for 0.
    pub fn new(number: u16) -> Result<Self, MemberError> {
        NonZeroU16::new(number).map(Self).ok_or(MemberError::Zero)
    }

    /// Parses a seat number that arrived in a wider integer, without narrowing it.
    ///
    /// # Errors
    /// [`MemberError::Zero`] for 0, [`MemberError::TooLarge`] above 65535.
    pub fn from_u64(number: u64) -> Result<Self, MemberError> {
        let narrow = u16::try_from(number).map_err(|_| MemberError::TooLarge(number))?;
        Self::new(narrow)
    }

    /// The seats 1..=count.
    pub fn all(count: u16) -> impl Iterator<Item = Self> {
        (1..=count).filter_map(|number| Self::new(number).ok())
    }

    /// The number, 1 or more.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0.get()
    }

    /// Big-endian bytes, as every derivation wants them.
    #[must_use]
    pub fn to_be_bytes(self) -> [u8; 2] {
        self.number().to_be_bytes()
    }
}

/// Collects seats into a set.
///
/// # Errors
/// [`MemberError::Duplicate`] when one appears twice.
pub fn members_ascending(
    members: impl IntoIterator<Item = Member>,
) -> Result<BTreeSet<Member>, MemberError> {
    let mut set = BTreeSet::new();
    for member in members {
        if !set.insert(member) {
            return Err(MemberError::Duplicate(member));
        }
    }
    Ok(set)
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.0)
    }
}

impl BorshSerialize for Member {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.number().serialize(writer)
    }
}

impl BorshDeserialize for Member {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let number = u16::deserialize_reader(reader)?;
        Self::new(number).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e39_a_member_number_is_range_checked_and_never_narrowed() {
        assert_eq!(Member::new(0), Err(MemberError::Zero));
        assert_eq!(Member::from_u64(0), Err(MemberError::Zero));
        // 65539 is 3 modulo 2^16: a narrowing cast would blame member 3.
        assert_eq!(Member::from_u64(65_539), Err(MemberError::TooLarge(65_539)));
        assert_eq!(Member::from_u64(259).map(Member::number), Ok(259));
    }
}
