//! What may be asked of an engine beside commands: it changes nothing and needs no record.

use std::time::Duration;

use hardfrost_engine::{
    Conviction, Engine, FinalizeSession, HeldKey, OpenApproval, OperatorWord, Status, Uncertified,
};
use hardfrost_primitives::Now;
use tokio::sync::oneshot::Sender;

/// A question, and where its answer goes.
pub(crate) enum Question {
    /// [`Engine::held_keys`]
    HeldKeys(Sender<Vec<HeldKey>>),
    /// [`Engine::operator_words`]
    OperatorWords(Sender<Vec<OperatorWord>>),
    /// [`Engine::convictions`]
    Convictions(Sender<Vec<Conviction>>),
    /// [`Engine::status`]
    Status(Sender<Status>),
    /// [`Engine::left_behind`], by the engine's own clock.
    LeftBehind(Duration, Sender<Vec<FinalizeSession>>),
    /// [`Engine::open_approvals`], by the engine's own clock.
    OpenApprovals(Sender<Vec<OpenApproval>>),
    /// [`Engine::uncertified`]
    Uncertified(Sender<Vec<Uncertified>>),
}

impl Question {
    /// Answers it. Who asked may have gone.
    pub(crate) fn answer(self, engine: &Engine, now: Now) {
        match self {
            Self::HeldKeys(to) => drop(to.send(engine.held_keys())),
            Self::OperatorWords(to) => drop(to.send(engine.operator_words())),
            Self::Convictions(to) => drop(to.send(engine.convictions())),
            Self::Status(to) => drop(to.send(engine.status())),
            Self::LeftBehind(since, to) => drop(to.send(engine.left_behind(now, since))),
            Self::OpenApprovals(to) => drop(to.send(engine.open_approvals(now))),
            Self::Uncertified(to) => drop(to.send(engine.uncertified())),
        }
    }
}
