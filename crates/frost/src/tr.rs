//! The suite `tr`: FROST(secp256k1, SHA-256) with taproot, byte for byte as the FROST library computes it. Its hashes
//! and its encoding of identifiers are the library's; the sums are ours, for they are two thirds of its time.

use std::collections::BTreeMap;
use std::sync::Arc;

use frost_core::Ciphersuite;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use hardfrost_primitives::Member;
use k256::elliptic_curve::group::GroupEncoding;
use k256::Scalar;

use crate::identifier::identifier_bytes;
use crate::lagrange::Lambdas;
use crate::products::sum_of_products;
use crate::session::{Binding, Session};
use crate::tweak::TweakedKey;
use crate::Commitments;

/// RFC 9591 §4.4: each signer's binding factor, over the key, the message and the list of all commitments.
fn binding_factors(
    commitments: &BTreeMap<Member, Commitments>,
    key: &TweakedKey,
    message: &[u8],
) -> BTreeMap<Member, Scalar> {
    let mut list = Vec::with_capacity(commitments.len() * 98);
    for (member, commitments) in commitments {
        list.extend_from_slice(&identifier_bytes(*member));
        list.extend_from_slice(&commitments.hiding());
        list.extend_from_slice(&commitments.binding());
    }
    // The key has even Y.
    let mut preimage = vec![2];
    preimage.extend_from_slice(&key.x);
    preimage.extend_from_slice(&Secp256K1Sha256TR::H4(message));
    preimage.extend_from_slice(&Secp256K1Sha256TR::H5(&list));
    let prefix = preimage.len();
    let factor = |member: &Member| {
        preimage.truncate(prefix);
        preimage.extend_from_slice(&identifier_bytes(*member));
        (*member, Secp256K1Sha256TR::H1(&preimage))
    };
    commitments.keys().map(factor).collect()
}

/// The values of a session of those who committed, over `message` under `key`.
pub(crate) fn session(
    commitments: &BTreeMap<Member, Commitments>,
    lambdas: Arc<Lambdas>,
    key: TweakedKey,
    message: &[u8],
) -> Session {
    let factors = binding_factors(commitments, &key, message);
    let terms: Vec<_> = factors
        .values()
        .copied()
        .zip(commitments.values().map(Commitments::binding_point))
        .collect();
    let hiding = commitments.values().map(Commitments::hiding_point);
    // Only whoever commits last can lead to the point at infinity on purpose: x = 0, and no signature comes of it.
    let point = sum_of_products(hiding, &terms).to_affine().to_bytes();
    Session::new(lambdas, Binding::Each(factors), &point.into(), key, message)
}
