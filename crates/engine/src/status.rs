//! What an engine holds and what it was asked, as values. Never a secret.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_primitives::{Hash32, KeyGroup, Member, SessionId};

use crate::engine::Engine;
use crate::lifecycle::Rekeyed;
use crate::operation::{Counts, Operation};

/// An engine at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// It answers `storage_fault` to everything until it is recovered.
    pub faulted: bool,
    /// The keys that are held.
    pub keys: Vec<KeyStatus>,
    /// Shares that are durable and not installed yet.
    pub pending_shares: usize,
    /// Key generations whose secrets are in memory.
    pub ceremonies: usize,
    /// Sessions known in memory, finished ones included.
    pub sessions: usize,
    /// Live attempts over all sessions.
    pub live_attempts: usize,
    /// Decisions whose records are on their way to the log.
    pub under_way: usize,
    /// Facts that the log must keep.
    pub records: RecordCounts,
    /// What it was asked since it was recovered.
    pub counters: BTreeMap<Operation, Counts>,
}

/// A key that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its handle.
    pub key_group: KeyGroup,
    /// t
    pub threshold: u16,
    /// n
    pub count: u16,
    /// Of the shares that are held.
    pub share_epoch: u32,
    /// The seats whose shares are held here.
    pub seats: BTreeSet<Member>,
    /// Hash of the limits in force.
    pub policy: Hash32,
    /// The kill switch, where it is set for the whole group.
    pub rekeyed: Option<Rekeyed>,
    /// Sessions that a kill switch of their own has stopped.
    pub rekeyed_sessions: Vec<SessionId>,
    /// Members that are kept out, the allow-list left aside.
    pub quarantined: BTreeSet<Member>,
}

/// Facts of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordCounts {
    /// Shares that sign.
    pub installed: usize,
    /// Shares that are not installed yet.
    pub pending: usize,
    /// Approved messages, those whose time is over included.
    pub approvals: usize,
    /// Consumption markers.
    pub consumed: usize,
    /// Completed attempts.
    pub completed: usize,
    /// Kill switches.
    pub rekeys: usize,
    /// Members with a quarantine or a conviction.
    pub quarantines: usize,
    /// Sessions that are over for good.
    pub retired: usize,
}

impl Engine {
    /// What the engine holds and what it was asked.
    #[must_use]
    pub fn status(&self) -> Status {
        let records = self.record_counts();
        Status {
            faulted: self.ready().is_err(),
            keys: self
                .state
                .keys
                .keys()
                .filter_map(|name| self.key_status(name))
                .collect(),
            pending_shares: records.pending,
            ceremonies: self.ceremonies.count(),
            sessions: self.custody.sessions(),
            live_attempts: self.custody.live_count(),
            under_way: self.under_way,
            records,
            counters: self.counters.clone(),
        }
    }

    fn key_status(&self, key_group: &KeyGroup) -> Option<KeyStatus> {
        let group = self.state.keys.get(key_group)?;
        let standing = &self.state.standing;
        let rekeys = standing.rekeys.iter();
        let rekeys = rekeys.filter(|((named, _), _)| named == key_group);
        let quarantines = standing.quarantines.iter();
        let held = quarantines.filter(|((named, _), entry)| named == key_group && entry.holds());
        Some(KeyStatus {
            key_group: key_group.clone(),
            threshold: group.public.threshold(),
            count: group.public.count(),
            share_epoch: group.share_epoch,
            seats: group.shares.keys().copied().collect(),
            policy: self.policy(key_group).hash(),
            rekeyed: self.first_rekey(&(key_group.clone(), None)),
            rekeyed_sessions: rekeys
                .filter_map(|((_, session), _)| session.clone())
                .collect(),
            quarantined: held.map(|((_, member), _)| *member).collect(),
        })
    }

    fn record_counts(&self) -> RecordCounts {
        let state = &self.state;
        RecordCounts {
            installed: state.installed.len(),
            pending: state.pending.len(),
            approvals: state.approvals.len(),
            consumed: state.consumed.len(),
            completed: state.completed.len(),
            rekeys: state.standing.rekeys.len(),
            quarantines: state.standing.quarantines.len(),
            retired: state.standing.retired.len(),
        }
    }
}
