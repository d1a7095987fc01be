//! Peers, and what comes from them.

use std::time::Duration;

/// A peer's place in its network's list, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerIndex(pub u16);

impl PeerIndex {
    pub(crate) fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// What may become of a frame when a queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Can be asked for again: the oldest of these goes first.
    Repairable,
    /// Goes only when nothing else is left.
    Once,
}

/// Something that came, or became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A frame. Nothing is said about who wrote it: a peer hands on what others gave it.
    Frame {
        /// Who handed it to us.
        peer: PeerIndex,
        /// For whom, as the peer says; `None` where it says that the frame is from itself. It is for accounts alone:
        /// what somebody has others hand on must not be charged to them.
        relayed_for: Option<PeerIndex>,
        /// The frame, whole.
        bytes: Vec<u8>,
    },
    /// The peer can be reached, directly or through another member: for the first time, again, or on a new way. What
    /// was sent to it before may be lost: ask for what is missing.
    Reached(PeerIndex),
    /// There is no way to the peer any more. What is sent to it is dropped.
    Lost(PeerIndex),
    /// The time a question to the peer and its answer take, measured anew and smoothed. Only of direct peers.
    RoundTrip(PeerIndex, Duration),
}
