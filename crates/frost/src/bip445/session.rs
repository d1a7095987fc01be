//! The aggregate nonce, its coefficient, and R.

use std::sync::Arc;

use k256::Scalar;
use secp256k1::PublicKey;

use super::nonces::identifier;
use crate::lagrange::Lambdas;
use crate::points::{secret_times_g, sum, times};
use crate::session::{hashed, Binding, Session};
use crate::tweak::TweakedKey;
use crate::Commitments;

/// The sums of all hiding and of all binding commitments; `None` is the point at infinity.
pub(crate) struct AggregateNonce {
    pub(super) hiding: Option<PublicKey>,
    pub(super) binding: Option<PublicKey>,
}

/// A point at infinity is 33 zero bytes here.
fn extended(point: Option<&PublicKey>) -> [u8; 33] {
    point.map_or([0; 33], PublicKey::serialize)
}

impl AggregateNonce {
    /// Sums the commitments of all signers. Two that cancel are no error: else one signer could stop a session.
    pub(crate) fn of<'a>(commitments: impl Iterator<Item = &'a Commitments> + Clone) -> Self {
        Self {
            hiding: sum(commitments.clone().map(Commitments::hiding_point)),
            binding: sum(commitments.map(Commitments::binding_point)),
        }
    }

    pub(super) fn to_bytes(&self) -> [u8; 66] {
        let mut bytes = [0; 66];
        let (hiding, binding) = bytes.split_at_mut(33);
        hiding.copy_from_slice(&extended(self.hiding.as_ref()));
        binding.copy_from_slice(&extended(self.binding.as_ref()));
        bytes
    }
}

/// The values of a session of the signers that these coefficients are for, over `message` under `key`.
pub(crate) fn session(
    lambdas: Arc<Lambdas>,
    nonce: &AggregateNonce,
    key: TweakedKey,
    message: &[u8],
) -> Session {
    let count = u32::try_from(lambdas.len()).expect("a group is small");
    let mut preimage = count.to_be_bytes().to_vec();
    lambdas
        .keys()
        .for_each(|m| preimage.extend_from_slice(&identifier(*m)));
    preimage.extend_from_slice(&nonce.to_bytes());
    preimage.extend_from_slice(&key.x);
    preimage.extend_from_slice(message);
    let coefficient = hashed("BIP0445/noncecoef", &preimage);
    let bound = nonce.binding.and_then(|point| times(&coefficient, &point));
    let point = sum(nonce.hiding.iter().chain(&bound));
    // Only whoever commits last can lead here on purpose. The standard goes on with G and so blames nobody.
    let point = point.or_else(|| secret_times_g(&Scalar::ONE));
    let nonce = extended(point.as_ref());
    Session::new(lambdas, Binding::One(coefficient), &nonce, key, message)
}
