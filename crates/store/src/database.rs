//! SQLite, set up in one place: what is asked of it here is what the promises rest on.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{ffi, params, Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::{Damage, DiskFault, StoreError};
use crate::head::SealedRecord;

/// `HFST`, in the database's own header: what `file` and the like show.
const APPLICATION_ID: i64 = 0x4846_5354;

/// The tables, word for word: a store whose tables read otherwise is none of ours.
const TABLES: [(&str, &str); 3] = [
    (
        "head",
        "CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL) STRICT",
    ),
    (
        "header",
        "CREATE TABLE header (one INTEGER PRIMARY KEY CHECK (one = 1), bytes BLOB NOT NULL) STRICT",
    ),
    (
        "records",
        "CREATE TABLE records (sequence INTEGER PRIMARY KEY, kind INTEGER NOT NULL, \
         sealed BLOB NOT NULL) STRICT",
    ),
];

/// For each connection, before its first access to the file.
const SETTINGS: &str = "
    -- The index of the write-ahead log stays in our memory, and nobody else gets in.
    PRAGMA locking_mode = EXCLUSIVE;
    -- One sync of the write-ahead log at every commit.
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    -- No byte of a transaction is written before COMMIT: `fate` rests on it.
    PRAGMA cache_spill = OFF;
    PRAGMA temp_store = MEMORY;
    -- Checkpoints are ours to make, and to fail.
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA mmap_size = 0;
    -- What is deleted is overwritten: a former key's ciphertext should not stay in free pages.
    PRAGMA secure_delete = ON;
    PRAGMA cell_size_check = ON;
";

/// The one connection to a store's database. Closing it writes nothing.
pub(crate) struct Database {
    connection: Connection,
}

/// Takes a record as it lies in the database.
pub(crate) type Visit<'a> = dyn FnMut(SealedRecord<&[u8]>) -> Result<(), StoreError> + 'a;

/// A transaction that has begun.
pub(crate) struct Change<'a>(Transaction<'a>);

/// A transaction that did not come to its end. It was rolled back, if there was anything.
pub(crate) enum Interrupted<E> {
    /// Before COMMIT.
    Before(E),
    /// By COMMIT.
    Commit(rusqlite::Error),
}

impl Database {
    /// Opens what is there. Nothing is made, and nothing written but an empty write-ahead log where there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Self::connect(path)?;
        database.check_layout()?;
        Ok(database)
    }

    /// Fills an empty file. The caller makes it, and gives it its name once it is whole.
    pub(crate) fn fill(path: &Path, header: &[u8], head: &[u8]) -> Result<(), DiskFault> {
        let mut database = Self::connect(path)?;
        let connection = &database.connection;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        database.keep_a_write_ahead_log()?;
        let transaction = database.connection.transaction()?;
        for (_, sql) in TABLES {
            transaction.execute(sql, [])?;
        }
        transaction.execute("INSERT INTO header VALUES (1, ?1)", [header])?;
        transaction.execute("INSERT INTO head VALUES (1, ?1)", [head])?;
        transaction.commit()?;
        database.checkpoint()?;
        Ok(())
    }

    /// The answer is there before the change is on the disk: only the statement's end tells whether it came there.
    fn keep_a_write_ahead_log(&self) -> rusqlite::Result<()> {
        let mut pragma = self.connection.prepare("PRAGMA journal_mode = wal")?;
        let modes = pragma
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if modes == ["wal"] {
            return Ok(());
        }
        Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_IOERR),
            Some("no write-ahead log can be kept".to_owned()),
        ))
    }

    fn connect(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(path, flags)?;
        for (config, on) in [
            // Closing writes nothing.
            (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
            // The file may be an attacker's: nothing in its schema runs.
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        ] {
            connection.set_db_config(config, on)?;
        }
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.execute_batch(SETTINGS)?;
        Ok(Self { connection })
    }

    fn check_layout(&self) -> Result<(), StoreError> {
        let pragma = |name: &str| {
            self.connection
                .query_row(&format!("SELECT * FROM pragma_{name}"), [], |row| {
                    row.get::<_, rusqlite::types::Value>(0)
                })
        };
        let is_ours = pragma("application_id")? == APPLICATION_ID.into()
            && pragma("journal_mode")? == "wal".to_owned().into();
        let mut tables = self
            .connection
            .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
        let found = tables
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })
            .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)?;
        let expected = TABLES.map(|(name, sql)| (name.to_owned(), sql.to_owned()));
        if is_ours && found == expected {
            Ok(())
        } else {
            Err(Damage::Layout.into())
        }
    }

    pub(crate) fn header(&self) -> Result<Vec<u8>, StoreError> {
        self.only("SELECT bytes FROM header")
    }

    pub(crate) fn head(&self) -> Result<Vec<u8>, StoreError> {
        self.only("SELECT sealed FROM head")
    }

    fn only(&self, query: &str) -> Result<Vec<u8>, StoreError> {
        Ok(self.connection.query_row(query, [], |row| row.get(0))?)
    }

    /// Gives every record to `visit`, in the order of their numbers, and stops at its first error.
    pub(crate) fn each_record(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut query = self
            .connection
            .prepare("SELECT sequence, kind, sealed FROM records ORDER BY sequence")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let sealed = row.get_ref(2)?.as_blob().map_err(|_| Damage::Layout)?;
            visit(SealedRecord {
                // A negative number becomes one that no head reaches.
                sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                kind: row.get(1)?,
                sealed,
            })?;
        }
        Ok(())
    }

    /// All that `make` does in one transaction, hence with one sync.
    pub(crate) fn change<E: From<rusqlite::Error>>(
        &mut self,
        make: impl FnOnce(&Change<'_>) -> Result<(), E>,
    ) -> Result<(), Interrupted<E>> {
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let change = Change(begun.map_err(|error| Interrupted::Before(error.into()))?);
        make(&change).map_err(Interrupted::Before)?;
        change.0.commit().map_err(Interrupted::Commit)
    }

    /// Whether no transaction is open: one that did not even roll back must not take part in the next one.
    pub(crate) fn is_idle(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// SQLite's own opinion of its file, beside ours: nothing, if all is well.
    pub(crate) fn complaints(&self) -> Result<Vec<String>, StoreError> {
        let mut query = self.connection.prepare("PRAGMA integrity_check(100)")?;
        let said = query
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(said.into_iter().filter(|line| line != "ok").collect())
    }

    /// Moves what is in the write-ahead log into the database, both synced, and empties the log. It is never begun
    /// again over old frames: its header would be overwritten in place, and one that is torn then is not to be told
    /// from one that is damaged.
    pub(crate) fn checkpoint(&self) -> rusqlite::Result<()> {
        let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: i64 = self.connection.query_row(pragma, [], |row| row.get(0))?;
        if busy == 0 {
            Ok(())
        } else {
            Err(rusqlite::Error::SqliteFailure(
                ffi::Error::new(ffi::SQLITE_BUSY),
                Some("the checkpoint did not run to its end".to_owned()),
            ))
        }
    }

    /// Pages that the database has.
    pub(crate) fn pages(&self) -> rusqlite::Result<u64> {
        let query = "PRAGMA page_count";
        let count = self
            .connection
            .query_row(query, [], |row| row.get::<_, i64>(0))?;
        Ok(count.max(0).unsigned_abs())
    }

    /// Pages in the write-ahead log that the database does not have yet.
    pub(crate) fn pages_ahead(&self) -> rusqlite::Result<u64> {
        let pragma = "PRAGMA wal_checkpoint(NOOP)";
        let (all, done) = self.connection.query_row(pragma, [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        Ok((all - done).max(0).unsigned_abs())
    }
}

impl Change<'_> {
    pub(crate) fn insert(&self, records: &[SealedRecord]) -> rusqlite::Result<()> {
        let mut insert = self.0.prepare("INSERT INTO records VALUES (?1, ?2, ?3)")?;
        for record in records {
            let number = record.sequence.cast_signed();
            insert.execute(params![number, record.kind, record.sealed])?;
        }
        Ok(())
    }

    pub(crate) fn record(&self, sequence: u64) -> rusqlite::Result<SealedRecord> {
        let query = "SELECT kind, sealed FROM records WHERE sequence = ?1";
        self.0.query_row(query, [sequence.cast_signed()], |row| {
            Ok(SealedRecord {
                sequence,
                kind: row.get(0)?,
                sealed: row.get(1)?,
            })
        })
    }

    pub(crate) fn replace(&self, record: &SealedRecord) -> rusqlite::Result<()> {
        let update = "UPDATE records SET sealed = ?2 WHERE sequence = ?1";
        let number = record.sequence.cast_signed();
        one(self.0.execute(update, params![number, record.sealed])?)
    }

    pub(crate) fn remove_records(&self) -> rusqlite::Result<()> {
        self.0.execute("DELETE FROM records", []).map(drop)
    }

    pub(crate) fn replace_head(&self, sealed: &[u8]) -> rusqlite::Result<()> {
        one(self.0.execute("UPDATE head SET sealed = ?1", [sealed])?)
    }

    pub(crate) fn replace_header(&self, bytes: &[u8]) -> rusqlite::Result<()> {
        one(self.0.execute("UPDATE header SET bytes = ?1", [bytes])?)
    }
}

fn one(changed: usize) -> rusqlite::Result<()> {
    match changed {
        1 => Ok(()),
        other => Err(rusqlite::Error::StatementChangedRows(other)),
    }
}

/// While a store is opened or read, every query is ours and fixed: where SQLite does not understand it, the file is at
/// fault.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        refused(error)
    }
}

fn refused(error: rusqlite::Error) -> StoreError {
    let Some(code) = error.sqlite_error().map(|sqlite| sqlite.extended_code) else {
        return Damage::Layout.into();
    };
    match code & 0xff {
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB | ffi::SQLITE_FORMAT => {
            Damage::Database(error.to_string()).into()
        }
        ffi::SQLITE_ERROR | ffi::SQLITE_SCHEMA => Damage::Layout.into(),
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            StoreError::Held(crate::lock::Holder { process: None })
        }
        _ => DiskFault::Sqlite(error).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn fresh(folder: &Path) -> Database {
        let path = folder.canonicalize().unwrap().join("records.db");
        fs::write(&path, "").unwrap();
        Database::fill(&path, b"header", b"head").unwrap();
        Database::open(&path).unwrap()
    }

    #[test]
    fn the_settings_are_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let database = fresh(folder.path());
        for (name, value) in [
            ("locking_mode", "exclusive"),
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("fullfsync", "1"),
            ("checkpoint_fullfsync", "1"),
            ("cache_spill", "0"),
            ("temp_store", "2"),
            ("wal_autocheckpoint", "0"),
            ("secure_delete", "1"),
            ("cell_size_check", "1"),
            ("page_size", "4096"),
        ] {
            let query = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            let found: String = database
                .connection
                .query_row(&query, [], |row| row.get(0))
                .or_else(|_| {
                    database.connection.pragma_query_value(None, name, |row| {
                        row.get::<_, i64>(0).map(|number| number.to_string())
                    })
                })
                .unwrap();
            assert_eq!(found, value, "{name}");
        }
    }

    /// What [`fate`] rests on, far beyond the size of SQLite's cache.
    #[test]
    fn e04_no_byte_is_written_before_commit() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = fresh(folder.path());
        let sizes = || {
            let size = |name: &str| fs::metadata(folder.path().join(name)).unwrap().len();
            (size("records.db"), size("records.db-wal"))
        };
        let before = sizes();
        let large = SealedRecord {
            sequence: 1,
            kind: 1,
            sealed: vec![7_u8; 24 << 20],
        };
        let transaction = database.connection.transaction().unwrap();
        for sequence in 1..2000_i64 {
            let row = params![sequence, 1, vec![7_u8; 5000]];
            transaction
                .execute("INSERT INTO records VALUES (?1, ?2, ?3)", row)
                .unwrap();
        }
        let row = params![2000, 1, large.sealed];
        transaction
            .execute("INSERT INTO records VALUES (?1, ?2, ?3)", row)
            .unwrap();
        assert_eq!(sizes(), before);
        transaction.commit().unwrap();
        assert!(sizes().1 > 24 << 20);
    }

    #[test]
    fn e04_a_transaction_that_fails_before_commit_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut database = fresh(folder.path());
        let record = |sequence| SealedRecord {
            sequence,
            kind: 1,
            sealed: vec![1],
        };
        let twice = [record(1), record(1)];
        let failed = database.change(|change| {
            change.replace_head(b"new head")?;
            change.insert(&twice)
        });
        assert!(matches!(
            failed,
            Err(Interrupted::<rusqlite::Error>::Before(_))
        ));
        assert!(database.is_idle());
        assert_eq!(database.head().unwrap(), b"head");
        assert_eq!(database.pages_ahead().unwrap(), 0);
        let done = database.change(|change| {
            change.replace_head(b"new head")?;
            change.insert(&[record(1)])
        });
        assert!(done.is_ok_and(|()| database.is_idle()));
        assert_eq!(database.head().unwrap(), b"new head");
    }
}
