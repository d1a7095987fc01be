//! Everything that is stored, read once and verified on the way.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

use hardfrost_engine::EncodedRecord;
use hardfrost_locked::scrubbed;

use crate::database::Database;
use crate::error::{Damage, StoreError};
use crate::head::{open_record, Chain, Head, SealedRecord};
use crate::header::Header;
use crate::keys::Keys;

/// What becomes of what is read.
pub(crate) trait Reader {
    /// A record that verifies, and its number; oldest first.
    fn record(&mut self, sequence: u64, record: EncodedRecord);

    /// Something that does not. An error ends the reading.
    fn damage(&mut self, damage: Damage) -> Result<(), StoreError>;
}

/// Keeps all records, and stops at the first damage.
impl Reader for Vec<EncodedRecord> {
    fn record(&mut self, _sequence: u64, record: EncodedRecord) {
        self.push(record);
    }

    fn damage(&mut self, damage: Damage) -> Result<(), StoreError> {
        Err(damage.into())
    }
}

/// Keeps nothing, and stops at the first damage.
pub(crate) struct Skip;

impl Reader for Skip {
    fn record(&mut self, _sequence: u64, _record: EncodedRecord) {}

    fn damage(&mut self, damage: Damage) -> Result<(), StoreError> {
        Err(damage.into())
    }
}

/// Sealed bytes that are opened together, on all processors: most of a restart is spent there.
const CHUNK_BYTES: usize = 1 << 20;
/// Fewer records are not worth a thread.
const RECORDS_PER_WORKER_MIN: usize = 64;
const WORKERS_MAX: usize = 8;

/// Shows everything to `reader`, and returns the head that the records were written under.
pub(crate) fn read(
    database: &Database,
    header: &Header,
    keys: &Keys,
    reader: &mut dyn Reader,
) -> Result<Head, StoreError> {
    let sealed = database.head()?;
    let head = scrubbed(|| Head::open(&sealed, header, keys)).ok_or(Damage::Head)?;
    let mut chain = Chain::start(header);
    let mut next = head.first;
    let mut chunk = Chunk::default();
    database.each_record(&mut |record| {
        let sequence = record.sequence;
        chain.push(&record, header);
        let in_order = sequence == next;
        if !in_order || chunk.bytes.len() >= CHUNK_BYTES {
            // What comes first is told first.
            chunk.show(header, keys, reader)?;
        }
        if sequence < next || sequence > head.last {
            return reader.damage(Damage::Extra(sequence));
        }
        for missing in next..sequence {
            reader.damage(Damage::Missing(missing))?;
        }
        next = sequence + 1;
        chunk.push(&record);
        Ok(())
    })?;
    chunk.show(header, keys, reader)?;
    for missing in next..=head.last {
        reader.damage(Damage::Missing(missing))?;
    }
    if chain != head.chain {
        reader.damage(Damage::Chain)?;
    }
    Ok(head)
}

/// Records that are to be opened.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    rows: Vec<SealedRecord<Range<usize>>>,
}

impl Chunk {
    fn push(&mut self, record: &SealedRecord<&[u8]>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record.sealed);
        self.rows.push(SealedRecord {
            sequence: record.sequence,
            kind: record.kind,
            sealed: start..self.bytes.len(),
        });
    }

    /// Opens all of it, shows it in order, and is empty again.
    fn show(
        &mut self,
        header: &Header,
        keys: &Keys,
        reader: &mut dyn Reader,
    ) -> Result<(), StoreError> {
        let opened = self.open(header, keys);
        for (row, plain) in self.rows.iter().zip(opened) {
            match plain {
                Some(plain) => reader.record(row.sequence, plain),
                None => reader.damage(Damage::Record(row.sequence))?,
            }
        }
        self.rows.clear();
        self.bytes.clear();
        Ok(())
    }

    fn open(&self, header: &Header, keys: &Keys) -> Vec<Option<EncodedRecord>> {
        let open = |row: &SealedRecord<Range<usize>>| {
            let record = SealedRecord {
                sequence: row.sequence,
                kind: row.kind,
                sealed: self.bytes.get(row.sealed.clone())?,
            };
            open_record(&record, header, keys)
        };
        let part = self.rows.len().div_ceil(workers());
        if part < RECORDS_PER_WORKER_MIN {
            return map_all(&self.rows, open);
        }
        thread::scope(|scope| {
            let begin = |rows| scope.spawn(move || map_all(rows, open));
            let parts: Vec<_> = self.rows.chunks(part).map(begin).collect();
            let end = |part: thread::ScopedJoinHandle<'_, _>| {
                part.join().unwrap_or_else(|panic| resume_unwind(panic))
            };
            parts.into_iter().flat_map(end).collect()
        })
    }
}

fn map_all<T, U>(rows: &[T], open: impl Fn(&T) -> U) -> Vec<U> {
    scrubbed(|| rows.iter().map(open).collect())
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get().min(WORKERS_MAX))
}
