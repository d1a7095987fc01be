//! A signing package that is fit to be signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_primitives::{Member, Message, Suite};

use crate::bip445::{self, AggregateNonce};
use crate::session::Session;
use crate::{tr, Commitments, DerivedGroup};

/// Exactly t commitments of members of the group, over one message, under one key spec and one suite. What the suite
/// computes from them for everybody alike is computed once and kept here.
pub struct CheckedPackage {
    suite: Suite,
    group: Arc<DerivedGroup>,
    message: Message,
    commitments: BTreeMap<Member, Commitments>,
    session: Session,
}

/// Commitments that make no signing package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// More or fewer commitments than the threshold.
    #[error("a signing package holds exactly {threshold} commitments, not {actual}")]
    Count {
        /// t
        threshold: u16,
        /// How many there are.
        actual: usize,
    },
    /// A commitment of somebody who holds no verifying share.
    #[error("the group has no member {0}")]
    NoSuchMember(Member),
    /// The group is larger than the suite is proven for.
    #[error("the suite {suite} signs for at most {} members, not {count}", .suite.members_max())]
    GroupTooLarge {
        /// The suite.
        suite: Suite,
        /// n
        count: u16,
    },
}

impl CheckedPackage {
    /// Computes the package from the parts its parties already hold; it is never sent beside them.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn new(
        suite: Suite,
        group: Arc<DerivedGroup>,
        message: Message,
        commitments: BTreeMap<Member, Commitments>,
    ) -> Result<Self, PackageError> {
        let threshold = group.public().threshold();
        let actual = commitments.len();
        if actual != usize::from(threshold) {
            return Err(PackageError::Count { threshold, actual });
        }
        if let Some(stranger) = commitments.keys().find(|m| !group.public().has(**m)) {
            return Err(PackageError::NoSuchMember(*stranger));
        }
        let count = group.public().count();
        if count > suite.members_max() {
            return Err(PackageError::GroupTooLarge { suite, count });
        }
        let key = *group.key();
        let signers: Vec<Member> = commitments.keys().copied().collect();
        let lambdas = group.public().lambdas(&signers);
        let session = match suite {
            Suite::Tr => tr::session(&commitments, lambdas, key, &message.0),
            Suite::Bip445 => {
                let nonce = AggregateNonce::of(commitments.values());
                bip445::session(lambdas, &nonce, key, &message.0)
            }
        };
        Ok(Self {
            suite,
            group,
            message,
            commitments,
            session,
        })
    }

    /// The suite that makes and judges its shares.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The group under the package's key spec.
    #[must_use]
    pub fn group(&self) -> &Arc<DerivedGroup> {
        &self.group
    }

    /// What is signed.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The chosen members' commitments.
    #[must_use]
    pub fn commitments(&self) -> &BTreeMap<Member, Commitments> {
        &self.commitments
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

#[cfg(test)]
mod library_vectors;
