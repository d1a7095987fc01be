//! Two different proofs about where bytes come from, as types.

use std::ops::Deref;

/// An operator's place in the roster, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperatorIndex(pub u16);

/// A value that an authenticated peer handed over. It says nothing of who made the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromPeer<T> {
    peer: OperatorIndex,
    relayed_for: Option<OperatorIndex>,
    value: T,
}

/// A value whose author's signature was checked over its very bytes. Only the checks in this crate make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> FromPeer<T> {
    /// For transports: `peer` is who the handshake proved it to be.
    #[must_use]
    pub fn authenticated(peer: OperatorIndex, value: T) -> Self {
        Self {
            peer,
            relayed_for: None,
            value,
        }
    }

    /// The same, where the peer says that it hands the value on for another. That is for accounts alone.
    #[must_use]
    pub fn relayed(peer: OperatorIndex, relayed_for: OperatorIndex, value: T) -> Self {
        Self {
            peer,
            relayed_for: Some(relayed_for),
            value,
        }
    }

    /// Who handed it over.
    #[must_use]
    pub fn peer(&self) -> OperatorIndex {
        self.peer
    }

    /// Whose account it is on: the peer's, or the one of those for whom this peer says it hands on.
    #[must_use]
    pub fn account(&self) -> (OperatorIndex, Option<OperatorIndex>) {
        (self.peer, self.relayed_for)
    }

    /// The value, to look at.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value.
    #[must_use]
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Verified<T> {
    pub(crate) fn by_signature(value: T) -> Self {
        Self(value)
    }

    /// The value, with its proof gone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
