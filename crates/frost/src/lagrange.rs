//! Lagrange coefficients at zero. Identifiers are small and public, so variable time is allowed, and products of
//! differences stay in one machine word for as long as they fit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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

/// λ of each of the distinct members `set`: Π j / (j − member) over all others j.
pub(crate) fn coefficients(set: &[Member]) -> Lambdas {
    let weights = weights(set).into_iter().zip(set);
    weights
        .map(|(weight, m)| (*m, product(others(set, *m)) * weight))
        .collect()
}

/// The coefficients of one set of signers.
pub(crate) type Lambdas = BTreeMap<Member, Scalar>;

/// Remembers the coefficients of the last set of signers: most packages of a group choose the same ones as the package
/// before. Everything in it follows from its question, so groups are equal whatever theirs hold.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Option<(Vec<Member>, Arc<Lambdas>)>>);

impl Remembered {
    pub(crate) fn coefficients(&self, set: &[Member]) -> Arc<Lambdas> {
        // What a panicking thread left behind is whole: it is replaced at once or not at all.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, lambdas)) = last.as_ref().filter(|(of, _)| of == set) {
            return Arc::clone(lambdas);
        }
        let lambdas = Arc::new(coefficients(set));
        *last = Some((set.to_vec(), Arc::clone(&lambdas)));
        lambdas
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Remembered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Remembered {}

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
        }
    }

    #[test]
    fn what_is_remembered_is_of_the_set_that_is_asked_for() {
        let remembered = Remembered::default();
        for set in [[1, 2, 3], [1, 2, 4], [1, 2, 4], [2, 1, 4], [1, 2, 3]] {
            let set = members(&set);
            assert_eq!(*remembered.coefficients(&set), coefficients(&set));
        }
    }
}
