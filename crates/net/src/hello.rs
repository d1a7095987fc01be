//! The hello that each side sends once TLS stands: which network, who, which versions, and the operator's proof.

use std::ops::RangeInclusive;

use crate::peer::PeerIndex;

/// The versions of the stream that this build speaks.
pub const VERSIONS: RangeInclusive<u16> = 1..=1;
/// The longest build string.
pub const BUILD_BYTES_MAX: usize = 32;
/// Versions, network, index and the length of the build string.
const FIXED_BYTES: usize = 2 + 2 + 32 + 2 + 1;
const PROOF_BYTES: usize = 64;
/// The longest hello.
pub const HELLO_BYTES_MAX: usize = FIXED_BYTES + BUILD_BYTES_MAX + PROOF_BYTES;

/// Label of the TLS exporter (RFC 8446 §7.5) that the operator signs.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-hardfrost-channel-v1";

/// Which end of the connection says hello. It is signed, so that no hello can be sent back to its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Dialled.
    Dialler,
    /// Accepted.
    Acceptor,
}

/// What one side says of itself, without its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub versions: RangeInclusive<u16>,
    pub network: [u8; 32],
    pub index: PeerIndex,
    pub build: String,
}

impl Hello {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HELLO_BYTES_MAX);
        out.extend(self.versions.start().to_be_bytes());
        out.extend(self.versions.end().to_be_bytes());
        out.extend(self.network);
        out.extend(self.index.0.to_be_bytes());
        // At most 32, see `is_build`.
        out.push(u8::try_from(self.build.len()).unwrap_or(u8::MAX));
        out.extend(self.build.as_bytes());
        out
    }

    /// Reads a hello and its proof. All bytes or nothing.
    pub fn read(bytes: &[u8]) -> Option<(Self, [u8; 64])> {
        let (unproven, proof) = bytes.split_last_chunk::<PROOF_BYTES>()?;
        let (&[a, b, c, d], rest) = unproven.split_first_chunk()?;
        let (&network, rest) = rest.split_first_chunk()?;
        let (&[high, low, length], build) = rest.split_first_chunk()?;
        let build = std::str::from_utf8(build).ok()?;
        let versions = u16::from_be_bytes([a, b])..=u16::from_be_bytes([c, d]);
        if versions.is_empty() || build.len() != usize::from(length) || !is_build(build) {
            return None;
        }
        let hello = Self {
            versions,
            network,
            index: PeerIndex(u16::from_be_bytes([high, low])),
            build: build.to_owned(),
        };
        Some((hello, *proof))
    }

    /// What the exporter is asked about for this side's hello.
    pub fn exporter_context(&self, role: Role) -> Vec<u8> {
        let role = match role {
            Role::Dialler => 0,
            Role::Acceptor => 1,
        };
        [&[role], self.network.as_slice(), &self.to_bytes()].concat()
    }
}

/// Whether this may be a build string.
pub fn is_build(text: &str) -> bool {
    text.len() <= BUILD_BYTES_MAX && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// The version to speak: the highest that both know.
pub fn common_version(ours: &RangeInclusive<u16>, theirs: &RangeInclusive<u16>) -> Option<u16> {
    let version = *ours.end().min(theirs.end());
    (ours.contains(&version) && theirs.contains(&version)).then_some(version)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn hello() -> Hello {
        Hello {
            versions: 1..=3,
            network: [7; 32],
            index: PeerIndex(2),
            build: "hardfrost 0.1.0".to_owned(),
        }
    }

    fn proven() -> Vec<u8> {
        [hello().to_bytes().as_slice(), &[9; 64]].concat()
    }

    #[test]
    fn what_is_written_reads() {
        assert_eq!(Hello::read(&proven()), Some((hello(), [9; 64])));
    }

    #[test]
    fn nothing_may_lack_or_follow() {
        for length in 0..proven().len() {
            assert_eq!(Hello::read(&proven()[..length]), None);
        }
        assert_eq!(Hello::read(&[proven(), vec![0]].concat()), None);
    }

    proptest! {
        #[test]
        fn n06_whatever_comes_reads_to_what_it_was_written_from(
            changes in vec((0usize..118, any::<u8>()), 0..6),
            length in 0usize..130,
        ) {
            let mut bytes = proven();
            for (place, byte) in changes {
                bytes[place] = byte;
            }
            for bytes in [bytes[..length.min(bytes.len())].to_vec(), bytes] {
                if let Some((said, proof)) = Hello::read(&bytes) {
                    prop_assert_eq!([said.to_bytes(), proof.to_vec()].concat(), bytes);
                }
            }
        }
    }

    #[test]
    fn a_build_string_is_short_and_printable() {
        assert!(is_build(""));
        assert!(is_build(&"x".repeat(32)));
        for bad in ["x".repeat(33), "a\nb".to_owned(), "é".to_owned()] {
            assert!(!is_build(&bad), "{bad:?}");
            let build = bad;
            let bytes = Hello { build, ..hello() }.to_bytes();
            assert_eq!(Hello::read(&[bytes, vec![9; 64]].concat()), None);
        }
    }

    #[test]
    fn the_highest_common_version_is_spoken() {
        assert_eq!(common_version(&(1..=3), &(2..=9)), Some(3));
        assert_eq!(common_version(&(2..=9), &(1..=3)), Some(3));
        assert_eq!(common_version(&(1..=1), &(1..=1)), Some(1));
        assert_eq!(common_version(&(1..=1), &(2..=3)), None);
        assert_eq!(common_version(&(2..=3), &(1..=1)), None);
    }

    #[test]
    fn the_two_sides_of_a_channel_sign_different_things() {
        let [dialler, acceptor] =
            [Role::Dialler, Role::Acceptor].map(|role| hello().exporter_context(role));
        assert_ne!(dialler, acceptor);
    }
}
