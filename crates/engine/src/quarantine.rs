//! Quarantine: members that the operator, or a proof, keeps out.

use std::collections::BTreeSet;

use hardfrost_primitives::{Hash32, KeyGroup, Member, Now};

use crate::engine::Engine;
use crate::gates::Gate;
use crate::lifecycle::{Change, Changed, PendingChange};
use crate::reason::Reason;
use crate::record::{ConvictionRecord, QuarantineRecord, Record};
use crate::rejection::Rejection;
use crate::staged::Decision;

/// Bytes of a proof at the most: two packages of the largest group, and a little.
const PROOF_BYTES_MAX: usize = 2 << 20;

/// The operator keeps a member out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The group.
    pub key_group: KeyGroup,
    /// The member; our own seats can be meant.
    pub member: Member,
    /// For people.
    pub reason: Reason,
}

/// The operator lets a member in again, whatever kept it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unquarantine {
    /// The group.
    pub key_group: KeyGroup,
    /// The member.
    pub member: Member,
}

/// A proof against a member, verified by the caller: the engine cannot read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convict {
    /// The group.
    pub key_group: KeyGroup,
    /// The member.
    pub member: Member,
    /// Hash of the proof's bytes.
    pub evidence: Hash32,
    /// The proof.
    pub proof: Vec<u8>,
}

/// How a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Whether it is kept out, by word or by proof.
    pub quarantined: bool,
    /// Whether the operator's configuration lets it in all the same.
    pub allowlisted: bool,
    /// The operator's reason, where it is the operator who keeps it out.
    pub reason: Option<Reason>,
    /// The proof against it, also where its quarantine was lifted.
    pub evidence: Option<Hash32>,
}

/// A proof that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// The group.
    pub key_group: KeyGroup,
    /// The member.
    pub member: Member,
    /// Hash of the proof.
    pub evidence: Hash32,
    /// The proof as it was handed in.
    pub proof: Vec<u8>,
    /// Whether it keeps the member out, or the operator has lifted that.
    pub in_force: bool,
}

type Outcome = Result<Decision<Changed, PendingChange>, Rejection>;

impl Engine {
    /// Members that the operator's configuration lets in whatever is recorded against them. Replaces the list.
    pub fn allow(&mut self, members: BTreeSet<(KeyGroup, Member)>) {
        self.allowed = members;
    }

    /// Keeps a member out, at once and in every session: no Open for its seat, no share for a package that chooses it.
    /// Nothing is burnt; what is live completes when the member is let in again.
    ///
    /// # Errors
    /// `dkg_not_ready`; `validation_error` for a number that is no member.
    pub fn quarantine(&mut self, now: Now, request: Quarantine) -> Outcome {
        let Quarantine {
            key_group,
            member,
            reason,
        } = request;
        self.known_member(&key_group, member)?;
        let entry = self.state.standing.quarantine_of(&key_group, member);
        if entry.is_some_and(|entry| entry.operator.is_some()) && self.is_settled() {
            return Ok(self.already(&key_group, member));
        }
        let gate = Gate::Quarantine(key_group.clone(), member);
        let record = QuarantineRecord {
            key_group,
            member,
            at: now.utc,
            reason: Some(reason),
        };
        Ok(self.change(Record::Quarantine(record), Change::Close(gate)))
    }

    /// Lets a member in again, once that is durable. A proof that was recorded stays recorded.
    ///
    /// # Errors
    /// As for [`Self::quarantine`].
    pub fn unquarantine(&mut self, now: Now, request: Unquarantine) -> Outcome {
        let Unquarantine { key_group, member } = request;
        self.known_member(&key_group, member)?;
        let entry = self.state.standing.quarantine_of(&key_group, member);
        if !entry.is_some_and(|entry| entry.holds()) && self.is_settled() {
            return Ok(self.already(&key_group, member));
        }
        let change = Change::Stands(key_group.clone(), member);
        let record = QuarantineRecord {
            key_group,
            member,
            at: now.utc,
            reason: None,
        };
        Ok(self.change(Record::Quarantine(record), change))
    }

    /// Records a proof. It keeps the member's own seat out; that it is not chosen is up to whoever chooses. A second
    /// proof, and one whose quarantine the operator has lifted, changes nothing.
    ///
    /// # Errors
    /// `dkg_not_ready`; `validation_error` for a number that is no member, or a proof of no possible size.
    pub fn convict(&mut self, now: Now, request: Convict) -> Outcome {
        let Convict {
            key_group,
            member,
            evidence,
            proof,
        } = request;
        self.known_member(&key_group, member)?;
        if proof.is_empty() || proof.len() > PROOF_BYTES_MAX {
            return Err(Rejection::invalid("no proof has this size"));
        }
        let entry = self.state.standing.quarantine_of(&key_group, member);
        let known = entry.and_then(|entry| entry.conviction.as_ref());
        let same = known.is_some_and(|known| known.evidence == evidence);
        if same || known.is_some_and(|known| known.in_force) && self.is_settled() {
            return Ok(self.already(&key_group, member));
        }
        let change = Change::Stands(key_group.clone(), member);
        let record = ConvictionRecord {
            key_group,
            member,
            at: now.utc,
            evidence,
            proof,
        };
        Ok(self.change(Record::Conviction(record), change))
    }

    /// How a member stands.
    #[must_use]
    pub fn quarantine_status(&self, key_group: &KeyGroup, member: Member) -> Quarantined {
        let standing = &self.state.standing;
        let entry = standing.quarantine_of(key_group, member);
        let operator = entry.and_then(|entry| entry.operator.clone());
        let conviction = entry.and_then(|entry| entry.conviction.as_ref());
        Quarantined {
            quarantined: entry.is_some_and(|entry| entry.holds()),
            allowlisted: self.allowed.contains(&(key_group.clone(), member)),
            reason: operator.map(|(_, reason)| reason),
            evidence: conviction.map(|proof| proof.evidence),
        }
    }

    /// The proofs that were recorded, one a member.
    #[must_use]
    pub fn convictions(&self) -> Vec<Conviction> {
        let all = self.state.standing.quarantines.iter();
        let proven = all.filter_map(|((key_group, member), entry)| {
            let proof = entry.conviction.as_ref()?;
            Some(Conviction {
                key_group: key_group.clone(),
                member: *member,
                evidence: proof.evidence,
                proof: proof.proof.clone(),
                in_force: proof.in_force,
            })
        });
        proven.collect()
    }

    /// Whether what is known is what will be: while a decision is on its way, perhaps the opposite one, the last word
    /// is recorded too.
    fn is_settled(&self) -> bool {
        self.under_way == 0
    }

    fn known_member(&self, key_group: &KeyGroup, member: Member) -> Result<(), Rejection> {
        self.ready()?;
        if self.installed(key_group)?.public.has(member) {
            Ok(())
        } else {
            Err(Rejection::invalid(format!("{member} is no member")))
        }
    }

    fn already(&self, key_group: &KeyGroup, member: Member) -> Decision<Changed, PendingChange> {
        let standing = self.quarantine_status(key_group, member);
        Decision::Already(Changed::Quarantine(standing))
    }
}
