//! Round2: verify → gates → stage the record → durable → sign → release. A bad package never burns a nonce.

use std::sync::Arc;

use hardfrost_frost::{
    sign, CheckedPackage, Commitments, DerivedShare, SignatureShare, SigningNonces,
};
use hardfrost_primitives::{Member, Now};

use crate::attempt::{AttemptKey, SigningPackage};
use crate::custody::Taken;
use crate::engine::{Engine, Settle};
use crate::gates::{self, Approved, Asked};
use crate::package::PackageJob;
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

/// A package to be judged, without the engine.
pub struct Round2Job {
    key: AttemptKey,
    binding: Binding,
    job: PackageJob,
}

/// A package in order, whose place in its attempt is not judged yet.
pub struct Round2Judged {
    key: AttemptKey,
    binding: Binding,
    package: CheckedPackage,
}

impl Round2Job {
    /// Decodes the commitments, and computes what every signer computes from them.
    ///
    /// # Errors
    /// `validation_error`.
    pub fn run(self) -> Result<Round2Judged, Rejection> {
        let Self { key, binding, job } = self;
        Ok(Round2Judged {
            key,
            binding,
            package: job.run()?,
        })
    }
}

impl Engine {
    /// Checks everything, then moves the nonces out with their consumption record. No share exists yet.
    ///
    /// # Errors
    /// `consumed_nonce_replay`, `session_not_found`, `round1_not_started`, `validation_error`, those of the gates (see
    /// [`Self::open`]), `attempt_already_aggregated`, `capacity_exceeded`; the nonces live on after each.
    pub fn round2(&mut self, now: Now, request: Round2) -> Result<Staged<PendingShare>, Rejection> {
        let judged = self.round2_begin(now, request)?.run()?;
        self.round2_end(now, judged)
    }

    /// First part, for a host whose other threads do not wait for the package's check.
    ///
    /// # Errors
    /// As for [`Self::round2`].
    pub fn round2_begin(&mut self, now: Now, request: Round2) -> Result<Round2Job, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let Round2 { key, package } = request;
        let (_, binding) = self.ready_to_sign(&key)?;
        let job = PackageJob::new(self, &key.key_group, package, binding.clone())?;
        Ok(Round2Job { key, binding, job })
    }

    /// Last part: everything is asked again, by what is so now.
    ///
    /// # Errors
    /// As for [`Self::round2`].
    pub fn round2_end(
        &mut self,
        now: Now,
        judged: Round2Judged,
    ) -> Result<Staged<PendingShare>, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        let Round2Judged {
            key,
            binding,
            package,
        } = judged;
        let (own, bound) = self.ready_to_sign(&key)?;
        if bound != binding {
            // The session ended meanwhile, and another one has its name.
            return Err(Rejection::SessionNotFound);
        }
        self.keep_derived(&key.key_group, package.group());
        let live = self.custody.live(&key).ok_or(Rejection::SessionNotFound)?;
        let mut chosen = package.commitments().keys();
        if let Some(m) = chosen.find(|m| !live.context.included.contains(m)) {
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
                "consumption markers of one seat".into(),
            ));
        }
        let held = self.installed(&key.key_group)?.shares.get(&key.member);
        let group = Arc::clone(package.group());
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

    /// What this seat committed to, and what its session is bound to, where it may sign at all.
    fn ready_to_sign(&self, key: &AttemptKey) -> Result<(Commitments, Binding), Rejection> {
        self.not_spent(key)?;
        let live = self.custody.live(key).ok_or(Rejection::SessionNotFound)?;
        let own = match &live.nonces {
            Nonces::Live(nonces) => nonces.commitments(),
            Nonces::Undrawn => return Err(Rejection::Round1NotStarted),
            Nonces::Releasing { .. } => return Err(Rejection::ConsumedNonceReplay),
        };
        let session = self.custody.session(&key.key_group, &key.session);
        let session = session.ok_or(Rejection::SessionNotFound)?;
        Ok((own, session.binding.clone()))
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
        self.settle(done)?.run()
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

impl Settle for PendingShare {
    type Released = SigningJob;

    fn release(self, engine: &mut Engine) -> Result<SigningJob, Rejection> {
        let Self {
            key,
            approved,
            taken,
            share,
            package,
        } = self;
        engine.custody.released(&key);
        gates::killed(engine, &key.key_group, &key.session)?;
        Ok(SigningJob {
            approved,
            share,
            nonces: taken.nonces,
            package,
        })
    }

    fn give_back(self, engine: &mut Engine) {
        engine.custody.give_back(&self.key, self.taken);
    }
}

/// A share whose record is durable, to be computed without the engine. Dropping it destroys the nonces.
pub(crate) struct SigningJob {
    approved: Approved,
    share: DerivedShare,
    nonces: SigningNonces,
    package: CheckedPackage,
}

impl SigningJob {
    /// The only caller of `frost::sign`: it cannot be reached without the gates' word, and uses it up.
    pub(crate) fn run(self) -> Result<SignatureShare, Rejection> {
        let approved = self.approved.into_binding();
        let same = approved.message == *self.package.message()
            && approved.key_spec == *self.package.group().spec()
            && approved.suite == self.package.suite();
        if !same {
            return Err(Rejection::Internal);
        }
        sign(&self.share, self.nonces, &self.package).map_err(|_| Rejection::Internal)
    }
}
