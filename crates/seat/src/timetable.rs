//! When each session wants to be woken, and which are still open. Most of what a seat remembers is over: whenever a
//! timer comes, nobody wants to look through a day's sessions for the few that it concerns.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_primitives::{Monotonic, SessionId};
use hardfrost_roast::Session;

#[derive(Default)]
pub(crate) struct Timetable {
    by_time: BTreeSet<(Monotonic, SessionId)>,
    times: BTreeMap<SessionId, Monotonic>,
    open: BTreeSet<SessionId>,
}

impl Timetable {
    /// After anything that may have moved a session's timers. One that is over waits to be forgotten.
    pub(crate) fn note(&mut self, name: &SessionId, session: &Session) {
        if session.outcome().is_some() {
            self.open.remove(name);
        } else if !self.open.contains(name) {
            self.open.insert(name.clone());
        }
        let at = session.poll_timeout().unwrap_or(session.swept_at());
        let before = self.times.get(name).copied();
        if before == Some(at) {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, name.clone()));
        }
        self.times.insert(name.clone(), at);
        self.by_time.insert((at, name.clone()));
    }

    /// A session is forgotten.
    pub(crate) fn strike(&mut self, name: &SessionId) {
        self.open.remove(name);
        if let Some(at) = self.times.remove(name) {
            self.by_time.remove(&(at, name.clone()));
        }
    }

    /// The next timer of any session.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// The sessions whose timer has come, the longest due first.
    pub(crate) fn due(&self, now: Monotonic) -> Vec<SessionId> {
        let due = self.by_time.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, name)| name.clone()).collect()
    }

    /// Sessions that have not ended.
    pub(crate) fn open(&self) -> &BTreeSet<SessionId> {
        &self.open
    }
}
