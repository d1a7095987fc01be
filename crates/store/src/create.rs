//! How a store comes to be: whole under another name first, then at its place, never over anything.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;

use hardfrost_locked::scrubbed;

use crate::database::Database;
use crate::disk::{put_in_place, remove_unfinished, sync_folder_of};
use crate::error::{DiskFault, StoreError};
use crate::head::Head;
use crate::header::{Header, KeySource, StoreId};
use crate::keys::{Keys, Material, PassphraseCost, ProviderKey};
use crate::lock::Lock;
use crate::place::{StoreDir, FILE_MODE};
use crate::provider::KeyProvider;
use crate::sealing;

pub(crate) fn create(dir: &StoreDir, provider: &KeyProvider) -> Result<(), StoreError> {
    dir.prepare()?;
    let _lock = Lock::take(dir)?;
    // Once more, now that nobody else can be at it.
    dir.prepare()?;
    let key = provider.resolve()?;
    let mut id = [0; 16];
    sealing::fill(&mut id)?;
    let id = StoreId(id);
    let source = source_for(&key)?;
    let keys = Keys::derive(&key, &source, &id)?;
    let (header, head) = scrubbed(|| {
        let header = Header::new(id, source, &keys, &sealing::fresh_key()?)?;
        let head = Head::new(&header).seal(&header, &keys)?;
        Ok::<_, DiskFault>((header, head))
    })?;
    build(dir, &header.to_bytes(), &head)
}

/// How this key is to be used by a store, or by one that goes over to it.
pub(crate) fn source_for(key: &ProviderKey) -> Result<KeySource, DiskFault> {
    Ok(match &key.0 {
        Material::Key(_) => KeySource::Key,
        Material::Passphrase(_) => {
            let mut salt = [0; 16];
            sealing::fill(&mut salt)?;
            KeySource::Passphrase {
                salt,
                cost: PassphraseCost::STANDARD,
            }
        }
    })
}

fn build(dir: &StoreDir, header: &[u8], head: &[u8]) -> Result<(), StoreError> {
    let unfinished = dir.unfinished();
    let [new, wal, _] = &unfinished;
    // Of a creation that did not come to its end.
    unfinished
        .iter()
        .try_for_each(|path| remove_unfinished(path))?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(new)
        .map_err(DiskFault::system("make", new))?;
    Database::fill(&dir.resolved(new)?, header, head)?;
    // Its content is in the database by now; it would belong to nothing under the new name.
    remove_unfinished(wal)?;
    // The folder itself may be new.
    sync_folder_of(dir.path())?;
    if put_in_place(new, &dir.records())? {
        Ok(())
    } else {
        Err(StoreError::Exists(dir.path().to_owned()))
    }
}
