//! 64 hex characters, and perhaps one end of line.

use zeroize::Zeroizing;

use crate::keys::KeyBytes;

/// The most that is worth reading: the characters, an end of line, and one byte more to see that it is too long.
pub(super) const READ_MAX: usize = 66;

/// The key in `text`; none if it is anything else.
pub(super) fn parse(text: &[u8]) -> Option<KeyBytes> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, key.as_mut_slice()).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_64_hex_characters_and_one_end_of_line_only() {
        let text = "0123456789abcdefABCDEF0123456789".repeat(2);
        assert!(parse(text.as_bytes()).is_some());
        assert!(parse(format!("{text}\n").as_bytes()).is_some());
        for bad in [
            "",
            "\n",
            &text[1..],
            &format!("{text}0"),
            &format!("{text}\n\n"),
            &format!("{text}\r\n"),
            &format!(" {text}"),
            &text.replace('a', "g"),
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
