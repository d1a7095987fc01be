//! Messages of other protocols: signed as tagged hashes (BIP 340), so that none can be a transaction's digest.

use hardfrost_primitives::{Hash32, Message};

/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 64;
/// Most data under one tag, in bytes.
pub const TAGGED_BYTES_MAX: usize = 1 << 20;
/// Tags that Bitcoin and BIP 340 hash with. The form of a tag bars them too; this says so by name.
const BITCOIN: [&str; 7] = [
    "TapSighash",
    "TapTweak",
    "TapLeaf",
    "TapBranch",
    "KeyAgg list",
    "KeyAgg coefficient",
    "BIP0322-signed-message",
];
/// Namespaces of the protocols below us, in lowercase.
const RESERVED: [&str; 7] = [
    "bip0340",
    "bip0327",
    "bip340",
    "bip-340",
    "musig",
    "frost",
    "hardfrost",
];

/// Data of another protocol under that protocol's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedMessage {
    tag: String,
    data: Vec<u8>,
}

/// A tag or data that is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaggedError {
    /// Empty or above [`TAG_BYTES_MAX`].
    #[error("a tag has 1 to {TAG_BYTES_MAX} characters, not {0}")]
    TagLength(usize),
    /// Control characters, or anything beyond ASCII.
    #[error("a tag has printable ASCII characters only")]
    TagAlphabet,
    /// Not `namespace/name`.
    #[error("a tag is namespace/name, the namespace of a-z, 0-9 and '-': app/greeting, say")]
    NoNamespace,
    /// A tag that Bitcoin, a signing protocol or this project hashes with.
    #[error("this tag is reserved: what is signed under it could be a transaction")]
    Reserved,
    /// More than [`TAGGED_BYTES_MAX`].
    #[error("tagged data has at most {TAGGED_BYTES_MAX} bytes, not {0}")]
    DataLength(usize),
}

impl TaggedMessage {
    /// `data` under `tag`, which is `namespace/name` in printable ASCII.
    ///
    /// # Errors
    /// See [`TaggedError`].
    pub fn new(tag: &str, data: &[u8]) -> Result<Self, TaggedError> {
        if tag.is_empty() || tag.len() > TAG_BYTES_MAX {
            return Err(TaggedError::TagLength(tag.len()));
        }
        if !tag.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(TaggedError::TagAlphabet);
        }
        let (namespace, name) = tag.split_once('/').unwrap_or((tag, ""));
        if BITCOIN.contains(&tag) || RESERVED.contains(&namespace.to_ascii_lowercase().as_str()) {
            return Err(TaggedError::Reserved);
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if namespace.is_empty() || name.is_empty() || !namespace.bytes().all(fits) {
            return Err(TaggedError::NoNamespace);
        }
        if data.len() > TAGGED_BYTES_MAX {
            return Err(TaggedError::DataLength(data.len()));
        }
        Ok(Self {
            tag: tag.to_owned(),
            data: data.to_vec(),
        })
    }

    /// What is signed: `H(H(tag) ‖ H(tag) ‖ data)` (BIP 340, "Design").
    #[must_use]
    pub fn message(&self) -> Message {
        Message(Hash32::tagged(&self.tag, &self.data).0)
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}
