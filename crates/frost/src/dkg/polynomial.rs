//! A dealer's polynomial: the secret one in constant time, the public one fast.

use hardfrost_locked::{LockError, Region};
use hardfrost_primitives::Member;
use k256::elliptic_curve::group::Curve;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use crate::points::{random, secret_times_g, to_k256};
use crate::secret::SecretScalar;

/// t secret coefficients, none of them zero, in locked memory.
pub(crate) struct SecretPolynomial(Vec<SecretScalar>);

impl SecretPolynomial {
    /// Draws t coefficients; with them the commitments to each.
    pub(crate) fn draw(
        threshold: u16,
        region: &Region,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Vec<PublicKey>), LockError> {
        let count = usize::from(threshold);
        let mut coefficients = Vec::with_capacity(count);
        let mut commitment = Vec::with_capacity(count);
        while commitment.len() < count {
            let coefficient = random(rng);
            if let Some(point) = secret_times_g(&coefficient) {
                coefficients.push(SecretScalar::hold(&coefficient, region)?);
                commitment.push(point);
            }
        }
        Ok((Self(coefficients), commitment))
    }

    pub(super) fn constant(&self) -> Zeroizing<Scalar> {
        self.0.first().map(SecretScalar::read).unwrap_or_default()
    }

    /// f(member), in constant time.
    pub(crate) fn at(&self, member: Member) -> Zeroizing<Scalar> {
        let x = Scalar::from(u64::from(member.number()));
        let mut value = Zeroizing::new(Scalar::ZERO);
        for coefficient in self.0.iter().rev() {
            *value = *value * x + *coefficient.read();
        }
        value
    }
}

/// k·P for a small public k: as many doublings as k has bits, and a sum or a difference for a third of them. The digits
/// are those of 3·k less those of k, halved.
fn small_times(k: u16, point: ProjectivePoint) -> ProjectivePoint {
    let k = u32::from(k);
    let triple = 3 * k;
    let Some(top) = triple.checked_ilog2() else {
        return ProjectivePoint::IDENTITY;
    };
    let mut product = point;
    for bit in (1..top).rev() {
        product = product.double();
        match (triple >> bit & 1, k >> bit & 1) {
            (1, 0) => product += point,
            (0, 1) => product -= point,
            (_, _) => {}
        }
    }
    product
}

/// Commitments to the coefficients of one polynomial, or of a sum of some.
pub(super) struct PublicPolynomial(Vec<AffinePoint>);

impl PublicPolynomial {
    pub(super) fn new(commitment: &[PublicKey]) -> Self {
        let points = commitment.iter().map(|point| to_k256(point).to_affine());
        Self(points.collect())
    }

    /// Σ of polynomials with t coefficients each.
    pub(super) fn sum<'a>(
        threshold: u16,
        commitments: impl Iterator<Item = &'a [PublicKey]> + Clone,
    ) -> Self {
        let coefficient = |which| {
            let all = commitments
                .clone()
                .filter_map(|c: &[PublicKey]| c.get(which));
            // Coefficients above the constant term may cancel: that is a polynomial like any other.
            crate::points::sum(all).map_or(AffinePoint::IDENTITY, |p| to_k256(&p).to_affine())
        };
        Self((0..usize::from(threshold)).map(coefficient).collect())
    }

    pub(super) fn constant(&self) -> AffinePoint {
        self.0.first().copied().unwrap_or(AffinePoint::IDENTITY)
    }

    /// f(member)·G by Horner's rule.
    pub(super) fn at(&self, member: Member) -> ProjectivePoint {
        let mut value = ProjectivePoint::IDENTITY;
        for coefficient in self.0.iter().rev() {
            value = small_times(member.number(), value) + coefficient;
        }
        value
    }

    /// The differences Δ^k f(0)·G, k = 0 … t − 1: Horner's rule in the basis of the binomials of x, where a step is
    /// x · binomial(x, k) = k · binomial(x, k) + (k + 1) · binomial(x, k + 1). No factor is above t.
    fn differences(&self) -> Vec<ProjectivePoint> {
        let mut differences: Vec<ProjectivePoint> = Vec::with_capacity(self.0.len());
        for coefficient in self.0.iter().rev() {
            let mut below = ProjectivePoint::IDENTITY;
            differences.push(ProjectivePoint::IDENTITY);
            for (k, difference) in (0..).zip(differences.iter_mut()) {
                let sum = *difference + below;
                below = *difference;
                *difference = small_times(k, sum);
            }
            if let Some(first) = differences.first_mut() {
                *first = (*coefficient).into();
            }
        }
        differences
    }

    /// f(1)·G … f(n)·G: from one value to the next are t additions, fewer where fewer values are left than that.
    pub(super) fn at_all(&self, count: u16) -> Vec<ProjectivePoint> {
        let mut differences = self.differences();
        let next = |left| {
            // The k-th difference is felt k values on.
            differences.truncate(usize::from(left) + 1);
            let mut above = ProjectivePoint::IDENTITY;
            for difference in differences.iter_mut().rev() {
                let before = *difference;
                *difference += above;
                above = before;
            }
            differences.first().copied().unwrap_or_default()
        };
        (1..=count).rev().map(next).collect()
    }
}

/// Affine, with one inversion for all.
pub(super) fn normalized(points: &[ProjectivePoint]) -> Vec<AffinePoint> {
    let mut affine = vec![AffinePoint::IDENTITY; points.len()];
    ProjectivePoint::batch_normalize(points, &mut affine);
    affine
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn small_products_are_sums() {
        let mut sum = ProjectivePoint::IDENTITY;
        for k in 0..=1100 {
            assert_eq!(small_times(k, ProjectivePoint::GENERATOR), sum, "{k}");
            sum += ProjectivePoint::GENERATOR;
        }
        let most = ProjectivePoint::GENERATOR * Scalar::from(u64::from(u16::MAX));
        assert_eq!(small_times(u16::MAX, ProjectivePoint::GENERATOR), most);
    }

    #[test]
    fn every_public_value_is_that_of_the_secret_polynomial() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let region = Region::new().unwrap();
        for (threshold, count) in [(2, 2), (2, 1000), (5, 300), (40, 40)] {
            let (secret, commitment) =
                SecretPolynomial::draw(threshold, &region, &mut rng).unwrap();
            let public = PublicPolynomial::new(&commitment);
            let values = normalized(&public.at_all(count));
            assert_eq!(values.len(), usize::from(count));
            for (member, value) in Member::all(count).zip(values) {
                let expected = secret_times_g(&secret.at(member)).unwrap();
                assert_eq!(to_k256(&expected).to_affine(), value, "{member}");
            }
        }
    }

    #[test]
    fn coefficients_that_cancel_leave_a_polynomial() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(2);
        let region = Region::new().unwrap();
        let mut drawn = || SecretPolynomial::draw(3, &region, &mut rng).unwrap().1;
        let (first, mut second) = (drawn(), drawn());
        second[2] = first[2].negate(secp256k1::SECP256K1);
        let both = [&first[..], &second[..]];
        let sum = PublicPolynomial::sum(3, both.into_iter()).at_all(5);
        let (first, second) = both.map(PublicPolynomial::new).into();
        for (member, value) in Member::all(5).zip(sum) {
            assert_eq!(first.at(member) + second.at(member), value);
        }
    }
}
