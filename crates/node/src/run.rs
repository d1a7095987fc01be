//! A node from its start to its end.

use std::future::{poll_fn, Future};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_api::engine::{ConnectError, EngineGone};
use hardfrost_api::local::{Backend, Call, Server};
use hardfrost_engine::{Reply, Ticket};
use hardfrost_net::{Endpoint, Transport};
use hardfrost_wire::Roster;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep_until, Instant};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Config, EnginePlace};
use crate::core::Core;
use crate::desk;
use crate::home::Keys;
use crate::look::Look;
use crate::roster_file::RosterFile;
use crate::start::{assemble, resume, RunError, Source};

/// Calls of the local interface that wait at once.
const CALLS_MAX: usize = 64;
/// Replies of the engine that are taken in one turn.
const REPLIES_MAX: usize = 256;
/// First pause before an engine that went is looked for again; each is twice as long.
const RECONNECT_MIN: Duration = Duration::from_millis(100);
/// The longest.
const RECONNECT_MAX: Duration = Duration::from_secs(5);
/// Whoever watches is not woken more often than this.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// What stands between a node and its network; nothing, for everybody who is honest.
pub type Wrap = dyn Fn(Box<dyn Transport>, &Keys, &Roster) -> Box<dyn Transport>;

/// A node whose configuration, rosters and keys are read and fit each other.
pub struct Prepared {
    pub(crate) config: Config,
    pub(crate) files: Arc<Vec<RosterFile>>,
    pub(crate) keys: Keys,
    pub(crate) credentials: Option<PathBuf>,
}

impl Prepared {
    /// Reads everything that the configuration names but the engine's store. `credentials` is the folder that systemd
    /// made for the service.
    ///
    /// # Errors
    /// [`RunError`], which names file and key.
    pub fn read(config: Config, credentials: Option<PathBuf>) -> Result<Self, RunError> {
        let files = Arc::new(config.read_rosters()?);
        let keys = Keys::read(&config, credentials.as_deref())?;
        for (file, path) in files.iter().zip(&config.rosters) {
            let terms = crate::channel::terms(file, keys.operator());
            terms.map_err(|error| RunError::Roster(path.clone(), error))?;
        }
        Ok(Self {
            config,
            files,
            keys,
            credentials,
        })
    }

    fn look(&self, endpoint: &Arc<Endpoint>) -> Look {
        let listen = endpoint.local_addresses();
        let refusing = Arc::clone(endpoint);
        Look {
            files: Arc::clone(&self.files),
            operator: self.keys.operator().public().to_string(),
            listen: listen.iter().map(ToString::to_string).collect(),
            engine_socket: socket(&self.config).map(|path| path.display().to_string()),
            network: crate::network::table(&self.config.network),
            refused: Box::new(move || refusing.status()),
        }
    }
}

fn socket(config: &Config) -> Option<&Path> {
    match &config.engine {
        EnginePlace::Here(_) => None,
        EnginePlace::Socket(path) => Some(path),
    }
}

/// What reaches a node's loop beside frames and timers.
struct Inlets {
    replies: mpsc::UnboundedReceiver<(Ticket, Reply)>,
    calls: mpsc::Receiver<Call>,
    changes: watch::Sender<u64>,
}

/// Runs a node until `stop` is ready; then what is under way gets the configured time to end. `ready` is called once it
/// listens.
///
/// # Errors
/// [`RunError`]: it did not start, or something broke that only a new start mends.
pub async fn run(
    prepared: Prepared,
    wrap: &Wrap,
    ready: impl FnOnce(&[std::net::SocketAddr]),
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let clock = Clock::start();
    let api = &prepared.config.api;
    let server = Server::bind(&api.socket, api.uids.clone())?;
    let (said, replies) = mpsc::unbounded_channel();
    let source = Source::open(&prepared.config.engine, prepared.credentials.as_deref())?;
    let handle = source.handle(said).await?;
    let (mut core, endpoint) = assemble(&prepared, handle, clock, wrap).await?;
    let endpoint = Arc::new(endpoint);
    let look = prepared.look(&endpoint);
    let (to_desk, calls) = mpsc::channel(CALLS_MAX);
    let (changes, watched) = watch::channel(0);
    let (stopped, stopping) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(Backend::new(to_desk, watched), async {
        // Dropped or told, it is over.
        let _over = stopping.await;
    }));
    ready(&endpoint.local_addresses());
    let mut inlets = Inlets {
        replies,
        calls,
        changes,
    };
    tokio::pin!(stop);
    let stop_after = prepared.config.stop_after;
    let ended = loop {
        let ended = turns(&mut core, &look, &mut inlets, (stop.as_mut(), stop_after)).await;
        let gone = match ended {
            End::Gone(gone) if source.may_come_back() => gone,
            End::Gone(EngineGone::Faulted) => break Err(RunError::Disk),
            End::Gone(gone) => break Err(gone.into()),
            End::Faulted if source.may_come_back() => EngineGone::Faulted,
            End::Faulted => break Err(RunError::Disk),
            End::Stopped => break Ok(()),
        };
        warn!(%gone, "waiting for the engine");
        match renewed(
            (core, &look),
            (&prepared.keys, &source),
            &mut inlets,
            stop.as_mut(),
        )
        .await
        {
            Ok(again) => core = again,
            Err(ended) => return ended,
        }
    };
    drop((inlets, stopped));
    // Its connections end with it.
    let _served = serving.await;
    drop(core);
    let closed = source.close();
    ended.and(closed)
}

/// Why the turns are over.
enum End {
    /// It was told to stop.
    Stopped,
    /// The engine's disk failed.
    Faulted,
    /// The engine is not there any more.
    Gone(EngineGone),
}

async fn turns(
    core: &mut Core,
    look: &Look,
    inlets: &mut Inlets,
    (mut stop, stop_after): (Pin<&mut impl Future<Output = ()>>, Duration),
) -> End {
    let mut ends: Option<Instant> = None;
    let mut watch_next = Instant::now();
    let mut unseen = false;
    loop {
        if let Err(gone) = core.flush() {
            return End::Gone(gone);
        }
        unseen |= core.take_changed();
        if core.is_faulted() {
            error!("the engine's disk failed");
            return End::Faulted;
        }
        if ends.is_some() && core.open_sessions() == 0 {
            return End::Stopped;
        }
        let timer = core.poll_timeout().map(Instant::from_std);
        tokio::select! {
            reply = inlets.replies.recv() => {
                if let Err(gone) = replies(core, &mut inlets.replies, reply) {
                    return End::Gone(gone);
                }
            }
            () = poll_fn(|cx| core.poll_ready(cx)) => core.receive(),
            () = until(timer) => core.wake(),
            Some(call) = inlets.calls.recv() => desk::serve(core, look, call),
            () = sleep_until(watch_next), if unseen => {
                inlets.changes.send_modify(|count| *count += 1);
                watch_next = Instant::now() + WATCH_PAUSE;
                unseen = false;
            }
            () = &mut stop, if ends.is_none() => {
                let open = core.open_sessions();
                info!(open, "told to stop");
                ends = Some(Instant::now() + stop_after);
            }
            () = until(ends), if ends.is_some() => {
                info!(open = core.open_sessions(), "stopping with sessions open");
                return End::Stopped;
            }
        }
    }
}

/// The same node with the engine that came back: its seats are of another incarnation, since the nonces of the one
/// before are gone. Until then whoever asks is told so.
async fn renewed(
    (core, look): (Core, &Look),
    (keys, source): (&Keys, &Source),
    inlets: &mut Inlets,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<Core, Result<(), RunError>> {
    let mut pause = RECONNECT_MIN;
    let mut waiting = core;
    let mut why = look.away();
    loop {
        let again = Instant::now() + pause;
        pause = (pause * 2).min(RECONNECT_MAX);
        while Instant::now() < again {
            tokio::select! {
                () = sleep_until(again) => {}
                () = stop.as_mut() => return Err(Ok(())),
                Some(call) = inlets.calls.recv() => {
                    desk::serve_without_engine(&waiting, (look, &why), call);
                }
            }
        }
        let (said, replies) = mpsc::unbounded_channel();
        let connected = tokio::select! {
            connected = source.handle(said) => connected,
            () = stop.as_mut() => return Err(Ok(())),
        };
        let handle = match connected {
            Ok(handle) => handle,
            Err(error) => {
                warn!(%error, "the engine is still away");
                let nobody = matches!(error, RunError::Connect(ConnectError::Unreachable { .. }));
                // Else somebody is there who is not the engine that this node began with.
                why = if nobody {
                    look.away()
                } else {
                    error.to_string()
                };
                continue;
            }
        };
        inlets.replies = replies;
        waiting = waiting.reborn(keys, handle);
        let resumed = tokio::select! {
            resumed = resume(&mut waiting) => resumed,
            () = stop.as_mut() => return Err(Ok(())),
        };
        match resumed {
            Ok(()) => {
                waiting.meet();
                return Ok(waiting);
            }
            Err(RunError::Engine(gone)) => warn!(%gone, "the engine went again"),
            Err(other) => return Err(Err(other)),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Takes this reply, and what else has come by now.
fn replies(
    core: &mut Core,
    more: &mut mpsc::UnboundedReceiver<(Ticket, Reply)>,
    first: Option<(Ticket, Reply)>,
) -> Result<(), EngineGone> {
    let Some((ticket, reply)) = first else {
        return Err(core.engine().gone().unwrap_or(EngineGone::Broke));
    };
    core.reply(ticket, reply);
    for _ in 1..REPLIES_MAX {
        match more.try_recv() {
            Ok((ticket, reply)) => core.reply(ticket, reply),
            Err(_) => break,
        }
    }
    Ok(())
}
