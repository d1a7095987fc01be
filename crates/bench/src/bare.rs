//! What libsecp256k1 itself takes for the parts of a row that is out of reach: the measured reason beside it.

use secp256k1::{PublicKey, SecretKey, SECP256K1};

use crate::clock::{timed, Measured};

fn secret(number: u8) -> SecretKey {
    SecretKey::from_slice(&[number; 32]).expect("far below the group order, and not zero")
}

/// k·G in constant time, twice: what a commitment cannot do without.
pub fn two_products() -> Measured<'static> {
    let (one, other) = (secret(1), secret(2));
    Box::new(move || timed(|| (one.public_key(SECP256K1), other.public_key(SECP256K1))))
}

/// The sums of t hiding and of t binding commitments, t below 256.
pub fn two_sums(t: u8) -> Measured<'static> {
    let points: Vec<PublicKey> = (1..=t).map(|n| secret(n).public_key(SECP256K1)).collect();
    Box::new(move || {
        let points: Vec<&PublicKey> = points.iter().collect();
        let sum = || PublicKey::combine_keys(&points);
        timed(|| (sum(), sum()))
    })
}
