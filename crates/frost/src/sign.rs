//! Round two: one share, and its check (RFC 9591 §§5.2, 5.4, with BIP-340 parity as the suite `tr` has it).

use std::sync::Arc;

use frost_secp256k1_tr::round2;
use hardfrost_primitives::Member;

use crate::identifier::identifier;
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

/// Computes the share and wipes the nonces, whatever the outcome.
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
    let share = round2::sign(package.inner(), nonces.inner(), share.package())
        .map_err(|_| SignError::Library)?;
    let bytes = share
        .serialize()
        .try_into()
        .map_err(|_| SignError::Library)?;
    Ok(SignatureShare(bytes))
}

/// Checks one member's share against the package.
#[must_use]
pub fn verify_share(
    package: &CheckedPackage,
    member: Member,
    share: &SignatureShare,
) -> ShareVerdict {
    let id = identifier(member);
    let public = package.group().package();
    let (true, Some(verifying_share)) = (
        package.commitments().contains_key(&member),
        public.verifying_shares().get(&id),
    ) else {
        return ShareVerdict::NotChosen;
    };
    let Ok(share) = round2::SignatureShare::deserialize(&share.0) else {
        return ShareVerdict::Undecodable;
    };
    let key = public.verifying_key();
    match frost_core::verify_signature_share(id, verifying_share, &share, package.inner(), key) {
        Ok(()) => ShareVerdict::Valid,
        Err(_) => ShareVerdict::Invalid,
    }
}
