//! The client's end of the socket: two threads, one that writes and one that reads, behind an [`EngineHandle`].

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use hardfrost_engine::{Command, Rejection, Reply, Ticket};
use hardfrost_primitives::REQUEST_BYTES_MAX;

use super::coded::Coded;
use super::gathering::Gathering;
use super::handle::{Asked, EngineGone, EngineHandle, Replies, Why};
use super::message::{
    read, write, EngineIdentity, FromEngine, Greeting, LineError, ToEngine, Welcome, VERSION,
};
use super::question::Question;

/// How long the engine's process may take to say its first word.
const GREETING_WITHIN: Duration = Duration::from_secs(10);

/// Bytes of a greeting at the most.
const GREETING_BYTES_MAX: usize = 64;

/// No engine behind this path.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there, or nobody may connect.
    #[error(
        "no engine at {path}: {source}. Is `hardfrost engine serve` running, and does it let this \
         user in?"
    )]
    Unreachable {
        /// The socket.
        path: String,
        /// The system's word.
        source: io::Error,
    },
    /// Whoever listens there lets this process in and says nothing, closes, or says something else.
    #[error("what listens at {path} does not answer as an engine: {why}")]
    NoEngine {
        /// The socket.
        path: String,
        /// What went wrong.
        why: String,
    },
    /// It serves somebody already.
    #[error("the engine at {0} serves another node: one engine has one node")]
    Busy(String),
    /// Another release.
    #[error(
        "the engine at {path} speaks version {theirs}, this program {VERSION}: run one release"
    )]
    Version {
        /// The socket.
        path: String,
        /// Its version.
        theirs: u16,
    },
}

/// A connection to an engine in another process.
pub struct EngineClient;

impl EngineClient {
    /// Connects; replies go to `replies`. The handle is as that of an engine in this process, but for one thing: a
    /// command of more than 16 MiB is refused at once (`capacity_exceeded`).
    ///
    /// Nothing that was under way in an earlier connection is there any more, whether or not the engine's process was
    /// restarted since: begin as after a restart.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub fn connect(
        path: &Path,
        replies: Replies,
    ) -> Result<(EngineHandle, EngineIdentity), ConnectError> {
        let shown = path.display().to_string();
        let unreachable = |source| ConnectError::Unreachable {
            path: shown.clone(),
            source,
        };
        let mut stream = UnixStream::connect(path).map_err(unreachable)?;
        let identity = greeted(&mut stream, &shown)?;
        let reading = stream.try_clone().map_err(unreachable)?;
        let (to, asked) = channel();
        let why = Why::default();
        let pending = Pending::default();
        let writer = Writer {
            stream,
            pending: Pending::clone(&pending),
            replies: replies.clone(),
            asked,
            number: 0,
        };
        let reader = Reader {
            stream: reading,
            pending,
            replies,
            why: Why::clone(&why),
            writer: to.clone(),
        };
        spawn("engine-out", move || writer.run()).map_err(unreachable)?;
        spawn("engine-in", move || reader.run()).map_err(unreachable)?;
        Ok((EngineHandle::new(0, to, why), identity))
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map(drop)
}

/// Hears the greeting and says hello.
fn greeted(stream: &mut UnixStream, path: &str) -> Result<EngineIdentity, ConnectError> {
    let no_engine = |error: LineError| ConnectError::NoEngine {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let io = |error: io::Error| no_engine(error.into());
    stream.set_read_timeout(Some(GREETING_WITHIN)).map_err(io)?;
    let greeting: Greeting = read(stream, GREETING_BYTES_MAX).map_err(no_engine)?;
    if !greeting.is_ours() {
        return Err(ConnectError::NoEngine {
            path: path.to_owned(),
            why: "it greets otherwise".to_owned(),
        });
    }
    if greeting.version != VERSION {
        return Err(ConnectError::Version {
            path: path.to_owned(),
            theirs: greeting.version,
        });
    }
    let identity = match greeting.welcome {
        Welcome::Come(identity) => identity,
        Welcome::Busy => return Err(ConnectError::Busy(path.to_owned())),
    };
    write(stream, &ToEngine::Hello(VERSION).to_bytes()).map_err(io)?;
    stream.set_read_timeout(None).map_err(io)?;
    Ok(identity)
}

/// Questions that wait for their answers, by number.
type Pending = Arc<Mutex<BTreeMap<u64, Gathering>>>;

struct Writer {
    stream: UnixStream,
    // Dropped before the replies: when these end, nothing can be asked any more.
    asked: Receiver<Asked>,
    pending: Pending,
    replies: Replies,
    number: u64,
}

impl Writer {
    /// Until nobody asks any more, or the line is dead. The reader notices either, and says why.
    fn run(mut self) {
        while let Ok(asked) = self.asked.recv() {
            let written = match asked {
                Asked::Batch(_, batch) => self.batch(&batch),
                Asked::Question(question) => self.question(question),
                // Nobody holds a handle any more; or the reader has ended.
                Asked::Leave(_) | Asked::Stop => break,
                // Said to threads of engines only.
                Asked::Join(..) | Asked::Abandon => Ok(()),
            };
            if written.is_err() {
                break;
            }
        }
        // Who is gone needs no farewell. What was asked is still answered.
        drop(self.stream.shutdown(Shutdown::Write));
    }

    fn batch(&mut self, batch: &[(Ticket, Command)]) -> io::Result<()> {
        for message in ToEngine::batches(batch) {
            match message {
                Ok(message) => write(&mut self.stream, &message)?,
                Err(ticket) => {
                    let limit = "a command for the engine's process has at most 16 MiB";
                    let refused = Reply::Rejected(Rejection::CapacityExceeded(limit.into()));
                    // Who asked may have gone.
                    drop(self.replies.send((*ticket, refused)));
                }
            }
        }
        Ok(())
    }

    fn question(&mut self, question: Question) -> io::Result<()> {
        self.number += 1;
        let (ask, gathering) = Gathering::of(question);
        lock(&self.pending).insert(self.number, gathering);
        write(
            &mut self.stream,
            &ToEngine::Ask(self.number, ask).to_bytes(),
        )
    }
}

struct Reader {
    stream: UnixStream,
    pending: Pending,
    replies: Replies,
    why: Why,
    writer: Sender<Asked>,
}

impl Reader {
    fn run(mut self) {
        let why = loop {
            let read = read(&mut self.stream, REQUEST_BYTES_MAX);
            let handled = read.map_err(|error| error.to_string());
            if let Err(why) = handled.and_then(|message| self.take(message)) {
                break why;
            }
        };
        drop(self.why.set(EngineGone::Closed(why)));
        drop(self.stream.shutdown(Shutdown::Both));
        drop(self.writer.send(Asked::Stop));
        lock(&self.pending).clear();
    }

    /// Or why the connection ends.
    fn take(&mut self, message: FromEngine) -> Result<(), String> {
        match message {
            FromEngine::Replies(replies) => {
                for reply in replies {
                    // Who asked may have gone.
                    drop(self.replies.send(reply));
                }
            }
            FromEngine::Part(number, answer) => {
                let mut pending = lock(&self.pending);
                let gathering = pending.get_mut(&number).ok_or(UNASKED)?;
                gathering.part(answer).map_err(|()| UNASKED)?;
            }
            FromEngine::Whole(number) => {
                let gathering = lock(&self.pending).remove(&number);
                gathering.ok_or(UNASKED)?.whole().map_err(|()| UNASKED)?;
            }
            FromEngine::Farewell(why) => return Err(why),
        }
        Ok(())
    }
}

const UNASKED: &str = "it answered what was not asked";

/// A thread that broke left the map in order.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
