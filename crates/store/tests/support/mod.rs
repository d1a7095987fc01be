//! A store in a folder of its own, and hands that reach into its files.
#![allow(dead_code, reason = "each test file takes what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hardfrost_engine::{EncodedRecord, Log};
use hardfrost_store::{Damage, KeyProvider, Opened, Store, StoreDir, StoreError};
use tempfile::TempDir;

pub struct Shelf {
    folder: TempDir,
    pub dir: StoreDir,
    pub key: PathBuf,
}

impl Shelf {
    /// A folder with a key file and no store.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        write_private(&key, "5a".repeat(32).as_bytes());
        let dir = StoreDir::new(folder.path().join("store"));
        Self { folder, dir, key }
    }

    /// The store's folder, with nothing in it.
    pub fn make_folder(&self) {
        fs::create_dir(self.dir.path()).unwrap();
        mode(self.dir.path(), 0o700);
    }

    /// A store without records.
    pub fn new() -> Self {
        let shelf = Self::empty();
        Store::create(&shelf.dir, &shelf.provider()).unwrap();
        shelf
    }

    /// A closed store that holds these records.
    pub fn holding(texts: &[&str]) -> Self {
        let shelf = Self::new();
        let store = shelf.open().store;
        for text in texts {
            append(&store, &[record(text)]);
        }
        store.close().unwrap();
        shelf
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn provider(&self) -> KeyProvider {
        KeyProvider::File(self.key.clone())
    }

    pub fn open(&self) -> Opened {
        self.try_open().unwrap()
    }

    pub fn try_open(&self) -> Result<Opened, StoreError> {
        Store::open(&self.dir, &self.provider())
    }

    pub fn error(&self) -> StoreError {
        self.try_open().err().expect("the store opens")
    }

    pub fn damage(&self) -> Damage {
        let refused = self.error();
        let StoreError::Corrupt(damage) = refused else {
            panic!("not damaged: {refused}");
        };
        damage
    }

    pub fn texts(&self) -> Vec<String> {
        texts(&self.open().records)
    }

    /// What a process that is killed now leaves behind, in a folder of its own.
    pub fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        copy_private(&self.key, &key);
        let dir = StoreDir::new(folder.path().join("store"));
        let copy = Self { folder, dir, key };
        copy.make_folder();
        for path in [self.dir.records(), self.dir.write_ahead_log()] {
            if path.exists() {
                copy_private(&path, &copy.dir.path().join(path.file_name().unwrap()));
            }
        }
        copy
    }

    /// Runs SQL on a closed store, as somebody who has the file and not the key.
    pub fn sql(&self, statements: &str) {
        let connection = rusqlite::Connection::open(self.dir.records()).unwrap();
        connection.execute_batch(statements).unwrap();
        connection.close().unwrap();
        fs::remove_file(self.dir.path().join("records.db-shm")).unwrap_or_default();
    }

    /// Replaces a blob of a closed store.
    pub fn change(&self, table: &str, column: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let connection = rusqlite::Connection::open(self.dir.records()).unwrap();
        let (name, row) = table.split_once(' ').unwrap_or((table, "1"));
        let query = format!("SELECT {column} FROM {name} WHERE rowid = {row}");
        let mut bytes: Vec<u8> = connection.query_row(&query, [], |row| row.get(0)).unwrap();
        change(&mut bytes);
        let update = format!("UPDATE {name} SET {column} = ?1 WHERE rowid = {row}");
        connection.execute(&update, [bytes]).unwrap();
        connection.close().unwrap();
    }

    pub fn blob(&self, table: &str, column: &str) -> Vec<u8> {
        let mut found = Vec::new();
        self.change(table, column, |bytes| found.clone_from(bytes));
        found
    }

    /// Every file below the folder, with its bytes; the lock's content does not count.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("lock"))
            .map(|path| (path.clone(), fs::read(&path).unwrap()))
            .collect()
    }
}

/// Runs an ignored test of this file in a process of its own, by way of `sh -c script`, and tells it the shelf's
/// folder.
pub fn spawn(shelf: &Shelf, script: &str, test: &str) -> Child {
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("{script} exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folder = shelf.path().to_str().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{folder}").unwrap();
    child
}

/// The other side of [`spawn`]: the store of the folder that was told.
pub fn open_as_told() -> Opened {
    let mut folder = String::new();
    std::io::stdin().read_line(&mut folder).unwrap();
    let folder = Path::new(folder.trim_end());
    let dir = StoreDir::new(folder.join("store"));
    Store::open(&dir, &KeyProvider::File(folder.join("key"))).unwrap()
}

pub fn record(text: &str) -> EncodedRecord {
    EncodedRecord::new(7, text.as_bytes().to_vec().into())
}

pub fn texts(records: &[EncodedRecord]) -> Vec<String> {
    let text = |record: &EncodedRecord| String::from_utf8(record.as_bytes().to_vec()).unwrap();
    records.iter().map(text).collect()
}

pub fn append(store: &Store, records: &[EncodedRecord]) {
    store.writer().append_durably(records).unwrap();
}

pub fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

pub fn copy_private(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    mode(to, 0o600);
}
