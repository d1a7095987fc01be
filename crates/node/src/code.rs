//! The short form of a key generation's terms: what one operator reads to the others. The roster is everybody's own.

use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_primitives::{Hash32, UnixTime};
use hardfrost_wire::Roster;

const BYTES: usize = 4 + 2 + 8 + 32;
const CHECK: usize = 4;

/// A text that is no code, or one for other operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not a code, or mistyped.
    #[error("this is no code of a key generation, or a character of it is wrong")]
    Layout,
    /// For another roster.
    #[error(
        "the code is for a roster that this node does not have: compare `hardfrost roster hash`"
    )]
    Roster,
}

/// `roster's first 4 bytes ‖ t u16 ‖ deadline u64 ‖ salt(32) ‖ first 4 bytes of the SHA-256 of these`, hexadecimal.
#[must_use]
pub fn encode(terms: &Descriptor) -> String {
    let mut bytes = terms.roster.0.iter().take(4).copied().collect::<Vec<u8>>();
    bytes.extend_from_slice(&terms.threshold.to_be_bytes());
    bytes.extend_from_slice(&terms.deadline.0.to_be_bytes());
    bytes.extend_from_slice(&terms.salt);
    let check = Hash32::of(&bytes);
    bytes.extend(check.0.iter().take(CHECK));
    hex::encode(bytes)
}

/// Reads a code, as typed: spaces and case do not matter.
///
/// # Errors
/// [`CodeError`]
pub fn decode<'a>(
    text: &str,
    rosters: impl Iterator<Item = &'a Roster>,
) -> Result<Descriptor, CodeError> {
    let plain: String = text.split_whitespace().collect();
    let bytes = hex::decode(plain).map_err(|_| CodeError::Layout)?;
    let (bytes, check) = bytes.split_at_checked(BYTES).ok_or(CodeError::Layout)?;
    let whole = Hash32::of(bytes);
    if !whole.0.starts_with(check) || check.len() != CHECK {
        return Err(CodeError::Layout);
    }
    let layout = CodeError::Layout;
    let (roster, rest) = bytes.split_first_chunk::<4>().ok_or(layout.clone())?;
    let (threshold, rest) = rest.split_first_chunk::<2>().ok_or(layout.clone())?;
    let (deadline, rest) = rest.split_first_chunk::<8>().ok_or(layout.clone())?;
    let salt = <[u8; 32]>::try_from(rest).map_err(|_| layout)?;
    let mut rosters = rosters;
    let meant = rosters.find(|known| known.hash().0.starts_with(roster));
    let roster = meant.ok_or(CodeError::Roster)?;
    Ok(Descriptor {
        kind: CeremonyKind::Generate,
        roster: roster.hash(),
        threshold: u16::from_be_bytes(*threshold),
        count: roster.count(),
        salt,
        deadline: UnixTime(u64::from_be_bytes(*deadline)),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hardfrost_primitives::{Member, Suite};
    use hardfrost_wire::{Operator, OperatorKey};

    use super::*;

    fn roster(secret: u8) -> Roster {
        let operator = Operator {
            name: "alone".into(),
            key: OperatorKey::new(&[secret; 32], [0; 32]).unwrap().public(),
            seats: BTreeSet::from_iter(Member::all(3)),
        };
        Roster::new(Suite::Bip445, vec![operator]).unwrap()
    }

    #[test]
    fn a_code_reads_back_and_a_mistyped_one_does_not() {
        let (ours, other) = (roster(3), roster(4));
        let terms = Descriptor {
            kind: CeremonyKind::Generate,
            roster: ours.hash(),
            threshold: 2,
            count: 3,
            salt: [9; 32],
            deadline: UnixTime(1_800_000_000),
        };
        let code = encode(&terms);
        let typed = format!(" {} \n{}", &code[..20].to_uppercase(), &code[20..]);
        assert_eq!(decode(&typed, [&other, &ours].into_iter()).unwrap(), terms);
        assert_eq!(decode(&code, [&other].into_iter()), Err(CodeError::Roster));
        for place in 0..code.len() {
            let mut wrong = code.clone().into_bytes();
            wrong[place] = if wrong[place] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).unwrap();
            let read = decode(&wrong, [&ours].into_iter());
            assert_eq!(read, Err(CodeError::Layout), "{place}");
        }
        for cut in 0..code.len() {
            assert!(decode(&code[..cut], [&ours].into_iter()).is_err());
        }
    }
}
