//! What a node needs of a network.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::peer::{Arrival, Class, PeerIndex};
use crate::status::PeerStatus;

/// A network as one of its members sees it. TCP and the network inside a process implement it.
pub trait Transport: Send {
    /// Puts a frame on the peer's own bounded queue. Never waits. To oneself, or to nobody, nothing is sent.
    ///
    /// A peer without a way to it gets nothing: the frame is dropped and counted, and whoever comes back asks for what
    /// it lacks. A full queue drops its oldest [`Class::Repairable`] frame; a `Repairable` frame never displaces a
    /// [`Class::Once`] one.
    fn send(&mut self, peer: PeerIndex, bytes: &Arc<[u8]>, class: Class);

    /// What has come, at most `limit` items, fairly: the peers take turns, so that a flood takes only its own turn.
    /// Never waits.
    fn receive(&mut self, limit: usize) -> Vec<Arrival>;

    /// Ready when [`receive`](Self::receive) would return something; wakes the task then otherwise.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// The peers as they are now, by index, oneself left out.
    fn peers(&self) -> Vec<PeerStatus>;
}
