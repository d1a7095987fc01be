//! a·G + Σ k·P over a few public points with public scalars: the equation of one share, or of one proof. Everything
//! here runs in variable time: nothing secret may come near it.
//!
//! libsecp256k1 offers one product a call, each with its own doublings and its own inversion. Here all share one chain
//! of 129 doublings, and nothing is inverted. The curve's endomorphism, which multiplies a point by λ at the price of a
//! field product, cuts each scalar into two halves (Gallant, Lambert, Vanstone); the halves become odd signed digits.
//! Of the generator more multiples are ready, so its digits are longer and fewer.

use std::sync::LazyLock;

use k256::elliptic_curve::group::Curve;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::scalar::IsHigh;
use k256::{AffinePoint, ProjectivePoint, Scalar, U256};
use secp256k1::PublicKey;

use crate::digits::digits;
use crate::points::to_k256;

/// Digits of a point's halves are below 2⁴ in size, those of the generator's below 2⁷.
const WINDOW: usize = 5;
const GENERATOR_WINDOW: usize = 8;
const GENERATOR_MULTIPLES: usize = 1 << (GENERATOR_WINDOW - 2);

/// −λ.
const MINUS_LAMBDA: U256 =
    U256::from_be_hex("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf");
/// −b of two short vectors (a, b) with a + b·λ = 0.
const MINUS_B: [U256; 2] = [
    U256::from_be_hex("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3"),
    U256::from_be_hex("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c"),
];
/// 2³⁸⁴ / n times how much of each vector one is, rounded.
const PARTS: [U256; 2] = [
    U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031"),
    U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71"),
];

/// Two scalars h, h' with h + h'·λ = k and a size of at most 129 bits, and whether each is negative. They are what is
/// left of (k, 0) when as much of both vectors is taken off it as goes, so neither is larger than both together.
fn halves(k: &Scalar) -> [(Scalar, bool); 2] {
    let k_bits = U256::from_be_slice(&k.to_bytes());
    let part = |(part, minus_b): (&U256, &U256)| {
        let (_, high) = k_bits.mul_wide(part);
        Scalar::reduce(high >> 128) * Scalar::reduce(*minus_b)
    };
    let second: Scalar = PARTS.iter().zip(&MINUS_B).map(part).sum();
    let first = second * Scalar::reduce(MINUS_LAMBDA) + k;
    [first, second].map(|half| {
        let negative = bool::from(half.is_high());
        (if negative { -half } else { half }, negative)
    })
}

/// One half: the odd multiples 1, 3, … of its point, and the digits that are still to be added.
struct Half<'a, P> {
    multiples: &'a [P],
    digits: Vec<(usize, i16)>,
    negative: bool,
}

impl<'a, P> Half<'a, P> {
    fn new(multiples: &'a [P], (half, negative): (Scalar, bool), window: usize) -> Self {
        Self {
            multiples,
            digits: digits(&half, window),
            negative,
        }
    }

    /// The place of the highest digit.
    fn top(&self) -> Option<usize> {
        self.digits.last().map(|(place, _)| *place)
    }

    /// What stands at a place, and whether it counts negated.
    fn take(&mut self, place: usize) -> Option<(&'a P, bool)> {
        let (_, digit) = self.digits.pop_if(|(at, _)| *at == place)?;
        let multiple = self.multiples.get(usize::from(digit.unsigned_abs() / 2))?;
        Some((multiple, self.negative != (digit < 0)))
    }
}

fn odd_multiples(point: ProjectivePoint, count: usize) -> Vec<ProjectivePoint> {
    let twice = point.double();
    let next = |last: &ProjectivePoint| Some(last + &twice);
    std::iter::successors(Some(point), next)
        .take(count)
        .collect()
}

fn times_lambda(points: &[ProjectivePoint]) -> Vec<ProjectivePoint> {
    points.iter().map(ProjectivePoint::endomorphism).collect()
}

/// Odd multiples of G and of λ·G: constants, computed once.
static GENERATOR: LazyLock<[Vec<AffinePoint>; 2]> = LazyLock::new(|| {
    let multiples = odd_multiples(ProjectivePoint::GENERATOR, GENERATOR_MULTIPLES);
    [multiples.clone(), times_lambda(&multiples)].map(|points| {
        let mut affine = vec![AffinePoint::IDENTITY; points.len()];
        ProjectivePoint::batch_normalize(&points, &mut affine);
        affine
    })
});

/// A scalar's halves over the multiples of a point and those of λ times it.
fn both<'a, P>([one, other]: &'a [Vec<P>; 2], k: &Scalar, window: usize) -> [Half<'a, P>; 2] {
    let [first, second] = halves(k);
    [
        Half::new(one, first, window),
        Half::new(other, second, window),
    ]
}

/// a·G + Σ k·P.
pub(crate) fn combination(a: &Scalar, terms: &[(Scalar, &PublicKey)]) -> ProjectivePoint {
    let tables = terms.iter().map(|(_, point)| {
        let multiples = odd_multiples(to_k256(point), 1 << (WINDOW - 2));
        let others = times_lambda(&multiples);
        [multiples, others]
    });
    let tables: Vec<[Vec<ProjectivePoint>; 2]> = tables.collect();
    let scalars = terms.iter().map(|(k, _)| k);
    let points = tables.iter().zip(scalars);
    let mut points: Vec<_> = points
        .flat_map(|(table, k)| both(table, k, WINDOW))
        .collect();
    let mut generator = both(&GENERATOR, a, GENERATOR_WINDOW);
    let tops = points.iter().map(Half::top);
    let top = tops.chain(generator.iter().map(Half::top)).flatten().max();
    let mut sum = ProjectivePoint::IDENTITY;
    for place in (0..top.map_or(0, |top| top + 1)).rev() {
        sum = sum.double();
        for (point, negative) in points.iter_mut().filter_map(|half| half.take(place)) {
            sum += if negative { -point } else { *point };
        }
        for (point, negative) in generator.iter_mut().filter_map(|half| half.take(place)) {
            sum += if negative { -*point } else { *point };
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::secret_times_g;
    use k256::elliptic_curve::Field;
    use rand_chacha::rand_core::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    fn lambda() -> Scalar {
        -Scalar::reduce(MINUS_LAMBDA)
    }

    /// Where the halves, their signs and the digits' carries are at their limits.
    fn edges(rng: &mut ChaCha20Rng) -> Vec<Scalar> {
        let small = [0u64, 1, 2, 15, 16, 17, 127, 128, 129, u64::MAX].map(Scalar::from);
        let power = |bit: u32| (0..bit).fold(Scalar::ONE, |power, _| power.double());
        let powers = [127, 128, 129, 255].map(power);
        let known = small
            .into_iter()
            .chain(powers)
            .chain([lambda(), lambda() + Scalar::ONE]);
        let near = known.flat_map(|k| [k, k - Scalar::ONE, k * lambda()]);
        let random = std::iter::repeat_with(|| Scalar::random(&mut *rng)).take(200);
        near.chain(random).flat_map(|k| [k, -k]).collect()
    }

    #[test]
    fn the_halves_are_short_and_make_the_scalar() {
        for k in edges(&mut ChaCha20Rng::seed_from_u64(1)) {
            let value = |(half, negative): (Scalar, bool)| if negative { -half } else { half };
            let [first, second] = halves(&k);
            for (half, _) in [first, second] {
                assert!(half.to_bytes().iter().take(15).all(|byte| *byte == 0));
                assert!(half.to_bytes()[15] <= 1, "more than 129 bits");
            }
            assert_eq!(value(first) + value(second) * lambda(), k);
        }
    }

    #[test]
    fn the_generators_multiples_are_the_odd_ones() {
        for (factor, table) in [Scalar::ONE, lambda()].into_iter().zip(GENERATOR.iter()) {
            assert_eq!(table.len(), 64);
            for (k, point) in (1u64..).step_by(2).zip(table) {
                let expected = ProjectivePoint::GENERATOR * (factor * Scalar::from(k));
                assert_eq!(expected, ProjectivePoint::from(*point));
            }
        }
    }

    fn checked(a: Scalar, terms: &[(Scalar, PublicKey)]) {
        let plain = terms.iter().map(|(k, point)| to_k256(point) * k);
        let plain = ProjectivePoint::GENERATOR * a + plain.sum::<ProjectivePoint>();
        let terms: Vec<_> = terms.iter().map(|(k, point)| (*k, point)).collect();
        assert_eq!(combination(&a, &terms), plain);
    }

    #[test]
    fn a_combination_is_the_plain_sum() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let edges = edges(&mut rng);
        let mut point = || secret_times_g(&Scalar::random(&mut rng)).unwrap();
        let (one, other) = (point(), point());
        for (k, next) in edges.iter().zip(edges.iter().cycle().skip(7)) {
            checked(*k, &[]);
            checked(Scalar::ZERO, &[(*k, one)]);
            checked(*k, &[(*next, one)]);
            checked(*next, &[(*k, one), (k + next, other)]);
        }
    }

    #[test]
    fn terms_that_are_equal_or_cancel_are_summed_all_the_same() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let generator = secret_times_g(&Scalar::ONE).unwrap();
        for k in edges(&mut rng) {
            let secret = Scalar::random(&mut rng);
            let point = secret_times_g(&secret).unwrap();
            checked(k, &[(k, generator)]);
            checked(k, &[(-k, generator)]);
            checked(k, &[(k, point), (k, point)]);
            checked(k, &[(k, point), (-k, point)]);
            checked(k * secret, &[(-k, point)]);
            checked(Scalar::ZERO, &[(k * lambda(), point), (-k, point)]);
        }
    }
}
