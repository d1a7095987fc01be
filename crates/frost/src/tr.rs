//! The suite `tr`: the FROST library signs, verifies and aggregates. Here our types become the library's.

use std::collections::BTreeMap;

use frost_core::round1::Nonce;
use frost_core::CheaterDetection;
use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_secp256k1_tr::round1::{self, NonceCommitment};
use frost_secp256k1_tr::{round2, Identifier, SigningPackage, VerifyingKey};
use hardfrost_primitives::{Member, Message};
use k256::Scalar;

use crate::identifier::{identifier, member};
use crate::nonces::NoncePair;
use crate::points::to_k256;
use crate::{Commitments, DerivedGroup, DerivedShare};

/// What of the suite's work came to nothing.
pub(crate) enum Failure {
    /// These members' shares fail the share equation.
    Shares(Vec<Member>),
    /// The library refused what should be well-formed.
    Library,
}

/// The key that signs, and every verifying share moved along.
pub(crate) fn public_package(group: &DerivedGroup) -> PublicKeyPackage {
    let (public, map) = (group.public(), group.key().map);
    let add_g = map.add_g();
    let moved = |point| VerifyingShare::new(map.point(to_k256(point), add_g));
    let shares: BTreeMap<Identifier, VerifyingShare> = public
        .members()
        .filter_map(|m| Some((identifier(m), moved(public.verifying_share(m)?))))
        .collect();
    let key = VerifyingKey::new(map.point(to_k256(public.key()), add_g));
    PublicKeyPackage::new(shares, key, Some(public.threshold()))
}

pub(crate) fn signing_package(
    commitments: &BTreeMap<Member, Commitments>,
    message: &Message,
) -> SigningPackage {
    let point = |point| NonceCommitment::new(to_k256(point));
    let points = commitments.iter().map(|(m, c)| {
        let (hiding, binding) = (point(c.hiding_point()), point(c.binding_point()));
        (
            identifier(*m),
            round1::SigningCommitments::new(hiding, binding),
        )
    });
    SigningPackage::new(points.collect(), &message.0)
}

/// The signing share under the spec, as the library wants it.
fn key_package(share: &DerivedShare) -> Option<KeyPackage> {
    let group = share.group();
    let id = identifier(share.member());
    let public = group.package();
    let verifying_share = *public.verifying_shares().get(&id)?;
    let signing_share = SigningShare::new(group.key().map.scalar(*share.untweaked().read()));
    let threshold = group.public().threshold();
    let key = *public.verifying_key();
    Some(KeyPackage::new(
        id,
        signing_share,
        verifying_share,
        key,
        threshold,
    ))
}

pub(crate) fn sign(
    package: &SigningPackage,
    share: &DerivedShare,
    nonces: &NoncePair,
) -> Option<[u8; 32]> {
    let nonce = |scalar: &Scalar| Nonce::from_scalar(*scalar);
    let pair = round1::SigningNonces::from_nonces(nonce(&nonces.hiding), nonce(&nonces.binding));
    // On the stack, which is wiped: what the library drops on the heap it wipes by plain stores, and an optimising
    // compiler leaves those out.
    let made = round2::sign(package, &pair, &key_package(share)?).ok()?;
    made.serialize().try_into().ok()
}

pub(crate) fn verify_share(
    package: &SigningPackage,
    group: &DerivedGroup,
    member: Member,
    share: &Scalar,
) -> bool {
    let id = identifier(member);
    let public = group.package();
    let Some(verifying_share) = public.verifying_shares().get(&id) else {
        return false;
    };
    let Some(share) = library_share(share) else {
        return false;
    };
    let key = public.verifying_key();
    frost_core::verify_signature_share(id, verifying_share, &share, package, key).is_ok()
}

fn library_share(share: &Scalar) -> Option<round2::SignatureShare> {
    round2::SignatureShare::deserialize(&share.to_bytes()).ok()
}

/// Sums the shares; when the sum is no signature, names everybody whose share is bad.
pub(crate) fn aggregate(
    package: &SigningPackage,
    group: &DerivedGroup,
    shares: &BTreeMap<Member, Scalar>,
) -> Result<[u8; 64], Failure> {
    let decoded = shares
        .iter()
        .filter_map(|(m, s)| Some((identifier(*m), library_share(s)?)));
    let (decoded, all) = (decoded.collect(), CheaterDetection::AllCheaters);
    let signature = frost_core::aggregate_custom(package, &decoded, group.package(), all);
    let signature = signature.map_err(|error| {
        let mut culprits: Vec<Member> = error.culprits().iter().filter_map(member).collect();
        culprits.sort_unstable();
        if culprits.is_empty() {
            Failure::Library
        } else {
            Failure::Shares(culprits)
        }
    })?;
    let bytes = signature.serialize().map_err(|_| Failure::Library)?;
    bytes.try_into().map_err(|_| Failure::Library)
}
