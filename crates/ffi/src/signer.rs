//! What is behind the boundary once it is configured: an engine, its store, and what waits between two calls.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use hardfrost_engine::{Committed, Engine, Rejection, Staged, Uncommitted};
use hardfrost_primitives::{KeyGroup, SessionId};
use hardfrost_store::{Opened, Store, StoreDir, StoreError, Writer};

use crate::clock::Clock;
use crate::config::Config;
use crate::failure::Failure;
use crate::handles::Handles;
use crate::transaction::Builds;

/// A configured library. A lock that a panic has poisoned stays so: whoever meets it is told to configure anew, and
/// what the store says then is the truth.
pub(crate) struct Signer {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) created: bool,
    process: u32,
    engine: Mutex<Engine>,
    handles: Mutex<Handles>,
    builds: Mutex<Builds>,
    writer: Mutex<Writer>,
    // After the writer.
    store: Mutex<Store>,
    pub(crate) generation: u64,
}

impl Signer {
    /// Opens the store, or makes one where nothing of one is, and recovers the engine from it.
    pub(crate) fn open(config: Config) -> Result<Self, Failure> {
        let dir = StoreDir::new(&config.state_path);
        let provider = config.provider();
        let (opened, created) = match Store::open(&dir, &provider) {
            Err(StoreError::Absent(_)) => {
                Store::create(&dir, &provider)?;
                (Store::open(&dir, &provider)?, true)
            }
            other => (other?, false),
        };
        let Opened { store, records } = opened;
        let engine = Engine::recover(config.limits, std::collections::BTreeSet::new(), &records)?;
        Ok(Self {
            clock: Clock::new(),
            created,
            process: std::process::id(),
            engine: Mutex::new(engine),
            handles: Mutex::default(),
            builds: Mutex::new(Builds::new(config.limits.sessions_max)),
            writer: Mutex::new(store.writer()),
            generation: store.generation(),
            store: Mutex::new(store),
            config,
        })
    }

    /// Whether this is the process that configured it. A child that was forked off has the memory, nonces included, but
    /// neither the thread that writes nor the lock on the store: it must not sign.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.process == std::process::id()
    }

    /// Whether it can go on: no panic has passed through, and the store's content is known.
    pub(crate) fn is_sound(&self) -> bool {
        let locks = [
            self.handles.is_poisoned(),
            self.builds.is_poisoned(),
            self.writer.is_poisoned(),
            self.store.is_poisoned(),
        ];
        let engine = self
            .engine
            .lock()
            .is_ok_and(|engine| !engine.status().faulted);
        engine && locks.iter().all(|poisoned| !poisoned)
    }

    pub(crate) fn engine(&self) -> Result<MutexGuard<'_, Engine>, Failure> {
        self.engine.lock().map_err(|_| Failure::not_configured())
    }

    pub(crate) fn handles(&self) -> Result<MutexGuard<'_, Handles>, Failure> {
        self.handles.lock().map_err(|_| Failure::not_configured())
    }

    pub(crate) fn builds(&self) -> Result<MutexGuard<'_, Builds>, Failure> {
        self.builds.lock().map_err(|_| Failure::not_configured())
    }

    /// A handle on the log. Those of several threads share its syncs.
    pub(crate) fn log(&self) -> Result<Writer, Failure> {
        let writer = self.writer.lock().map_err(|_| Failure::not_configured())?;
        Ok(writer.clone())
    }

    /// Makes a decision durable without the engine's lock, so that other threads' records share the sync, then lets the
    /// engine release it or take it back.
    pub(crate) fn durable<T, R>(
        &self,
        staged: Staged<T>,
        release: impl FnOnce(&mut Engine, Committed<T>) -> Result<R, Rejection>,
        withdraw: impl FnOnce(&mut Engine, Uncommitted<T>),
    ) -> Result<R, Failure> {
        let mut log = self.log()?;
        match Staged::commit_all(vec![staged], &mut log) {
            Ok(committed) => {
                let done = committed.into_iter().next().ok_or_else(Failure::internal)?;
                Ok(release(&mut *self.engine()?, done)?)
            }
            Err(not) => {
                let refused = refusal(&not);
                withdraw(&mut *self.engine()?, not);
                Err(refused.into())
            }
        }
    }

    /// The one group in which a session is known here.
    pub(crate) fn group_of(&self, session: &SessionId) -> Result<KeyGroup, Failure> {
        let groups = self.engine()?.groups_of_session(session);
        groups
            .into_iter()
            .next()
            .ok_or_else(|| Rejection::SessionNotFound.into())
    }
}

fn refusal<T>(not: &Uncommitted<T>) -> Rejection {
    match not.cause() {
        hardfrost_engine::LogError::NotWritten => {
            Rejection::CapacityExceeded("the log takes no record now: make room on its disk".into())
        }
        hardfrost_engine::LogError::Unknown => Rejection::StorageFault,
    }
}

/// Values by name that are kept for a while.
pub(crate) type Named<T> = BTreeMap<SessionId, T>;
