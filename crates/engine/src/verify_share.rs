//! verify_share: three answers, and never an error for bad input.

use hardfrost_frost::{verify_share, ShareVerdict, SignatureShare};
use hardfrost_primitives::{KeyGroup, KeySpec, Member, SessionId, Suite};

use crate::attempt::SigningPackage;
use crate::engine::Engine;
use crate::package::PackageJob;
use crate::state::Binding;

/// A question about one share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyShare {
    /// The group.
    pub key_group: KeyGroup,
    /// The session that the package belongs to. Where it is named, a package that says anything else than what was
    /// approved for it leaves the question open; where it is not, the package is taken at its word.
    pub session: Option<SessionId>,
    /// Which key of the group signs.
    pub key_spec: KeySpec,
    /// The suite.
    pub suite: Suite,
    /// The package the share answers.
    pub package: SigningPackage,
    /// Whose share.
    pub member: Member,
    /// The share as it came; its length is part of the question.
    pub share: Vec<u8>,
}

/// What is known of the share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Valid,
    /// Everything else is in order and the share is undecodable or fails the equation. It speaks of this very package:
    /// whether the member ever saw these commitments only signed envelopes can tell.
    Invalid,
    /// Package, member or key material leave the question open: nobody is to blame for that.
    Indeterminate,
}

impl Engine {
    /// Judges a share. The order of the checks keeps a coordinator's bad package from being laid at a member's door.
    #[must_use]
    pub fn verify_share(&mut self, question: &VerifyShare) -> Verdict {
        self.verify_share_begin(question).run()
    }

    /// The question, ready to be answered without the engine.
    pub(crate) fn verify_share_begin(&self, question: &VerifyShare) -> VerifyJob {
        VerifyJob {
            package: self.judged_package(question),
            member: question.member,
            share: question.share.clone(),
        }
    }

    fn judged_package(&self, question: &VerifyShare) -> Option<PackageJob> {
        self.ready().ok()?;
        let share_epoch = self.installed(&question.key_group).ok()?.share_epoch;
        if let Some(session) = &question.session {
            let name = (question.key_group.clone(), session.clone());
            let approved = self.state.approvals.get(&name)?;
            let bound = approved.message == question.package.message
                && approved.key_spec == question.key_spec
                && approved.suite == question.suite;
            if !bound {
                return None;
            }
        }
        let binding = Binding {
            message: question.package.message,
            key_spec: question.key_spec.clone(),
            suite: question.suite,
            share_epoch,
        };
        PackageJob::new(self, &question.key_group, question.package.clone(), binding).ok()
    }
}

/// What is asked, and all that it takes to answer.
pub(crate) struct VerifyJob {
    package: Option<PackageJob>,
    member: Member,
    share: Vec<u8>,
}

impl VerifyJob {
    pub(crate) fn run(self) -> Verdict {
        let Some(package) = self.package.and_then(|job| job.run().ok()) else {
            return Verdict::Indeterminate;
        };
        if !package.commitments().contains_key(&self.member) {
            return Verdict::Indeterminate;
        }
        let Ok(share) = <[u8; 32]>::try_from(self.share.as_slice()) else {
            return Verdict::Invalid;
        };
        match verify_share(&package, self.member, &SignatureShare(share)) {
            ShareVerdict::Valid => Verdict::Valid,
            ShareVerdict::Undecodable | ShareVerdict::Invalid => Verdict::Invalid,
            ShareVerdict::NotChosen => Verdict::Indeterminate,
        }
    }
}
