//! Whose turn it is: a true rotation made of the elections.

use std::collections::BTreeSet;

use hardfrost_primitives::derive::{coordinator, ElectionSeed};
use hardfrost_primitives::Member;

/// Turn i ↦ attempt number, a pure function of session and group. A cycle starts at attempt 1; numbers whose
/// coordinator already had a turn in the cycle are skipped by everybody; after every member had a turn a new cycle
/// starts.
pub struct Turns {
    seed: ElectionSeed,
    members: BTreeSet<Member>,
    numbers: Vec<u32>,
    had_turn: BTreeSet<Member>,
    next: u32,
}

impl Turns {
    /// The rotation of a session over these members.
    #[must_use]
    pub fn new(seed: ElectionSeed, members: BTreeSet<Member>) -> Self {
        Self {
            seed,
            members,
            numbers: Vec::new(),
            had_turn: BTreeSet::new(),
            next: 1,
        }
    }

    /// The attempt number of turn `turn`, from 0; `None` when attempt numbers are used up.
    pub fn number(&mut self, turn: u32) -> Option<u32> {
        let place = usize::try_from(turn).ok()?;
        while self.numbers.len() <= place {
            let elected = coordinator(self.seed, self.next, &self.members)?;
            if self.had_turn.insert(elected) {
                self.numbers.push(self.next);
            }
            if self.had_turn.len() == self.members.len() {
                self.had_turn.clear();
            }
            self.next = self.next.checked_add(1)?;
        }
        self.numbers.get(place).copied()
    }

    /// The cycle of turn `turn`, from 0.
    #[must_use]
    pub fn cycle(&self, turn: u32) -> u32 {
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        turn / members.max(1)
    }
}
