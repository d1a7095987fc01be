//! A public scalar as few odd signed digits, in variable time.

use k256::Scalar;

/// So many bits of a little-endian number, at most 8, from bit `at` on.
fn bits(words: &[u64], at: usize, many: usize) -> i16 {
    let word = |which: usize| u128::from(words.get(which).copied().unwrap_or_default());
    let both = word(at / 64) | word(at / 64 + 1) << 64;
    i16::try_from((both >> (at % 64)) & ((1 << many) - 1)).expect("eight bits")
}

/// Odd digits below 2^(window − 1) in size and their places, ascending: Σ digit · 2^place = k, and from one digit to
/// the next are at least `window` places. The last place may be one above the highest bit. `window` is at most 8.
pub(crate) fn digits(k: &Scalar, window: usize) -> Vec<(usize, i16)> {
    let bytes = k.to_bytes();
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    let words: Vec<u64> = bytes.rchunks(8).map(word).collect();
    let zeros: usize = bytes.iter().take_while(|byte| **byte == 0).count();
    let columns = 8 * (bytes.len() - zeros) + 1;
    let mut digits = Vec::with_capacity(columns / window + 1);
    let (mut at, mut carry) = (0, 0);
    while at < columns {
        let digit = bits(&words, at, window) + carry;
        if digit & 1 == 0 {
            at += 1;
            continue;
        }
        carry = i16::from(digit >> (window - 1) != 0);
        digits.push((at, digit - (carry << window)));
        at += window;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::elliptic_curve::Field;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn a_scalar_is_the_sum_of_its_digits() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let edges = [0u64, 1, 15, 16, 17, 31, 127, 128, 255, 256].map(Scalar::from);
        let random = (0..500).map(|_| Scalar::random(&mut rng));
        for k in edges.into_iter().chain(random).flat_map(|k| [k, -k]) {
            let value = |(at, digit): (usize, i16)| {
                let size = Scalar::from(u64::from(digit.unsigned_abs()));
                let power = (0..at).fold(Scalar::ONE, |power, _| power.double());
                power * if digit < 0 { -size } else { size }
            };
            for window in 2..=8 {
                let digits = digits(&k, window);
                let small = |(_, digit): &(usize, i16)| {
                    digit & 1 == 1 && digit.unsigned_abs() < 1 << (window - 1)
                };
                assert!(digits.iter().all(small));
                let apart = |pair: &[(usize, i16)]| pair[1].0 - pair[0].0 >= window;
                assert!(digits.windows(2).all(apart));
                assert_eq!(digits.into_iter().map(value).sum::<Scalar>(), k);
            }
        }
    }
}
