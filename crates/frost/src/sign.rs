//! Round two: one share, and its check, by the package's suite.

use std::sync::Arc;

use hardfrost_locked::scrubbed;
use hardfrost_primitives::Member;

use crate::points::scalar;
use crate::{CheckedPackage, DerivedShare, SigningNonces};

/// A signature share: 32 bytes, safe to send to anybody once its record is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureShare(pub [u8; 32]);

/// A share could not be computed. The nonces are gone all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The package is for another group or key spec than the share.
    #[error("the package is for another key than the share")]
    OtherKey,
    /// The signer is not in the package, or under commitments that these nonces did not make.
    #[error("the package does not hold this signer's own commitments")]
    NotOurCommitments,
}

/// What is known of one share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareVerdict {
    /// It fits the package, the key and the member.
    Valid,
    /// Not a scalar below the group order.
    Undecodable,
    /// The share equation fails.
    Invalid,
    /// The member is not in the package: nothing can be said.
    NotChosen,
}

/// Computes the share, on a stack that is wiped after, and wipes the nonces, whatever the outcome.
///
/// # Errors
/// See [`SignError`].
pub fn sign(
    share: &DerivedShare,
    nonces: SigningNonces,
    package: &CheckedPackage,
) -> Result<SignatureShare, SignError> {
    let same = Arc::ptr_eq(share.group(), package.group())
        || (share.group().public() == package.group().public()
            && share.group().spec() == package.group().spec());
    if !same {
        return Err(SignError::OtherKey);
    }
    if package.commitments().get(&share.member()) != Some(&nonces.commitments()) {
        return Err(SignError::NotOurCommitments);
    }
    let made = scrubbed(|| {
        let (pair, session) = (nonces.read(), package.session());
        let made = session.share(share.member(), &share.untweaked().read(), &pair)?;
        Some(made.to_bytes().into())
    });
    made.map(SignatureShare).ok_or(SignError::NotOurCommitments)
}

/// Checks one member's share against the package.
#[must_use]
pub fn verify_share(
    package: &CheckedPackage,
    member: Member,
    share: &SignatureShare,
) -> ShareVerdict {
    let (Some(commitments), Some(verifying_share)) = (
        package.commitments().get(&member),
        package.group().public().verifying_share(member),
    ) else {
        return ShareVerdict::NotChosen;
    };
    let Some(share) = scalar(share.0) else {
        return ShareVerdict::Undecodable;
    };
    let session = package.session();
    if session.holds(member, commitments, verifying_share, &share) {
        ShareVerdict::Valid
    } else {
        ShareVerdict::Invalid
    }
}
