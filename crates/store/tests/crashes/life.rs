//! The life that is lived under test, from an empty folder to the kill switch.

use std::fs;
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hardfrost_engine::{LogError, Rejection};
use hardfrost_primitives::Hash32;
use hardfrost_store::{
    CompactError, FileName, KeyProvider, Opened, SealedFileError, Store, StoreDir, StoreError,
    Writer,
};

use crate::operator::{now, Operator, Refused};
use crate::said::{aloud, digests, Said};

pub const CEREMONY: Hash32 = Hash32([1; 32]);
pub const SECRET: &[u8] = b"what an operator's key would be";
/// What the child waits for, once it is there.
pub const READY: &str = "ready";

/// Where everything lies.
pub struct Home {
    pub folder: PathBuf,
    pub dir: StoreDir,
}

impl Home {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            dir: StoreDir::new(folder.join("store")),
        }
    }

    /// Two keys, to go from one to the other.
    pub fn furnish(folder: &Path) -> Self {
        for (name, byte) in [("old", "5a"), ("new", "77")] {
            let path = folder.join(name);
            fs::write(&path, byte.repeat(32)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self::new(folder)
    }

    pub fn key(&self, name: &str) -> KeyProvider {
        KeyProvider::File(self.folder.join(name))
    }
}

pub fn secret_name() -> FileName {
    FileName::new("operator").unwrap()
}

/// Where a life ends early.
enum End {
    Refused(Rejection),
    Store { disk: bool, why: String },
}

impl From<Refused> for End {
    fn from(Refused(rejection): Refused) -> Self {
        Self::Refused(rejection)
    }
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store {
            disk: matches!(error, StoreError::Disk(_) | StoreError::Undecided(_)),
            why: error.to_string(),
        }
    }
}

impl From<SealedFileError> for End {
    fn from(error: SealedFileError) -> Self {
        Self::Store {
            disk: matches!(error, SealedFileError::Disk(_)),
            why: error.to_string(),
        }
    }
}

/// What the log could not do is the disk's fault.
impl From<LogError> for End {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unknown => Self::Refused(Rejection::StorageFault),
            LogError::NotWritten => Self::Store {
                disk: true,
                why: error.to_string(),
            },
        }
    }
}

/// The process under test: an ignored test, run by itself, with its folder on standard input.
#[test]
#[ignore = "the process under test of the others"]
fn lives() {
    println!("\n{READY}");
    let mut folder = String::new();
    std::io::stdin().lock().read_line(&mut folder).unwrap();
    if folder.is_empty() {
        return;
    }
    let home = Home::new(Path::new(folder.trim_end()));
    aloud(match birth(&home).and_then(|()| youth(&home)) {
        Ok(()) => Said::Done,
        Err(End::Store { disk, why }) => Said::Failed(disk, why),
        Err(End::Refused(rejection)) => Said::Failed(false, rejection.to_string()),
    });
}

fn birth(home: &Home) -> Result<(), End> {
    aloud(Said::Creating);
    Store::create(&home.dir, &home.key("old"))?;
    aloud(Said::Created);
    let store = opened(home, "old")?.store;
    aloud(Said::Filing);
    store.file(secret_name()).create(SECRET)?;
    aloud(Said::Filed);
    closed(store)
}

fn youth(home: &Home) -> Result<(), End> {
    let Opened { mut store, records } = opened(home, "old")?;
    let mut operator = Operator::new(&records, store.writer(), aloud);
    let lived = first_signings(&mut operator, &mut store);
    faulted(lived, &mut operator)?;
    drop(operator);
    closed(store)?;
    aloud(Said::Rotating);
    Store::rotate_key(&home.dir, &home.key("old"), &home.key("new"))?;
    aloud(Said::Rotated);
    let Opened { store, records } = opened(home, "new")?;
    let mut operator = Operator::new(&records, store.writer(), aloud);
    let lived = last_signing(&mut operator);
    faulted(lived, &mut operator)?;
    drop(operator);
    closed(store)
}

fn first_signings(operator: &mut Operator<Writer>, store: &mut Store) -> Result<(), End> {
    let public = operator.make_key(CEREMONY)?;
    let first = (1_000_000, operator.approve(&public, 1_000_000)?);
    operator.sign(&first, 1)?;
    let second = (2_000_000, operator.approve(&public, 2_000_000)?);
    operator.commit(&second.1, 1)?;
    operator.abort(&second.1, 1)?;
    let package = operator.commit(&second.1, 2)?;
    operator.share(&second, (2, 1), &package)?;
    compacted(operator, store)?;
    operator.share(&second, (2, 2), &package)?;
    operator.sign(&second, 3)?;
    Ok(())
}

fn compacted(operator: &mut Operator<Writer>, store: &mut Store) -> Result<(), End> {
    let position = store.position()?;
    let snapshot = operator.engine.snapshot(now()).map_err(Refused)?;
    aloud(Said::Compacting(digests(&snapshot)));
    let answer = match store.compact(position, &snapshot) {
        Ok(()) => Ok(()),
        Err(CompactError::Log(error)) => Err(error),
        Err(CompactError::Appended) => panic!("nobody appended"),
    };
    aloud(match answer {
        Ok(()) => Said::Durable,
        Err(LogError::Unknown) => Said::Unknown,
        Err(LogError::NotWritten) => Said::NotWritten,
    });
    match answer {
        // The engine has no part in a compaction: it hears of the fault at its next record.
        Ok(()) | Err(LogError::Unknown) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn last_signing(operator: &mut Operator<Writer>) -> Result<(), End> {
    let held = operator.engine.held_keys().remove(0);
    let third = (3_000_000, operator.approve(&held.public, 3_000_000)?);
    operator.sign(&third, 1)?;
    operator.commit(&third.1, 2)?;
    operator.kill(&held.public)?;
    Ok(())
}

/// Where the log did not know, the engine must have stopped; that is told.
fn faulted(lived: Result<(), End>, operator: &mut Operator<Writer>) -> Result<(), End> {
    if let Err(End::Refused(Rejection::StorageFault)) = lived {
        assert!(operator.refuses_everything(), "it goes on after a fault");
        aloud(Said::Faulted);
    }
    lived
}

fn opened(home: &Home, key: &str) -> Result<Opened, End> {
    let opened = Store::open(&home.dir, &home.key(key))?;
    aloud(Said::Opened(opened.store.generation()));
    Ok(opened)
}

fn closed(store: Store) -> Result<(), End> {
    store.close()?;
    aloud(Said::Closed);
    Ok(())
}
