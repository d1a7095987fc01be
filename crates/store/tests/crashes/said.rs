//! What the process under test tells the one that watches it, a line each, before it goes on.

use hardfrost_engine::EncodedRecord;
use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// A store is to be made.
    Creating,
    /// It is there.
    Created,
    /// A sealed file is to be written.
    Filing,
    /// It is there.
    Filed,
    /// The store is open, in this generation.
    Opened(u64),
    /// These records are to be appended.
    Appending(Vec<String>),
    /// These records are to take the place of all.
    Compacting(Vec<String>),
    /// The log says that what was asked last is durable.
    Durable,
    /// It says that nothing was written.
    NotWritten,
    /// It says that it does not know.
    Unknown,
    /// A share left.
    Share(Share),
    /// A signature was shown: of the payment of so much, in attempt so and so.
    Signature(u64, u32, String),
    /// The key is to be changed.
    Rotating,
    /// It is.
    Rotated,
    /// The kill switch is set.
    Killed,
    /// Closed in order.
    Closed,
    /// The engine answers `storage_fault` to everything, and so does the log.
    Faulted,
    /// It ended early: whether because of the disk, and why.
    Failed(bool, String),
    /// The whole life was lived.
    Done,
}

/// A share that left, named by what it must not be given for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The payment that is signed.
    pub sats: u64,
    /// The attempt.
    pub number: u32,
    /// The seat.
    pub seat: u16,
    /// The nonces' commitments.
    pub commitments: String,
}

const MARK: &str = "said: ";

/// Tells it. The line is out when this returns.
pub fn aloud(said: Said) {
    println!("\n{MARK}{}", serde_json::to_string(&said).unwrap());
}

/// Everything that was told in this output, but for a last line that was not finished.
pub fn heard(output: &str) -> Vec<Said> {
    let lines = output
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    lines
        .filter_map(|line| line.strip_prefix(MARK))
        .map(|said| serde_json::from_str(said).unwrap())
        .collect()
}

/// A record, without showing it.
pub fn digests(records: &[EncodedRecord]) -> Vec<String> {
    use sha2::{Digest, Sha256};
    let digest = |record: &EncodedRecord| {
        let hash = Sha256::new_with_prefix([record.kind()]).chain_update(record.as_bytes());
        format!("{}:{}", record.kind(), hex::encode(&hash.finalize()[..8]))
    };
    records.iter().map(digest).collect()
}
