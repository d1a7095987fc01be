//! Everything that is stored, read once and verified on the way.

use hardfrost_engine::EncodedRecord;

use crate::database::Database;
use crate::error::{Damage, StoreError};
use crate::head::{open_record, Chain, Head};
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

/// Shows everything to `reader`, and returns the head that the records were written under.
pub(crate) fn read(
    database: &Database,
    header: &Header,
    keys: &Keys,
    reader: &mut dyn Reader,
) -> Result<Head, StoreError> {
    let head = Head::open(&database.head()?, header, keys).ok_or(Damage::Head)?;
    let mut chain = Chain::start(header);
    let mut next = head.first;
    database.each_record(&mut |record| {
        let sequence = record.sequence;
        chain.push(&record, header);
        if sequence < next || sequence > head.last {
            return reader.damage(Damage::Extra(sequence));
        }
        for missing in next..sequence {
            reader.damage(Damage::Missing(missing))?;
        }
        next = sequence + 1;
        match open_record(&record, header, keys) {
            Some(plain) => reader.record(sequence, plain),
            None => reader.damage(Damage::Record(sequence))?,
        }
        Ok(())
    })?;
    for missing in next..=head.last {
        reader.damage(Damage::Missing(missing))?;
    }
    if chain != head.chain {
        reader.damage(Damage::Chain)?;
    }
    Ok(head)
}
