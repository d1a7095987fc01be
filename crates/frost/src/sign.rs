//! Round two: one share, and its check, by the package's suite.

use std::sync::Arc;

use hardfrost_locked::scrubbed;
use hardfrost_primitives::Member;

use crate::package::Session;
use crate::points::scalar;
use crate::{tr, CheckedPackage, DerivedShare, SigningNonces};

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
    /// The library refused what should be well-formed.
    #[error("the FROST library refused to sign")]
    Library,
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
        let pair = nonces.read();
        match package.session() {
            Session::Tr(inner) => tr::sign(inner, share, &pair),
            Session::Bip445(session) => Some(
                session
                    .share(share.member(), &share.untweaked().read(), &pair)
                    .to_bytes()
                    .into(),
            ),
        }
    });
    made.map(SignatureShare).ok_or(SignError::Library)
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
    let valid = match package.session() {
        Session::Tr(inner) => tr::verify_share(inner, package.group(), member, &share),
        Session::Bip445(session) => session.holds(member, commitments, verifying_share, &share),
    };
    if valid {
        ShareVerdict::Valid
    } else {
        ShareVerdict::Invalid
    }
}
