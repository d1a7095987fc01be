//! Σ k·P over many public points with public scalars: what the suite `tr` spends its time on, and what libsecp256k1
//! does not offer to callers. Everything here runs in variable time: nothing secret may come near it.
//!
//! Straus' method. A scalar becomes a few odd signed digits, a point its odd multiples; then each of the 257 powers of
//! two has a column of points to sum. Affine points are added in large batches that share one inversion (Montgomery),
//! at half the price of projective ones. Points that are equal or cancel, which a signer can bring about by copying
//! another's commitment, are told apart before the division.

use k256::elliptic_curve::sec1::FromEncodedPoint;
use k256::{AffinePoint, EncodedPoint, FieldElement, ProjectivePoint, Scalar};
use secp256k1::PublicKey;

use crate::digits::digits;

/// Digits are below 2⁴ in size.
const WINDOW: usize = 5;
/// A carry may stand above the highest bit.
const COLUMNS: usize = 257;
/// A smaller batch costs more for its inversion than it saves.
const BATCH: usize = 64;

/// A point that is not the identity. Coordinates are weakly normalised.
#[derive(Clone, Copy)]
struct Affine {
    x: FieldElement,
    y: FieldElement,
}

fn coordinate(bytes: [u8; 32]) -> FieldElement {
    let element = Option::<FieldElement>::from(FieldElement::from_bytes(&bytes.into()));
    element.expect("libsecp256k1 shows reduced coordinates")
}

impl Affine {
    fn of(point: &PublicKey) -> Self {
        let [_, coordinates @ ..] = point.serialize_uncompressed();
        let (x, y) = coordinates.split_at(32);
        let half = |bytes: &[u8]| coordinate(bytes.try_into().expect("half of 64 bytes"));
        Self {
            x: half(x),
            y: half(y),
        }
    }

    fn negated(&self) -> Self {
        Self {
            x: self.x,
            y: self.y.negate(1).normalize_weak(),
        }
    }

    fn to_k256(self) -> AffinePoint {
        let (x, y) = (self.x.normalize(), self.y.normalize());
        let encoded = EncodedPoint::from_affine_coordinates(&x.to_bytes(), &y.to_bytes(), false);
        let point = Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded));
        point.expect("a sum of points is on the curve")
    }
}

/// How two points are added.
enum Kind {
    /// By the line through them.
    Chord,
    /// They are one point: by the tangent.
    Tangent,
    /// They cancel.
    Opposite,
}

/// How, and what the slope is divided by.
fn divisor(one: &Affine, other: &Affine) -> (Kind, FieldElement) {
    let run = other.x + one.x.negate(1);
    if !bool::from(run.normalizes_to_zero()) {
        return (Kind::Chord, run);
    }
    // y + y, or y − y. The curve has no point of order two, so y + y is not zero.
    let run = one.y + other.y;
    if bool::from(run.normalizes_to_zero()) {
        (Kind::Opposite, FieldElement::ONE)
    } else {
        (Kind::Tangent, run)
    }
}

fn third(one: &Affine, other: &Affine, kind: &Kind, inverse: &FieldElement) -> Option<Affine> {
    let rise = match kind {
        Kind::Chord => other.y + one.y.negate(1),
        Kind::Tangent => {
            let square = one.x.square();
            square.double() + square
        }
        Kind::Opposite => return None,
    };
    let slope = rise * inverse;
    let x = (slope.square() + (one.x + other.x).negate(2)).normalize_weak();
    let y = slope * (one.x + x.negate(1)) + one.y.negate(1);
    let y = y.normalize_weak();
    Some(Affine { x, y })
}

/// The sum of each pair, with one inversion for all; `None` is the point at infinity.
fn sums(pairs: &[(&Affine, &Affine)]) -> Vec<Option<Affine>> {
    let mut all = FieldElement::ONE;
    let divisors: Vec<(Kind, FieldElement, FieldElement)> = pairs
        .iter()
        .map(|(one, other)| {
            let ((kind, divisor), before) = (divisor(one, other), all);
            all *= divisor;
            (kind, divisor, before)
        })
        .collect();
    let inverse = Option::<FieldElement>::from(all.invert());
    let mut inverse = inverse.expect("no divisor is zero");
    let mut sums = Vec::with_capacity(pairs.len());
    for ((one, other), (kind, divisor, before)) in pairs.iter().zip(&divisors).rev() {
        sums.push(third(one, other, kind, &(inverse * before)));
        inverse *= divisor;
    }
    sums.reverse();
    sums
}

/// The odd multiples 1, 3 … 15 of each point.
fn odd_multiples(points: &[Affine]) -> Vec<[Affine; 8]> {
    let every = |pairs: &[(&Affine, &Affine)]| -> Vec<Affine> {
        let sums: Option<_> = sums(pairs).into_iter().collect();
        sums.expect("small multiples of a point of prime order do not cancel")
    };
    let p2 = every(&points.iter().map(|p| (p, p)).collect::<Vec<_>>());
    let with = points.iter().zip(&p2);
    let next = every(
        &with
            .flat_map(|(p, p2)| [(p, p2), (p2, p2)])
            .collect::<Vec<_>>(),
    );
    let low: Vec<(&Affine, &Affine, &Affine)> = points
        .iter()
        .zip(next.chunks_exact(2))
        .filter_map(|(p, next)| match next {
            [p3, p4] => Some((p, p3, p4)),
            _ => None,
        })
        .collect();
    let pairs = low.iter();
    let pairs = pairs.flat_map(|(p, p3, p4)| [(*p, *p4), (*p3, *p4), (*p4, *p4)]);
    let next = every(&pairs.collect::<Vec<_>>());
    let low = low.iter().zip(next.chunks_exact(3));
    let low: Vec<([&Affine; 4], &Affine)> = low
        .filter_map(|((p, p3, _), next)| match next {
            [p5, p7, p8] => Some(([*p, *p3, p5, p7], p8)),
            _ => None,
        })
        .collect();
    let pairs = low.iter().flat_map(|(low, p8)| low.map(|p| (p, *p8)));
    let next = every(&pairs.collect::<Vec<_>>());
    let low = low.iter().zip(next.chunks_exact(4));
    low.filter_map(|(([p, p3, p5, p7], _), next)| match next {
        [p9, p11, p13, p15] => Some([**p, **p3, **p5, **p7, *p9, *p11, *p13, *p15]),
        _ => None,
    })
    .collect()
}

/// Points to be summed, each column by itself, one after another in one list.
struct Columns {
    points: Vec<Affine>,
    sizes: Vec<usize>,
}

impl Columns {
    /// The terms' columns by ascending power of two; `others` stand in the first.
    fn new(terms: &[(Scalar, &PublicKey)], others: impl Iterator<Item = Affine>) -> Self {
        let bases: Vec<Affine> = terms.iter().map(|(_, point)| Affine::of(point)).collect();
        let multiples = odd_multiples(&bases);
        let place = |_| Vec::with_capacity(terms.len() / 4 + 4);
        let mut places: Vec<Vec<(&Affine, bool)>> = (0..COLUMNS).map(place).collect();
        for ((k, _), multiples) in terms.iter().zip(&multiples) {
            for (at, digit) in digits(k, WINDOW) {
                let multiple = multiples.get(usize::from(digit.unsigned_abs() / 2));
                let (Some(place), Some(multiple)) = (places.get_mut(at), multiple) else {
                    continue;
                };
                place.push((multiple, digit < 0));
            }
        }
        let mut points: Vec<Affine> = others.collect();
        let mut before = 0;
        let sizes = places.iter().map(|place| {
            let signed =
                |(p, negative): &(&Affine, bool)| if *negative { p.negated() } else { **p };
            points.extend(place.iter().map(signed));
            let size = points.len() - before;
            before = points.len();
            size
        });
        let sizes = sizes.collect();
        Self { points, sizes }
    }

    fn iter(&self) -> impl Iterator<Item = &[Affine]> {
        let mut rest = self.points.as_slice();
        self.sizes.iter().map(move |size| {
            let (column, after) = rest.split_at(*size);
            rest = after;
            column
        })
    }

    /// Sums neighbours until a batch is no longer worth its inversion.
    fn reduced(mut self) -> Self {
        loop {
            let pairs = self.iter().flat_map(|column| column.chunks_exact(2));
            let pairs = pairs.filter_map(|pair| Some((pair.first()?, pair.last()?)));
            let pairs: Vec<(&Affine, &Affine)> = pairs.collect();
            if pairs.len() < BATCH {
                return self;
            }
            let mut sums = sums(&pairs).into_iter();
            let mut points = Vec::with_capacity(self.points.len() - pairs.len());
            let mut sizes = Vec::with_capacity(self.sizes.len());
            for column in self.iter() {
                let before = points.len();
                points.extend(sums.by_ref().take(column.len() / 2).flatten());
                points.extend(column.chunks_exact(2).remainder());
                sizes.push(points.len() - before);
            }
            self = Self { points, sizes };
        }
    }

    /// Σ 2^i · column i.
    fn total(&self) -> ProjectivePoint {
        let columns: Vec<&[Affine]> = self.iter().collect();
        let mut total = ProjectivePoint::IDENTITY;
        for column in columns.into_iter().rev() {
            total = total.double();
            for point in column {
                total += point.to_k256();
            }
        }
        total
    }
}

/// Σ points + Σ k·P.
pub(crate) fn sum_of_products<'a>(
    points: impl Iterator<Item = &'a PublicKey>,
    terms: &[(Scalar, &'a PublicKey)],
) -> ProjectivePoint {
    Columns::new(terms, points.map(Affine::of))
        .reduced()
        .total()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::{secret_times_g, to_k256};
    use k256::elliptic_curve::Field;
    use rand_chacha::rand_core::SeedableRng;

    fn checked(points: &[PublicKey], terms: &[(Scalar, PublicKey)]) {
        let plain: ProjectivePoint = points.iter().map(to_k256).sum();
        let plain = terms.iter().fold(plain, |sum, (k, p)| sum + to_k256(p) * k);
        let terms: Vec<_> = terms.iter().map(|(k, point)| (*k, point)).collect();
        assert_eq!(sum_of_products(points.iter(), &terms), plain);
    }

    #[test]
    fn the_sum_is_the_plain_sum() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(2);
        for size in [0, 1, 2, 3, 17, 67, 128] {
            let mut point = || secret_times_g(&Scalar::random(&mut rng)).unwrap();
            let points: Vec<_> = (0..size).map(|_| point()).collect();
            let bases: Vec<_> = (0..size).map(|_| point()).collect();
            let terms = bases.into_iter().map(|p| (Scalar::random(&mut rng), p));
            checked(&points, &terms.collect::<Vec<_>>());
        }
    }

    #[test]
    fn points_that_are_equal_or_cancel_are_summed_all_the_same() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(3);
        let k = Scalar::random(&mut rng);
        let point = secret_times_g(&Scalar::random(&mut rng)).unwrap();
        let opposite = point.negate(secp256k1::SECP256K1);
        for size in [1, 2, 40, 100] {
            checked(&vec![point; size], &vec![(k, point); size]);
            let terms: Vec<_> = (0..size)
                .flat_map(|_| [(k, point), (k, opposite)])
                .collect();
            checked(&[], &terms);
            let terms: Vec<_> = (0..size).flat_map(|_| [(k, point), (-k, point)]).collect();
            checked(&[opposite], &terms);
            checked(&[], &vec![(Scalar::ONE, opposite); size]);
        }
    }
}
