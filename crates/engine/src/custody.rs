//! Live nonces, in memory only, bound to (key group, session, attempt, member).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use hardfrost_frost::SigningNonces;
use hardfrost_primitives::{KeyGroup, Monotonic, SessionId};

use crate::attempt::AttemptKey;
use crate::rejection::Rejection;
use crate::session::{LiveAttempt, Nonces, Session};
use crate::state::{AttemptName, PackageName};

/// Dropped decisions that are remembered. Nobody drops one but by mistake.
const LOST_MAX: usize = 65_536;

/// All sessions of this process.
#[derive(Default)]
pub(crate) struct Custody {
    sessions: BTreeMap<(KeyGroup, SessionId), Session>,
    /// Attempts whose completion is being written, and the packages they complete.
    pub(crate) completing: BTreeSet<AttemptName>,
    pub(crate) completing_packages: BTreeSet<PackageName>,
    /// What is being released, each with its half of a token whose other half goes with the nonces.
    releasing: Vec<(AttemptKey, Weak<()>)>,
    /// Attempts whose decision was dropped on its way. Whether its record reached the log is not known here: they are
    /// as good as spent.
    lost: BTreeSet<AttemptKey>,
    opened: u64,
}

/// Nonces that have left their place. While this lives, somebody may still settle them.
pub(crate) struct Taken {
    pub(crate) nonces: SigningNonces,
    _token: Arc<()>,
}

impl Custody {
    /// Ends the attempts of every session whose deadline is over.
    pub(crate) fn sweep(&mut self, now: Monotonic) {
        self.bury();
        for session in self.sessions.values_mut().filter(|s| s.deadline <= now) {
            session.abort(None, None);
        }
    }

    /// Frees the slots of attempts whose decision was dropped. When too many were, they keep their slots.
    fn bury(&mut self) {
        if self.lost.len() + self.releasing.len() > LOST_MAX {
            return;
        }
        let all = std::mem::take(&mut self.releasing).into_iter();
        let (held, dropped): (Vec<_>, Vec<_>) = all.partition(|(_, held)| held.strong_count() > 0);
        self.releasing = held;
        for (key, _) in dropped {
            self.remove(&key);
            self.lost.insert(key);
        }
    }

    pub(crate) fn is_lost(&self, key: &AttemptKey) -> bool {
        self.lost.contains(key)
    }

    /// Whoever held this attempt's nonces has settled them.
    fn settled(&mut self, key: &AttemptKey) {
        self.releasing.retain(|(held, _)| held != key);
    }

    /// Ends every attempt of a group, or of one of its sessions.
    pub(crate) fn end(&mut self, key_group: &KeyGroup, session: Option<&SessionId>) {
        for ((group, name), live) in &mut self.sessions {
            if group == key_group && session.is_none_or(|session| session == name) {
                live.abort(None, None);
            }
        }
    }

    /// Ends every attempt there is, and forgets every session of which no share is on its way.
    pub(crate) fn end_all(&mut self) {
        for session in self.sessions.values_mut() {
            session.abort(None, None);
        }
        let over = self.sessions.iter().filter(|(_, s)| s.live_count() == 0);
        let over: Vec<_> = over.map(|(name, _)| name.clone()).collect();
        over.iter().for_each(|name| self.forget(name));
    }

    /// Ends a session and forgets it, unless a share of it is on its way.
    pub(crate) fn retire(&mut self, key_group: &KeyGroup, session: &SessionId) {
        self.end(key_group, Some(session));
        let name = (key_group.clone(), session.clone());
        if self
            .sessions
            .get(&name)
            .is_some_and(|s| s.live_count() == 0)
        {
            self.forget(&name);
        }
    }

    /// Sessions with something live, and the attempts they have or may still need: at least so many each.
    pub(crate) fn working(&self, each: usize) -> (usize, usize) {
        let live = self.sessions.values().map(Session::live_count);
        let working = live.filter(|live| *live > 0);
        working.fold((0, 0), |(sessions, attempts), live| {
            (sessions + 1, attempts + live.max(each))
        })
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.sessions.values().map(Session::live_count).sum()
    }

    pub(crate) fn session(&self, key_group: &KeyGroup, session: &SessionId) -> Option<&Session> {
        self.sessions.get(&(key_group.clone(), session.clone()))
    }

    pub(crate) fn session_mut(
        &mut self,
        key_group: &KeyGroup,
        session: &SessionId,
    ) -> Option<&mut Session> {
        self.sessions.get_mut(&(key_group.clone(), session.clone()))
    }

    /// Room for one more session: the oldest one without live attempts leaves, never another.
    pub(crate) fn room(
        &self,
        sessions_max: usize,
    ) -> Result<Option<(KeyGroup, SessionId)>, Rejection> {
        if self.sessions.len() < sessions_max {
            return Ok(None);
        }
        self.sessions
            .iter()
            .filter(|(_, session)| session.live_count() == 0)
            .min_by_key(|(_, session)| session.order)
            .map(|(name, _)| Some(name.clone()))
            .ok_or(Rejection::CapacityExceeded("sessions".into()))
    }

    pub(crate) fn forget(&mut self, name: &(KeyGroup, SessionId)) {
        self.sessions.remove(name);
    }

    pub(crate) fn next_order(&mut self) -> u64 {
        self.opened += 1;
        self.opened
    }

    pub(crate) fn enter(&mut self, name: (KeyGroup, SessionId), session: Session) -> &mut Session {
        self.sessions.entry(name).or_insert(session)
    }

    pub(crate) fn live(&self, key: &AttemptKey) -> Option<&LiveAttempt> {
        self.session(&key.key_group, &key.session)?
            .live(key.member, key.attempt)
    }

    pub(crate) fn live_mut(&mut self, key: &AttemptKey) -> Option<&mut LiveAttempt> {
        self.session_mut(&key.key_group, &key.session)?
            .live_mut(key.member, key.attempt)
    }

    /// Moves live nonces out. From here on the attempt is releasing.
    pub(crate) fn take(&mut self, key: &AttemptKey) -> Option<Taken> {
        let live = self.live_mut(key)?;
        let releasing = Nonces::Releasing { abort: false };
        match std::mem::replace(&mut live.nonces, releasing) {
            Nonces::Live(nonces) => {
                let token = Arc::new(());
                self.releasing.push((key.clone(), Arc::downgrade(&token)));
                Some(Taken {
                    nonces,
                    _token: token,
                })
            }
            other @ (Nonces::Undrawn | Nonces::Releasing { .. }) => {
                live.nonces = other;
                None
            }
        }
    }

    /// Nothing was written: the nonces live again, unless an abort came meanwhile.
    pub(crate) fn give_back(&mut self, key: &AttemptKey, taken: Taken) {
        self.settled(key);
        let nonces = taken.nonces;
        let Some(live) = self.live_mut(key) else {
            return;
        };
        match live.nonces {
            Nonces::Releasing { abort: false } => live.nonces = Nonces::Live(nonces),
            Nonces::Releasing { abort: true } => self.remove(key),
            Nonces::Undrawn | Nonces::Live(_) => {}
        }
    }

    /// A share has left: its slot is free.
    pub(crate) fn released(&mut self, key: &AttemptKey) {
        self.settled(key);
        self.remove(key);
    }

    /// Frees the slot of an attempt whose nonces are gone.
    fn remove(&mut self, key: &AttemptKey) {
        if let Some(session) = self.session_mut(&key.key_group, &key.session) {
            session.remove(key.member, key.attempt);
        }
    }

    /// Destroys every nonce and every session.
    pub(crate) fn wipe(&mut self) {
        self.sessions.clear();
        self.completing.clear();
        self.completing_packages.clear();
        self.releasing.clear();
    }
}
