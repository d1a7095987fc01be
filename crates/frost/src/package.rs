//! A signing package that is fit to be signed.

use std::collections::BTreeMap;
use std::sync::Arc;

use frost_secp256k1_tr::SigningPackage;
use hardfrost_primitives::{Member, Message};

use crate::identifier::identifier;
use crate::{Commitments, DerivedGroup};

/// Exactly t commitments of members of the group, over one message, under one key spec.
pub struct CheckedPackage {
    group: Arc<DerivedGroup>,
    message: Message,
    commitments: BTreeMap<Member, Commitments>,
    inner: SigningPackage,
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
}

impl CheckedPackage {
    /// Computes the package from the parts its parties already hold; it is never sent beside them.
    ///
    /// # Errors
    /// See [`PackageError`].
    pub fn new(
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
        let points = commitments
            .iter()
            .map(|(m, c)| (identifier(*m), c.inner()))
            .collect();
        let inner = SigningPackage::new(points, &message.0);
        Ok(Self {
            group,
            message,
            commitments,
            inner,
        })
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

    pub(crate) fn inner(&self) -> &SigningPackage {
        &self.inner
    }
}

#[cfg(test)]
mod library_vectors;
