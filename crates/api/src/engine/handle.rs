//! What whoever asks an engine holds.

use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hardfrost_engine::{
    Command, Conviction, FinalizeSession, HeldKey, OpenApproval, OperatorWord, Reply, Status,
    Ticket, Uncertified,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::question::Question;

/// Where an asker's replies go. It holds at most as many as the asker has asked for.
pub type Replies = UnboundedSender<(Ticket, Reply)>;

/// There is no engine behind the handle any more. What was under way with it is lost, nonces included; what it answered
/// is durable. Start it again, or connect again, and begin as after a restart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineGone {
    /// It was ended in order.
    #[error("the engine was stopped")]
    Stopped,
    /// A bug of ours: its thread broke, and took every live nonce with it.
    #[error("the engine's thread broke; what it said on its way is in the log of this process")]
    Broke,
    /// Its disk failed in the middle of a write. What was asked was answered so; it is to be recovered from its log.
    #[error("the engine's disk failed: see to it, then start the engine again")]
    Faulted,
    /// The connection to the engine's process ended.
    #[error("the connection to the engine's process ended: {0}")]
    Closed(String),
}

/// What goes to whoever serves: the thread of the engine, or the one that writes to its socket.
pub(crate) enum Asked {
    Join(Asker, Replies),
    Batch(Asker, Vec<(Ticket, Command)>),
    Question(Question),
    Leave(Asker),
    /// Everything live is destroyed.
    Abandon,
    Stop,
}

/// An asker's number.
pub(crate) type Asker = u64;

/// Why the engine went, once it has.
pub(crate) type Why = Arc<OnceLock<EngineGone>>;

/// An engine, wherever it runs. A clone asks on behalf of the same asker. When the last one goes, so does the channel
/// of its replies.
#[derive(Clone)]
pub struct EngineHandle {
    seat: Arc<Seat>,
    why: Why,
}

struct Seat {
    asker: Asker,
    to: Sender<Asked>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Who is gone needs no farewell.
        drop(self.to.send(Asked::Leave(self.asker)));
    }
}

impl EngineHandle {
    pub(crate) fn new(asker: Asker, to: Sender<Asked>, why: Why) -> Self {
        Self {
            seat: Arc::new(Seat { asker, to }),
            why,
        }
    }

    /// Puts a batch on the engine's queue; never waits. All batches that wait there are served together, with one sync.
    /// The replies come in the order of the commands.
    ///
    /// # Errors
    /// [`EngineGone`]: nothing of the batch is served. If the engine goes later, the channel of the replies closes.
    pub fn ask(&self, batch: Vec<(Ticket, Command)>) -> Result<(), EngineGone> {
        self.send(Asked::Batch(self.seat.asker, batch))
    }

    /// Every key that signs, with its certificate.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn held_keys(&self) -> Result<Vec<HeldKey>, EngineGone> {
        self.question(Question::HeldKeys).await
    }

    /// All that the operator has said and that is in the log.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn operator_words(&self) -> Result<Vec<OperatorWord>, EngineGone> {
        self.question(Question::OperatorWords).await
    }

    /// The proofs that are in the log.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn convictions(&self) -> Result<Vec<Conviction>, EngineGone> {
        self.question(Question::Convictions).await
    }

    /// What the engine holds and what it was asked.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn status(&self) -> Result<Status, EngineGone> {
        self.question(Question::Status).await
    }

    /// Sessions whose approval ended so long ago, by the engine's clock, and that are not over yet.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn left_behind(&self, since: Duration) -> Result<Vec<FinalizeSession>, EngineGone> {
        let question = |answer| Question::LeftBehind(since, answer);
        self.question(question).await
    }

    /// What was approved and is still to be signed, by the engine's clock.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn open_approvals(&self) -> Result<Vec<OpenApproval>, EngineGone> {
        self.question(Question::OpenApprovals).await
    }

    /// Every share that is durable and waits for its certificate.
    ///
    /// # Errors
    /// [`EngineGone`]
    pub async fn uncertified(&self) -> Result<Vec<Uncertified>, EngineGone> {
        self.question(Question::Uncertified).await
    }

    /// Why the engine is gone; nothing while it is there.
    #[must_use]
    pub fn gone(&self) -> Option<EngineGone> {
        self.why.get().cloned()
    }

    /// As the questions above, for a thread that may wait.
    pub(crate) fn question_blocking<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, EngineGone> {
        let (answer, answered) = oneshot::channel();
        self.send(Asked::Question(question(answer)))?;
        answered.blocking_recv().map_err(|_| self.reason())
    }

    async fn question<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, EngineGone> {
        let (answer, answered) = oneshot::channel();
        self.send(Asked::Question(question(answer)))?;
        answered.await.map_err(|_| self.reason())
    }

    fn send(&self, asked: Asked) -> Result<(), EngineGone> {
        self.seat.to.send(asked).map_err(|_| self.reason())
    }

    fn reason(&self) -> EngineGone {
        self.gone().unwrap_or(EngineGone::Broke)
    }
}
