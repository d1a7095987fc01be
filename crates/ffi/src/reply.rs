//! Replies as bytes. They may hold what is secret, so a buffer that grows leaves nothing behind.

use std::io;

use serde::{Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use crate::failure::Failure;

/// Bytes of most replies.
const USUAL: usize = 1024;

/// A vector that wipes what it moves out of.
struct WipedBuffer(Zeroizing<Vec<u8>>);

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.0.capacity())));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A reply as JSON.
pub(crate) fn encoded(reply: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut buffer = WipedBuffer(Zeroizing::new(Vec::with_capacity(USUAL)));
    serde_json::to_writer(&mut buffer, reply).map_err(|_| Failure::internal())?;
    Ok(buffer.0)
}

#[derive(Serialize)]
struct Envelope<'a> {
    code: &'static str,
    message: &'a str,
    recovery_class: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    candidate_culprits: Vec<u16>,
}

/// The error envelope.
pub(crate) fn envelope(failure: &Failure) -> Zeroizing<Vec<u8>> {
    let envelope = Envelope {
        code: failure.code.as_str(),
        message: &failure.message,
        recovery_class: failure.code.recovery().as_str(),
        reason_code: failure.reason.as_deref(),
        candidate_culprits: failure.culprits.iter().map(|m| m.number()).collect(),
    };
    encoded(&envelope).unwrap_or_default()
}

/// Hex text that is secret: never grown, wiped on drop.
pub(crate) struct SecretHex(Zeroizing<Vec<u8>>);

impl SecretHex {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut text = Zeroizing::new(vec![0; 2 * bytes.len()]);
        let done = hex::encode_to_slice(bytes, &mut text);
        done.expect("the text has two characters for each byte");
        Self(text)
    }
}

impl Drop for SecretHex {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Serialize for SecretHex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_longer_than_usual_is_whole() {
        let long = "x".repeat(5 * USUAL);
        let text = encoded(&[long.as_str(), "\"y\""]).unwrap();
        let back: Vec<String> = serde_json::from_slice(&text).unwrap();
        assert_eq!(back, [long.as_str(), "\"y\""]);
        assert_eq!(
            *encoded(&SecretHex::of(&[0x0a, 0xff])).unwrap(),
            b"\"0aff\""
        );
    }
}
