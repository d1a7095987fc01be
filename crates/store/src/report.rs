//! What there is to say about a store, without changing it.

use std::collections::BTreeMap;

use hardfrost_engine::EncodedRecord;

use crate::error::{Damage, StoreError};
use crate::header::StoreId;
use crate::open::{verify, Verified};
use crate::place::StoreDir;
use crate::provider::KeyProvider;
use crate::reading::Reader;
use crate::sealed_file::{SealedFile, Turn};

/// Most damages that are listed: where there are more, the rest adds nothing.
const DAMAGES_MAX: usize = 100;

/// A store that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub id: StoreId,
    /// The schema that it has now.
    pub schema: u32,
    /// The schema that opening it would give it.
    pub schema_known: u32,
    /// What opens it: a key, or a passphrase.
    pub opened_by: &'static str,
    /// How often it was opened.
    pub generation: u64,
    /// The oldest record's number; one more than `last` if there is none.
    pub first: u64,
    /// The newest number that was ever given.
    pub last: u64,
    /// Records that verify, by kind.
    pub kinds: BTreeMap<u8, u64>,
    /// Sealed files that verify.
    pub files: Vec<String>,
    /// What does not verify, at most 100 of it. Empty: all is well.
    pub damages: Vec<Damage>,
}

#[derive(Default)]
struct Survey {
    kinds: BTreeMap<u8, u64>,
    damages: Vec<Damage>,
}

impl Reader for Survey {
    fn record(&mut self, _sequence: u64, record: EncodedRecord) {
        *self.kinds.entry(record.kind()).or_default() += 1;
    }

    fn damage(&mut self, damage: Damage) -> Result<(), StoreError> {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        }
        Ok(())
    }
}

pub(crate) fn check(dir: &StoreDir, provider: &KeyProvider) -> Result<Report, StoreError> {
    let mut survey = Survey::default();
    let store = verify(dir, provider, &mut survey)?;
    let complaints = store.database.complaints()?;
    let Survey { kinds, mut damages } = survey;
    damages.extend(complaints.into_iter().map(Damage::Database));
    let mut files = Vec::new();
    check_files(dir, &store, &mut files, &mut damages)?;
    damages.truncate(DAMAGES_MAX);
    Ok(Report {
        id: store.header.id,
        schema: store.header.schema,
        schema_known: crate::header::SCHEMA,
        opened_by: store.header.source.name(),
        generation: store.head.generation,
        first: store.head.first,
        last: store.head.last,
        kinds,
        files,
        damages,
    })
}

fn check_files(
    dir: &StoreDir,
    store: &Verified,
    files: &mut Vec<String>,
    damages: &mut Vec<Damage>,
) -> Result<(), StoreError> {
    let turn = Turn::default();
    for name in dir.sealed_files()? {
        let text = name.as_str().to_owned();
        let path = dir.sealed_file(&name);
        let key = store.files.as_ref();
        let read = key.map(|key| SealedFile::new(dir, name, store.header.id, (key, &turn)).read());
        match read {
            Some(Ok(_)) => files.push(text),
            Some(Err(_)) | None => damages.push(Damage::File(path)),
        }
    }
    Ok(())
}
