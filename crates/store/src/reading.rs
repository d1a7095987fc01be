//! Everything that is stored, read once and verified on the way.

use hardfrost_engine::EncodedRecord;

use crate::database::Database;
use crate::error::{Damage, StoreError};
use crate::head::{open_record, Chain, Head};
use crate::header::Header;
use crate::keys::Keys;

/// Gives every record to `keep`, oldest first, and returns the head that they add up to.
pub(crate) fn read(
    database: &Database,
    header: &Header,
    keys: &Keys,
    keep: &mut dyn FnMut(EncodedRecord),
) -> Result<Head, StoreError> {
    let head = Head::open(&database.head()?, header, keys).ok_or(Damage::Head)?;
    let mut chain = Chain::start(header);
    let mut next = 1;
    database.each_record(&mut |record| {
        let sequence = record.sequence;
        if sequence > head.last {
            return Err(Damage::Extra(sequence).into());
        }
        if sequence < next {
            return Err(Damage::Extra(sequence).into());
        }
        if sequence > next {
            return Err(Damage::Missing(next).into());
        }
        let plain = open_record(&record, header, keys).ok_or(Damage::Record(sequence))?;
        chain.push(&record);
        keep(plain);
        next = sequence + 1;
        Ok(())
    })?;
    if next <= head.last {
        return Err(Damage::Missing(next).into());
    }
    if chain != head.chain {
        return Err(Damage::Chain.into());
    }
    Ok(head)
}
