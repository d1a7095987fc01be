//! What every party to a package derives alike, and the two equations that come of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use hardfrost_primitives::{Hash32, Member};
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use super::nonces::identifier;
use crate::lagrange::{coefficient, coefficients};
use crate::nonces::NoncePair;
use crate::points::{secret_times_g, sum, times};
use crate::tweak::TweakedKey;
use crate::Commitments;

/// The sums of all hiding and of all binding commitments; `None` is the point at infinity.
pub(crate) struct AggregateNonce {
    pub(super) hiding: Option<PublicKey>,
    pub(super) binding: Option<PublicKey>,
}

/// The session values of one package.
pub(crate) struct Session {
    signers: Vec<Member>,
    key: TweakedKey,
    /// \[b\]
    coefficient: Scalar,
    /// x(R)
    nonce: [u8; 32],
    /// R has odd Y, so every nonce counts negated.
    odd: bool,
    /// \[e\]
    challenge: Scalar,
    lambdas: OnceLock<BTreeMap<Member, Scalar>>,
}

/// A point at infinity is 33 zero bytes here.
fn extended(point: Option<&PublicKey>) -> [u8; 33] {
    point.map_or([0; 33], PublicKey::serialize)
}

fn hashed(tag: &str, preimage: &[u8]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&Hash32::tagged(tag, preimage).0.into())
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

impl Session {
    /// The values of a session of these signers, ascending, over `message` under `key`.
    pub(crate) fn new(
        signers: Vec<Member>,
        nonce: &AggregateNonce,
        key: TweakedKey,
        message: &[u8],
    ) -> Self {
        let count = u32::try_from(signers.len()).expect("a group is small");
        let mut preimage = count.to_be_bytes().to_vec();
        signers
            .iter()
            .for_each(|m| preimage.extend_from_slice(&identifier(*m)));
        preimage.extend_from_slice(&nonce.to_bytes());
        preimage.extend_from_slice(&key.x);
        preimage.extend_from_slice(message);
        let coefficient = hashed("BIP0445/noncecoef", &preimage);
        let bound = nonce.binding.and_then(|point| times(&coefficient, &point));
        let point = sum(nonce.hiding.iter().chain(&bound));
        // Only whoever commits last can lead here on purpose. The standard goes on with G and so blames nobody.
        let point = point.or_else(|| secret_times_g(&Scalar::ONE));
        let encoded = extended(point.as_ref());
        let (sign, x) = encoded.split_first().expect("33 bytes have a first");
        let preimage = [x, &key.x, message].concat();
        Self {
            signers,
            key,
            coefficient,
            nonce: x.try_into().expect("33 bytes less one"),
            odd: *sign == 3,
            challenge: hashed("BIP0340/challenge", &preimage),
            lambdas: OnceLock::new(),
        }
    }

    /// λ·e·\[g·gacc\]: what the signing share counts with.
    fn factor(&self, lambda: &Scalar) -> Scalar {
        let factor = self.challenge * lambda;
        if self.key.map.negates() {
            -factor
        } else {
            factor
        }
    }

    fn signed(&self, nonce_term: Scalar) -> Scalar {
        if self.odd {
            -nonce_term
        } else {
            nonce_term
        }
    }

    /// ±(k_1 + b·k_2) + e·λ·d, in constant time: what is branched on is public. `share` is the share of the key before
    /// any tweak.
    pub(crate) fn share(&self, member: Member, share: &Scalar, nonces: &NoncePair) -> Scalar {
        let lambda = coefficient(&self.signers, member);
        let nonce = Zeroizing::new(*nonces.hiding + self.coefficient * *nonces.binding);
        self.signed(*nonce) + self.factor(&lambda) * share
    }

    /// Whether s·G = ±(D + b·E) + e·λ·P. `verifying_share` is that of the key before any tweak.
    pub(crate) fn holds(
        &self,
        member: Member,
        commitments: &Commitments,
        verifying_share: &PublicKey,
        share: &Scalar,
    ) -> bool {
        let lambdas = self.lambdas.get_or_init(|| coefficients(&self.signers));
        let Some(lambda) = lambdas.get(&member) else {
            return false;
        };
        // Both sides with the sign that R has, so that no point needs to be negated.
        let left = secret_times_g(&self.signed(*share));
        let bound = times(&self.coefficient, commitments.binding_point());
        let key = times(&self.signed(self.factor(lambda)), verifying_share);
        let hiding = Some(*commitments.hiding_point());
        left == sum([&hiding, &bound, &key].into_iter().flatten())
    }

    /// x(R) ‖ Σ s + e·\[g·tacc\]: the tweaks enter here, once for all.
    pub(crate) fn signature<'a>(&self, shares: impl Iterator<Item = &'a Scalar>) -> [u8; 64] {
        let sum: Scalar = shares.sum();
        let sum = sum + self.challenge * self.key.map.added();
        let mut bytes = [0; 64];
        let (nonce, scalar) = bytes.split_at_mut(32);
        nonce.copy_from_slice(&self.nonce);
        scalar.copy_from_slice(&sum.to_bytes());
        bytes
    }
}
