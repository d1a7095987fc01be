//! The engine's end of the socket: it lets one client in, of one user, and turns all others away.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use rustix::event::{poll, PollFd, PollFlags};
use rustix::process::geteuid;

use super::coded::Coded;
use super::connection::serve;
use super::handle::EngineGone;
use super::message::{write, EngineIdentity, Greeting, Welcome};
use super::socket::{listen, peer_uid, system, Place, SocketError};
use super::thread::EngineThread;

/// A socket at which one client at a time asks one engine.
pub struct EngineServer {
    listener: UnixListener,
    uid: u32,
    counts: Arc<Tally>,
    /// Closed by whoever stops us.
    stopped: UnixStream,
    stop: EngineServerStop,
    _place: Place,
}

/// Stops a server, from any thread.
#[derive(Clone)]
pub struct EngineServerStop(Arc<UnixStream>);

/// Who came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounts {
    /// Clients that were let in.
    pub served: u64,
    /// Processes of other users: closed before a byte of theirs was read.
    pub strangers: u64,
    /// Turned away because another client was being served.
    pub busy: u64,
    /// Clients that said what is no message.
    pub malformed: u64,
}

/// What a server counts, as it goes.
#[derive(Default)]
pub(crate) struct Tally {
    served: AtomicU64,
    strangers: AtomicU64,
    busy: AtomicU64,
    pub(crate) malformed: AtomicU64,
}

pub(crate) fn count(one: &AtomicU64) {
    one.fetch_add(1, Ordering::Relaxed);
}

/// Why a server ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is no engine any more.
    #[error(transparent)]
    Gone(#[from] EngineGone),
    /// The system's word on the socket.
    #[error("cannot wait for clients: {0}")]
    System(#[from] io::Error),
}

impl EngineServerStop {
    /// What was asked is still answered; then the client's connection ends, and the server.
    pub fn stop(&self) {
        // Who is gone needs no order.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

impl EngineServer {
    /// Listens at `path`, for clients that run as the user `uid`; absent, as ours.
    ///
    /// For our own user the folder must be ours and 0700. For another one it must be ours and not writable for others,
    /// and this process must be allowed to give the socket to that user. The socket is 0600.
    ///
    /// # Errors
    /// [`SocketError`]; nothing is changed but a socket that was left behind.
    pub fn bind(path: &Path, uid: Option<u32>) -> Result<Self, SocketError> {
        let uid = uid.unwrap_or_else(|| geteuid().as_raw());
        let (listener, place) = listen(path, uid)?;
        listener
            .set_nonblocking(true)
            .map_err(system("listen at", path))?;
        let (stopped, stop) = UnixStream::pair().map_err(system("make a socket beside", path))?;
        Ok(Self {
            listener,
            uid,
            counts: Arc::default(),
            stopped,
            stop: EngineServerStop(Arc::new(stop)),
            _place: place,
        })
    }

    /// What stops it, for another thread.
    #[must_use]
    pub fn stopper(&self) -> EngineServerStop {
        self.stop.clone()
    }

    /// Serves one client after the other until it is stopped. When a client goes, however it goes, everything that it
    /// had under way is destroyed.
    ///
    /// # Errors
    /// [`ServeError`]: it ended by itself.
    pub fn run(
        self,
        engine: &EngineThread,
        identity: EngineIdentity,
    ) -> Result<ServerCounts, ServeError> {
        let ended = std::thread::scope(|scope| {
            let mut door = Door {
                server: &self,
                scope,
                engine,
                identity,
                client: None,
            };
            let ended = door.keep();
            door.close();
            ended
        });
        ended.map(|()| self.counts.read())
    }
}

impl Tally {
    fn read(&self) -> ServerCounts {
        let read = |one: &AtomicU64| one.load(Ordering::Relaxed);
        ServerCounts {
            served: read(&self.served),
            strangers: read(&self.strangers),
            busy: read(&self.busy),
            malformed: read(&self.malformed),
        }
    }
}

/// The client that is being served.
struct Client<'scope> {
    thread: ScopedJoinHandle<'scope, ()>,
    stream: UnixStream,
}

struct Door<'scope, 'env> {
    server: &'env EngineServer,
    scope: &'scope Scope<'scope, 'env>,
    engine: &'env EngineThread,
    identity: EngineIdentity,
    client: Option<Client<'scope>>,
}

impl Door<'_, '_> {
    fn keep(&mut self) -> Result<(), ServeError> {
        loop {
            let mut watched = [
                PollFd::new(&self.server.listener, PollFlags::IN),
                PollFd::new(&self.server.stopped, PollFlags::IN),
            ];
            match poll(&mut watched, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
            let [knock, stopped] = &watched;
            if !stopped.revents().is_empty() {
                // Whoever serves has seen the engine go, if it went.
                return self.engine.gone().map_or(Ok(()), |why| Err(why.into()));
            }
            if knock.revents().is_empty() {
                continue;
            }
            match self.server.listener.accept() {
                Ok((stream, _)) => self.answer(stream),
                // It went before it was let in.
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn answer(&mut self, mut stream: UnixStream) {
        let counts = &self.server.counts;
        // Nothing of a stranger is read, and nothing is said to it.
        if peer_uid(&stream).ok() != Some(self.server.uid) {
            count(&counts.strangers);
            return;
        }
        if self
            .client
            .as_ref()
            .is_some_and(|client| !client.thread.is_finished())
        {
            count(&counts.busy);
            // It fits into an empty socket, so it does not wait.
            drop(write(&mut stream, &Greeting::new(Welcome::Busy).to_bytes()));
            return;
        }
        // One that went at once is no client.
        let Ok(kept) = stream.try_clone() else {
            return;
        };
        count(&counts.served);
        let (engine, identity) = (self.engine, self.identity);
        let stop = self.server.stopper();
        let tally = &**counts;
        let thread = self.scope.spawn(move || {
            serve(stream, engine, identity, tally);
            engine.abandon();
            if engine.gone().is_some() {
                stop.stop();
            }
        });
        self.client = Some(Client {
            thread,
            stream: kept,
        });
    }

    /// What the client has asked is answered; then its connection ends.
    fn close(&mut self) {
        let Some(Client { thread, stream }) = self.client.take() else {
            return;
        };
        drop(stream.shutdown(Shutdown::Read));
        // If it broke, its client has noticed.
        drop(thread.join());
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
    )
}
