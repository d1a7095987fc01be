//! How a node begins: what its engine holds becomes what its seats know, before anything reaches them.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_api::engine::{
    ConnectError, EngineClient, EngineGone, EngineHandle, EngineIdentity, EngineThread, Replies,
};
use hardfrost_api::local::{ServerError, UnplacedView};
use hardfrost_dkg::Certificate;
use hardfrost_engine::{Command, Engine, HeldKey, RecoverError};
use hardfrost_frost::{LockError, Region};
use hardfrost_net::{Endpoint, NetError};
use hardfrost_primitives::Limits;
use hardfrost_seat::ResumeError;
use hardfrost_store::{Opened, Store, StoreError};
use tracing::{info, warn};

use crate::channel::{terms, TermsError};
use crate::check::{no_identity, IdentityError};
use crate::clock::Clock;
use crate::config::{ConfigError, EnginePlace};
use crate::core::Core;
use crate::federation::Federation;
use crate::home::{open_store, HomeError};
use crate::kept::Kept;
use crate::run::{Prepared, Wrap};

/// So long after an approval's end nobody takes its session up any more.
const LEFT_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Why a node does not start, or ends before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operator must mend the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Keys or stores do not come.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The engine's place names the other store.
    #[error("engine.store: {0}")]
    Identity(#[from] IdentityError),
    /// The roster does not fit this node.
    #[error("{0}: {1}")]
    Roster(PathBuf, TermsError),
    /// A key of the engine does not fit its roster.
    #[error("the key {0}: {1}")]
    Key(String, ResumeError),
    /// The engine's log makes no engine.
    #[error("the engine's store: {0}")]
    Recover(#[from] RecoverError),
    /// The engine has no thread.
    #[error("the system: {0}")]
    System(#[from] std::io::Error),
    /// No memory that is locked.
    #[error(transparent)]
    Memory(#[from] LockError),
    /// It cannot listen.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The local interface cannot listen.
    #[error(transparent)]
    Api(#[from] ServerError),
    /// The engine is gone.
    #[error(transparent)]
    Engine(#[from] EngineGone),
    /// The engine's process cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The engine's process has another store than before: what this node knows is of another engine.
    #[error(
        "the engine at {path} has another store ({theirs}) than this node began with ({ours}): put \
         that one back, or start the node again"
    )]
    OtherEngine {
        /// The socket.
        path: String,
        /// The store's id, shortened.
        theirs: String,
        /// The same of the one before.
        ours: String,
    },
    /// The engine's store went back: it lacks what the node has seen it record.
    #[error(
        "the store of the engine at {path} went back: it is at generation {theirs}, this node has \
         seen {ours}. A copy from before lacks the approvals and keys that came after it: put back \
         the store that was in use. Only where that is lost start the node again, which takes the \
         copy as it is"
    )]
    OlderEngine {
        /// The socket.
        path: String,
        /// The store's generation.
        theirs: u64,
        /// The newest that was seen.
        ours: u64,
    },
    /// The engine's disk failed in the middle of a write.
    #[error("the engine's disk failed: see to it, then start the node again")]
    Disk,
    /// The store's last write failed.
    #[error("the store was not closed in order (what was acknowledged is there): {0}")]
    Close(#[from] StoreError),
}

/// The engine of a node, wherever it is.
pub(crate) enum Source {
    /// In this process, with its store.
    Here(EngineThread, Store),
    /// In a process of its own. It may go and come back, as the one that was met last.
    Socket(PathBuf, Cell<Option<EngineIdentity>>),
}

impl Source {
    /// Opens the engine.
    ///
    /// # Errors
    /// [`RunError`]
    pub(crate) fn open(place: &EnginePlace, credentials: Option<&Path>) -> Result<Self, RunError> {
        match place {
            EnginePlace::Here(store) => {
                no_identity(&store.folder)?;
                let Opened { store, records } = open_store(store, credentials)?;
                let engine = Engine::recover_in(
                    Region::new()?,
                    Limits::default(),
                    BTreeSet::new(),
                    &records,
                )?;
                let clock = Clock::start();
                let thread = EngineThread::start(engine, store.writer(), move || clock.now())?;
                Ok(Self::Here(thread, store))
            }
            EnginePlace::Socket(path) => Ok(Self::Socket(path.clone(), Cell::new(None))),
        }
    }

    /// A way to ask it; replies go to `replies`.
    ///
    /// # Errors
    /// [`RunError::Connect`], [`RunError::OtherEngine`], [`RunError::OlderEngine`]
    pub(crate) async fn handle(&self, replies: Replies) -> Result<EngineHandle, RunError> {
        match self {
            Self::Here(thread, _) => Ok(thread.handle(replies)),
            Self::Socket(path, met) => {
                let (to, shown) = (path.clone(), path.display().to_string());
                let connect = move || EngineClient::connect(&to, replies);
                let connected = tokio::task::spawn_blocking(connect).await;
                let broke = |error: tokio::task::JoinError| ConnectError::NoEngine {
                    path: shown,
                    why: error.to_string(),
                };
                let (handle, identity) = connected.map_err(broke)??;
                if let Some(known) = met.get() {
                    same_engine(path, &known, &identity)?;
                }
                met.set(Some(identity));
                let (store, generation) = (identity.short(), identity.generation);
                info!(%store, generation, "connected to the engine");
                Ok(handle)
            }
        }
    }

    /// Whether the engine can come back while this process goes on.
    pub(crate) fn may_come_back(&self) -> bool {
        match self {
            Self::Here(..) => false,
            Self::Socket(..) => true,
        }
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// [`RunError::Engine`], [`RunError::Close`]
    pub(crate) fn close(self) -> Result<(), RunError> {
        match self {
            Self::Here(thread, store) => {
                thread.stop()?;
                Ok(store.close()?)
            }
            Self::Socket(..) => Ok(()),
        }
    }
}

/// That an engine's process has the store that was met before, with all that was in it then. The generation grows at
/// each start of the process, and is the same where only the connection is new.
///
/// # Errors
/// [`RunError::OtherEngine`], [`RunError::OlderEngine`]
fn same_engine(path: &Path, ours: &EngineIdentity, it: &EngineIdentity) -> Result<(), RunError> {
    if ours.store != it.store {
        return Err(RunError::OtherEngine {
            path: path.display().to_string(),
            theirs: it.short(),
            ours: ours.short(),
        });
    }
    if it.generation < ours.generation {
        return Err(RunError::OlderEngine {
            path: path.display().to_string(),
            theirs: it.generation,
            ours: ours.generation,
        });
    }
    Ok(())
}

/// Listens, joins every roster's network, and gives the seats what the engine holds.
///
/// # Errors
/// [`RunError`]
pub(crate) async fn assemble(
    prepared: &Prepared,
    engine: EngineHandle,
    clock: Clock,
    wrap: &Wrap,
) -> Result<(Core, Endpoint), RunError> {
    let Prepared {
        config,
        files,
        keys,
        ..
    } = prepared;
    let build = format!("hardfrost {}", env!("CARGO_PKG_VERSION"));
    let listen = &config.listen;
    let endpoint = Endpoint::bind(listen, keys.transport(), build, config.network.clone()).await?;
    let mut federations = Vec::new();
    for (file, path) in files.iter().zip(&config.rosters) {
        let terms = terms(file, keys.operator());
        let terms = terms.map_err(|error| RunError::Roster(path.clone(), error))?;
        let joined = endpoint.join(terms).map_err(NetError::from)?;
        let transport = wrap(Box::new(joined), keys, &file.roster);
        let roster = Arc::new(file.roster.clone());
        federations.push(Federation::new(&roster, keys, transport));
    }
    let kept = Kept::read(&config.folder).map_err(HomeError::from)?;
    kept.left().iter().for_each(|left| warn!("{left}"));
    let mut core = Core::new(clock, federations, engine, kept);
    resume(&mut core).await?;
    Ok((core, endpoint))
}

/// Every seat takes up the keys that the engine holds for it, the operator's words and what is proven against members;
/// keys that are pending and what was approved and is in force go on; sessions that were left long ago are over in the
/// engine too.
///
/// # Errors
/// [`RunError::Key`], [`RunError::Engine`]
pub(crate) async fn resume(core: &mut Core) -> Result<(), RunError> {
    let engine = core.engine().clone();
    let held = engine.held_keys().await?;
    for held in &held {
        resume_key(core, held)?;
    }
    core.resume_ceremonies(&held, engine.uncertified().await?);
    let words = engine.operator_words().await?;
    let convictions = engine.convictions().await?;
    for federation in core.federations_mut() {
        for seat in federation.seats_mut() {
            words.iter().for_each(|word| seat.resume_word(word));
            for conviction in &convictions {
                seat.resume_conviction(conviction);
            }
        }
    }
    for left in engine.left_behind(LEFT_AFTER).await? {
        core.tell(Command::FinalizeSession(left));
    }
    let open = engine.open_approvals().await?;
    if !open.is_empty() {
        info!(sessions = open.len(), "sessions approved before go on");
    }
    open.into_iter().for_each(|approval| core.resume(approval));
    Ok(())
}

fn resume_key(core: &mut Core, held: &HeldKey) -> Result<(), RunError> {
    let key = held.public.key_group().to_string();
    let failed = |error| RunError::Key(key.clone(), error);
    let certificate = Certificate::from_bytes(&held.file);
    let certificate = certificate.map_err(|error| failed(error.into()))?;
    let roster = certificate.descriptor().roster;
    let now = core.now();
    let unplaced = UnplacedView {
        key_group: key.clone(),
        roster: roster.to_string(),
    };
    let mut known = core.federations_mut().iter_mut();
    let Some(federation) = known.find(|all| all.roster().hash() == roster) else {
        core.unplaced.insert(unplaced);
        warn!(%key, %roster, "the engine holds a key of a roster that is not configured");
        return Ok(());
    };
    for seat in federation.seats_mut() {
        if held.seats.contains(&seat.member()) {
            seat.resume(now, held).map_err(failed)?;
            info!(%key, seat = %seat.member(), "a key is taken up");
        } else {
            warn!(%key, seat = %seat.member(), "the engine holds no share of this seat");
        }
    }
    Ok(())
}
