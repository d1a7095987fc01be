//! Requests as JSON: strict, bounded, and silent about what they hold when they do not read.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use hardfrost_frost::FrostIdentifier;
use hardfrost_primitives::Member;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Entries of a list at the most.
pub(crate) const LIST_MAX: usize = 1000;

/// Reads a request. The library's own words may repeat a value, so only the place of a fault is told, and the name of a
/// field of ours that is missing.
pub(crate) fn parsed<'a, T: Deserialize<'a>>(request: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(request).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let missing = text
            .starts_with("missing field")
            .then(|| text.split(" at line").next());
        let what = match error.classify() {
            serde_json::error::Category::Data if text.starts_with("unknown field") => {
                "a field that this call does not have"
            }
            serde_json::error::Category::Data => {
                missing.flatten().unwrap_or("a wrong type or value")
            }
            serde_json::error::Category::Eof => "it ends too early",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                "it is no JSON"
            }
        };
        Failure::invalid(format!(
            "the request does not read: {what} (line {line}, column {column})"
        ))
    })
}

/// Text, borrowed where it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A list of at most [`LIST_MAX`] entries, refused before the next one is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {LIST_MAX} entries")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
                let mut kept = Vec::new();
                while let Some(entry) = list.next_element()? {
                    if kept.len() == LIST_MAX {
                        return Err(Error::invalid_length(LIST_MAX + 1, &self));
                    }
                    kept.push(entry);
                }
                Ok(List(kept))
            }
        }
        deserializer.deserialize_seq(Bounded(PhantomData))
    }
}

/// An object, and only that: the library's own reading takes a list for one, its values by their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<T> std::ops::Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Fields(PhantomData))
    }
}

/// The entries of an object whose names are data, at most [`LIST_MAX`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pairs<'a>(pub(crate) Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;
        impl<'de> Visitor<'de> for Bounded {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object of at most {LIST_MAX} entries")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut kept = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    if kept.len() == LIST_MAX {
                        return Err(Error::invalid_length(LIST_MAX + 1, &self));
                    }
                    kept.push(entry);
                }
                Ok(Pairs(kept))
            }
        }
        deserializer.deserialize_map(Bounded)
    }
}

/// A member as the library's identifier (D8), quoted or bare, or as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(pub(crate) Member);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Identifier;
        impl Visitor<'_> for Identifier {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an identifier of 64 hex characters, or a member's number")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
                Member::from_u64(number).map(Id).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
                let identifier: FrostIdentifier = text.parse().map_err(E::custom)?;
                Ok(Id(identifier.member()))
            }
        }
        deserializer.deserialize_any(Identifier)
    }
}

/// The bytes of a hex field, wiped on drop.
pub(crate) fn bytes(name: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(vec![0; text.len() / 2]);
    hex::decode_to_slice(text, &mut bytes).map_err(|_| Failure::field(name, "not hex"))?;
    Ok(bytes)
}

/// A hex field of exactly so many bytes.
pub(crate) fn array<const N: usize>(
    name: &'static str,
    text: &str,
) -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    hex::decode_to_slice(text, bytes.as_mut_slice())
        .map_err(|_| Failure::field(name, format!("not {N} bytes of hex")))?;
    Ok(bytes)
}

/// A member by its number.
pub(crate) fn member(name: &'static str, number: u16) -> Result<Member, Failure> {
    Member::new(number).map_err(|why| Failure::field(name, why))
}

/// A name that parses.
pub(crate) fn name<T: std::str::FromStr>(name: &'static str, text: &str) -> Result<T, Failure>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|why| Failure::field(name, why))
}
