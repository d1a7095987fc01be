//! Whether public shares are shares of one key: they lie on one polynomial of degree below t, and its value at zero is
//! the key. Whoever generated the key may still know it; but no choice of signers is left out or led to another key.

use hardfrost_primitives::{Hash32, Member};
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use secp256k1::PublicKey;

use crate::lagrange::{coefficients, weights};
use crate::points::{sum, times};

/// Shares that are not shares of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inconsistent {
    /// Some shares lie on no polynomial of degree below t.
    NotOnePolynomial,
    /// The value at zero is the point at infinity.
    Infinity,
    /// The value at zero is another key.
    OtherKey,
}

fn combined<'a>(terms: impl Iterator<Item = (Scalar, &'a PublicKey)>) -> Option<PublicKey> {
    let terms: Vec<PublicKey> = terms.filter_map(|(k, point)| times(&k, point)).collect();
    sum(&terms)
}

/// The value at zero of the polynomial through the points; `None` is the point at infinity.
pub(crate) fn interpolated(shares: &[(Member, PublicKey)]) -> Option<PublicKey> {
    let members: Vec<Member> = shares.iter().map(|(m, _)| *m).collect();
    let lambdas = coefficients(&members);
    combined(lambdas.values().copied().zip(shares.iter().map(|(_, p)| p)))
}

/// One linear check for all shares: points lie on a polynomial of degree below t exactly when they are orthogonal to
/// the values of every polynomial of degree below n − t, each weighted with 1 / Π (i − j). One such polynomial, hashed
/// from the points themselves, stands for all: it misses a bad set with a chance of 2⁻²⁵⁶.
fn on_one_polynomial(threshold: usize, shares: &[(Member, PublicKey)]) -> bool {
    let members: Vec<Member> = shares.iter().map(|(m, _)| *m).collect();
    let mut transcript = Vec::new();
    for (member, point) in shares {
        transcript.extend_from_slice(&member.to_be_bytes());
        transcript.extend_from_slice(&point.serialize());
    }
    let seed = Hash32::tagged("hardfrost/key-material", &transcript);
    let coefficients: Vec<Scalar> = (threshold..shares.len())
        .map(|which| {
            let preimage = [&seed.0[..], &(which as u64).to_be_bytes()].concat();
            let hash = Hash32::tagged("hardfrost/key-material", &preimage);
            <Scalar as Reduce<U256>>::reduce_bytes(&hash.0.into())
        })
        .collect();
    let value = |member: Member| {
        let at = Scalar::from(u64::from(member.number()));
        coefficients
            .iter()
            .fold(Scalar::ZERO, |value, coefficient| value * at + coefficient)
    };
    let terms = weights(&members).into_iter().zip(shares);
    combined(terms.map(|(weight, (m, point))| (weight * value(*m), point))).is_none()
}

/// Checks shares of distinct ascending members, at least `threshold` of them, against the key.
///
/// # Errors
/// See [`Inconsistent`].
pub(crate) fn check(
    threshold: u16,
    shares: &[(Member, PublicKey)],
    key: &PublicKey,
) -> Result<(), Inconsistent> {
    let threshold = usize::from(threshold);
    if !on_one_polynomial(threshold, shares) {
        return Err(Inconsistent::NotOnePolynomial);
    }
    let (base, _) = shares.split_at_checked(threshold).unwrap_or((shares, &[]));
    match interpolated(base) {
        None => Err(Inconsistent::Infinity),
        Some(found) if found != *key => Err(Inconsistent::OtherKey),
        Some(_) => Ok(()),
    }
}
