//! What an operator hands to the others before there is a roster: a name, two public keys, and where its node is.

use hardfrost_primitives::Hash32;
use hardfrost_wire::{OperatorKey, OperatorPublic};
use serde::{Deserialize, Serialize};

/// Addresses of one node, at most.
const ADDRESSES_MAX: usize = 8;
/// Bytes of one address, at most.
const ADDRESS_BYTES_MAX: usize = 255;

/// How an operator's node is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Ed25519, 32 bytes.
    pub transport: [u8; 32],
    /// The operator's signature over the transport key.
    pub signature: [u8; 64],
    /// `host:port`, in the order in which they are tried. None for a node that only dials.
    pub addresses: Vec<String>,
}

/// An operator's own card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// A label for people.
    pub name: String,
    /// What signs its envelopes.
    pub key: OperatorPublic,
    /// How many seats it asks for.
    pub seats: u16,
    /// Its node.
    pub contact: Contact,
}

/// A card, or an operator's part of a roster, that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No TOML, or fields that are missing or unknown.
    #[error("{0}")]
    Layout(String),
    /// A key or signature of another form.
    #[error("{0} is not {1} bytes in hexadecimal")]
    Hex(&'static str, usize),
    /// Not `host:port`, or too many of them.
    #[error("an address is host:port, at most {ADDRESSES_MAX} of them; {0:?} is none")]
    Address(String),
    /// The operator did not sign this transport key.
    #[error("the operator's signature does not cover this transport key")]
    NotCertified,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    key: String,
    seats: u16,
    transport: String,
    transport_signature: String,
    addresses: Vec<String>,
}

impl Contact {
    /// The contact of an operator's node, certified by that operator.
    #[must_use]
    pub fn certified(key: &OperatorKey, transport: [u8; 32], addresses: Vec<String>) -> Self {
        Self {
            transport,
            signature: key.certify_transport(&transport),
            addresses,
        }
    }

    pub(crate) fn parse(
        key: &OperatorPublic,
        transport: &str,
        signature: &str,
        addresses: &[String],
    ) -> Result<Self, CardError> {
        let transport = bytes::<32>("the transport key", transport)?;
        let signature = bytes::<64>("its signature", signature)?;
        if !key.certifies_transport(&transport, &signature) {
            return Err(CardError::NotCertified);
        }
        check_addresses(addresses)?;
        Ok(Self {
            transport,
            signature,
            addresses: addresses.to_vec(),
        })
    }
}

/// That each is `host:port`.
///
/// # Errors
/// [`CardError::Address`]
pub fn check_addresses(addresses: &[String]) -> Result<(), CardError> {
    let bad = addresses.iter().find(|address| !is_address(address));
    match (bad, addresses.get(ADDRESSES_MAX)) {
        (Some(wrong), _) | (None, Some(wrong)) => {
            Err(CardError::Address(wrong.escape_debug().to_string()))
        }
        (None, None) => Ok(()),
    }
}

fn is_address(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && c != '"';
    let parts = address.rsplit_once(':');
    let good = parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    good && address.len() <= ADDRESS_BYTES_MAX && address.chars().all(plain)
}

fn bytes<const N: usize>(what: &'static str, text: &str) -> Result<[u8; N], CardError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| CardError::Hex(what, N))?;
    Ok(bytes)
}

impl Card {
    /// The card's text.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let file = File {
            name: self.name.clone(),
            key: self.key.to_string(),
            seats: self.seats,
            transport: hex::encode(self.contact.transport),
            transport_signature: hex::encode(self.contact.signature),
            addresses: self.contact.addresses.clone(),
        };
        toml::to_string(&file).expect("text, numbers and lists of them are TOML")
    }

    /// Reads a card; its transport key must be certified by its operator key.
    ///
    /// # Errors
    /// [`CardError`]
    pub fn from_toml(text: &str) -> Result<Self, CardError> {
        let file: File =
            toml::from_str(text).map_err(|error| CardError::Layout(error.to_string()))?;
        let key: Hash32 = file
            .key
            .parse()
            .map_err(|_| CardError::Hex("the operator key", 32))?;
        let key = OperatorPublic(key.0);
        let contact = Contact::parse(
            &key,
            &file.transport,
            &file.transport_signature,
            &file.addresses,
        )?;
        Ok(Self {
            name: file.name,
            key,
            seats: file.seats,
            contact,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_reads_back_and_another_operator_cannot_use_its_transport_key() {
        let key = OperatorKey::new(&[7; 32], [0; 32]).unwrap();
        let card = Card {
            name: "alice".into(),
            key: key.public(),
            seats: 2,
            contact: Contact::certified(&key, [1; 32], vec!["[::1]:7400".into()]),
        };
        let text = card.to_toml();
        assert_eq!(Card::from_toml(&text).unwrap(), card);
        let other = OperatorKey::new(&[8; 32], [0; 32]).unwrap().public();
        let stolen = text.replace(&card.key.to_string(), &other.to_string());
        assert_eq!(Card::from_toml(&stolen), Err(CardError::NotCertified));
    }

    #[test]
    fn an_address_is_host_and_port() {
        let good = ["127.0.0.1:1", "[::1]:7400", "node.example:65535"];
        assert_eq!(check_addresses(&good.map(String::from)), Ok(()));
        for bad in ["", "host", ":7400", "host:", "host:65536", "a b:1", "a\n:1"] {
            assert!(check_addresses(&[bad.to_owned()]).is_err(), "{bad}");
        }
        let many = vec!["a:1".to_owned(); ADDRESSES_MAX + 1];
        assert!(check_addresses(&many).is_err());
    }
}
