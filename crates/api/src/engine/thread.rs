//! The thread that owns an engine and its log.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::{self, JoinHandle};

use hardfrost_engine::{serve, Command, Engine, Log, Ticket};
use hardfrost_primitives::Now;
use rand_core::OsRng;

use super::handle::{Asked, Asker, EngineGone, EngineHandle, Replies, Why};

/// An engine in a thread of its own. Dropping it ends the thread: what was asked before is still answered.
pub struct EngineThread {
    to: Sender<Asked>,
    why: Why,
    askers: AtomicU64,
    thread: Option<JoinHandle<()>>,
}

impl EngineThread {
    /// Starts the thread. The engine must have been recovered from this log; `clock` is asked once for each turn.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(
        engine: Engine,
        log: impl Log + Send + 'static,
        clock: impl Fn() -> Now + Send + 'static,
    ) -> io::Result<Self> {
        let (to, inbox) = channel();
        let why = Why::default();
        let mut desk = Desk {
            why: Why::clone(&why),
            engine,
            log,
            clock,
            inbox,
            askers: BTreeMap::new(),
        };
        let thread = thread::Builder::new().name("engine".to_owned());
        let thread = thread.spawn(move || desk.run())?;
        Ok(Self {
            to,
            why,
            askers: AtomicU64::new(0),
            thread: Some(thread),
        })
    }

    /// A handle for one more asker, whose replies go to `replies`.
    #[must_use]
    pub fn handle(&self, replies: Replies) -> EngineHandle {
        let asker = self.askers.fetch_add(1, Ordering::Relaxed);
        // If nobody is there, `replies` closes here, and the first question says so too.
        drop(self.to.send(Asked::Join(asker, replies)));
        EngineHandle::new(asker, self.to.clone(), Why::clone(&self.why))
    }

    /// Why the engine is gone; nothing while it is there.
    #[must_use]
    pub fn gone(&self) -> Option<EngineGone> {
        self.why.get().cloned()
    }

    /// Destroys everything that is live: whoever had it under way is gone.
    pub(crate) fn abandon(&self) {
        // With the engine went its nonces.
        drop(self.to.send(Asked::Abandon));
    }

    /// Serves what was asked before, and ends. The log is let go.
    ///
    /// # Errors
    /// [`EngineGone::Broke`] if the thread broke, now or earlier; [`EngineGone::Faulted`] if its disk failed.
    pub fn stop(mut self) -> Result<(), EngineGone> {
        self.end();
        match self.why.get() {
            None | Some(EngineGone::Stopped) => Ok(()),
            Some(other) => Err(other.clone()),
        }
    }

    fn end(&mut self) {
        // Who is gone needs no order.
        drop(self.to.send(Asked::Stop));
        if let Some(thread) = self.thread.take() {
            // Its panic has been told: it is why the engine is gone.
            drop(thread.join());
        }
    }
}

impl Drop for EngineThread {
    fn drop(&mut self) {
        self.end();
    }
}

struct Desk<L, C> {
    why: Why,
    engine: Engine,
    log: L,
    clock: C,
    inbox: Receiver<Asked>,
    askers: BTreeMap<Asker, Replies>,
}

/// Says why, before anything that an asker could notice closes.
impl<L, C> Drop for Desk<L, C> {
    fn drop(&mut self) {
        let why = if thread::panicking() {
            EngineGone::Broke
        } else if self.engine.is_faulted() {
            EngineGone::Faulted
        } else {
            EngineGone::Stopped
        };
        drop(self.why.set(why));
    }
}

/// What waits for the next turn.
#[derive(Default)]
struct Waiting {
    /// Each with who asked, and under which ticket.
    commands: Vec<(Asker, Ticket, Command)>,
    is_over: bool,
}

impl<L: Log, C: Fn() -> Now> Desk<L, C> {
    fn run(&mut self) {
        // Without anybody who could ask there is nothing left to do.
        while let Ok(first) = self.inbox.recv() {
            let mut waiting = Waiting::default();
            self.take(first, &mut waiting);
            while !waiting.is_over {
                let Ok(next) = self.inbox.try_recv() else {
                    break;
                };
                self.take(next, &mut waiting);
            }
            self.serve(waiting.commands);
            if waiting.is_over || self.engine.is_faulted() {
                return;
            }
        }
    }

    fn take(&mut self, asked: Asked, waiting: &mut Waiting) {
        match asked {
            Asked::Batch(asker, batch) => {
                let batch = batch.into_iter();
                let named = batch.map(|(ticket, command)| (asker, ticket, command));
                waiting.commands.extend(named);
            }
            Asked::Question(question) => {
                // It speaks of what was asked before it.
                self.serve(std::mem::take(&mut waiting.commands));
                question.answer(&self.engine, (self.clock)());
            }
            Asked::Join(asker, replies) => drop(self.askers.insert(asker, replies)),
            Asked::Leave(asker) => {
                self.serve(std::mem::take(&mut waiting.commands));
                self.askers.remove(&asker);
            }
            Asked::Abandon => {
                self.serve(std::mem::take(&mut waiting.commands));
                self.engine.abandon();
            }
            Asked::Stop => waiting.is_over = true,
        }
    }

    /// One append for all of it; then each asker's replies in the order of its commands.
    fn serve(&mut self, commands: Vec<(Asker, Ticket, Command)>) {
        if commands.is_empty() {
            return;
        }
        let mut names = Vec::with_capacity(commands.len());
        let mut batch = Vec::with_capacity(commands.len());
        for (place, (asker, ticket, command)) in (0..).zip(commands) {
            names.push((asker, ticket));
            batch.push((Ticket(place), command));
        }
        let now = (self.clock)();
        let mut replies = serve(&mut self.engine, &mut self.log, now, &mut OsRng, batch);
        replies.sort_by_key(|(place, _)| *place);
        for ((asker, ticket), (_, reply)) in names.into_iter().zip(replies) {
            if let Some(to) = self.askers.get(&asker) {
                // Who asked may have gone.
                drop(to.send((ticket, reply)));
            }
        }
    }
}
