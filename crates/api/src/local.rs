//! The local interface: what an operator's tools ask of a running node, as HTTP over a Unix socket.

mod backend;
mod client;
mod problem;
#[cfg(test)]
mod recorded;
mod routes;
mod server;
mod views;

pub use backend::{Answer, Backend, Call};
pub use client::{Client, ClientError};
pub use problem::Problem;
pub use server::{Server, ServerError, ServerStatus};
pub use views::{
    ApprovalView, ApproveBody, AttemptView, CeremonyView, ConvictionView, EngineView,
    FederationView, InputView, KeyView, NodeView, PeerView, PendingView, ReadyView, SessionView,
    StartCeremony, StoppedView, UnplacedView,
};
