//! D8: a member as a FROST identifier.

use std::fmt;
use std::str::FromStr;

use frost_secp256k1_tr::Identifier;
use hardfrost_primitives::Member;

/// A member as a 32-byte big-endian scalar: 30 zero bytes, then the u16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrostIdentifier(Member);

/// Text that is no identifier of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Not 64 hex characters, bare or in double quotes.
    #[error("a FROST identifier is 64 hex characters, bare or in double quotes")]
    Shape,
    /// A scalar that names no member.
    #[error("a FROST identifier is 30 zero bytes and a member number from 1")]
    NoMember,
}

impl FrostIdentifier {
    /// The identifier of a member.
    #[must_use]
    pub fn of(member: Member) -> Self {
        Self(member)
    }

    /// The member.
    #[must_use]
    pub fn member(self) -> Member {
        self.0
    }
}

impl FromStr for FrostIdentifier {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        let bare = text
            .strip_prefix('"')
            .and_then(|t| t.strip_suffix('"'))
            .unwrap_or(text);
        let mut bytes = [0; 32];
        hex::decode_to_slice(bare, &mut bytes).map_err(|_| IdentifierError::Shape)?;
        member_of(&bytes).map(Self).ok_or(IdentifierError::NoMember)
    }
}

/// Shown as the C boundary spells it: 64 hex characters in double quotes.
impl fmt::Display for FrostIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{:0>64}\"", hex::encode(self.0.to_be_bytes()))
    }
}

pub(crate) fn identifier(member: Member) -> Identifier {
    Identifier::try_from(member.number()).expect("a member number is not zero")
}

/// What the library's identifier serialises to.
pub(crate) fn identifier_bytes(member: Member) -> [u8; 32] {
    let mut bytes = [0; 32];
    let (_, number) = bytes.split_at_mut(30);
    number.copy_from_slice(&member.to_be_bytes());
    bytes
}

fn member_of(bytes: &[u8; 32]) -> Option<Member> {
    let (zeros, number) = bytes.split_at(30);
    let number = u16::from_be_bytes(number.try_into().ok()?);
    zeros
        .iter()
        .all(|b| *b == 0)
        .then_some(number)
        .and_then(|n| Member::new(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d8_an_identifier_is_thirty_zero_bytes_and_a_member() {
        let member = Member::new(259).unwrap();
        let shown = FrostIdentifier::of(member).to_string();
        assert_eq!(shown, format!("\"{}0103\"", "00".repeat(30)));
        let bare = shown.trim_matches('"');
        assert_eq!(shown.parse(), Ok(FrostIdentifier::of(member)));
        assert_eq!(bare.parse(), Ok(FrostIdentifier::of(member)));
        let bytes = identifier(member).serialize().try_into().unwrap();
        assert_eq!(identifier_bytes(member), bytes);
        assert_eq!(member_of(&bytes), Some(member));
    }

    #[test]
    fn e39_an_identifier_above_u16_names_nobody() {
        let one_bit_too_high = format!("{}010003", "00".repeat(29));
        assert_eq!(
            one_bit_too_high.parse::<FrostIdentifier>(),
            Err(IdentifierError::NoMember)
        );
        assert_eq!(
            "00".repeat(32).parse::<FrostIdentifier>(),
            Err(IdentifierError::NoMember)
        );
        assert_eq!(
            "0103".parse::<FrostIdentifier>(),
            Err(IdentifierError::Shape)
        );
    }
}
