//! Restarted members: a change of incarnation forgives once and convicts never.

use std::collections::BTreeMap;

use hardfrost_primitives::Member;
use hardfrost_wire::Incarnation;

use crate::speaker::Speaker;

/// What a member's incarnations have been in this session.
struct Seen {
    first: Incarnation,
    second: Option<Incarnation>,
    /// The one of the two that is taken for alive.
    current: Incarnation,
    /// The highest round in which it committed.
    round: Option<u32>,
}

/// The incarnations of all members, as this node sees them.
pub(crate) struct Incarnations {
    /// Of ourselves no frame tells us more: whatever else was ever chosen in our name is a former self, and owes
    /// nothing.
    ours: (Member, Incarnation),
    seen: BTreeMap<Member, Seen>,
}

impl Incarnations {
    pub(crate) fn of(speaker: &Speaker) -> Self {
        Self {
            ours: (speaker.member, speaker.incarnation),
            seen: BTreeMap::new(),
        }
    }

    /// Notes a frame's incarnation, and the round of the frame if it is commitments. The first change makes the new one
    /// current. Frames may come in any order, so of the two that one is current which commits in a higher round.
    /// Whether another one is current than before.
    pub(crate) fn note(
        &mut self,
        member: Member,
        now: Incarnation,
        committed: Option<u32>,
    ) -> bool {
        if member == self.ours.0 {
            return false;
        }
        let seen = self.seen.entry(member).or_insert(Seen {
            first: now,
            second: None,
            current: now,
            round: None,
        });
        let before = seen.current;
        if seen.first != now && seen.second.is_none() {
            seen.second = Some(now);
            let older = committed.is_some() && committed < seen.round;
            if !older {
                seen.current = now;
            }
        }
        if committed.is_some() && committed > seen.round {
            seen.round = committed;
            if seen.first == now || seen.second == Some(now) {
                seen.current = now;
            }
        }
        seen.current != before
    }

    /// Whether `incarnation` is a member's former self: its commitments are not chosen, and what it was chosen for is
    /// not expected of it. Only one of the first two ever is, so whoever changes again and again gains one turn at
    /// most.
    pub(crate) fn is_former(&self, member: Member, incarnation: Incarnation) -> bool {
        if member == self.ours.0 {
            return incarnation != self.ours.1;
        }
        self.seen.get(&member).is_some_and(|seen| {
            let one_of_two = seen.first == incarnation || seen.second == Some(incarnation);
            one_of_two && seen.current != incarnation
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: [Incarnation; 3] = [
        Incarnation([1; 16]),
        Incarnation([2; 16]),
        Incarnation([3; 16]),
    ];

    /// As member 9 sees them.
    fn nothing() -> Incarnations {
        Incarnations {
            ours: (Member::new(9).unwrap(), LIVES[2]),
            seen: BTreeMap::new(),
        }
    }

    fn former(seen: &Incarnations, member: Member) -> [bool; 3] {
        LIVES.map(|life| seen.is_former(member, life))
    }

    #[test]
    fn the_first_change_ends_one_life_and_later_changes_none() {
        let member = Member::new(1).unwrap();
        let mut seen = nothing();
        seen.note(member, LIVES[0], Some(0));
        assert_eq!(former(&seen, member), [false; 3]);
        seen.note(member, LIVES[1], None);
        assert_eq!(former(&seen, member), [true, false, false]);
        seen.note(member, LIVES[2], Some(1));
        assert_eq!(former(&seen, member), [true, false, false]);
    }

    #[test]
    fn we_are_who_we_are_whatever_comes() {
        let mut seen = nothing();
        let member = Member::new(9).unwrap();
        assert!(!seen.note(member, LIVES[0], Some(3)));
        assert_eq!(former(&seen, member), [true, true, false]);
    }

    #[test]
    fn an_old_frame_that_comes_late_does_not_bury_the_living() {
        let member = Member::new(1).unwrap();
        let mut seen = nothing();
        seen.note(member, LIVES[1], None);
        seen.note(member, LIVES[0], Some(3));
        seen.note(member, LIVES[1], Some(4));
        assert_eq!(former(&seen, member), [true, false, false]);
        seen.note(member, LIVES[0], Some(2));
        assert_eq!(former(&seen, member), [true, false, false]);
        let other = Member::new(2).unwrap();
        seen.note(other, LIVES[1], Some(4));
        seen.note(other, LIVES[0], Some(3));
        assert_eq!(former(&seen, other), [true, false, false]);
    }
}
