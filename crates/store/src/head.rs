//! The head: what the records must add up to. Sealed, and written in the same transaction as they.

use hardfrost_engine::EncodedRecord;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::DiskFault;
use crate::header::Header;
use crate::keys::Keys;
use crate::sealing;

const RECORD: &[u8; 22] = b"hardfrost/store/record";
const HEAD: &[u8; 20] = b"hardfrost/store/head";
const CHAIN: &[u8; 21] = b"hardfrost/store/chain";

/// A record as the database holds it, or lends it.
pub(crate) struct SealedRecord<B = Vec<u8>> {
    pub(crate) sequence: u64,
    pub(crate) kind: u8,
    pub(crate) sealed: B,
}

/// A running hash over sealed records. A number that was sealed twice, in a store and in an older copy of it that went
/// on by itself, gives two genuine records: the chain tells which of them the head was written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain([u8; 32]);

/// What the records must add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How often the store was opened, over its whole life.
    pub(crate) generation: u64,
    /// The oldest record's number; one more than `last` if there is none.
    pub(crate) first: u64,
    /// The newest number that was ever given; 0 if none was.
    pub(crate) last: u64,
    pub(crate) chain: Chain,
}

impl Chain {
    pub(crate) fn start(header: &Header) -> Self {
        let hash = Sha256::new_with_prefix(CHAIN).chain_update(header.id.0);
        Self(hash.finalize().into())
    }

    /// A record's tag stands for all of it, its number and kind included: only who has the key makes another one that
    /// fits. Schema 1 hashed it whole.
    pub(crate) fn push<B: AsRef<[u8]>>(&mut self, record: &SealedRecord<B>, header: &Header) {
        let sealed = record.sealed.as_ref();
        let hash = Sha256::new_with_prefix(self.0);
        let hash = if header.schema == 1 {
            hash.chain_update(record.sequence.to_be_bytes())
                .chain_update([record.kind])
                .chain_update(sealed)
        } else {
            hash.chain_update(sealing::tag(sealed))
        };
        self.0 = hash.finalize().into();
    }
}

impl Head {
    /// A store without records.
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            generation: 0,
            first: 1,
            last: 0,
            chain: Chain::start(header),
        }
    }

    pub(crate) fn seal(&self, header: &Header, keys: &Keys) -> Result<Vec<u8>, DiskFault> {
        let mut plain = Vec::with_capacity(56);
        for number in [self.generation, self.first, self.last] {
            plain.extend_from_slice(&number.to_be_bytes());
        }
        plain.extend_from_slice(&self.chain.0);
        sealing::seal(&keys.head, &place(HEAD, header), &plain)
    }

    pub(crate) fn open(sealed: &[u8], header: &Header, keys: &Keys) -> Option<Self> {
        let plain = sealing::open(&keys.head, &place(HEAD, header), sealed)?;
        let (generation, rest) = plain.split_first_chunk::<8>()?;
        // Schema 1 knew no compaction: its records begin with number 1, and its head does not say so.
        let (first, rest) = if header.schema == 1 {
            (1, rest)
        } else {
            let (first, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*first), rest)
        };
        let (last, rest) = rest.split_first_chunk::<8>()?;
        let chain = rest.try_into().ok()?;
        Some(Self {
            generation: u64::from_be_bytes(*generation),
            first,
            last: u64::from_be_bytes(*last),
            chain: Chain(chain),
        })
    }

    /// The head of a store that lets go of all its records. Their numbers are not given again.
    pub(crate) fn emptied(&self, header: &Header) -> Self {
        Self {
            first: self.last + 1,
            chain: Chain::start(header),
            ..*self
        }
    }

    /// Seals the next record and takes it into account.
    pub(crate) fn append(
        &mut self,
        record: &EncodedRecord,
        header: &Header,
        keys: &Keys,
    ) -> Result<SealedRecord, DiskFault> {
        let sealed = seal_record(self.last + 1, record, header, keys)?;
        self.last = sealed.sequence;
        self.chain.push(&sealed, header);
        Ok(sealed)
    }
}

/// A record as it is stored under this number.
pub(crate) fn seal_record(
    sequence: u64,
    record: &EncodedRecord,
    header: &Header,
    keys: &Keys,
) -> Result<SealedRecord, DiskFault> {
    let kind = record.kind();
    let associated = record_place(header, kind, sequence);
    Ok(SealedRecord {
        sequence,
        kind,
        sealed: sealing::seal(&keys.record, &associated, record.as_bytes())?,
    })
}

/// What is sealed in a record of this number and kind; none if it does not verify.
pub(crate) fn open_record<B: AsRef<[u8]>>(
    record: &SealedRecord<B>,
    header: &Header,
    keys: &Keys,
) -> Option<EncodedRecord> {
    let associated = record_place(header, record.kind, record.sequence);
    let plain: Zeroizing<Vec<u8>> =
        sealing::open(&keys.record, &associated, record.sealed.as_ref())?;
    Some(EncodedRecord::new(record.kind, plain))
}

fn place(domain: &[u8], header: &Header) -> Vec<u8> {
    let mut bytes = domain.to_vec();
    bytes.extend_from_slice(&header.id.0);
    bytes.extend_from_slice(&header.schema.to_be_bytes());
    bytes
}

fn record_place(header: &Header, kind: u8, sequence: u64) -> Vec<u8> {
    let mut bytes = place(RECORD, header);
    bytes.push(kind);
    bytes.extend_from_slice(&sequence.to_be_bytes());
    bytes
}
