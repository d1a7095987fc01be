//! The engine as a value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::{DerivedGroup, GroupPublic};
use hardfrost_locked::{LockError, Region};
use hardfrost_primitives::{Hash32, KeyGroup, KeySpec, Limits, Member};

use crate::approve::Approving;
use crate::custody::Custody;
use crate::gates::Closing;
use crate::keygen::Ceremonies;
use crate::log::LogError;
use crate::operation::{Counts, Operation};
use crate::package::Derivation;
use crate::record::{EncodedRecord, Record, RecordError};
use crate::rejection::Rejection;
use crate::staged::{Committed, Staged, Uncommitted};
use crate::state::{InstalledGroup, State};

/// Key specs whose derived keys are kept at hand.
const DERIVED_MAX: usize = 64;

/// Longest life that a configuration may allow: what is approved today should not be signable next year.
const LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A signer engine. It owns key shares and live nonces; nobody else ever sees one.
pub struct Engine {
    /// Where key shares, nonces and the secrets of ceremonies lie.
    pub(crate) region: Region,
    pub(crate) limits: Limits,
    pub(crate) raw_tags: BTreeSet<String>,
    pub(crate) state: State,
    pub(crate) custody: Custody,
    pub(crate) ceremonies: Ceremonies,
    pub(crate) closing: Closing,
    /// What approvals whose records are being written would spend.
    pub(crate) approving: Vec<Approving>,
    /// Members whose quarantine the operator overrides.
    pub(crate) allowed: BTreeSet<(KeyGroup, Member)>,
    /// What was asked, by operation; see `serve`.
    pub(crate) counters: BTreeMap<Operation, Counts>,
    /// Decisions whose records are on their way to the log.
    pub(crate) under_way: usize,
    derived: BTreeMap<(KeyGroup, KeySpec), Arc<DerivedGroup>>,
    faulted: bool,
}

/// A key that signs, and what was certified of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    /// The public half.
    pub public: Arc<GroupPublic>,
    /// Of the shares that are held.
    pub share_epoch: u32,
    /// The seats whose shares are held here.
    pub seats: BTreeSet<Member>,
    /// Hash of the certificate.
    pub certificate: Hash32,
    /// The certificate as it was handed in. The engine cannot read it: verify it before anything relies on it.
    pub file: Arc<[u8]>,
}

/// The log's content makes no engine. Nothing was skipped, nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// A limit is zero or absurd.
    #[error("the limit {0} is out of range")]
    Limits(&'static str),
    /// The log holds more than a limit allows: the limit was lowered since. The log is sound.
    #[error("the limit {limit} is {allowed}, and the log holds {found}: raise the limit")]
    Lowered {
        /// Which.
        limit: &'static str,
        /// What it says now.
        allowed: u16,
        /// What is there.
        found: u16,
    },
    /// A record does not read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record contradicts the ones before it.
    #[error("record {0} contradicts the ones before it")]
    Contradiction(usize),
    /// There is no locked memory for secrets.
    #[error(transparent)]
    Memory(#[from] LockError),
}

/// What happens to a pending effect once the fate of its record is known.
pub(crate) trait Settle {
    type Released;

    /// The record is durable and applied.
    fn release(self, engine: &mut Engine) -> Result<Self::Released, Rejection>;

    /// Nothing was written: everything is as before.
    fn give_back(self, engine: &mut Engine);
}

impl Engine {
    /// An engine whose state is the fold of `records`, oldest first, and whose nonces are none. `raw_tags` are the tags
    /// under which messages that are no transaction may be approved; usually none.
    ///
    /// # Errors
    /// See [`RecoverError`].
    pub fn recover(
        limits: Limits,
        raw_tags: BTreeSet<String>,
        records: &[EncodedRecord],
    ) -> Result<Self, RecoverError> {
        Self::recover_in(Region::new()?, limits, raw_tags, records)
    }

    /// The same in locked memory of the host's choice, which several engines may share.
    ///
    /// # Errors
    /// See [`RecoverError`].
    pub fn recover_in(
        region: Region,
        limits: Limits,
        raw_tags: BTreeSet<String>,
        records: &[EncodedRecord],
    ) -> Result<Self, RecoverError> {
        check_limits(&limits)?;
        let mut state = State::default();
        for (position, record) in records.iter().enumerate() {
            let record = Record::decode(record, position, &region)?;
            state
                .apply(record)
                .map_err(|_| RecoverError::Contradiction(position))?;
        }
        check_held(&limits, &state)?;
        Ok(Self {
            region,
            limits,
            raw_tags,
            state,
            custody: Custody::default(),
            ceremonies: Ceremonies::default(),
            closing: Closing::default(),
            approving: Vec::new(),
            allowed: BTreeSet::new(),
            counters: BTreeMap::new(),
            under_way: 0,
            derived: BTreeMap::new(),
            faulted: false,
        })
    }

    /// The public half of a group whose shares this engine holds.
    #[must_use]
    pub fn group(&self, key_group: &KeyGroup) -> Option<&Arc<GroupPublic>> {
        self.state.keys.get(key_group).map(|group| &group.public)
    }

    /// The seats this engine holds in a group, and the certificate's hash.
    #[must_use]
    pub fn seats(&self, key_group: &KeyGroup) -> Option<(BTreeSet<Member>, Hash32)> {
        let group = self.state.keys.get(key_group)?;
        Some((group.shares.keys().copied().collect(), group.certificate))
    }

    /// Every key that signs, with its certificate: what a restarted node needs to know its groups again.
    #[must_use]
    pub fn held_keys(&self) -> Vec<HeldKey> {
        let keys = self.state.keys.values().map(|group| HeldKey {
            public: Arc::clone(&group.public),
            share_epoch: group.share_epoch,
            seats: group.shares.keys().copied().collect(),
            certificate: group.certificate,
            file: Arc::clone(&group.certificate_file),
        });
        keys.collect()
    }

    /// Live attempts, over all sessions.
    #[must_use]
    pub fn live_attempts(&self) -> usize {
        self.custody.live_count()
    }

    /// Nobody knows what the log holds: every request is refused, until another engine is recovered from it.
    #[must_use]
    pub fn is_faulted(&self) -> bool {
        self.faulted
    }

    pub(crate) fn ready(&self) -> Result<(), Rejection> {
        if self.faulted {
            Err(Rejection::StorageFault)
        } else {
            Ok(())
        }
    }

    pub(crate) fn installed(&self, key_group: &KeyGroup) -> Result<&InstalledGroup, Rejection> {
        self.state.keys.get(key_group).ok_or(Rejection::DkgNotReady)
    }

    /// The group's keys under a spec, computed already or to be.
    pub(crate) fn derivation(
        &self,
        key_group: &KeyGroup,
        spec: &KeySpec,
    ) -> Result<Derivation, Rejection> {
        let public = &self.installed(key_group)?.public;
        let name = (key_group.clone(), spec.clone());
        let known = self.derived.get(&name);
        Ok(known.map_or_else(
            || Derivation::ToDo(Arc::clone(public), spec.clone()),
            |group| Derivation::Ready(Arc::clone(group)),
        ))
    }

    /// Keeps keys that were computed, so that it is done once.
    pub(crate) fn keep_derived(&mut self, key_group: &KeyGroup, group: &Arc<DerivedGroup>) {
        let name = (key_group.clone(), group.spec().clone());
        if self.derived.contains_key(&name) {
            return;
        }
        if self.derived.len() >= DERIVED_MAX {
            self.derived.clear();
        }
        self.derived.insert(name, Arc::clone(group));
    }

    /// A decision that waits for its record.
    pub(crate) fn stage<T>(&mut self, record: Record, pending: T) -> Staged<T> {
        self.under_way += 1;
        Staged { record, pending }
    }

    pub(crate) fn settle<T: Settle>(
        &mut self,
        done: Committed<T>,
    ) -> Result<T::Released, Rejection> {
        self.under_way = self.under_way.saturating_sub(1);
        self.state
            .apply(done.record)
            .map_err(|_| Rejection::Internal)?;
        done.pending.release(self)
    }

    pub(crate) fn unsettle<T: Settle>(&mut self, not: Uncommitted<T>) {
        match not.cause {
            LogError::NotWritten => {
                self.under_way = self.under_way.saturating_sub(not.batch.len());
                for staged in not.batch {
                    staged.pending.give_back(self);
                }
            }
            LogError::Unknown => {
                drop(not);
                self.fault();
            }
        }
    }

    /// Nothing is known of the disk any more: every secret of the moment goes.
    pub(crate) fn fault(&mut self) {
        self.custody.wipe();
        self.ceremonies.wipe();
        self.faulted = true;
    }
}

fn check_limits(limits: &Limits) -> Result<(), RecoverError> {
    let within = [
        ("members_max", (2..=1000).contains(&limits.members_max)),
        (
            "live_attempts_max",
            (1..=1 << 20).contains(&limits.live_attempts_max),
        ),
        ("sessions_max", (1..=1 << 20).contains(&limits.sessions_max)),
        ("window", (1..=2048).contains(&limits.window)),
        (
            "markers_per_seat_max",
            (1..=1 << 20).contains(&limits.markers_per_seat_max),
        ),
        (
            "life_max",
            !limits.life_max.is_zero() && limits.life_max <= LIFE_MAX,
        ),
    ];
    match within.into_iter().find(|(_, ok)| !ok) {
        Some((name, _)) => Err(RecoverError::Limits(name)),
        None => Ok(()),
    }
}

/// A limit that was lowered is the operator's to raise, and no damage to the log.
fn check_held(limits: &Limits, state: &State) -> Result<(), RecoverError> {
    let allowed = limits.members_max;
    let counts = state.keys.values().map(|group| group.public.count());
    match counts.max() {
        Some(found) if found > allowed => Err(RecoverError::Lowered {
            limit: "members_max",
            allowed,
            found,
        }),
        Some(_) | None => Ok(()),
    }
}
