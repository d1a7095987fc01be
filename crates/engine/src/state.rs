//! What is true for good: a fold over records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_frost::{GroupPublic, KeyShare};
use hardfrost_primitives::{
    AttemptId, Hash32, KeyGroup, KeySpec, Member, Message, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_spend::Policy;

use crate::attempt::AttemptKey;
use crate::record::{
    ApprovalRecord, ApprovedFacts, ApprovedItem, CompletedRecord, ConsumedRecord, InstalledKey,
    PendingShareOfKey, Record, RetiredRecord,
};
use crate::standing::Standing;

/// A key group of which this engine holds shares.
pub(crate) struct InstalledGroup {
    pub(crate) public: Arc<GroupPublic>,
    pub(crate) share_epoch: u32,
    pub(crate) shares: BTreeMap<Member, Arc<KeyShare>>,
    pub(crate) certificate: Hash32,
    pub(crate) certificate_file: Arc<[u8]>,
}

/// Where an installed share came from.
pub(crate) struct InstalledSeat {
    pub(crate) key_group: KeyGroup,
    pub(crate) transcript: Hash32,
}

/// One approved message.
pub(crate) struct ApprovalEntry {
    pub(crate) artifact: Hash32,
    pub(crate) request: RequestId,
    pub(crate) message: Message,
    pub(crate) key_spec: KeySpec,
    pub(crate) suite: Suite,
    pub(crate) expires: UnixTime,
    pub(crate) policy: Hash32,
    pub(crate) facts: Arc<ApprovedFacts>,
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

pub(crate) type SessionName = (KeyGroup, SessionId);
pub(crate) type AttemptName = (KeyGroup, SessionId, AttemptId);
pub(crate) type PackageName = (KeyGroup, SessionId, Hash32);

/// The durable part of an engine.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) pending: BTreeMap<(Hash32, Member), PendingShareOfKey>,
    pub(crate) keys: BTreeMap<KeyGroup, InstalledGroup>,
    /// By ceremony and seat.
    pub(crate) installed: BTreeMap<(Hash32, Member), InstalledSeat>,
    pub(crate) approvals: BTreeMap<SessionName, ApprovalEntry>,
    pub(crate) policies: BTreeMap<KeyGroup, (UnixTime, Policy)>,
    pub(crate) consumed: BTreeMap<AttemptKey, Binding>,
    pub(crate) completed: BTreeMap<AttemptName, CompletedRecord>,
    /// The packages that were completed, whatever attempt they were completed in.
    packages: BTreeSet<PackageName>,
    pub(crate) standing: Standing,
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
            Record::Consumed(consumed) => self.consume(consumed),
            Record::Completed(completed) => {
                self.complete(completed);
                Ok(())
            }
            Record::Rekey(rekey) => {
                self.standing.rekey(rekey);
                Ok(())
            }
            Record::Quarantine(change) => {
                self.standing.quarantine(change);
                Ok(())
            }
            Record::Conviction(conviction) => {
                self.standing.convict(conviction);
                Ok(())
            }
            Record::Retired(retired) => {
                self.retire(retired);
                Ok(())
            }
            Record::Policy(record) => {
                let limits = (record.at, record.policy);
                self.policies.insert(record.key_group, limits);
                Ok(())
            }
        }
    }

    fn consume(&mut self, consumed: ConsumedRecord) -> Result<(), Contradiction> {
        let ConsumedRecord {
            attempt,
            message,
            key_spec,
            suite,
            share_epoch,
        } = consumed;
        if self
            .standing
            .is_retired(&attempt.key_group, &attempt.session)
        {
            return Ok(());
        }
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

    fn complete(&mut self, completed: CompletedRecord) {
        let name = name_of(&completed.attempt);
        if self.standing.is_retired(&name.0, &name.1) {
            return;
        }
        self.packages
            .insert((name.0.clone(), name.1.clone(), completed.package));
        self.completed.insert(name, completed);
    }

    fn install(&mut self, installed: InstalledKey) -> Result<(), Contradiction> {
        let InstalledKey {
            ceremony,
            member,
            certificate,
            file,
        } = installed;
        let name = (ceremony, member);
        if let Some(seat) = self.installed.get(&name) {
            let first = self.keys.get(&seat.key_group);
            let same = first.is_some_and(|group| group.certificate == certificate);
            return if same { Ok(()) } else { Err(Contradiction) };
        }
        let key = self.pending.remove(&name).ok_or(Contradiction)?;
        let public = Arc::clone(key.share.group());
        let key_group = public.key_group().clone();
        let group = self
            .keys
            .entry(key_group.clone())
            .or_insert_with(|| InstalledGroup {
                public: Arc::clone(&public),
                share_epoch: key.share_epoch,
                shares: BTreeMap::new(),
                certificate,
                certificate_file: file.into(),
            });
        let same = group.public == public
            && group.share_epoch == key.share_epoch
            && group.certificate == certificate;
        if !same || group.shares.contains_key(&member) {
            return Err(Contradiction);
        }
        group.shares.insert(member, Arc::new(key.share));
        let transcript = key.transcript;
        let seat = InstalledSeat {
            key_group,
            transcript,
        };
        self.installed.insert(name, seat);
        Ok(())
    }

    fn approve(&mut self, approval: ApprovalRecord) {
        let ApprovalRecord {
            key_group,
            artifact,
            request,
            suite,
            expires,
            policy,
            facts,
            replaces,
            items,
        } = approval;
        let replaced = |entry: &ApprovalEntry| Some(entry.artifact) == replaces;
        self.approvals
            .retain(|(group, _), entry| *group != key_group || !replaced(entry));
        let facts = Arc::new(facts);
        let standing = &self.standing;
        let open = |item: &ApprovedItem| !standing.is_retired(&key_group, &item.session);
        for item in items.into_iter().filter(open) {
            let entry = ApprovalEntry {
                artifact,
                request: request.clone(),
                message: item.message,
                key_spec: item.key_spec,
                suite,
                expires,
                policy,
                facts: Arc::clone(&facts),
            };
            self.approvals
                .insert((key_group.clone(), item.session), entry);
        }
    }

    /// A retired session needs no markers: whatever would meet them is refused before. What was under way and comes
    /// later is not kept either.
    fn retire(&mut self, retired: RetiredRecord) {
        let RetiredRecord { key_group, session } = &retired;
        let (lowest, lowest_seat) = lowest(key_group, session);
        let attempts: Vec<AttemptKey> = self
            .consumed
            .range(lowest_seat..)
            .map(|(key, _)| key.clone())
            .take_while(|key| key.key_group == *key_group && key.session == *session)
            .collect();
        for attempt in attempts {
            self.consumed.remove(&attempt);
        }
        let completed: Vec<AttemptName> = self
            .completed
            .range(lowest..)
            .map(|(name, _)| name.clone())
            .take_while(|(group, name, _)| group == key_group && name == session)
            .collect();
        for name in completed {
            if let Some(record) = self.completed.remove(&name) {
                self.packages.remove(&(name.0, name.1, record.package));
            }
        }
        self.approvals.remove(&(key_group.clone(), session.clone()));
        self.standing.retire(retired);
    }

    pub(crate) fn is_consumed(&self, attempt: &AttemptKey) -> bool {
        self.consumed.contains_key(attempt)
    }

    pub(crate) fn is_completed(&self, attempt: &AttemptKey) -> bool {
        self.completed.contains_key(&name_of(attempt))
    }

    pub(crate) fn is_package_completed(&self, package: &PackageName) -> bool {
        self.packages.contains(package)
    }

    /// Whether anything was ever approved, signed or completed in the session.
    pub(crate) fn has_heard_of(&self, key_group: &KeyGroup, session: &SessionId) -> bool {
        let name = (key_group.clone(), session.clone());
        let (_, lowest) = lowest(key_group, session);
        let marker = self.consumed.range(lowest..).next();
        let marked =
            marker.is_some_and(|(key, _)| key.key_group == *key_group && key.session == *session);
        marked || self.approvals.contains_key(&name) || self.completions(key_group, session) > 0
    }

    /// Completed attempts of a session.
    pub(crate) fn completions(&self, key_group: &KeyGroup, session: &SessionId) -> usize {
        let (lowest, _) = lowest(key_group, session);
        self.completed
            .range(lowest..)
            .take_while(|((group, name, _), _)| group == key_group && name == session)
            .count()
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
        let (_, lowest) = lowest(&attempt.key_group, &attempt.session);
        self.consumed
            .range(lowest..)
            .take_while(|(key, _)| {
                key.key_group == attempt.key_group && key.session == attempt.session
            })
            .filter(|(key, _)| key.member == attempt.member)
            .count()
    }
}

/// The names below which nothing of a session stands.
fn lowest(key_group: &KeyGroup, session: &SessionId) -> (AttemptName, AttemptKey) {
    let attempt = AttemptId::from_hash(Hash32([0; 32]));
    let key = AttemptKey {
        key_group: key_group.clone(),
        session: session.clone(),
        attempt,
        member: Member::FIRST,
    };
    (name_of(&key), key)
}

/// Completion is a fact about the attempt, not about one of its seats.
pub(crate) fn name_of(attempt: &AttemptKey) -> AttemptName {
    (
        attempt.key_group.clone(),
        attempt.session.clone(),
        attempt.attempt,
    )
}
