//! Questions to nodes, many at once, until the person at the terminal has enough.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{anyhow, bail, Context};
use hardfrost_api::local::{Client, ClientError};
use hardfrost_primitives::Member;
use serde::de::DeserializeOwned;
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::signal::unix::{signal, Signal, SignalKind};
use tokio::task::{JoinError, JoinSet};

/// Whom to ask, and who it is.
pub type Asked = (Member, Client);

/// What runs the questions. From its start on, Ctrl-C and SIGTERM end a question instead of this process, so that the
/// nodes are ended in order.
pub struct Asking {
    runtime: Runtime,
    signals: Signals,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

impl Asking {
    /// # Errors
    /// The system gives nothing to wait with.
    pub fn start() -> anyhow::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().context("the system")?;
        let signals = {
            let _within = runtime.enter();
            let of = |kind| signal(kind).context("signals");
            Signals {
                interrupt: of(SignalKind::interrupt())?,
                terminate: of(SignalKind::terminate())?,
                hang_up: of(SignalKind::hangup())?,
            }
        };
        Ok(Self { runtime, signals })
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// The work's own, or somebody has enough.
    pub fn wait<T>(&mut self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let Self { runtime, signals } = self;
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = signals.any() => bail!("interrupted: all nodes are ended"),
                done = work => done,
            }
        })
    }

    /// The same question to several nodes at once; their answers.
    ///
    /// # Errors
    /// The first node that does not answer so.
    pub fn get<T: DeserializeOwned + Send + 'static>(
        &mut self,
        nodes: Vec<Asked>,
        path: &'static str,
    ) -> anyhow::Result<BTreeMap<Member, T>> {
        self.wait(async {
            let mut open = JoinSet::new();
            for (member, client) in nodes {
                open.spawn(async move { (member, client.get::<T>(path).await) });
            }
            all(open).await
        })
    }

    /// The same order to several nodes at once; their answers.
    ///
    /// # Errors
    /// The first node that refuses.
    pub fn post<T: DeserializeOwned + Send + 'static>(
        &mut self,
        nodes: Vec<Asked>,
        (path, body): (
            &'static str,
            &(impl Serialize + Clone + Send + Sync + 'static),
        ),
    ) -> anyhow::Result<BTreeMap<Member, T>> {
        self.wait(async {
            let mut open = JoinSet::new();
            for (member, client) in nodes {
                let body = body.clone();
                open.spawn(async move { (member, client.post::<T>(path, &body).await) });
            }
            all(open).await
        })
    }
}

/// Waits between two looks at something that does not tell by itself.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// A task's answer. Its panic is ours.
pub fn joined<T>(task: Result<T, JoinError>) -> T {
    task.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

async fn all<T: 'static>(
    mut open: JoinSet<(Member, Result<T, ClientError>)>,
) -> anyhow::Result<BTreeMap<Member, T>> {
    let mut answers = BTreeMap::new();
    while let Some(task) = open.join_next().await {
        let (member, answer) = joined(task);
        answers.insert(member, answer.map_err(|error| refusal(member, error))?);
    }
    Ok(answers)
}

/// A node's word, and whose it is.
pub fn refusal(member: Member, error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Refused(problem) => anyhow!("the node of member {member} refused: {problem}"),
        ClientError::Unreachable(..) | ClientError::Broken(..) => {
            anyhow!(error).context(format!("the node of member {member}"))
        }
    }
}
