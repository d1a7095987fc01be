//! What a shell may look at, to show it to people.

use std::sync::Arc;

use hardfrost_dkg::Ceremony;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, KeyGroup, SessionId};
use hardfrost_roast::Session;

use crate::seat::Seat;

impl Seat {
    /// A session that is not forgotten yet.
    #[must_use]
    pub fn session(&self, name: &SessionId) -> Option<&Session> {
        self.sessions.get(name)
    }

    /// Sessions that have not ended.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        self.timetable.open().len()
    }

    /// A key generation that is not forgotten yet.
    #[must_use]
    pub fn ceremony_of(&self, id: &Hash32) -> Option<&Ceremony> {
        let mut ceremonies = self.ceremonies.iter();
        ceremonies.find(|ceremony| ceremony.descriptor().id() == *id)
    }

    /// The key generations whose key is pending here, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = (&Ceremony, &Arc<GroupPublic>)> {
        let ceremonies = self.ceremonies.iter();
        ceremonies.filter_map(|open| Some((open, open.pending()?)))
    }

    /// Whether another key generation has to wait for one that is under way.
    #[must_use]
    pub fn makes_key(&self) -> bool {
        self.ceremonies.iter().any(Ceremony::is_under_way)
    }

    /// How many members of a group sign, if this seat is one of them.
    #[must_use]
    pub fn threshold_of(&self, group: &KeyGroup) -> Option<u16> {
        let known = self.groups.get(group)?;
        Some(known.public.threshold())
    }

    /// The groups it signs for.
    pub fn groups(&self) -> impl Iterator<Item = &KeyGroup> {
        self.groups.keys()
    }
}
