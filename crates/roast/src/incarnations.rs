//! Restarted members: a change of incarnation forgives once and convicts never.

use std::collections::BTreeMap;

use hardfrost_primitives::Member;
use hardfrost_wire::Incarnation;

/// What a member's incarnations have been in this session.
struct Seen {
    first: Incarnation,
    changed: bool,
}

/// The incarnations of all members, as this node sees them.
#[derive(Default)]
pub(crate) struct Incarnations {
    seen: BTreeMap<Member, Seen>,
}

impl Incarnations {
    /// Notes a frame's incarnation. `Some` with the old one at the member's first change; later changes end nothing.
    pub(crate) fn note(&mut self, member: Member, now: Incarnation) -> Option<Incarnation> {
        let seen = self.seen.entry(member).or_insert(Seen {
            first: now,
            changed: false,
        });
        if seen.first == now || seen.changed {
            return None;
        }
        seen.changed = true;
        Some(seen.first)
    }

    /// Whether commitments made under `incarnation` are of a member's former self.
    pub(crate) fn is_former(&self, member: Member, incarnation: Incarnation) -> bool {
        self.seen
            .get(&member)
            .is_some_and(|seen| seen.changed && seen.first == incarnation)
    }
}
