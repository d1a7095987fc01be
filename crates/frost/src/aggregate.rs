//! Shares into one signature, and every bad share by name.

use std::collections::BTreeMap;

use hardfrost_primitives::Member;
use k256::Scalar;

use crate::points::scalar;
use crate::{verify_share, CheckedPackage, ShareVerdict, Signature, SignatureShare};

/// What is wrong with a candidate's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShareFault {
    /// There is none.
    Missing,
    /// Not a scalar below the group order.
    Undecodable,
    /// The share equation fails.
    Invalid,
}

/// A member whose share spoilt the sum. Only evidence convicts; this is where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Who.
    pub member: Member,
    /// Why.
    pub fault: ShareFault,
}

/// No signature came of the shares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AggregateError {
    /// Shares of members that the package did not choose.
    #[error("a share of member {0}, who is not in the package")]
    NotChosen(Member),
    /// All bad shares, by ascending member.
    #[error("{} of the shares are bad", .0.len())]
    BadShares(Vec<Candidate>),
    /// Every share is good and the sum is not: our own key material is broken.
    #[error("good shares made no valid signature")]
    Broken,
}

/// Sums the shares and verifies the result with libsecp256k1 under the derived key. Only when that fails, every share
/// is checked: all cheaters are found, not the first.
///
/// # Errors
/// See [`AggregateError`].
pub fn aggregate(
    package: &CheckedPackage,
    shares: &BTreeMap<Member, SignatureShare>,
) -> Result<Signature, AggregateError> {
    let stranger = |m: &&Member| !package.commitments().contains_key(*m);
    if let Some(stranger) = shares.keys().find(stranger) {
        return Err(AggregateError::NotChosen(*stranger));
    }
    let decoded = shares
        .iter()
        .filter_map(|(m, share)| Some((*m, scalar(share.0)?)));
    let decoded: BTreeMap<Member, Scalar> = decoded.collect();
    if decoded.len() != package.commitments().len() {
        return Err(AggregateError::BadShares(candidates(package, shares)));
    }
    let signature = Signature(package.session().signature(decoded.values()));
    if signature.verifies(package.message(), &package.group().output_key()) {
        return Ok(signature);
    }
    match candidates(package, shares) {
        none if none.is_empty() => Err(AggregateError::Broken),
        some => Err(AggregateError::BadShares(some)),
    }
}

fn candidates(
    package: &CheckedPackage,
    shares: &BTreeMap<Member, SignatureShare>,
) -> Vec<Candidate> {
    let fault = |m: &Member| match shares.get(m).map(|share| verify_share(package, *m, share)) {
        None => Some(ShareFault::Missing),
        Some(ShareVerdict::Undecodable) => Some(ShareFault::Undecodable),
        Some(ShareVerdict::Invalid) => Some(ShareFault::Invalid),
        Some(ShareVerdict::Valid | ShareVerdict::NotChosen) => None,
    };
    let chosen = package.commitments().keys();
    chosen
        .filter_map(|m| {
            Some(Candidate {
                member: *m,
                fault: fault(m)?,
            })
        })
        .collect()
}
