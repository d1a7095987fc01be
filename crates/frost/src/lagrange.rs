//! Lagrange coefficients at zero. Identifiers are small and public, so variable time is allowed, and products of
//! differences stay in one machine word for as long as they fit.

use std::collections::BTreeMap;

use hardfrost_primitives::Member;
use k256::elliptic_curve::ops::Invert;
use k256::Scalar;

/// Π factors, with `negative` of them below zero.
fn product(factors: impl Iterator<Item = i32>) -> Scalar {
    let (mut done, mut word, mut negative) = (Scalar::ONE, 1u64, false);
    for factor in factors {
        negative ^= factor < 0;
        let size = u64::from(factor.unsigned_abs());
        word = word.checked_mul(size).unwrap_or_else(|| {
            done *= Scalar::from(word);
            size
        });
    }
    done *= Scalar::from(word);
    if negative {
        -done
    } else {
        done
    }
}

fn distances(set: &[Member], member: Member) -> impl Iterator<Item = i32> + '_ {
    let own = i32::from(member.number());
    let others = set.iter().filter(move |m| **m != member);
    others.map(move |m| i32::from(m.number()) - own)
}

fn others(set: &[Member], member: Member) -> impl Iterator<Item = i32> + '_ {
    let others = set.iter().filter(move |m| **m != member);
    others.map(|m| i32::from(m.number()))
}

fn inverse(scalar: &Scalar) -> Scalar {
    let inverse = Option::<Scalar>::from(scalar.invert_vartime());
    inverse.expect("a product of differences of distinct members below the group order is not zero")
}

/// λ of `member` for the distinct members `set`: Π j / (j − member) over all others j.
pub(crate) fn coefficient(set: &[Member], member: Member) -> Scalar {
    product(others(set, member)) * inverse(&product(distances(set, member)))
}

/// The inverses of scalars that are not zero, with one inversion for all.
fn inverses(scalars: &[Scalar]) -> Vec<Scalar> {
    let mut all = Scalar::ONE;
    let before: Vec<Scalar> = scalars
        .iter()
        .map(|scalar| {
            let before = all;
            all *= scalar;
            before
        })
        .collect();
    let mut inverse = inverse(&all);
    let mut inverses: Vec<Scalar> = scalars
        .iter()
        .zip(before)
        .rev()
        .map(|(scalar, before)| {
            let own = inverse * before;
            inverse *= scalar;
            own
        })
        .collect();
    inverses.reverse();
    inverses
}

/// 1 / Π (j − member) over all others j, for each of the distinct members `set`.
pub(crate) fn weights(set: &[Member]) -> Vec<Scalar> {
    let divisors: Vec<Scalar> = set.iter().map(|m| product(distances(set, *m))).collect();
    inverses(&divisors)
}

/// λ of each of the distinct members `set`.
pub(crate) fn coefficients(set: &[Member]) -> BTreeMap<Member, Scalar> {
    let weights = weights(set).into_iter().zip(set);
    weights
        .map(|(weight, m)| (*m, product(others(set, *m)) * weight))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(numbers: &[u16]) -> Vec<Member> {
        numbers.iter().map(|n| Member::new(*n).unwrap()).collect()
    }

    #[test]
    fn the_coefficients_find_a_polynomials_value_at_zero() {
        let every: Vec<u16> = (900..=1000).collect();
        for set in [&[7][..], &[1, 2], &[3, 1, 65535], &[128, 127, 1, 5], &every] {
            let set = members(set);
            // f(x) = 41 + x + x² + …, of the highest degree that the set determines.
            let value = |x: u64| {
                (1..set.len()).fold((Scalar::ZERO, Scalar::ONE), |(sum, power), _| {
                    let power = power * Scalar::from(x);
                    (sum + power, power)
                })
            };
            let all = coefficients(&set);
            let sum: Scalar = set
                .iter()
                .map(|m| all[m] * (Scalar::from(41u64) + value(m.number().into()).0))
                .sum();
            assert_eq!(sum, Scalar::from(41u64));
            for member in &set {
                assert_eq!(coefficient(&set, *member), all[member]);
            }
        }
    }
}
