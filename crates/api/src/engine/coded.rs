//! Values as bytes: one encoding each, bounded, read at the edge. Whatever borsh can write is written by borsh; the
//! rest follows its rules. Numbers are little-endian, counts are u32, sets and maps ascend strictly.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_engine::{AttemptKey, Reason};
use hardfrost_primitives::{
    AttemptId, Fingerprint, Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId,
    Suite, UnixTime, REQUEST_BYTES_MAX,
};
use hardfrost_spend::Policy;

/// Places that are made for items before they are read.
const PLACES_AT_ONCE: usize = 64;

/// Memory of one list's items at the most: no message unfolds into much more than it has bytes.
pub(crate) const UNFOLDED_BYTES_MAX: usize = 4 * REQUEST_BYTES_MAX;

/// Bytes that are no message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not read")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What is left to read.
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Reads all of `bytes`.
    pub(crate) fn whole<T: Coded>(bytes: &'a [u8]) -> Result<T, Malformed> {
        let mut from = Self(bytes);
        let value = T::take(&mut from)?;
        if from.0.is_empty() {
            Ok(value)
        } else {
            Err(Malformed("a message with bytes left over"))
        }
    }

    fn front(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (front, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Malformed("a message cut short"))?;
        self.0 = rest;
        Ok(front)
    }

    /// A number of items, each of a byte at least: never more than bytes are left.
    fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(u32::take(self)?).unwrap_or(usize::MAX);
        if count > self.0.len() {
            return Err(Malformed("a list that is longer than its message"));
        }
        Ok(count)
    }
}

/// A value that travels.
pub(crate) trait Coded: Sized {
    fn put(&self, out: &mut Vec<u8>);

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed>;

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }
}

/// What borsh writes. Some values are read in more than one spelling, which is theirs to allow: not here.
macro_rules! as_borsh {
    ($($name:ident),+ $(,)?) => {
        $(impl Coded for $name {
            fn put(&self, out: &mut Vec<u8>) {
                BorshSerialize::serialize(self, out).expect("writing to memory does not fail");
            }

            fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
                let malformed = Malformed(stringify!($name));
                let before = from.0;
                let value = <$name as BorshDeserialize>::deserialize_reader(&mut from.0);
                let value = value.map_err(|_| malformed)?;
                let read = before.len() - from.0.len();
                if before.get(..read) == Some(value.to_bytes().as_slice()) {
                    Ok(value)
                } else {
                    Err(malformed)
                }
            }
        })+
    };
}

/// The fields in this order, and no other fields.
macro_rules! coded_struct {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($field.put(out);)+
            }

            fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
                $(let $field = Coded::take(from)?;)+
                Ok(Self { $($field),+ })
            }
        }
    };
}

/// A byte for the variant, then what it holds.
macro_rules! coded_enum {
    ($name:ident { $($number:literal $variant:ident $(($($field:ident),+))?),+ $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($field),+))? => {
                        out.push($number);
                        $($($field.put(out);)+)?
                    })+
                }
            }

            fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
                Ok(match u8::take(from)? {
                    $($number => {
                        $($(let $field = Coded::take(from)?;)+)?
                        Self::$variant $(($($field),+))?
                    })+
                    _ => return Err(Malformed(stringify!($name))),
                })
            }
        }
    };
}

pub(crate) use {coded_enum, coded_struct};

/// Numbers have one spelling; bytes of long lists are read one by one.
macro_rules! number {
    ($($name:ident),+) => {
        $(impl Coded for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
                Coded::take(from).map(Self::from_le_bytes)
            }
        })+
    };
}

number!(u8, u16, u32, u64);
as_borsh!(
    bool,
    String,
    AttemptId,
    AttemptKey,
    Fingerprint,
    Hash32,
    KeyGroup,
    KeySpec,
    Member,
    Message,
    Policy,
    Reason,
    RequestId,
    SessionId,
    Suite,
    UnixTime,
);

impl Coded for usize {
    fn put(&self, out: &mut Vec<u8>) {
        u64::try_from(*self).unwrap_or(u64::MAX).put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        usize::try_from(u64::take(from)?).map_err(|_| Malformed("a number"))
    }
}

impl<const N: usize> Coded for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let bytes = from.front(N)?;
        bytes.try_into().map_err(|_| Malformed("a fixed length"))
    }
}

impl Coded for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let (seconds, nanos) = (u64::take(from)?, u32::take(from)?);
        if nanos >= 1_000_000_000 {
            return Err(Malformed("a duration"));
        }
        Ok(Self::new(seconds, nanos))
    }
}

impl Coded for Cow<'static, str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        String::take(from).map(Self::Owned)
    }
}

impl Coded for Arc<[u8]> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        out.extend_from_slice(self);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let count = from.count()?;
        Ok(from.front(count)?.into())
    }
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.put(out);
            }
        }
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        match u8::take(from)? {
            0 => Ok(None),
            1 => T::take(from).map(Some),
            _ => Err(Malformed("a value that may be absent")),
        }
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl<T: Coded> Coded for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        for item in self {
            item.put(out);
        }
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let count = from.count()?;
        if count.saturating_mul(size_of::<T>()) > UNFOLDED_BYTES_MAX {
            return Err(Malformed("a list of too many items"));
        }
        let mut items = Self::with_capacity(count.min(PLACES_AT_ONCE));
        for _ in 0..count {
            items.push(T::take(from)?);
        }
        Ok(items)
    }
}

impl<T: Coded + Ord> Coded for BTreeSet<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        for item in self {
            item.put(out);
        }
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let mut set = Self::new();
        for _ in 0..from.count()? {
            let item = T::take(from)?;
            if set.last().is_some_and(|last| *last >= item) {
                return Err(Malformed("a set that does not ascend"));
            }
            set.insert(item);
        }
        Ok(set)
    }
}

impl<K: Coded + Ord, V: Coded> Coded for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut Bytes<'_>) -> Result<Self, Malformed> {
        let mut map = Self::new();
        for _ in 0..from.count()? {
            let (key, value) = (K::take(from)?, V::take(from)?);
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(Malformed("a map that does not ascend"));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

/// A count beyond a u32 makes a message that no side takes: it is far above the limit of its length.
pub(crate) fn put_count(count: usize, out: &mut Vec<u8>) {
    u32::try_from(count).unwrap_or(u32::MAX).put(out);
}
