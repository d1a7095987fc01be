//! A store goes over to another key.

use crate::create::source_for;
use crate::error::{DiskFault, StoreError};
use crate::keys::Keys;
use crate::open::{verify, Begun};
use crate::place::StoreDir;
use crate::provider::KeyProvider;
use crate::reading::Skip;
use crate::reseal::{reseal, Unsealed};

pub(crate) fn rotate(
    dir: &StoreDir,
    old: &KeyProvider,
    new: &KeyProvider,
) -> Result<(), StoreError> {
    let store = begin(dir, old, new)?;
    // What was sealed under the old key leaves the write-ahead log as well.
    let moved = store.database.checkpoint();
    moved.map_err(|error| StoreError::Undecided(DiskFault::Sqlite(error)))
}

fn begin(dir: &StoreDir, old: &KeyProvider, new: &KeyProvider) -> Result<Begun, StoreError> {
    let store = verify(dir, old, &mut Skip)?;
    // Both keys are here before anything is written.
    let key = new.resolve().map_err(StoreError::NewProvider)?;
    let source = source_for(&key)?;
    let keys = Keys::derive(&key, &source, &store.header.id)?;
    let store = store.settle(dir)?;
    reseal(store, source, keys).map_err(Unsealed::at_rotation)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use hardfrost_engine::{EncodedRecord, Log};

    use super::*;
    use crate::store::Store;

    fn key(folder: &Path, name: &str, byte: &str) -> KeyProvider {
        let path = folder.join(name);
        fs::write(&path, byte.repeat(32)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        KeyProvider::File(path)
    }

    /// Wherever the log is cut, one of the keys opens everything, and the other one nothing.
    #[test]
    fn p02_a_torn_rotation_leaves_the_old_key_or_the_new() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StoreDir::new(folder.path().join("store"));
        let (old, new) = (
            key(folder.path(), "old", "5a"),
            key(folder.path(), "new", "77"),
        );
        Store::create(&dir, &old).unwrap();
        let store = Store::open(&dir, &old).unwrap().store;
        let records = [1, 2, 3].map(|kind| EncodedRecord::new(kind, vec![kind; 3000].into()));
        store.writer().append_durably(&records).unwrap();
        store.close().unwrap();
        let unfinished = begin(&dir, &old, &new).unwrap();
        let database = fs::read(dir.records()).unwrap();
        let log = fs::read(dir.write_ahead_log()).unwrap();
        drop(unfinished);
        let mut opened_by_new = 0;
        for cut in (0..log.len()).step_by(700).chain([log.len()]) {
            fs::write(dir.records(), &database).unwrap();
            fs::write(dir.write_ahead_log(), &log[..cut]).unwrap();
            let (mut by_old, mut by_new) = (Vec::new(), Vec::new());
            let refused = match verify(&dir, &old, &mut by_old).map(drop) {
                Ok(()) => verify(&dir, &new, &mut by_new).err(),
                Err(refused) => {
                    opened_by_new += 1;
                    verify(&dir, &new, &mut by_new).unwrap();
                    Some(refused)
                }
            };
            assert!(
                matches!(refused, Some(StoreError::WrongKey)),
                "cut at {cut}"
            );
            assert_eq!(by_old.len() + by_new.len(), 3, "cut at {cut}");
        }
        assert_eq!(opened_by_new, 1);
    }
}
