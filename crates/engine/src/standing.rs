//! Who and what may not sign any more, as the log says.

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_primitives::{Hash32, KeyGroup, Member, SessionId, UnixTime};

use crate::reason::Reason;
use crate::record::{ConvictionRecord, QuarantineRecord, RekeyRecord, RetiredRecord};

/// A group, and one session of it or all of them.
pub(crate) type RekeyScope = (KeyGroup, Option<SessionId>);

/// Why a member is kept out.
#[derive(Clone, Default)]
pub(crate) struct QuarantineEntry {
    /// By the operator's word.
    pub(crate) operator: Option<(UnixTime, Reason)>,
    /// When the operator last let the member in, if nothing was said against it since.
    pub(crate) lifted: Option<UnixTime>,
    /// By a proof.
    pub(crate) conviction: Option<ConvictionEntry>,
}

/// A proof that was verified.
#[derive(Clone)]
pub(crate) struct ConvictionEntry {
    pub(crate) at: UnixTime,
    pub(crate) evidence: Hash32,
    pub(crate) proof: Vec<u8>,
    /// Whether it keeps the member out, or the operator has lifted that.
    pub(crate) in_force: bool,
}

/// Kill switches, quarantines, retired sessions.
#[derive(Default)]
pub(crate) struct Standing {
    pub(crate) rekeys: BTreeMap<RekeyScope, (UnixTime, Reason)>,
    pub(crate) quarantines: BTreeMap<(KeyGroup, Member), QuarantineEntry>,
    pub(crate) retired: BTreeSet<(KeyGroup, SessionId)>,
}

impl Standing {
    /// The first kill switch stays.
    pub(crate) fn rekey(&mut self, record: RekeyRecord) {
        let RekeyRecord {
            key_group,
            session,
            at,
            reason,
        } = record;
        let scope = (key_group, session);
        self.rekeys.entry(scope).or_insert((at, reason));
    }

    pub(crate) fn quarantine(&mut self, record: QuarantineRecord) {
        let QuarantineRecord {
            key_group,
            member,
            at,
            reason,
        } = record;
        let entry = self.quarantines.entry((key_group, member)).or_default();
        if let (None, Some(conviction)) = (&reason, &mut entry.conviction) {
            conviction.in_force = false;
        }
        entry.lifted = reason.is_none().then_some(at);
        entry.operator = reason.map(|reason| (at, reason));
    }

    pub(crate) fn convict(&mut self, record: ConvictionRecord) {
        let ConvictionRecord {
            key_group,
            member,
            at,
            evidence,
            proof,
        } = record;
        let entry = self.quarantines.entry((key_group, member)).or_default();
        if entry
            .conviction
            .as_ref()
            .is_some_and(|proof| proof.in_force)
        {
            return;
        }
        entry.conviction = Some(ConvictionEntry {
            at,
            evidence,
            proof,
            in_force: true,
        });
    }

    pub(crate) fn retire(&mut self, record: RetiredRecord) {
        self.retired.insert((record.key_group, record.session));
    }

    /// The kill switch that holds for a session: its own, or its group's.
    pub(crate) fn rekeyed(
        &self,
        key_group: &KeyGroup,
        session: &SessionId,
    ) -> Option<&(UnixTime, Reason)> {
        let whole = self.rekeys.get(&(key_group.clone(), None));
        let alone = (key_group.clone(), Some(session.clone()));
        whole.or_else(|| self.rekeys.get(&alone))
    }

    pub(crate) fn is_retired(&self, key_group: &KeyGroup, session: &SessionId) -> bool {
        let name = (key_group.clone(), session.clone());
        self.retired.contains(&name)
    }

    pub(crate) fn quarantine_of(
        &self,
        key_group: &KeyGroup,
        member: Member,
    ) -> Option<&QuarantineEntry> {
        self.quarantines.get(&(key_group.clone(), member))
    }
}

impl QuarantineEntry {
    /// Whether the member itself is kept out, by word or by proof.
    pub(crate) fn holds(&self) -> bool {
        let proven = self.conviction.as_ref();
        self.operator.is_some() || proven.is_some_and(|proof| proof.in_force)
    }
}
