//! Round2: verify → gates → stage the record → durable → sign → release. A bad package never burns a nonce.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::{
    sign, CheckedPackage, Commitments, DerivedGroup, DerivedShare, PackageError, SignatureShare,
    SigningNonces,
};
use hardfrost_primitives::{Member, Now};

use crate::attempt::{AttemptKey, SigningPackage};
use crate::custody::Taken;
use crate::engine::{Engine, Settle};
use crate::gates::{self, Approved, Asked};
use crate::record::{ConsumedRecord, Record};
use crate::rejection::Rejection;
use crate::session::Nonces;
use crate::staged::{Committed, Staged, Uncommitted};
use crate::state::Binding;

/// A request for this seat's share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round2 {
    /// Attempt and seat.
    pub key: AttemptKey,
    /// The coordinator's choice.
    pub package: SigningPackage,
}

/// Everything a share needs, and no share yet. Dropping it destroys the nonces.
pub struct PendingShare {
    key: AttemptKey,
    approved: Approved,
    taken: Taken,
    share: DerivedShare,
    package: CheckedPackage,
}

impl Engine {
    /// Checks everything, then moves the nonces out with their consumption record. No share exists yet.
    ///
    /// # Errors
    /// `consumed_nonce_replay`, `session_not_found`, `round1_not_started`, `validation_error`, those of the gates (see
    /// [`Self::open`]), `attempt_already_aggregated`, `capacity_exceeded`; the nonces live on after each.
    pub fn round2(&mut self, now: Now, request: Round2) -> Result<Staged<PendingShare>, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let Round2 { key, package } = request;
        self.not_spent(&key)?;
        let live = self.custody.live(&key).ok_or(Rejection::SessionNotFound)?;
        let own = match &live.nonces {
            Nonces::Live(nonces) => nonces.commitments(),
            Nonces::Undrawn => return Err(Rejection::Round1NotStarted),
            Nonces::Releasing { .. } => return Err(Rejection::ConsumedNonceReplay),
        };
        let context = Arc::clone(&live.context);
        let session = self.custody.session(&key.key_group, &key.session);
        let binding = session.ok_or(Rejection::SessionNotFound)?.binding.clone();
        let group = self.derived(&key.key_group, &binding.key_spec)?;
        let package = checked(&package, &binding, Arc::clone(&group))?;
        if let Some(m) = package
            .commitments()
            .keys()
            .find(|m| !context.included.contains(m))
        {
            return Err(Rejection::invalid(format!(
                "member {m} is not included in this attempt"
            )));
        }
        if package.commitments().get(&key.member) != Some(&own) {
            return Err(Rejection::invalid(
                "the package does not hold this seat's own commitments",
            ));
        }
        let approved = self.let_through(now, &key, &binding, &package)?;
        self.not_completed(&key)?;
        if self.state.markers(&key) >= self.limits.markers_per_seat_max {
            return Err(Rejection::CapacityExceeded(
                "consumption markers of one seat",
            ));
        }
        let held = self.installed(&key.key_group)?.shares.get(&key.member);
        let share = held.and_then(|share| DerivedShare::new(share, group));
        let share = share.ok_or(Rejection::Internal)?;
        let taken = self.custody.take(&key).ok_or(Rejection::Internal)?;
        let record = consumption(&key, binding);
        Ok(self.stage(
            record,
            PendingShare {
                key,
                approved,
                taken,
                share,
                package,
            },
        ))
    }

    /// Refuses an attempt whose nonces are spent, or were lost on the way.
    pub(crate) fn not_spent(&self, key: &AttemptKey) -> Result<(), Rejection> {
        if self.state.is_consumed(key) || self.custody.is_lost(key) {
            Err(Rejection::ConsumedNonceReplay)
        } else {
            Ok(())
        }
    }

    /// The gates again, for everybody who was chosen.
    fn let_through(
        &self,
        now: Now,
        key: &AttemptKey,
        binding: &Binding,
        package: &CheckedPackage,
    ) -> Result<Approved, Rejection> {
        let chosen: Vec<Member> = package.commitments().keys().copied().collect();
        let asked = Asked {
            key_group: &key.key_group,
            session: &key.session,
            binding,
            member: key.member,
            chosen: &chosen,
        };
        gates::check(self, now, &asked)
    }

    /// Applies the durable record, signs, wipes, frees the slot.
    ///
    /// # Errors
    /// `lifecycle_policy_rejected` when the kill switch was set meanwhile, `internal_error` when an invariant of ours
    /// is broken; the nonces are gone all the same.
    pub fn release(&mut self, done: Committed<PendingShare>) -> Result<SignatureShare, Rejection> {
        self.settle(done)
    }

    /// The record did not become durable. Nothing written: the nonces live again. Unknown: they are destroyed, and the
    /// engine answers `storage_fault` until it is recovered from its log.
    pub fn withdraw(&mut self, not: Uncommitted<PendingShare>) {
        self.unsettle(not);
    }
}

fn consumption(key: &AttemptKey, binding: Binding) -> Record {
    let Binding {
        message,
        key_spec,
        suite,
        share_epoch,
    } = binding;
    let attempt = key.clone();
    Record::Consumed(ConsumedRecord {
        attempt,
        message,
        key_spec,
        suite,
        share_epoch,
    })
}

/// A package that says what the session says and whose commitments are t distinct members' points.
pub(crate) fn checked(
    package: &SigningPackage,
    binding: &Binding,
    group: Arc<DerivedGroup>,
) -> Result<CheckedPackage, Rejection> {
    if package.message != binding.message {
        return Err(Rejection::invalid("the package is for another message"));
    }
    if package.key_spec != binding.key_spec {
        return Err(Rejection::invalid("the package is for another key spec"));
    }
    // The number first: a list of any length is refused before a point of it is decoded.
    let (threshold, actual) = (group.public().threshold(), package.commitments.len());
    if actual != usize::from(threshold) {
        return Err(Rejection::invalid(PackageError::Count {
            threshold,
            actual,
        }));
    }
    let commitments = parsed(package)?;
    let (suite, message) = (binding.suite, binding.message);
    CheckedPackage::new(suite, group, message, commitments).map_err(Rejection::invalid)
}

fn parsed(package: &SigningPackage) -> Result<BTreeMap<Member, Commitments>, Rejection> {
    let mut commitments = BTreeMap::new();
    for entry in &package.commitments {
        let member = entry.member;
        let points = Commitments::from_bytes(&entry.hiding, &entry.binding)
            .map_err(|e| Rejection::invalid(format!("member {member}: {e}")))?;
        if commitments.insert(member, points).is_some() {
            return Err(Rejection::invalid(format!("member {member} appears twice")));
        }
    }
    Ok(commitments)
}

impl Settle for PendingShare {
    type Released = SignatureShare;

    fn release(self, engine: &mut Engine) -> Result<SignatureShare, Rejection> {
        let Self {
            key,
            approved,
            taken,
            share,
            package,
        } = self;
        engine.custody.released(&key);
        gates::killed(engine, &key.key_group, &key.session)?;
        sign_approved(approved, &share, taken.nonces, &package)
    }

    fn give_back(self, engine: &mut Engine) {
        engine.custody.give_back(&self.key, self.taken);
    }
}

/// The only caller of `frost::sign`: it cannot be reached without the gates' word, and uses it up.
fn sign_approved(
    approved: Approved,
    share: &DerivedShare,
    nonces: SigningNonces,
    package: &CheckedPackage,
) -> Result<SignatureShare, Rejection> {
    let approved = approved.into_binding();
    let same = approved.message == *package.message()
        && approved.key_spec == *package.group().spec()
        && approved.suite == package.suite();
    if !same {
        return Err(Rejection::Internal);
    }
    sign(share, nonces, package).map_err(|_| Rejection::Internal)
}
