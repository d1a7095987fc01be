//! One client, from its greeting to its end: one thread reads and asks, one writes what the engine replies.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use hardfrost_engine::{Command, Reply, Ticket};
use hardfrost_primitives::REQUEST_BYTES_MAX;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

use super::coded::{Coded, Malformed};
use super::handle::{EngineGone, EngineHandle};
use super::message::{
    read, write, Answer, Ask, EngineIdentity, FromEngine, Greeting, LineError, ToEngine, TooLong,
    Welcome, VERSION,
};
use super::question::Question;
use super::server::{count, Tally};
use super::thread::EngineThread;

/// How long a client may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may leave what we write unread.
const READS_WITHIN: Duration = Duration::from_secs(30);

/// Bytes of a hello at the most.
const HELLO_BYTES_MAX: usize = 16;

/// Batches of a client that are read and not yet answered. It waits with the next one.
const WAITING_MAX: usize = 16;

/// The line ends with this, whoever else has it open.
struct HangUp(UnixStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        // It may be gone.
        drop(self.0.shutdown(Shutdown::Both));
    }
}

/// Serves a client to its end.
pub(crate) fn serve(
    stream: UnixStream,
    engine: &EngineThread,
    identity: EngineIdentity,
    tally: &Tally,
) {
    let mut line = HangUp(stream);
    let stream = &mut line.0;
    let greeted = greet(stream, identity).and_then(|()| Ok(stream.try_clone()?));
    let writing = match greeted {
        Ok(writing) => writing,
        Err(error) => {
            tally_up(&error, tally);
            return;
        }
    };
    let line = Line {
        writing: Mutex::new(writing),
        gate: Mutex::new(Gate::default()),
        answered: Condvar::new(),
    };
    let (replies, inbox) = unbounded_channel();
    let handle = engine.handle(replies);
    thread::scope(|scope| {
        scope.spawn(|| line.carry_replies(inbox, engine));
        let error = line.carry_requests(stream, &handle);
        tally_up(&error, tally);
        match error {
            LineError::Closed | LineError::Io(_) => {}
            LineError::Malformed(_) | LineError::TooLong(_) | LineError::Loosens => {
                line.say_farewell(&error.to_string())
            }
        }
        // The last handle: what it asked is answered, then the replies end.
        drop(handle);
    });
}

fn tally_up(error: &LineError, tally: &Tally) {
    match error {
        LineError::Malformed(_) | LineError::TooLong(_) | LineError::Loosens => {
            count(&tally.malformed)
        }
        LineError::Closed | LineError::Io(_) => {}
    }
}

fn greet(stream: &mut UnixStream, identity: EngineIdentity) -> Result<(), LineError> {
    // A client's socket may inherit what the listener's is.
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(READS_WITHIN))?;
    stream.set_read_timeout(Some(HELLO_WITHIN))?;
    write(stream, &Greeting::new(Welcome::Come(identity)).to_bytes())?;
    match read(stream, HELLO_BYTES_MAX)? {
        ToEngine::Hello(VERSION) => {}
        ToEngine::Hello(_) | ToEngine::Batch(_) | ToEngine::Ask(..) => {
            return Err(Malformed("a hello of this version").into());
        }
    }
    stream.set_read_timeout(None)?;
    Ok(())
}

/// What both threads of a client share.
struct Line {
    /// Held for one message at a time.
    writing: Mutex<UnixStream>,
    gate: Mutex<Gate>,
    answered: Condvar,
}

/// What was asked and is not answered.
#[derive(Default)]
struct Gate {
    /// For each batch, the replies that it waits for. Replies come in the order of the commands.
    batches: VecDeque<usize>,
    is_closed: bool,
}

impl Line {
    /// Asks what the client asks, until the line ends: the error says how.
    fn carry_requests(&self, stream: &mut UnixStream, handle: &EngineHandle) -> LineError {
        loop {
            let message = match read(stream, REQUEST_BYTES_MAX) {
                Ok(message) => message,
                Err(error) => return error,
            };
            let handed_on = match message {
                ToEngine::Hello(_) => Err(Malformed("a second hello").into()),
                ToEngine::Batch(batch) if batch.iter().any(|(_, asked)| loosens(asked)) => {
                    Err(LineError::Loosens)
                }
                ToEngine::Batch(batch) => {
                    if self.enter(batch.len()) {
                        handle.ask(batch).map_err(|_| LineError::Closed)
                    } else {
                        Err(LineError::Closed)
                    }
                }
                ToEngine::Ask(number, ask) => self.answer(handle, number, ask),
            };
            if let Err(error) = handed_on {
                return error;
            }
        }
    }

    fn answer(&self, handle: &EngineHandle, number: u64, ask: Ask) -> Result<(), LineError> {
        let answer = answer(handle, ask).map_err(|_| LineError::Closed)?;
        match FromEngine::answer(number, &answer) {
            Ok(messages) => Ok(self.say(&messages)?),
            Err(TooLong) => {
                self.say_farewell("an answer holds an item of more than 16 MiB");
                Err(LineError::Closed)
            }
        }
    }

    /// Writes what the engine replies, as much together as there is, until nobody can ask any more.
    fn carry_replies(&self, mut inbox: UnboundedReceiver<(Ticket, Reply)>, engine: &EngineThread) {
        while let Some(first) = inbox.blocking_recv() {
            let mut replies = vec![first];
            while let Ok(next) = inbox.try_recv() {
                replies.push(next);
            }
            let said = match FromEngine::replies(&replies) {
                Ok(messages) => self.say(&messages),
                Err(TooLong) => {
                    self.say_farewell("a reply has more than 16 MiB");
                    break;
                }
            };
            if said.is_err() {
                break;
            }
            self.leave(replies.len());
        }
        if let Some(why) = engine.gone() {
            self.say_farewell(&why.to_string());
        }
        // Whoever reads wakes up.
        let mut gate = locked(&self.gate);
        gate.is_closed = true;
        self.answered.notify_all();
        drop(gate);
        drop(locked(&self.writing).shutdown(Shutdown::Both));
    }

    fn say(&self, messages: &[Vec<u8>]) -> io::Result<()> {
        for message in messages {
            write(&mut *locked(&self.writing), message)?;
        }
        Ok(())
    }

    fn say_farewell(&self, why: &str) {
        let farewell = FromEngine::Farewell(why.to_owned()).to_bytes();
        // It may be gone.
        drop(self.say(&[farewell]));
    }

    /// Waits for room, and takes it. False if nobody answers any more.
    fn enter(&self, commands: usize) -> bool {
        let mut gate = locked(&self.gate);
        while gate.batches.len() >= WAITING_MAX && !gate.is_closed {
            gate = self
                .answered
                .wait(gate)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if commands > 0 {
            gate.batches.push_back(commands);
        }
        !gate.is_closed
    }

    fn leave(&self, mut replies: usize) {
        let mut gate = locked(&self.gate);
        while let Some(first) = gate.batches.front_mut() {
            if *first > replies {
                *first -= replies;
                break;
            }
            replies -= *first;
            gate.batches.pop_front();
        }
        self.answered.notify_all();
    }
}

/// Limits and pardons are the operator's, given on the store itself: a node that was taken over must not lift them.
fn loosens(command: &Command) -> bool {
    match command {
        Command::InstallPolicy(_) | Command::Unquarantine(_) => true,
        Command::DkgDeal(_)
        | Command::DkgSeal(_)
        | Command::DkgOpen(_)
        | Command::Install(_)
        | Command::DkgAbort(_)
        | Command::Approve(_)
        | Command::DeriveContext(_)
        | Command::Open(_)
        | Command::Round1(_)
        | Command::Round2(_)
        | Command::Abort(_)
        | Command::Aggregate(_)
        | Command::VerifyShare(_)
        | Command::EmergencyRekey(_)
        | Command::FinalizeSession(_)
        | Command::Quarantine(_)
        | Command::Convict(_) => false,
    }
}

fn answer(handle: &EngineHandle, ask: Ask) -> Result<Answer, EngineGone> {
    Ok(match ask {
        Ask::HeldKeys => Answer::HeldKeys(handle.question_blocking(Question::HeldKeys)?),
        Ask::OperatorWords => {
            Answer::OperatorWords(handle.question_blocking(Question::OperatorWords)?)
        }
        Ask::Convictions => Answer::Convictions(handle.question_blocking(Question::Convictions)?),
        Ask::Status => Answer::Status(vec![handle.question_blocking(Question::Status)?]),
        Ask::LeftBehind(since) => {
            let question = |to| Question::LeftBehind(since, to);
            Answer::LeftBehind(handle.question_blocking(question)?)
        }
        Ask::OpenApprovals => {
            Answer::OpenApprovals(handle.question_blocking(Question::OpenApprovals)?)
        }
        Ask::Uncertified => Answer::Uncertified(handle.question_blocking(Question::Uncertified)?),
    })
}

/// A thread that broke left it in order.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
