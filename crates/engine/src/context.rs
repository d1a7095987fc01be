//! What an attempt must look like: one validator, for deriving a context and for opening it.

use hardfrost_frost::{FrostIdentifier, GroupPublic, PackageError};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Member, Suite};

use crate::attempt::AttemptIds;
use crate::engine::Engine;
use crate::rejection::Rejection;
use crate::state::InstalledGroup;

impl Engine {
    /// D4 and D5 of an attempt and each included member's FROST identifier. What this returns, Open accepts.
    ///
    /// # Errors
    /// `dkg_not_ready`, `session_conflict`, `validation_error`.
    pub fn derive_attempt_context(
        &self,
        context: &AttemptContext,
    ) -> Result<(AttemptIds, Vec<(Member, FrostIdentifier)>), Rejection> {
        self.ready()?;
        let group = self.installed(&context.key_group)?;
        let ids = validated(group, context)?;
        let identifiers = context
            .included
            .iter()
            .map(|m| (*m, FrostIdentifier::of(*m)))
            .collect();
        Ok((ids, identifiers))
    }
}

/// A suite signs for groups up to its own size.
pub(crate) fn suite_fits(suite: Suite, public: &GroupPublic) -> Result<(), Rejection> {
    let count = public.count();
    if count > suite.members_max() {
        let too_large = PackageError::GroupTooLarge { suite, count };
        return Err(Rejection::invalid(too_large));
    }
    Ok(())
}

/// Checks a context against the key it names and derives its ids.
pub(crate) fn validated(
    group: &InstalledGroup,
    context: &AttemptContext,
) -> Result<AttemptIds, Rejection> {
    let public = &group.public;
    if context.threshold != public.threshold() {
        return Err(Rejection::invalid("the threshold is not the key's"));
    }
    suite_fits(context.suite, public)?;
    if context.share_epoch != group.share_epoch || context.group_public != public.hash() {
        return Err(Rejection::SessionConflict(
            "the share epoch or group public is not the active one".into(),
        ));
    }
    let AttemptContext {
        included,
        excluded,
        parked,
        ..
    } = context;
    if included.len() < usize::from(context.threshold) {
        return Err(Rejection::invalid(
            "fewer members are included than must sign",
        ));
    }
    let mut seen = included.clone();
    for member in excluded.iter().chain(parked) {
        if !seen.insert(*member) {
            return Err(Rejection::invalid(format!(
                "member {member} is in two sets"
            )));
        }
    }
    if let Some(phantom) = seen.iter().find(|m| !public.has(**m)) {
        return Err(Rejection::invalid(format!(
            "member {phantom} holds no verifying share"
        )));
    }
    if seen.len() != usize::from(public.count()) {
        return Err(Rejection::invalid("the three sets are not the whole group"));
    }
    let (Some(coordinator), Some(attempt)) = (context.coordinator(), context.attempt_id()) else {
        return Err(Rejection::invalid("attempts are numbered from 1"));
    };
    Ok(AttemptIds {
        coordinator,
        fingerprint: context.fingerprint(),
        attempt,
    })
}
