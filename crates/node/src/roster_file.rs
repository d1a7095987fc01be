//! The roster as a TOML file: who the operators are, which its hash covers, and where their nodes are, which it does
//! not: a node may move, and its transport key change, without another group.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_primitives::{members_ascending, Hash32, Member, Suite};
use hardfrost_wire::{Operator, OperatorPublic, Roster, RosterError};
use serde::{Deserialize, Serialize};

use crate::card::{Card, CardError, Contact};

/// A roster, and how each operator's node is reached where the file says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterFile {
    /// The operators.
    pub roster: Roster,
    /// By place in the roster; `None` where the file names no transport key.
    pub contacts: Vec<Option<Contact>>,
}

/// A text that is no roster file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterFileError {
    /// No TOML, or fields that are missing or unknown.
    #[error("{0}")]
    Layout(String),
    /// One field is not what it should be.
    #[error("{key}: {why}")]
    Field {
        /// Which.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// One operator's part.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The operators make no roster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// Nobody to share a key with.
    #[error(
        "a roster of one seat shares nothing: give the cards of all operators, two seats at least"
    )]
    OneSeat,
    /// Certified by both, and only one can hold it.
    #[error("{0} and {1} name one transport key: each operator has its own")]
    SharedTransport(String, String),
    /// The hash that it states is another.
    #[error("hash: the file was edited; its own hash is {0}")]
    Edited(Hash32),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    suite: String,
    hash: String,
    operator: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    seats: Vec<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transport: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transport_signature: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
}

impl RosterFile {
    /// A roster whose nodes nobody reaches over a network.
    #[must_use]
    pub fn unreached(roster: Roster) -> Self {
        let contacts = roster.operators().iter().map(|_| None).collect();
        Self { roster, contacts }
    }

    /// The roster of these operators: seats are given out in the order of the cards, as many as each asks for.
    ///
    /// # Errors
    /// [`RosterFileError`]
    pub fn of_cards(suite: Suite, cards: &[Card]) -> Result<Self, RosterFileError> {
        let mut next = 1u16;
        let mut operators = Vec::new();
        for card in cards {
            let end = next.saturating_add(card.seats);
            let seats: BTreeSet<Member> = (next..end).filter_map(|n| Member::new(n).ok()).collect();
            next = end;
            operators.push(Operator {
                name: card.name.clone(),
                key: card.key,
                seats,
            });
        }
        let roster = Roster::new(suite, operators)?;
        if roster.count() < 2 {
            return Err(RosterFileError::OneSeat);
        }
        let contact = |operator: &Operator| {
            let card = cards.iter().find(|card| card.key == operator.key);
            card.map(|card| card.contact.clone())
        };
        let contacts = roster.operators().iter().map(contact).collect();
        Self { roster, contacts }.checked()
    }

    /// That no two operators name one transport key: nobody proves in a card that it holds the key.
    fn checked(self) -> Result<Self, RosterFileError> {
        let mut known: BTreeMap<[u8; 32], &str> = BTreeMap::new();
        let all = self.roster.operators().iter().zip(&self.contacts);
        for (operator, contact) in all {
            let Some(contact) = contact else { continue };
            if let Some(other) = known.insert(contact.transport, &operator.name) {
                let (one, two) = (other.to_owned(), operator.name.clone());
                return Err(RosterFileError::SharedTransport(one, two));
            }
        }
        Ok(self)
    }

    /// The same operators with what this card says of its node: another transport key, other addresses.
    ///
    /// # Errors
    /// Nobody in the roster has the card's operator key.
    pub fn with_card(mut self, card: &Card) -> Result<Self, RosterFileError> {
        let mut operators = self.roster.operators().iter();
        let place = operators.position(|operator| operator.key == card.key);
        let slot = place.and_then(|place| self.contacts.get_mut(place));
        let unknown = || RosterFileError::Field {
            key: "key".to_owned(),
            why: format!("no operator of the roster has the key {}", card.key),
        };
        *slot.ok_or_else(unknown)? = Some(card.contact.clone());
        self.checked()
    }

    /// The file's text.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let operators = self.roster.operators().iter().zip(&self.contacts);
        let operator = operators.map(|(operator, contact)| Entry {
            name: operator.name.clone(),
            key: operator.key.to_string(),
            seats: operator.seats.iter().map(|seat| seat.number()).collect(),
            transport: contact.as_ref().map(|c| hex::encode(c.transport)),
            transport_signature: contact.as_ref().map(|c| hex::encode(c.signature)),
            addresses: contact.iter().flat_map(|c| c.addresses.clone()).collect(),
        });
        let file = File {
            suite: self.roster.suite().to_string(),
            hash: self.roster.hash().to_string(),
            operator: operator.collect(),
        };
        toml::to_string(&file).expect("text, numbers and lists of them are TOML")
    }

    /// Reads a roster; the hash it states must be its own, and each transport key its operator's.
    ///
    /// # Errors
    /// [`RosterFileError`] says which key of the file is wrong.
    pub fn from_toml(text: &str) -> Result<Self, RosterFileError> {
        let file: File =
            toml::from_str(text).map_err(|error| RosterFileError::Layout(error.to_string()))?;
        let field = |key: &str, why: String| RosterFileError::Field {
            key: key.to_owned(),
            why,
        };
        let suite: Suite = file
            .suite
            .parse()
            .map_err(|error| field("suite", format!("{error}")))?;
        let read = file.operator.iter().map(operator);
        let read: Vec<(Operator, Option<Contact>)> = read.collect::<Result<_, _>>()?;
        let operators = read.iter().map(|(operator, _)| operator.clone()).collect();
        let roster = Roster::new(suite, operators)?;
        let stated: Hash32 = file
            .hash
            .parse()
            .map_err(|error| field("hash", format!("{error}")))?;
        if stated != roster.hash() {
            return Err(RosterFileError::Edited(roster.hash()));
        }
        let contact = |known: &Operator| {
            let found = read.iter().find(|(operator, _)| operator.key == known.key);
            found.and_then(|(_, contact)| contact.clone())
        };
        let contacts = roster.operators().iter().map(contact).collect();
        Self { roster, contacts }.checked()
    }
}

fn operator(entry: &Entry) -> Result<(Operator, Option<Contact>), RosterFileError> {
    let name = entry.name.escape_debug();
    let field = |key: &str, why: String| RosterFileError::Field {
        key: format!("operator {name}: {key}"),
        why,
    };
    let key: Hash32 = entry
        .key
        .parse()
        .map_err(|error| field("key", format!("{error}")))?;
    let seats: Result<Vec<Member>, _> = entry.seats.iter().map(|seat| Member::new(*seat)).collect();
    let seats: BTreeSet<Member> = seats
        .and_then(members_ascending)
        .map_err(|error| field("seats", format!("{error}")))?;
    let key = OperatorPublic(key.0);
    let contact = match (&entry.transport, &entry.transport_signature) {
        (None, None) if entry.addresses.is_empty() => None,
        (Some(transport), Some(signature)) => Some(
            Contact::parse(&key, transport, signature, &entry.addresses)
                .map_err(|error| field("transport", error.to_string()))?,
        ),
        _ => {
            let why = "a transport key comes with its operator's signature".to_owned();
            return Err(field("transport", why));
        }
    };
    let operator = Operator {
        name: entry.name.clone(),
        key,
        seats,
    };
    Ok((operator, contact))
}

#[cfg(test)]
mod tests {
    use hardfrost_wire::OperatorKey;

    use super::*;

    fn card(name: &str, secret: u8) -> Card {
        let key = OperatorKey::new(&[secret; 32], [0; 32]).unwrap();
        let transport = [secret; 32];
        Card {
            name: name.into(),
            key: key.public(),
            seats: 1,
            contact: Contact {
                transport,
                signature: key.certify_transport(&transport),
                addresses: vec![format!("{name}.example:7400")],
            },
        }
    }

    fn file() -> RosterFile {
        let cards = [card("alice", 3), card("bob", 4), card("carol", 5)];
        RosterFile::of_cards(Suite::Bip445, &cards).unwrap()
    }

    #[test]
    fn a_roster_reads_back_as_it_was() {
        let written = file();
        assert_eq!(RosterFile::from_toml(&written.to_toml()).unwrap(), written);
        let bare = RosterFile::unreached(written.roster);
        assert_eq!(RosterFile::from_toml(&bare.to_toml()).unwrap(), bare);
    }

    #[test]
    fn an_edited_roster_is_refused() {
        let text = file().to_toml();
        let transport = hex::encode([4u8; 32]);
        for (what, edited) in [
            ("a name", text.replace("alice\"\nkey", "mallory\"\nkey")),
            ("a seat", text.replace("seats = [2]", "seats = [2, 4]")),
            ("the suite", text.replace("\"bip445\"", "\"tr\"")),
            ("a field", text.replace("name =", "nickname =")),
            (
                "a transport key",
                text.replace(&transport, &"ab".repeat(32)),
            ),
        ] {
            assert_ne!(edited, text, "{what}");
            assert!(RosterFile::from_toml(&edited).is_err(), "{what}");
        }
    }

    #[test]
    fn a_node_moves_and_changes_its_transport_key_under_the_same_hash() {
        let before = file();
        let key = OperatorKey::new(&[4; 32], [0; 32]).unwrap();
        let mut moved = card("bob", 4);
        moved.contact = Contact {
            transport: [9; 32],
            signature: key.certify_transport(&[9; 32]),
            addresses: vec!["elsewhere.example:1".into()],
        };
        let after = before.clone().with_card(&moved).unwrap();
        assert_ne!(after, before);
        assert_eq!(after.roster.hash(), before.roster.hash());
        assert_eq!(RosterFile::from_toml(&after.to_toml()).unwrap(), after);
        assert!(before.clone().with_card(&card("dave", 6)).is_err());
        let mut stolen = card("bob", 4);
        stolen.contact.transport = [3; 32];
        stolen.contact.signature = key.certify_transport(&[3; 32]);
        let refused = before.with_card(&stolen).unwrap_err();
        let names = ("alice".to_owned(), "bob".to_owned());
        assert_eq!(refused, RosterFileError::SharedTransport(names.0, names.1));
    }
}
