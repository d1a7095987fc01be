//! The checksum of output descriptors (BIP 380, "Checksum").

/// What a descriptor may be written with; the place of a character is its value.
const INPUT: &[u8] = b"0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~\
      ijklmnopqrstuvwxyzABCDEFGH`#\"\\ ";
/// What a checksum is written with: bech32's characters.
const OUTPUT: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u64; 5] = [
    0x00f5_dee5_1989,
    0x00a9_fdca_3312,
    0x001b_ab10_e32d,
    0x0037_06b1_677a,
    0x0064_4d62_6ffd,
];
const LENGTH: usize = 8;

/// Multiplies the remainder by x, adds `symbol` and reduces: one step of the code over GF(32).
fn step(remainder: u64, symbol: u64) -> u64 {
    let top = remainder >> 35;
    let shifted = (remainder & 0x0007_ffff_ffff) << 5 ^ symbol;
    let reduce =
        |sum, (bit, term): (usize, &u64)| sum ^ if top >> bit & 1 == 1 { *term } else { 0 };
    GENERATOR.iter().enumerate().fold(shifted, reduce)
}

/// Eight characters, or `None` when `text` has a character that no descriptor has.
pub(crate) fn checksum(text: &str) -> Option<String> {
    let mut remainder = 1;
    let mut groups: Vec<u64> = Vec::new();
    for byte in text.bytes() {
        let value = u64::try_from(INPUT.iter().position(|c| *c == byte)?).ok()?;
        remainder = step(remainder, value & 31);
        // The high bits of three characters make one symbol more.
        groups.push(value >> 5);
        if let [a, b, c] = groups[..] {
            remainder = step(remainder, a * 9 + b * 3 + c);
            groups.clear();
        }
    }
    match groups[..] {
        [a] => remainder = step(remainder, a),
        [a, b] => remainder = step(remainder, a * 3 + b),
        _ => {}
    }
    let remainder = (0..LENGTH).fold(remainder, |sum, _| step(sum, 0)) ^ 1;
    let symbol = |place: usize| {
        let index = usize::try_from(remainder >> (5 * (LENGTH - 1 - place)) & 31).ok()?;
        OUTPUT.get(index).copied().map(char::from)
    };
    (0..LENGTH).map(symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_checksums() {
        let xpubs = "sh(multi(2,[00000000/111'/222]xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUH\
            QVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL,xpub68NZiKmJWnxxS6a\
            aHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih1\
            9Zm4Y/0))";
        // BIP 380's own vector, then two of Bitcoin Core's.
        let known = [
            ("raw(deadbeef)", "89f8spxm"),
            (xpubs, "tjg09x5t"),
            ("addr(mkmZxiEcEd8ZqjQWVZuC6so5dFMKEFpN2j)", "02wpgw69"),
        ];
        for (text, sum) in known {
            assert_eq!(checksum(text).as_deref(), Some(sum), "{text}");
        }
    }

    #[test]
    fn a_changed_character_changes_the_sum() {
        assert_ne!(checksum("raw(deedbeef)"), checksum("raw(deadbeef)"));
        assert_eq!(checksum("raw(Ü)"), None);
        assert_eq!(checksum("").map(|sum| sum.len()), Some(LENGTH));
    }
}
