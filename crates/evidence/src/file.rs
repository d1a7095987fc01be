//! A proof as a file: versioned, self-contained.

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_wire::Roster;

use crate::proof::Evidence;

const MAGIC: [u8; 8] = *b"HFEVID\x00\x01";

/// Largest file read, in bytes: the certificate of the largest group has 33.3 million, its packages 1.3 million.
const FILE_BYTES_MAX: usize = 40 << 20;

/// A proof with copies of the roster and the certificate that its context names by hash. Whoever trusts only what he
/// brings himself ignores the copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceFile {
    /// The proof.
    pub evidence: Evidence,
    /// The roster, as its own encoding.
    pub roster: Vec<u8>,
    /// The certificate file's bytes.
    pub certificate: Vec<u8>,
}

/// A file that is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Above the limit.
    #[error("an evidence file has at most {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// Another kind of file, another version, or bytes that do not read.
    #[error("this is not an evidence file of this version, or it was changed")]
    Layout,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    magic: [u8; 8],
    evidence: Evidence,
    roster: Vec<u8>,
    certificate: Vec<u8>,
}

impl EvidenceFile {
    /// A proof with copies of what it names.
    #[must_use]
    pub fn new(evidence: Evidence, roster: &Roster, certificate: Vec<u8>) -> Self {
        Self {
            evidence,
            roster: roster.to_bytes(),
            certificate,
        }
    }

    /// The file: a magic with the version, then borsh.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let encoded = Encoded {
            magic: MAGIC,
            evidence: self.evidence.clone(),
            roster: self.roster.clone(),
            certificate: self.certificate.clone(),
        };
        borsh::to_vec(&encoded).expect("writing to memory does not fail")
    }

    /// Reads a file. Says nothing of whether it proves anything.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(FileError::TooLarge);
        }
        let encoded: Encoded = borsh::from_slice(bytes).map_err(|_| FileError::Layout)?;
        if encoded.magic != MAGIC {
            return Err(FileError::Layout);
        }
        let Encoded {
            evidence,
            roster,
            certificate,
            ..
        } = encoded;
        Ok(Self {
            evidence,
            roster,
            certificate,
        })
    }
}
