//! What every party to a package derives alike, and the two equations that come of it. Both suites end here; they
//! differ in how the nonces are bound and in who adds the tweaks.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_primitives::{Hash32, Member};
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use crate::combination::combination;
use crate::lagrange::Lambdas;
use crate::nonces::NoncePair;
use crate::points::{signed, to_k256};
use crate::tweak::TweakedKey;
use crate::Commitments;

/// What the binding nonces count with.
pub(crate) enum Binding {
    /// All with one coefficient; the key's tweaks are added to the sum of the shares (`bip445`).
    One(Scalar),
    /// Each with its own factor; every share bears its part of the tweaks (`tr`).
    Each(BTreeMap<Member, Scalar>),
}

/// The session values of one package.
pub(crate) struct Session {
    key: TweakedKey,
    binding: Binding,
    /// x(R)
    nonce: [u8; 32],
    /// R has odd Y, so every nonce counts negated.
    odd: bool,
    /// BIP 340's e.
    challenge: Scalar,
    lambdas: Arc<Lambdas>,
}

/// A tagged hash as a scalar.
pub(crate) fn hashed(tag: &str, preimage: &[u8]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&Hash32::tagged(tag, preimage).0.into())
}

impl Session {
    /// A session of the signers that these coefficients are for, over `message` under `key`. `nonce` is R, 33 bytes;
    /// the point at infinity is 33 zeros.
    pub(crate) fn new(
        lambdas: Arc<Lambdas>,
        binding: Binding,
        nonce: &[u8; 33],
        key: TweakedKey,
        message: &[u8],
    ) -> Self {
        let [sign, x @ ..] = nonce;
        let preimage = [x, &key.x, message].concat();
        Self {
            key,
            binding,
            nonce: *x,
            odd: *sign == 3,
            challenge: hashed("BIP0340/challenge", &preimage),
            lambdas,
        }
    }

    fn coefficient(&self, member: Member) -> Option<&Scalar> {
        match &self.binding {
            Binding::One(coefficient) => Some(coefficient),
            Binding::Each(factors) => factors.get(&member),
        }
    }

    /// λ·e, with the sign that the key's way gives the share: what the untweaked signing share counts with.
    fn factor(&self, lambda: &Scalar) -> Scalar {
        self.key.map.signed(self.challenge * lambda)
    }

    /// λ·e·b where every share bears its part of the tweaks.
    fn tweaks(&self, lambda: &Scalar) -> Scalar {
        match self.binding {
            Binding::One(_) => Scalar::ZERO,
            Binding::Each(_) => self.challenge * lambda * self.key.map.added(),
        }
    }

    fn signed(&self, nonce_term: Scalar) -> Scalar {
        signed(self.odd, nonce_term)
    }

    /// ±(d + ρ·e) + λ·c·s, in constant time: what is branched on is public. `share` is the share of the key before any
    /// tweak.
    pub(crate) fn share(
        &self,
        member: Member,
        share: &Scalar,
        nonces: &NoncePair,
    ) -> Option<Scalar> {
        let lambda = self.lambdas.get(&member)?;
        let nonce = *nonces.hiding + *self.coefficient(member)? * *nonces.binding;
        let nonce = Zeroizing::new(nonce);
        Some(self.signed(*nonce) + self.factor(lambda) * share + self.tweaks(lambda))
    }

    /// Whether z·G = ±(D + ρ·E) + λ·c·S. `verifying_share` is that of the key before any tweak.
    pub(crate) fn holds(
        &self,
        member: Member,
        commitments: &Commitments,
        verifying_share: &PublicKey,
        share: &Scalar,
    ) -> bool {
        let (Some(lambda), Some(rho)) = (self.lambdas.get(&member), self.coefficient(member))
        else {
            return false;
        };
        // ±z·G ∓ λ·c·S − ρ·E = D, all with the sign that R has.
        let own = self.signed(share - &self.tweaks(lambda));
        let key = self.signed(self.factor(lambda));
        let terms = [(-key, verifying_share), (-rho, commitments.binding_point())];
        combination(&own, &terms) == to_k256(commitments.hiding_point())
    }

    /// x(R) ‖ Σ z, with the tweaks where the shares do not bear them.
    pub(crate) fn signature<'a>(&self, shares: impl Iterator<Item = &'a Scalar>) -> [u8; 64] {
        let sum: Scalar = shares.sum();
        let sum = match self.binding {
            Binding::One(_) => sum + self.challenge * self.key.map.added(),
            Binding::Each(_) => sum,
        };
        let mut bytes = [0; 64];
        let (nonce, scalar) = bytes.split_at_mut(32);
        nonce.copy_from_slice(&self.nonce);
        scalar.copy_from_slice(&sum.to_bytes());
        bytes
    }
}
