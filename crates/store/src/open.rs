//! How a store is opened: first what needs no key, then the key, then every record, and only then the first write.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hardfrost_locked::scrubbed;

use crate::database::{Database, Interrupted};
use crate::disk::sync_folder_of;
use crate::error::{Damage, DiskFault, StoreError};
use crate::head::Head;
use crate::header::{Header, SCHEMA};
use crate::keys::{Key, Keys};
use crate::lock::Lock;
use crate::place::StoreDir;
use crate::provider::KeyProvider;
use crate::reading::{read, Reader};
use crate::reseal::{reseal, Unsealed};
use crate::settle::settle;
use crate::wal::{self, Fault, Scan};

/// A store that was read and verified to its end. So far nothing was written.
pub(crate) struct Verified {
    pub(crate) database: Database,
    pub(crate) header: Header,
    pub(crate) keys: Keys,
    /// The key of sealed files, where the store has one.
    pub(crate) files: Option<Key>,
    pub(crate) head: Head,
    // Fields are dropped in this order: the lock goes last.
    pub(crate) lock: Lock,
}

pub(crate) fn verify(
    dir: &StoreDir,
    provider: &KeyProvider,
    reader: &mut dyn Reader,
) -> Result<Verified, StoreError> {
    dir.look()?;
    let lock = Lock::take(dir)?;
    // Once more, now that nobody else can be at it.
    dir.look()?;
    // Before SQLite reads it, which would keep to itself what it leaves out.
    if let Some(damage) = look_through(&dir.write_ahead_log())? {
        reader.damage(damage)?;
    }
    let database = Database::open(&dir.resolved(&dir.records())?)?;
    let header = Header::from_bytes(&database.header()?)?;
    let keys = Keys::derive(&provider.resolve()?, &header.source, &header.id)?;
    let files = header.unlock(&keys)?;
    let head = read(&database, &header, &keys, reader)?;
    Ok(Verified {
        lock,
        database,
        header,
        keys,
        files,
        head,
    })
}

/// What of the write-ahead log SQLite would leave out although it was acknowledged.
fn look_through(log: &Path) -> Result<Option<Damage>, DiskFault> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(log);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DiskFault::system("open", log)(error)),
    };
    let scanned = scan(&mut file).map_err(DiskFault::system("read", log))?;
    Ok(scanned.err().map(|fault| match fault {
        Fault::Header => Damage::LogHeader(log.to_owned()),
        Fault::Frame(frame) => Damage::LogFrame {
            path: log.to_owned(),
            frame,
        },
    }))
}

fn scan(log: &mut File) -> std::io::Result<Result<(), Fault>> {
    if log.metadata()?.len() <= wal::HEADER as u64 {
        return Ok(Ok(()));
    }
    let mut header = [0; wal::HEADER];
    log.read_exact(&mut header)?;
    let mut scan = match Scan::begin(&header) {
        Ok(scan) => scan,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut frame = Vec::with_capacity(scan.frame_bytes());
    while log
        .take(scan.frame_bytes() as u64)
        .read_to_end(&mut frame)?
        > 0
    {
        scan.take(&frame);
        frame.clear();
    }
    Ok(scan.end())
}

impl Verified {
    /// Makes sure that all that was read is on the disk.
    pub(crate) fn settle(self, dir: &StoreDir) -> Result<Self, StoreError> {
        settle(&dir.write_ahead_log())?;
        // Opening may have made the write-ahead log. SQLite syncs its folder then, and keeps a failure to itself: what
        // is acknowledged in that log would go with its name.
        sync_folder_of(&dir.write_ahead_log())?;
        self.database.checkpoint()?;
        Ok(self)
    }

    /// Begins a generation, under the newest schema.
    pub(crate) fn begin(mut self) -> Result<Begun, StoreError> {
        if let (SCHEMA, Some(files)) = (self.header.schema, self.files.take()) {
            return self.next_generation(files);
        }
        let Self { header, keys, .. } = &self;
        let (source, keys) = (header.source.clone(), keys.duplicate());
        reseal(self, source, keys).map_err(Unsealed::at_opening)
    }

    fn next_generation(self, files: Key) -> Result<Begun, StoreError> {
        let Self {
            lock,
            mut database,
            header,
            keys,
            files: _,
            mut head,
        } = self;
        head.generation += 1;
        let sealed = scrubbed(|| head.seal(&header, &keys))?;
        database
            .change(|change| change.replace_head(&sealed))
            .map_err(|interrupted| match interrupted {
                Interrupted::Before(error) | Interrupted::Commit(error) => DiskFault::Sqlite(error),
            })?;
        Ok(Begun {
            lock,
            database,
            header,
            keys,
            files,
            head,
        })
    }
}

/// A store whose new generation is durable.
pub(crate) struct Begun {
    pub(crate) database: Database,
    pub(crate) header: Header,
    pub(crate) keys: Keys,
    pub(crate) files: Key,
    pub(crate) head: Head,
    // Fields are dropped in this order: the lock goes last.
    pub(crate) lock: Lock,
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::fs;
    use std::mem::MaybeUninit;
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::inotify;

    use super::*;
    use crate::reading::Skip;
    use crate::store::Store;

    /// Files of the folder that are closed when `held` is dropped, in their order.
    fn closed_by<T>(dir: &StoreDir, held: T) -> Vec<String> {
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, dir.path(), inotify::WatchFlags::CLOSE_WRITE).unwrap();
        drop(held);
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        let mut closed = Vec::new();
        while let Ok(event) = events.next() {
            let name = event.file_name().map(CStr::to_string_lossy);
            closed.extend(name.map(String::from));
        }
        closed
    }

    /// Whoever gets the lock finds the database closed.
    #[test]
    fn p06_the_lock_is_free_once_the_database_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        fs::write(&key, "5a".repeat(32)).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let dir = StoreDir::new(folder.path().join("store"));
        let provider = KeyProvider::File(key);
        Store::create(&dir, &provider).unwrap();
        let verified = || verify(&dir, &provider, &mut Skip).unwrap();
        for closed in [
            closed_by(&dir, verified()),
            closed_by(&dir, verified().begin().unwrap()),
        ] {
            assert!(closed.contains(&"records.db".to_owned()), "{closed:?}");
            assert_eq!(closed.last().unwrap(), "lock", "{closed:?}");
        }
    }
}
