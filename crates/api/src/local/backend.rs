//! What stands behind the interface: whoever serves it receives calls, each with the place for its answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch, Semaphore};

use super::problem::Problem;
use super::views::{
    ApprovalView, ApproveBody, CeremonyView, ConvictionView, KeyView, NodeView, ReadyView,
    SessionView, StartCeremony,
};

/// Where an answer goes.
pub type Answer<T> = oneshot::Sender<Result<T, Problem>>;

/// What is asked of a node.
#[derive(Debug)]
pub enum Call {
    /// All of it at a glance.
    Node(Answer<NodeView>),
    /// Whether it can sign.
    Ready(Answer<ReadyView>),
    /// The keys that are held.
    Keys(Answer<Vec<KeyView>>),
    /// Begin or join a key generation.
    MakeKey(StartCeremony, Answer<CeremonyView>),
    /// End this node's part in a key generation.
    CancelKey(String, Answer<CeremonyView>),
    /// The key generations of this process.
    Ceremonies(Answer<Vec<CeremonyView>>),
    /// Approve a transaction, and sign it.
    Approve(ApproveBody, Answer<ApprovalView>),
    /// The sessions of this process.
    Sessions(Answer<Vec<SessionView>>),
    /// One of them.
    Session(String, Answer<SessionView>),
    /// End one here.
    Cancel(String, Answer<SessionView>),
    /// Who is convicted.
    Convictions(Answer<Vec<ConvictionView>>),
}

impl Call {
    /// Answers it with a problem, whatever it asked.
    pub fn refuse(self, problem: &Problem) {
        fn tell<T>(answer: Answer<T>, problem: &Problem) {
            // Who asked may have gone.
            let _gone = answer.send(Err(problem.clone()));
        }
        match self {
            Self::Node(answer) => tell(answer, problem),
            Self::Ready(answer) => tell(answer, problem),
            Self::Keys(answer) => tell(answer, problem),
            Self::MakeKey(_, answer) | Self::CancelKey(_, answer) => tell(answer, problem),
            Self::Ceremonies(answer) => tell(answer, problem),
            Self::Approve(_, answer) => tell(answer, problem),
            Self::Sessions(answer) => tell(answer, problem),
            Self::Session(_, answer) | Self::Cancel(_, answer) => tell(answer, problem),
            Self::Convictions(answer) => tell(answer, problem),
        }
    }
}

/// The way to a node, for whoever serves its interface.
#[derive(Clone, Debug)]
pub struct Backend {
    calls: mpsc::Sender<Call>,
    /// Grows whenever something may look different.
    changes: watch::Receiver<u64>,
    /// Questions that wait for their answer to change: fewer than connections, so that one can always ask for more.
    waiting: Arc<Semaphore>,
}

/// Questions that wait, at once.
const WAITING_MAX: usize = 48;

impl Backend {
    /// Calls go into `calls`; `changes` grows whenever an answer may be another than before.
    #[must_use]
    pub fn new(calls: mpsc::Sender<Call>, changes: watch::Receiver<u64>) -> Self {
        Self {
            calls,
            changes,
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    pub(super) async fn ask<T>(&self, call: impl FnOnce(Answer<T>) -> Call) -> Result<T, Problem> {
        let (answer, told) = oneshot::channel();
        let gone = || Problem::unavailable("the node is stopping: ask again when it is back");
        self.calls.send(call(answer)).await.map_err(|_| gone())?;
        told.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Asks again whenever something changed, until `done` or the time is over; then the last answer.
    pub(super) async fn ask_until<T>(
        &self,
        wait: Duration,
        call: impl Fn(Answer<T>) -> Call,
        done: impl Fn(&T) -> bool,
    ) -> Result<T, Problem> {
        let end = tokio::time::Instant::now() + wait;
        let mut changes = self.changes.clone();
        let place = self.waiting.try_acquire();
        loop {
            changes.mark_unchanged();
            let answer = self.ask(&call).await?;
            // With no place left to wait in, the answer of now is the answer.
            if done(&answer) || place.is_err() {
                return Ok(answer);
            }
            match tokio::time::timeout_at(end, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(answer),
            }
        }
    }
}
