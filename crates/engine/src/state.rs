//! What is true for good: a fold over records.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::{GroupPublic, KeyShare};
use hardfrost_primitives::{
    AttemptId, Hash32, KeyGroup, KeySpec, Member, Message, SessionId, Suite, UnixTime,
};

use crate::attempt::AttemptKey;
use crate::record::{
    ApprovalRecord, CompletedRecord, ConsumedRecord, InstalledKey, PendingShareOfKey, Record,
};

/// A key group of which this engine holds shares.
pub(crate) struct InstalledGroup {
    pub(crate) public: Arc<GroupPublic>,
    pub(crate) share_epoch: u32,
    pub(crate) shares: BTreeMap<Member, KeyShare>,
    pub(crate) certificate: Hash32,
}

/// One approved message.
pub(crate) struct ApprovalEntry {
    pub(crate) message: Message,
    pub(crate) key_spec: KeySpec,
    pub(crate) expires: UnixTime,
}

/// What the first Open of a session fixes, and what a marker remembers of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) message: Message,
    pub(crate) key_spec: KeySpec,
    pub(crate) suite: Suite,
    pub(crate) share_epoch: u32,
}

/// A record that contradicts the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

pub(crate) type AttemptName = (KeyGroup, SessionId, AttemptId);

/// The durable part of an engine.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) pending: BTreeMap<(Hash32, Member), PendingShareOfKey>,
    pub(crate) keys: BTreeMap<KeyGroup, InstalledGroup>,
    /// By ceremony and seat: the key that came of it, and its certificate.
    pub(crate) installed: BTreeMap<(Hash32, Member), (KeyGroup, Hash32)>,
    pub(crate) approvals: BTreeMap<(KeyGroup, SessionId), ApprovalEntry>,
    consumed: BTreeMap<AttemptKey, Binding>,
    completed: BTreeMap<AttemptName, CompletedRecord>,
}

impl State {
    /// The one way in which a record takes effect, live and at recovery.
    pub(crate) fn apply(&mut self, record: Record) -> Result<(), Contradiction> {
        match record {
            Record::KeyPending(key) => {
                self.pending.insert((key.ceremony, key.share.member()), key);
                Ok(())
            }
            Record::KeyInstalled(installed) => self.install(installed),
            Record::Approved(approval) => {
                self.approve(approval);
                Ok(())
            }
            Record::Consumed(consumed) => {
                let ConsumedRecord {
                    attempt,
                    message,
                    key_spec,
                    suite,
                    share_epoch,
                } = consumed;
                let binding = Binding {
                    message,
                    key_spec,
                    suite,
                    share_epoch,
                };
                match self.consumed.insert(attempt, binding) {
                    None => Ok(()),
                    Some(_) => Err(Contradiction),
                }
            }
            Record::Completed(completed) => {
                let name = name_of(&completed.attempt);
                self.completed.insert(name, completed);
                Ok(())
            }
        }
    }

    fn install(&mut self, installed: InstalledKey) -> Result<(), Contradiction> {
        let InstalledKey {
            ceremony,
            member,
            certificate,
        } = installed;
        if let Some((_, first)) = self.installed.get(&(ceremony, member)) {
            let same = *first == certificate;
            return if same { Ok(()) } else { Err(Contradiction) };
        }
        let key = self
            .pending
            .remove(&(ceremony, member))
            .ok_or(Contradiction)?;
        let public = Arc::clone(key.share.group());
        let group = self
            .keys
            .entry(public.key_group().clone())
            .or_insert_with(|| InstalledGroup {
                public: Arc::clone(&public),
                share_epoch: key.share_epoch,
                shares: BTreeMap::new(),
                certificate,
            });
        let same = group.public == public
            && group.share_epoch == key.share_epoch
            && group.certificate == certificate;
        if !same || group.shares.contains_key(&member) {
            return Err(Contradiction);
        }
        group.shares.insert(member, key.share);
        let name = public.key_group().clone();
        self.installed
            .insert((ceremony, member), (name, certificate));
        Ok(())
    }

    fn approve(&mut self, approval: ApprovalRecord) {
        let ApprovalRecord {
            key_group,
            expires,
            items,
            ..
        } = approval;
        for item in items {
            let entry = ApprovalEntry {
                message: item.message,
                key_spec: item.key_spec,
                expires,
            };
            self.approvals
                .insert((key_group.clone(), item.session), entry);
        }
    }

    pub(crate) fn is_consumed(&self, attempt: &AttemptKey) -> bool {
        self.consumed.contains_key(attempt)
    }

    pub(crate) fn is_completed(&self, attempt: &AttemptKey) -> bool {
        self.completed.contains_key(&name_of(attempt))
    }

    /// What a marker of the attempt remembers, whichever seat of ours signed.
    pub(crate) fn consumed_binding(&self, attempt: &AttemptKey) -> Option<&Binding> {
        let group = self.keys.get(&attempt.key_group)?;
        group.shares.keys().find_map(|member| {
            self.consumed.get(&AttemptKey {
                member: *member,
                ..attempt.clone()
            })
        })
    }

    /// Consumption markers of one seat in one session.
    pub(crate) fn markers(&self, attempt: &AttemptKey) -> usize {
        let lowest = AttemptKey {
            attempt: AttemptId::from_hash(Hash32([0; 32])),
            member: Member::all(1).next().unwrap_or(attempt.member),
            ..attempt.clone()
        };
        self.consumed
            .range(lowest..)
            .take_while(|(key, _)| {
                key.key_group == attempt.key_group && key.session == attempt.session
            })
            .filter(|(key, _)| key.member == attempt.member)
            .count()
    }
}

/// Completion is a fact about the attempt, not about one of its seats.
pub(crate) fn name_of(attempt: &AttemptKey) -> AttemptName {
    (
        attempt.key_group.clone(),
        attempt.session.clone(),
        attempt.attempt,
    )
}
