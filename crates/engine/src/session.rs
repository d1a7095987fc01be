//! One signing session in memory: what its first Open fixed, and the live attempts of our seats.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::SigningNonces;
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{AttemptId, Hash32, Member, Monotonic};

use crate::rejection::Rejection;
use crate::state::Binding;

/// Where an attempt's nonces are.
pub(crate) enum Nonces {
    /// Round1 has not been called.
    Undrawn,
    /// Drawn, and here.
    Live(SigningNonces),
    /// Moved out with a record that is being written. An abort meanwhile waits for the outcome.
    Releasing { abort: bool },
}

/// One live attempt of one seat.
pub(crate) struct LiveAttempt {
    pub(crate) context: Arc<AttemptContext>,
    pub(crate) nonces: Nonces,
}

/// One seat's live attempts and the number below which everything is over.
#[derive(Default)]
struct Seat {
    floor: u32,
    /// Boxed: most sessions have one, and a node of the tree has room for eleven.
    live: BTreeMap<u32, Box<LiveAttempt>>,
}

/// A session: binding, deadline, the names of its attempts, the seats.
pub(crate) struct Session {
    pub(crate) binding: Binding,
    pub(crate) deadline: Monotonic,
    pub(crate) order: u64,
    names: BTreeMap<u32, (AttemptId, Hash32)>,
    numbers: BTreeMap<AttemptId, u32>,
    seats: BTreeMap<Member, Seat>,
}

/// What a new Open finds.
pub(crate) enum Slot {
    /// The same attempt is live: nothing to do.
    Live,
    /// Room, after wiping this older one where the window is full.
    Free { wipe: Option<u32> },
}

impl Session {
    pub(crate) fn new(binding: Binding, deadline: Monotonic, order: u64) -> Self {
        let (names, numbers, seats) = Default::default();
        Self {
            binding,
            deadline,
            order,
            names,
            numbers,
            seats,
        }
    }

    pub(crate) fn live_count(&self) -> usize {
        self.seats.values().map(|seat| seat.live.len()).sum()
    }

    /// Whether an attempt of this id was ever opened here.
    pub(crate) fn knows(&self, attempt: AttemptId) -> bool {
        self.numbers.contains_key(&attempt)
    }

    pub(crate) fn attempt_names(&self) -> usize {
        self.names.len()
    }

    /// One number has one attempt id and one context in a session, for good.
    pub(crate) fn check_name(
        &self,
        number: u32,
        attempt: AttemptId,
        context: Hash32,
    ) -> Result<(), Rejection> {
        let conflict = Rejection::SessionConflict("this attempt has another context".into());
        let by_number = self
            .names
            .get(&number)
            .is_none_or(|name| *name == (attempt, context));
        let by_id = self
            .numbers
            .get(&attempt)
            .is_none_or(|known| *known == number);
        if by_number && by_id {
            Ok(())
        } else {
            Err(conflict)
        }
    }

    /// Whether the window of live attempts has a place for this number.
    pub(crate) fn slot(&self, member: Member, number: u32, window: u16) -> Result<Slot, Rejection> {
        let Some(seat) = self.seats.get(&member) else {
            return Ok(Slot::Free { wipe: None });
        };
        if seat.live.contains_key(&number) {
            return Ok(Slot::Live);
        }
        if number <= seat.floor {
            return Err(Rejection::AttemptSuperseded);
        }
        let Some((lowest, attempt)) = seat.live.first_key_value() else {
            return Ok(Slot::Free { wipe: None });
        };
        if seat.live.len() < usize::from(window) {
            return Ok(Slot::Free { wipe: None });
        }
        if number < *lowest {
            return Err(Rejection::AttemptSuperseded);
        }
        if matches!(attempt.nonces, Nonces::Releasing { .. }) {
            return Err(Rejection::CapacityExceeded(
                "the oldest attempt is being released".into(),
            ));
        }
        Ok(Slot::Free {
            wipe: Some(*lowest),
        })
    }

    /// Enters a live attempt; wipes `wipe` and raises the floor to it.
    pub(crate) fn insert(
        &mut self,
        member: Member,
        name: (u32, AttemptId, Hash32),
        attempt: LiveAttempt,
        wipe: Option<u32>,
    ) {
        let (number, id, context) = name;
        self.names.insert(number, (id, context));
        self.numbers.insert(id, number);
        let seat = self.seats.entry(member).or_default();
        if let Some(oldest) = wipe {
            seat.live.remove(&oldest);
            seat.floor = oldest;
        }
        seat.live.insert(number, Box::new(attempt));
    }

    pub(crate) fn live(&self, member: Member, attempt: AttemptId) -> Option<&LiveAttempt> {
        let number = self.numbers.get(&attempt)?;
        self.seats.get(&member)?.live.get(number).map(Box::as_ref)
    }

    pub(crate) fn live_mut(
        &mut self,
        member: Member,
        attempt: AttemptId,
    ) -> Option<&mut LiveAttempt> {
        let number = self.numbers.get(&attempt)?;
        self.seats
            .get_mut(&member)?
            .live
            .get_mut(number)
            .map(Box::as_mut)
    }

    pub(crate) fn remove(&mut self, member: Member, attempt: AttemptId) {
        if let (Some(number), Some(seat)) =
            (self.numbers.get(&attempt), self.seats.get_mut(&member))
        {
            seat.live.remove(number);
        }
    }

    /// Ends what `member` and `attempt` name (everything of it where they are absent). What is being released keeps its
    /// place until the outcome is known. Returns whether anything ended.
    pub(crate) fn abort(&mut self, member: Option<Member>, attempt: Option<AttemptId>) -> bool {
        let number = attempt.and_then(|id| self.numbers.get(&id).copied());
        if attempt.is_some() && number.is_none() {
            return false;
        }
        let mut ended = false;
        for (_, seat) in self
            .seats
            .iter_mut()
            .filter(|(m, _)| member.is_none_or(|it| it == **m))
        {
            seat.live.retain(|live_number, live| {
                if number.is_some_and(|it| it != *live_number) {
                    return true;
                }
                ended = true;
                match &mut live.nonces {
                    Nonces::Releasing { abort } => {
                        *abort = true;
                        true
                    }
                    Nonces::Undrawn | Nonces::Live(_) => false,
                }
            });
        }
        ended
    }
}
