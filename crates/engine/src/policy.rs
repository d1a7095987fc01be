//! The operator's limits on what is signed. They are a record, and hold from the decision on: an approval that was
//! given under laxer ones is judged again at Open and at Round2.

use hardfrost_primitives::{KeyGroup, Now};
use hardfrost_spend::{Policy, SpendFacts};

use crate::engine::Engine;
use crate::gates::Gate;
use crate::lifecycle::{Change, Changed, PendingChange};
use crate::record::{ApprovedFacts, PolicyRecord, Record};
use crate::rejection::{PolicyReason, Rejection};
use crate::staged::Decision;

/// New limits for a group, in the place of those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPolicy {
    /// The group.
    pub key_group: KeyGroup,
    /// All of its limits.
    pub policy: Policy,
}

impl Engine {
    /// Puts new limits in force. Stricter ones hold from here on, laxer ones once they are durable. The same again
    /// changes nothing.
    ///
    /// # Errors
    /// `dkg_not_ready`.
    pub fn install_policy(
        &mut self,
        now: Now,
        request: InstallPolicy,
    ) -> Result<Decision<Changed, PendingChange>, Rejection> {
        self.ready()?;
        let InstallPolicy { key_group, policy } = request;
        self.installed(&key_group)?;
        let hash = policy.hash();
        let alone = self.closing.policies(&key_group).next().is_none();
        if alone && self.policy(&key_group) == policy {
            return Ok(Decision::Already(Changed::Policy(hash)));
        }
        let gate = Gate::Policy(key_group.clone(), policy.clone());
        let record = Record::Policy(PolicyRecord {
            key_group,
            at: now.utc,
            policy,
        });
        Ok(self.change(record, Change::Close(gate)))
    }

    /// The limits of a group; none where none were installed.
    #[must_use]
    pub fn policy(&self, key_group: &KeyGroup) -> Policy {
        let installed = self.state.policies.get(key_group);
        installed
            .map(|(_, policy)| policy.clone())
            .unwrap_or_default()
    }

    /// Judges what is approved, or is to be, by the limits of today, those that are being written among them.
    pub(crate) fn permits(
        &self,
        key_group: &KeyGroup,
        facts: &ApprovedFacts,
    ) -> Result<(), Rejection> {
        match facts {
            ApprovedFacts::Spend(facts) => self.within_limits(key_group, facts),
            ApprovedFacts::Tagged(tag) => self.permits_tag(tag),
        }
    }

    pub(crate) fn permits_tag(&self, tag: &str) -> Result<(), Rejection> {
        if self.raw_tags.contains(tag) {
            Ok(())
        } else {
            let reason = PolicyReason::RawMessageSigningDisabled;
            Err(Rejection::SigningPolicy(reason))
        }
    }

    fn within_limits(&self, key_group: &KeyGroup, facts: &SpendFacts) -> Result<(), Rejection> {
        let installed = self.state.policies.get(key_group);
        let installed = installed.map(|(_, policy)| policy);
        for policy in installed
            .into_iter()
            .chain(self.closing.policies(key_group))
        {
            let kept = policy.check(facts).map_err(PolicyReason::Limit);
            kept.map_err(Rejection::SigningPolicy)?;
        }
        Ok(())
    }
}
