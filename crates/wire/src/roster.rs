//! Who the operators are, and which seats they hold.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_primitives::{Framed, Hash32, Member, Reader, Suite, MEMBERS_MAX};

use crate::{OperatorIndex, OperatorPublic};

const DOMAIN: &str = "hardfrost/roster/v1";

/// One operator of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// A label for people: 1..=64 characters, none of them control characters.
    pub name: String,
    /// The key that signs this operator's envelopes.
    pub key: OperatorPublic,
    /// The seats it holds, at least one.
    pub seats: BTreeSet<Member>,
}

/// The operators of a group and their signing suite. Two nodes work together only when their roster hashes are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    suite: Suite,
    operators: Vec<Operator>,
    seats: BTreeMap<Member, OperatorIndex>,
    hash: Hash32,
}

/// Operators that make no roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Nobody, or more seats than a group may have.
    #[error("a roster has 1 to {MEMBERS_MAX} seats")]
    Size,
    /// More seats than the suite is proven for.
    #[error("the suite {0} signs for at most {max} seats", max = .0.members_max())]
    SuiteSize(Suite),
    /// Seats must be 1..=n, each held once.
    #[error("seat {0} is held twice, or the seats are not 1 to n without a gap")]
    Seats(Member),
    /// An operator without a seat, or with an unusable name.
    #[error("operator {0:?} needs a seat and a name of 1 to 64 printable characters")]
    Operator(String),
    /// Not the encoding of a roster.
    #[error("these bytes are not a roster")]
    Layout,
    /// Not an x-only key, or the same key twice.
    #[error(
        "operator {0:?} has no valid public key, or another operator's: was one card given twice?"
    )]
    Key(String),
}

fn checked(operator: &Operator) -> Result<(), RosterError> {
    let Operator { name, key, seats } = operator;
    let printable = !name.chars().any(char::is_control) && name.trim() == name;
    if seats.is_empty() || name.is_empty() || name.chars().count() > 64 || !printable {
        return Err(RosterError::Operator(name.escape_debug().to_string()));
    }
    if key.is_key() {
        Ok(())
    } else {
        Err(RosterError::Key(name.clone()))
    }
}

impl Roster {
    /// A roster of these operators; their order does not matter.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn new(suite: Suite, mut operators: Vec<Operator>) -> Result<Self, RosterError> {
        operators.sort_by_key(|operator| operator.seats.first().copied());
        let mut seats = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for (operator, index) in operators.iter().zip(0u16..) {
            checked(operator)?;
            if !keys.insert(operator.key) {
                return Err(RosterError::Key(operator.name.clone()));
            }
            for seat in &operator.seats {
                if seats.insert(*seat, OperatorIndex(index)).is_some() {
                    return Err(RosterError::Seats(*seat));
                }
            }
        }
        let count = u16::try_from(seats.len()).unwrap_or(u16::MAX);
        if count == 0 || count > MEMBERS_MAX {
            return Err(RosterError::Size);
        }
        if count > suite.members_max() {
            return Err(RosterError::SuiteSize(suite));
        }
        if let Some(stray) = seats.keys().find(|seat| seat.number() > count) {
            return Err(RosterError::Seats(*stray));
        }
        let hash = Hash32::of(&encode(suite, &operators));
        Ok(Self {
            suite,
            operators,
            seats,
            hash,
        })
    }

    /// The group's signing suite. No message carries a choice of suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The operators, by lowest seat.
    #[must_use]
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }

    /// n.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.seats.len()).unwrap_or(MEMBERS_MAX)
    }

    /// Who holds a seat.
    #[must_use]
    pub fn operator_of(&self, seat: Member) -> Option<OperatorIndex> {
        self.seats.get(&seat).copied()
    }

    /// The key that speaks for a seat.
    #[must_use]
    pub fn key_of(&self, seat: Member) -> Option<&OperatorPublic> {
        let OperatorIndex(index) = self.operator_of(seat)?;
        self.operators
            .get(usize::from(index))
            .map(|operator| &operator.key)
    }

    /// The one encoding of the roster: what its hash is the hash of.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self.suite, &self.operators)
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`RosterError::Layout`], or what speaks against the operators.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RosterError> {
        let (suite, operators) = read(&mut Reader::new(bytes)).ok_or(RosterError::Layout)?;
        let roster = Self::new(suite, operators)?;
        if roster.to_bytes() == bytes {
            Ok(roster)
        } else {
            Err(RosterError::Layout)
        }
    }

    /// The hash that contexts and ceremonies carry.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        self.hash
    }
}

/// `F("hardfrost/roster/v1") ‖ suite u8 ‖ operators u16 ‖ each F(name) ‖ key(32) ‖ seats u16 ‖ each seat u16`.
fn encode(suite: Suite, operators: &[Operator]) -> Vec<u8> {
    let count = |len: usize| u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    let start = Framed::domain(DOMAIN)
        .raw(&[suite.number()])
        .raw(&count(operators.len()));
    let all = operators.iter().fold(start, |framed, operator| {
        let seats: Vec<u8> = operator
            .seats
            .iter()
            .flat_map(|seat| seat.to_be_bytes())
            .collect();
        framed
            .frame(operator.name.as_bytes())
            .raw(&operator.key.0)
            .raw(&count(operator.seats.len()))
            .raw(&seats)
    });
    all.into_bytes()
}

/// Reads the parts of the encoding; the caller compares the whole.
fn read(reader: &mut Reader<'_>) -> Option<(Suite, Vec<Operator>)> {
    if reader.framed_text()? != DOMAIN {
        return None;
    }
    let suite = Suite::try_from(reader.u8()?).ok()?;
    let count = reader.u16()?;
    let operators = (0..count).map(|_| {
        let name = reader.framed_text()?.to_owned();
        let key = OperatorPublic(reader.array()?);
        Some(Operator {
            name,
            key,
            seats: reader.members()?,
        })
    });
    let operators = operators.collect::<Option<_>>()?;
    Some((suite, operators))
}
