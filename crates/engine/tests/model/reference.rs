//! What an engine must answer, said as naively as possible: sets of names, and no cryptography.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_engine::Code;

use super::walk::{Attempt, Seat, SessionNo, LIMITS, SESSIONS_A_KEY, SESSION_LIFE_SECONDS};

type Refused<T> = Result<T, Code>;

/// What the log says.
#[derive(Clone, Default)]
pub struct Facts {
    /// The largest fee of a key, where it is limited.
    pub limits: BTreeMap<usize, u64>,
    /// By session, until when.
    pub approved: BTreeMap<SessionNo, u64>,
    pub consumed: BTreeSet<(Attempt, Seat)>,
    pub completed: BTreeSet<Attempt>,
    /// Packages, as the commitments in them.
    pub packages: BTreeSet<(SessionNo, Vec<[u8; 66]>)>,
    pub killed_keys: BTreeSet<usize>,
    pub killed_sessions: BTreeSet<SessionNo>,
    pub retired: BTreeSet<SessionNo>,
    pub kept_out: BTreeSet<(usize, Seat)>,
    /// The proof's name, and whether it is in force.
    pub convicted: BTreeMap<(usize, Seat), (u8, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonces {
    Undrawn,
    Drawn([u8; 66]),
    /// On the way to the log; whether it was aborted meanwhile.
    Leaving([u8; 66], bool),
}

#[derive(Default)]
struct Session {
    deadline: u64,
    order: u64,
    /// By number, which of the two contexts.
    names: BTreeMap<u32, bool>,
    floors: BTreeMap<Seat, u32>,
    live: BTreeMap<(Seat, u32), Nonces>,
}

/// One process.
#[derive(Default)]
pub struct Reference {
    pub facts: Facts,
    sessions: BTreeMap<SessionNo, Session>,
    lost: BTreeSet<(Attempt, Seat)>,
    pub faulted: bool,
    opened: u64,
}

pub fn key_of(session: SessionNo) -> usize {
    session / SESSIONS_A_KEY
}

impl Reference {
    pub fn recovered(facts: Facts) -> Self {
        Self {
            facts,
            ..Self::default()
        }
    }

    pub fn fault(&mut self) {
        self.sessions.clear();
        self.faulted = true;
    }

    pub fn live_count(&self) -> usize {
        self.sessions
            .values()
            .map(|session| session.live.len())
            .sum()
    }

    pub fn ready(&self) -> Refused<()> {
        if self.faulted {
            return Err(Code::StorageFault);
        }
        Ok(())
    }

    /// What is past its deadline ends with the next call that bears on nonces.
    pub fn begin(&mut self, now: u64) -> Refused<()> {
        self.ready()?;
        for session in self.sessions.values_mut() {
            if session.deadline <= now {
                session.end(|_, _| true);
            }
        }
        Ok(())
    }

    fn gates(&self, now: u64, session: SessionNo, seat: Seat, chosen: &[Seat]) -> Refused<()> {
        let key = key_of(session);
        let facts = &self.facts;
        if self.killed(session) {
            return Err(Code::LifecyclePolicyRejected);
        }
        if facts.retired.contains(&session) {
            return Err(Code::SessionFinalized);
        }
        let proven = facts
            .convicted
            .get(&(key, seat))
            .is_some_and(|(_, in_force)| *in_force);
        let by_word = |seat: &Seat| facts.kept_out.contains(&(key, *seat));
        if proven || by_word(&seat) || chosen.iter().any(by_word) {
            return Err(Code::QuarantinePolicyRejected);
        }
        match facts.approved.get(&session) {
            Some(until) if now < *until => Ok(()),
            Some(_) | None => Err(Code::SigningPolicyRejected),
        }
    }

    pub fn killed(&self, session: SessionNo) -> bool {
        let facts = &self.facts;
        facts.killed_keys.contains(&key_of(session)) || facts.killed_sessions.contains(&session)
    }

    fn spent(&self, attempt: Attempt, seat: Seat) -> Refused<()> {
        let name = (attempt, seat);
        if self.facts.consumed.contains(&name) || self.lost.contains(&name) {
            return Err(Code::ConsumedNonceReplay);
        }
        Ok(())
    }

    pub fn approve(&mut self, now: u64, session: SessionNo, until: u64) -> Refused<()> {
        if self.faulted {
            return Err(Code::StorageFault);
        }
        let in_force = self
            .facts
            .approved
            .values()
            .filter(|until| **until > now)
            .count();
        let window = usize::from(LIMITS.window);
        let working = self
            .sessions
            .values()
            .filter(|session| !session.live.is_empty());
        let spare: usize = working
            .clone()
            .map(|session| session.live.len().max(window))
            .sum();
        let full = in_force + 1 > LIMITS.live_attempts_max
            || working.count() + 1 > LIMITS.sessions_max
            || spare + window > LIMITS.live_attempts_max;
        if full {
            return Err(Code::CapacityExceeded);
        }
        if self.killed(session) {
            return Err(Code::LifecyclePolicyRejected);
        }
        if self.facts.retired.contains(&session) {
            return Err(Code::SessionFinalized);
        }
        self.facts.approved.insert(session, until);
        Ok(())
    }

    /// Whether it was open already.
    pub fn open(&mut self, now: u64, attempt: Attempt, seat: Seat) -> Refused<bool> {
        self.begin(now)?;
        self.gates(now, attempt.session, seat, &[])?;
        let known = self.sessions.get(&attempt.session);
        let other = |session: &Session| {
            let named = session.names.get(&attempt.number);
            named.is_some_and(|narrow| *narrow != attempt.narrow)
        };
        if known.is_some_and(other) {
            return Err(Code::SessionConflict);
        }
        self.spent(attempt, seat)?;
        if self.facts.completed.contains(&attempt) {
            return Err(Code::AttemptAlreadyAggregated);
        }
        let Some(session) = known else {
            return self.begin_session(now, attempt, seat).map(|()| false);
        };
        if session.deadline <= now {
            return Err(Code::SessionNotFound);
        }
        let place = session.place(attempt.number, seat)?;
        let Some(wipe) = place else {
            return Ok(true);
        };
        let names_full = session.names.len() >= LIMITS.markers_per_seat_max;
        if names_full && !session.names.contains_key(&attempt.number) {
            return Err(Code::CapacityExceeded);
        }
        let freed = usize::from(wipe.is_some());
        if self.live_count() - freed >= LIMITS.live_attempts_max {
            return Err(Code::CapacityExceeded);
        }
        let session = self.sessions.get_mut(&attempt.session).unwrap();
        if let Some(lowest) = wipe {
            session.live.remove(&(seat, lowest));
            session.floors.insert(seat, lowest);
        }
        session.enter(attempt, seat);
        self.opened += 1;
        Ok(false)
    }

    fn begin_session(&mut self, now: u64, attempt: Attempt, seat: Seat) -> Refused<()> {
        if self.live_count() >= LIMITS.live_attempts_max {
            return Err(Code::CapacityExceeded);
        }
        if self.sessions.len() >= LIMITS.sessions_max {
            let idle = self
                .sessions
                .iter()
                .filter(|(_, session)| session.live.is_empty());
            let oldest = idle.min_by_key(|(_, session)| session.order);
            let oldest = oldest
                .map(|(name, _)| *name)
                .ok_or(Code::CapacityExceeded)?;
            self.sessions.remove(&oldest);
        }
        self.opened += 1;
        let mut session = Session {
            deadline: now + SESSION_LIFE_SECONDS,
            order: self.opened,
            ..Session::default()
        };
        session.enter(attempt, seat);
        self.sessions.insert(attempt.session, session);
        Ok(())
    }

    /// What is drawn already, or nothing where something new must be.
    pub fn round1(&mut self, now: u64, attempt: Attempt, seat: Seat) -> Refused<Option<[u8; 66]>> {
        self.begin(now)?;
        self.spent(attempt, seat)?;
        match self.nonces(attempt, seat).ok_or(Code::SessionNotFound)? {
            Nonces::Undrawn => Ok(None),
            Nonces::Drawn(commitments) => Ok(Some(*commitments)),
            Nonces::Leaving(..) => Err(Code::ConsumedNonceReplay),
        }
    }

    pub fn drawn(&mut self, attempt: Attempt, seat: Seat, commitments: [u8; 66]) {
        *self.nonces(attempt, seat).unwrap() = Nonces::Drawn(commitments);
    }

    /// `good`: whether the package is one that this attempt can have.
    pub fn round2(
        &mut self,
        now: u64,
        (attempt, seat): (Attempt, Seat),
        chosen: &[(Seat, [u8; 66])],
        good: bool,
    ) -> Refused<()> {
        self.begin(now)?;
        self.spent(attempt, seat)?;
        let drawn = match self.nonces(attempt, seat).ok_or(Code::SessionNotFound)? {
            Nonces::Undrawn => return Err(Code::Round1NotStarted),
            Nonces::Drawn(commitments) => *commitments,
            Nonces::Leaving(..) => return Err(Code::ConsumedNonceReplay),
        };
        let seats: Vec<Seat> = chosen.iter().map(|(seat, _)| *seat).collect();
        let included = !attempt.narrow || !seats.contains(&3);
        if !good || !included || !chosen.contains(&(seat, drawn)) {
            return Err(Code::ValidationError);
        }
        self.gates(now, attempt.session, seat, &seats)?;
        if self.facts.completed.contains(&attempt) {
            return Err(Code::AttemptAlreadyAggregated);
        }
        let markers = self.facts.consumed.iter();
        let ours = markers.filter(|(a, s)| a.session == attempt.session && *s == seat);
        if ours.count() >= LIMITS.markers_per_seat_max {
            return Err(Code::CapacityExceeded);
        }
        *self.nonces(attempt, seat).unwrap() = Nonces::Leaving(drawn, false);
        Ok(())
    }

    /// The marker is durable: whether the share leaves.
    pub fn released(&mut self, attempt: Attempt, seat: Seat) -> Refused<()> {
        if !self.facts.retired.contains(&attempt.session) {
            self.facts.consumed.insert((attempt, seat));
        }
        self.free(attempt, seat);
        if self.killed(attempt.session) {
            return Err(Code::LifecyclePolicyRejected);
        }
        Ok(())
    }

    /// Nothing was written.
    pub fn given_back(&mut self, attempt: Attempt, seat: Seat) {
        match self.nonces(attempt, seat) {
            Some(nonces @ Nonces::Leaving(_, false)) => {
                let Nonces::Leaving(commitments, _) = *nonces else {
                    unreachable!("just matched")
                };
                *nonces = Nonces::Drawn(commitments);
            }
            Some(Nonces::Leaving(_, true)) => self.free(attempt, seat),
            Some(Nonces::Undrawn | Nonces::Drawn(_)) | None => {}
        }
    }

    /// The decision was dropped.
    pub fn dropped(&mut self, attempt: Attempt, seat: Seat) {
        self.free(attempt, seat);
        self.lost.insert((attempt, seat));
    }

    pub fn abort(
        &mut self,
        now: u64,
        session: SessionNo,
        attempt: Option<Attempt>,
        seat: Option<Seat>,
    ) -> Refused<bool> {
        self.begin(now)?;
        let Some(session) = self.sessions.get_mut(&session) else {
            return Ok(false);
        };
        if attempt.is_some_and(|a| session.names.get(&a.number) != Some(&a.narrow)) {
            return Ok(false);
        }
        let named = |live_seat: Seat, number: u32| {
            seat.is_none_or(|seat| seat == live_seat)
                && attempt.is_none_or(|attempt| attempt.number == number)
        };
        Ok(session.end(named))
    }

    pub fn aggregate(&mut self, attempt: Attempt, package: &[[u8; 66]]) -> Refused<()> {
        if self.faulted {
            return Err(Code::StorageFault);
        }
        if self.facts.retired.contains(&attempt.session) {
            return Err(Code::SessionFinalized);
        }
        if self.facts.completed.contains(&attempt) {
            return Err(Code::AttemptAlreadyAggregated);
        }
        let known = self.sessions.get(&attempt.session);
        let opened = known.is_some_and(|s| s.names.get(&attempt.number) == Some(&attempt.narrow));
        let signed = self
            .facts
            .consumed
            .iter()
            .any(|(marked, _)| *marked == attempt);
        if !opened && !signed {
            return Err(Code::SessionNotFound);
        }
        let name = (attempt.session, package.to_vec());
        if self.facts.packages.contains(&name) {
            return Err(Code::AttemptAlreadyAggregated);
        }
        let completed = self.facts.completed.iter();
        let count = completed
            .filter(|done| done.session == attempt.session)
            .count();
        if count >= LIMITS.markers_per_seat_max {
            return Err(Code::CapacityExceeded);
        }
        self.facts.completed.insert(attempt);
        self.facts.packages.insert(name);
        if let (true, Some(session)) = (opened, self.sessions.get_mut(&attempt.session)) {
            session.end(|_, number| number == attempt.number);
        }
        Ok(())
    }

    pub fn finalize(&mut self, now: u64, session: SessionNo) -> Refused<()> {
        self.begin(now)?;
        if self.facts.retired.contains(&session) {
            return Ok(());
        }
        let facts = &mut self.facts;
        let known = self.sessions.contains_key(&session)
            || facts.approved.contains_key(&session)
            || facts
                .consumed
                .iter()
                .any(|(attempt, _)| attempt.session == session)
            || facts
                .completed
                .iter()
                .any(|attempt| attempt.session == session);
        if !known {
            return Err(Code::SessionNotFound);
        }
        facts.retired.insert(session);
        facts.approved.remove(&session);
        facts
            .consumed
            .retain(|(attempt, _)| attempt.session != session);
        facts.completed.retain(|attempt| attempt.session != session);
        facts.packages.retain(|(named, _)| *named != session);
        if let Some(ending) = self.sessions.get_mut(&session) {
            ending.end(|_, _| true);
            if ending.live.is_empty() {
                self.sessions.remove(&session);
            }
        }
        Ok(())
    }

    pub fn kill(&mut self, now: u64, key: usize, session: Option<SessionNo>) -> Refused<()> {
        self.begin(now)?;
        match session {
            Some(session) => self.facts.killed_sessions.insert(session),
            None => self.facts.killed_keys.insert(key),
        };
        for (name, ending) in &mut self.sessions {
            if session.map_or(key_of(*name) == key, |session| session == *name) {
                ending.end(|_, _| true);
            }
        }
        Ok(())
    }

    pub fn let_in(&mut self, name: (usize, Seat)) {
        self.facts.kept_out.remove(&name);
        if let Some((_, in_force)) = self.facts.convicted.get_mut(&name) {
            *in_force = false;
        }
    }

    pub fn convict(&mut self, name: (usize, Seat), proof: u8) {
        let known = self.facts.convicted.entry(name).or_insert((proof, true));
        if known.0 != proof && !known.1 {
            *known = (proof, true);
        }
    }

    fn nonces(&mut self, attempt: Attempt, seat: Seat) -> Option<&mut Nonces> {
        let session = self.sessions.get_mut(&attempt.session)?;
        if session.names.get(&attempt.number) != Some(&attempt.narrow) {
            return None;
        }
        session.live.get_mut(&(seat, attempt.number))
    }

    fn free(&mut self, attempt: Attempt, seat: Seat) {
        if self.nonces(attempt, seat).is_some() {
            let session = self.sessions.get_mut(&attempt.session).unwrap();
            session.live.remove(&(seat, attempt.number));
        }
    }
}

impl Session {
    fn enter(&mut self, attempt: Attempt, seat: Seat) {
        self.names.insert(attempt.number, attempt.narrow);
        self.live.insert((seat, attempt.number), Nonces::Undrawn);
    }

    /// Nothing where the attempt is live already; else what must be wiped for it, if anything.
    fn place(&self, number: u32, seat: Seat) -> Refused<Option<Option<u32>>> {
        let live = self.live.iter().filter(|((s, _), _)| *s == seat);
        let numbers: Vec<u32> = live.map(|((_, number), _)| *number).collect();
        if numbers.contains(&number) {
            return Ok(None);
        }
        if self.floors.get(&seat).is_some_and(|floor| number <= *floor) {
            return Err(Code::AttemptSuperseded);
        }
        if numbers.len() < usize::from(LIMITS.window) {
            return Ok(Some(None));
        }
        let lowest = *numbers.iter().min().unwrap();
        if number < lowest {
            return Err(Code::AttemptSuperseded);
        }
        match self.live[&(seat, lowest)] {
            Nonces::Leaving(..) => Err(Code::CapacityExceeded),
            Nonces::Undrawn | Nonces::Drawn(_) => Ok(Some(Some(lowest))),
        }
    }

    /// Ends what is named. What is leaving stays until its outcome is known. Whether anything was named.
    fn end(&mut self, named: impl Fn(Seat, u32) -> bool) -> bool {
        let mut any = false;
        self.live.retain(|(seat, number), nonces| {
            if !named(*seat, *number) {
                return true;
            }
            any = true;
            match nonces {
                Nonces::Leaving(_, aborted) => {
                    *aborted = true;
                    true
                }
                Nonces::Undrawn | Nonces::Drawn(_) => false,
            }
        });
        any
    }
}
