//! A package's check: arithmetic that asks nothing of the engine, so that nobody waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::{CheckedPackage, Commitments, DerivedGroup, GroupPublic, PackageError};
use hardfrost_primitives::{KeyGroup, KeySpec, Member};

use crate::attempt::SigningPackage;
use crate::engine::Engine;
use crate::rejection::Rejection;
use crate::state::Binding;

/// The group's keys under a spec, or what they are made of.
pub(crate) enum Derivation {
    Ready(Arc<DerivedGroup>),
    ToDo(Arc<GroupPublic>, KeySpec),
}

/// A check that is ready to run without the engine.
pub(crate) struct PackageJob {
    package: SigningPackage,
    binding: Binding,
    group: Derivation,
}

impl Derivation {
    pub(crate) fn run(self) -> Result<Arc<DerivedGroup>, Rejection> {
        match self {
            Self::Ready(group) => Ok(group),
            Self::ToDo(public, spec) => {
                let group = DerivedGroup::new(public, spec).map_err(Rejection::invalid)?;
                Ok(Arc::new(group))
            }
        }
    }
}

impl PackageJob {
    /// What can be seen at once is refused at once: a list of any length before a point of it is decoded.
    pub(crate) fn new(
        engine: &Engine,
        key_group: &KeyGroup,
        package: SigningPackage,
        binding: Binding,
    ) -> Result<Self, Rejection> {
        let group = engine.derivation(key_group, &binding.key_spec)?;
        if package.message != binding.message {
            return Err(Rejection::invalid("the package is for another message"));
        }
        if package.key_spec != binding.key_spec {
            return Err(Rejection::invalid("the package is for another key spec"));
        }
        let threshold = engine.installed(key_group)?.public.threshold();
        let actual = package.commitments.len();
        if actual != usize::from(threshold) {
            return Err(Rejection::invalid(PackageError::Count {
                threshold,
                actual,
            }));
        }
        Ok(Self {
            package,
            binding,
            group,
        })
    }

    /// A package that says what the session says and whose commitments are t distinct members' points.
    pub(crate) fn run(self) -> Result<CheckedPackage, Rejection> {
        let group = self.group.run()?;
        let commitments = parsed(&self.package)?;
        let (suite, message) = (self.binding.suite, self.binding.message);
        CheckedPackage::new(suite, group, message, commitments).map_err(Rejection::invalid)
    }

    pub(crate) fn package(&self) -> &SigningPackage {
        &self.package
    }
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
