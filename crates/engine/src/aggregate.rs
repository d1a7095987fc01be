//! Aggregate: public computation, outside any lock, between two checks of the record.

use std::collections::BTreeMap;

use hardfrost_frost::{aggregate, AggregateError, Signature, SignatureShare};
use hardfrost_primitives::derive::transcript_digest;
use hardfrost_primitives::{Framed, Hash32, KeySpec, Member, Message, Suite};

use crate::attempt::{AttemptKey, MemberCommitments, SigningPackage};
use crate::engine::{Engine, Settle};
use crate::gates;
use crate::package::PackageJob;
use crate::record::{CompletedRecord, Record};
use crate::rejection::Rejection;
use crate::staged::{Committed, Staged, Uncommitted};
use crate::state::{name_of, Binding, PackageName};

/// A request to make shares into a signature. Verifying material comes from the engine's own key, never from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// Attempt, and the seat of ours on whose behalf.
    pub key: AttemptKey,
    /// The package the shares answer.
    pub package: SigningPackage,
    /// The shares.
    pub shares: BTreeMap<Member, SignatureShare>,
}

/// The computation, ready to run without the engine.
pub struct AggregateJob {
    key: AttemptKey,
    package: PackageJob,
    shares: BTreeMap<Member, SignatureShare>,
}

/// A signature that verifies, before its completion is recorded.
pub struct Aggregated {
    key: AttemptKey,
    message: Message,
    key_spec: KeySpec,
    suite: Suite,
    package: Hash32,
    signature: Signature,
}

/// A signature, to be shown once its completion record is durable.
pub struct PendingCompletion {
    key: AttemptKey,
    package: Hash32,
    signature: Signature,
}

impl Engine {
    /// First half: refuses what is completed, unknown or mismatched, and prepares the computation.
    ///
    /// # Errors
    /// `session_finalized`, `attempt_already_aggregated`, `session_not_found` for an attempt this engine neither opened
    /// nor signed for, `validation_error` for what can be seen at once.
    pub fn aggregate(&mut self, request: Aggregate) -> Result<AggregateJob, Rejection> {
        self.ready()?;
        let Aggregate {
            key,
            package,
            shares,
        } = request;
        gates::retired(self, &key.key_group, &key.session)?;
        self.not_completed(&key)?;
        if !self
            .installed(&key.key_group)?
            .shares
            .contains_key(&key.member)
        {
            return Err(Rejection::SessionNotFound);
        }
        let binding = self.binding_of(&key).ok_or(Rejection::SessionNotFound)?;
        let package = PackageJob::new(self, &key.key_group, package, binding)?;
        self.package_not_completed(&package_name(&key, digest(package.package())))?;
        Ok(AggregateJob {
            key,
            package,
            shares,
        })
    }

    /// Second half: checks the record again and stages completion. Two computations of one attempt make one record, and
    /// so do two of one package.
    ///
    /// # Errors
    /// `session_finalized`, `attempt_already_aggregated`, `capacity_exceeded`.
    pub fn complete(&mut self, done: Aggregated) -> Result<Staged<PendingCompletion>, Rejection> {
        self.ready()?;
        let Aggregated {
            key,
            message,
            key_spec,
            suite,
            package,
            signature,
        } = done;
        gates::retired(self, &key.key_group, &key.session)?;
        self.not_completed(&key)?;
        let name = package_name(&key, package);
        self.package_not_completed(&name)?;
        let completions = self.state.completions(&key.key_group, &key.session);
        if completions >= self.limits.markers_per_seat_max {
            return Err(Rejection::CapacityExceeded(
                "completions of one session".into(),
            ));
        }
        self.custody.completing.insert(name_of(&key));
        self.custody.completing_packages.insert(name);
        let attempt = key.clone();
        let transcript_digest = transcript_digest(&message);
        let record = Record::Completed(CompletedRecord {
            attempt,
            transcript_digest,
            key_spec,
            suite,
            package,
        });
        let pending = PendingCompletion {
            key,
            package,
            signature,
        };
        Ok(self.stage(record, pending))
    }

    /// Applies the durable record, wipes live siblings of the attempt, and hands the signature out.
    ///
    /// # Errors
    /// `internal_error` when an invariant of ours is broken.
    pub fn release_signature(
        &mut self,
        done: Committed<PendingCompletion>,
    ) -> Result<Signature, Rejection> {
        self.settle(done)
    }

    /// The completion record did not become durable.
    pub fn withdraw_signature(&mut self, not: Uncommitted<PendingCompletion>) {
        self.unsettle(not);
    }

    /// Refuses what is completed, and what is being completed: of two racing calls one record comes.
    pub(crate) fn not_completed(&self, key: &AttemptKey) -> Result<(), Rejection> {
        if self.state.is_completed(key) || self.custody.completing.contains(&name_of(key)) {
            Err(Rejection::AttemptAlreadyAggregated)
        } else {
            Ok(())
        }
    }

    fn package_not_completed(&self, name: &PackageName) -> Result<(), Rejection> {
        let completing = &self.custody.completing_packages;
        if self.state.is_package_completed(name) || completing.contains(name) {
            Err(Rejection::AttemptAlreadyAggregated)
        } else {
            Ok(())
        }
    }

    /// What an attempt signs: from its live entry, or from the marker of a share that left.
    fn binding_of(&self, key: &AttemptKey) -> Option<Binding> {
        let session = self.custody.session(&key.key_group, &key.session);
        let opened = session.filter(|s| s.knows(key.attempt)).map(|s| &s.binding);
        opened.or_else(|| self.state.consumed_binding(key)).cloned()
    }
}

impl AggregateJob {
    /// Checks the package, sums, verifies, and on failure finds every bad share.
    ///
    /// # Errors
    /// `validation_error`; `invalid_signature_share` with all candidates; `internal_error` when good shares make no
    /// signature.
    pub fn run(self) -> Result<Aggregated, Rejection> {
        let Self {
            key,
            package,
            shares,
        } = self;
        let name = digest(package.package());
        let package = package.run()?;
        let mut given = shares.keys();
        if let Some(stranger) = given.find(|m| !package.commitments().contains_key(*m)) {
            return Err(Rejection::invalid(format!(
                "a share of {stranger}, who is not in the package"
            )));
        }
        let signature = aggregate(&package, &shares).map_err(|e| match e {
            AggregateError::BadShares(all) => Rejection::InvalidSignatureShare(all),
            AggregateError::NotChosen(m) => Rejection::invalid(format!("member {m} is not chosen")),
            AggregateError::Broken => Rejection::Internal,
        })?;
        let (message, key_spec) = (*package.message(), package.group().spec().clone());
        Ok(Aggregated {
            key,
            message,
            key_spec,
            suite: package.suite(),
            package: name,
            signature,
        })
    }
}

/// What a package consists of, within its session: whose commitments.
fn digest(package: &SigningPackage) -> Hash32 {
    let all = package
        .commitments
        .iter()
        .map(|entry| (entry.member, entry));
    let all: BTreeMap<Member, &MemberCommitments> = all.collect();
    let domain = Framed::domain("hardfrost/completed-package/v1");
    let framed = all.into_iter().fold(domain, |framed, (member, entry)| {
        let framed = framed.raw(&member.to_be_bytes());
        framed.raw(&entry.hiding).raw(&entry.binding)
    });
    framed.hash()
}

fn package_name(key: &AttemptKey, package: Hash32) -> PackageName {
    (key.key_group.clone(), key.session.clone(), package)
}

impl PendingCompletion {
    fn settled(&self, engine: &mut Engine) {
        let name = package_name(&self.key, self.package);
        engine.custody.completing.remove(&name_of(&self.key));
        engine.custody.completing_packages.remove(&name);
    }
}

impl Settle for PendingCompletion {
    type Released = Signature;

    fn release(self, engine: &mut Engine) -> Result<Signature, Rejection> {
        self.settled(engine);
        let Self { key, signature, .. } = self;
        if let Some(session) = engine.custody.session_mut(&key.key_group, &key.session) {
            session.abort(None, Some(key.attempt));
        }
        Ok(signature)
    }

    fn give_back(self, engine: &mut Engine) {
        self.settled(engine);
    }
}
