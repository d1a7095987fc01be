//! Everything sealed anew in one transaction: under another key, or as a newer schema has it. A crash on the way leaves
//! the store as it was.

use hardfrost_locked::scrubbed;

use crate::database::{Database, Interrupted};
use crate::error::{Damage, DiskFault, StoreError};
use crate::head::{open_record, seal_record, Chain, Head};
use crate::header::{Header, KeySource};
use crate::keys::{Key, Keys};
use crate::open::{Begun, Verified};
use crate::sealing;

/// Why a store was not sealed anew.
pub(crate) enum Unsealed {
    /// It is as it was.
    Before(StoreError),
    /// COMMIT failed: it is as it was, or as it was to become.
    Undecided(rusqlite::Error),
}

impl Unsealed {
    /// At opening, under one and the same key, it does not matter which: the next opening finds out.
    pub(crate) fn at_opening(self) -> StoreError {
        match self {
            Self::Before(error) => error,
            Self::Undecided(error) => DiskFault::Sqlite(error).into(),
        }
    }

    pub(crate) fn at_rotation(self) -> StoreError {
        match self {
            Self::Before(error) => error,
            Self::Undecided(error) => StoreError::Undecided(DiskFault::Sqlite(error)),
        }
    }
}

/// Seals a verified store anew under `keys`, and begins its next generation.
pub(crate) fn reseal(store: Verified, source: KeySource, keys: Keys) -> Result<Begun, Unsealed> {
    let Verified {
        lock,
        mut database,
        header: old,
        keys: old_keys,
        files,
        head,
    } = store;
    let before = |fault: DiskFault| Unsealed::Before(fault.into());
    let files = files.map_or_else(fresh, Ok).map_err(before)?;
    let header = scrubbed(|| Header::new(old.id, source, &keys, &files.read()));
    let header = header.map_err(before)?;
    let from = Seal {
        header: &old,
        keys: &old_keys,
    };
    let to = Seal {
        header: &header,
        keys: &keys,
    };
    let head = replace(&mut database, head, &from, &to)?;
    Ok(Begun {
        lock,
        database,
        header,
        keys,
        files,
        head,
    })
}

fn fresh() -> Result<Key, DiskFault> {
    scrubbed(|| Key::hold_alone(&sealing::fresh_key()?))
}

/// What records are bound to, and sealed under.
struct Seal<'a> {
    header: &'a Header,
    keys: &'a Keys,
}

fn replace(
    database: &mut Database,
    old: Head,
    from: &Seal<'_>,
    to: &Seal<'_>,
) -> Result<Head, Unsealed> {
    let mut head = Head {
        generation: old.generation + 1,
        chain: Chain::start(to.header),
        ..old
    };
    database
        .change(|change| {
            for sequence in old.first..=old.last {
                let record = change.record(sequence)?;
                let sealed = scrubbed(|| {
                    let plain = open_record(&record, from.header, from.keys);
                    let plain = plain.ok_or(Damage::Record(sequence))?;
                    Ok::<_, StoreError>(seal_record(sequence, &plain, to.header, to.keys)?)
                })?;
                head.chain.push(&sealed, to.header);
                change.replace(&sealed)?;
            }
            let sealed = scrubbed(|| head.seal(to.header, to.keys))?;
            change.replace_head(&sealed)?;
            Ok::<(), StoreError>(change.replace_header(&to.header.to_bytes())?)
        })
        .map_err(|interrupted| match interrupted {
            Interrupted::Before(error) => Unsealed::Before(error),
            Interrupted::Commit(error) => Unsealed::Undecided(error),
        })?;
    Ok(head)
}
