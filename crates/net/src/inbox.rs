//! What has come and waits for the node: bounded for each peer, taken in turns.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::peer::{Arrival, PeerIndex};
use crate::shares::{Share, Shares};

#[derive(Clone, Copy, Debug)]
pub struct InboxLimits {
    pub frames_max: usize,
    pub bytes_max: usize,
    /// Of frames of one member that one other handed to us.
    pub handed: Share,
}

pub struct Inbox {
    limits: InboxLimits,
    lanes: Vec<Lane>,
    /// Peers with something waiting, each once, in their turns.
    turns: VecDeque<PeerIndex>,
    waker: Option<Waker>,
}

/// What one peer brought. Of what became known about it only the last word is kept.
struct Lane {
    presence: Option<Arrival>,
    round_trip: Option<Duration>,
    own: VecDeque<Vec<u8>>,
    own_bytes: usize,
    handed: Shares<Vec<u8>>,
    handed_first: bool,
    queued: bool,
}

impl Lane {
    fn new(limits: &InboxLimits) -> Self {
        Self {
            presence: None,
            round_trip: None,
            own: VecDeque::new(),
            own_bytes: 0,
            handed: Shares::new(limits.handed),
            handed_first: false,
            queued: false,
        }
    }

    fn is_empty(&self) -> bool {
        let silent = self.presence.is_none() && self.round_trip.is_none();
        silent && self.own.is_empty() && self.handed.is_empty()
    }

    /// Its own frames and those it hands on take turns.
    fn frame(&mut self) -> Option<(Option<PeerIndex>, Vec<u8>)> {
        self.handed_first = !self.handed_first;
        if self.handed_first {
            let handed = self.pop_handed();
            return handed.or_else(|| self.pop_own());
        }
        let own = self.pop_own();
        own.or_else(|| self.pop_handed())
    }

    fn pop_own(&mut self) -> Option<(Option<PeerIndex>, Vec<u8>)> {
        let frame = self.own.pop_front()?;
        self.own_bytes -= frame.len();
        Some((None, frame))
    }

    fn pop_handed(&mut self) -> Option<(Option<PeerIndex>, Vec<u8>)> {
        let handed = self.handed.pop(|_| true);
        handed.map(|(author, frame)| (Some(author), frame))
    }

    fn next(&mut self, peer: PeerIndex) -> Option<Arrival> {
        if let Some(presence) = self.presence.take() {
            return Some(presence);
        }
        if let Some(round_trip) = self.round_trip.take() {
            return Some(Arrival::RoundTrip(peer, round_trip));
        }
        let (relayed_for, bytes) = self.frame()?;
        Some(Arrival::Frame {
            peer,
            relayed_for,
            bytes,
        })
    }
}

impl Inbox {
    pub fn new(members: usize, limits: InboxLimits) -> Self {
        Self {
            limits,
            lanes: (0..members).map(|_| Lane::new(&limits)).collect(),
            turns: VecDeque::new(),
            waker: None,
        }
    }

    /// Whether one more frame of the peer's own may come.
    pub fn has_room(&self, peer: PeerIndex) -> bool {
        self.lanes.get(peer.place()).is_some_and(|lane| {
            lane.own.len() < self.limits.frames_max && lane.own_bytes < self.limits.bytes_max
        })
    }

    /// A frame of the peer's own. The caller asked for room.
    pub fn push_own(&mut self, peer: PeerIndex, bytes: Vec<u8>) {
        self.change(peer, |lane| {
            lane.own_bytes += bytes.len();
            lane.own.push_back(bytes);
            true
        });
    }

    /// A frame of another that the peer hands on; false if it is over the author's share.
    pub fn push_handed(&mut self, peer: PeerIndex, author: PeerIndex, bytes: Vec<u8>) -> bool {
        self.change(peer, |lane| lane.handed.push(author, bytes))
    }

    pub fn reached(&mut self, peer: PeerIndex) {
        self.change(peer, |lane| {
            lane.presence = Some(Arrival::Reached(peer));
            true
        });
    }

    pub fn lost(&mut self, peer: PeerIndex) {
        self.change(peer, |lane| {
            lane.presence = Some(Arrival::Lost(peer));
            true
        });
    }

    pub fn round_trip(&mut self, peer: PeerIndex, round_trip: Duration) {
        self.change(peer, |lane| {
            lane.round_trip = Some(round_trip);
            true
        });
    }

    /// One thing of the peer whose turn it is, and whose it was.
    pub fn next(&mut self) -> Option<(PeerIndex, Arrival)> {
        let peer = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(peer.place())?;
        let arrival = lane.next(peer)?;
        lane.queued = !lane.is_empty();
        if lane.queued {
            self.turns.push_back(peer);
        }
        Some((peer, arrival))
    }

    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.turns.is_empty() {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Changes a lane; if something was added, the peer gets a turn and the reader is woken.
    fn change(&mut self, peer: PeerIndex, change: impl FnOnce(&mut Lane) -> bool) -> bool {
        let Some(lane) = self.lanes.get_mut(peer.place()) else {
            return false;
        };
        if !change(lane) {
            return false;
        }
        if !lane.queued {
            lane.queued = true;
            self.turns.push_back(peer);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox() -> Inbox {
        let limits = InboxLimits {
            frames_max: 3,
            bytes_max: 100,
            handed: Share {
                frames: 1,
                bytes: 100,
                bytes_total: 100,
            },
        };
        Inbox::new(3, limits)
    }

    fn firsts(inbox: &mut Inbox) -> Vec<u8> {
        let arrivals = std::iter::from_fn(|| inbox.next());
        let first = |(_, arrival): (_, Arrival)| match arrival {
            Arrival::Frame { bytes, .. } => bytes[0],
            Arrival::Reached(_) => 100,
            Arrival::Lost(_) => 101,
            Arrival::RoundTrip(..) => 102,
        };
        arrivals.map(first).collect()
    }

    #[test]
    fn peers_take_turns_and_a_relay_takes_only_its_own() {
        let mut inbox = inbox();
        for first in [1, 2] {
            inbox.push_own(PeerIndex(0), vec![first]);
        }
        assert!(inbox.push_handed(PeerIndex(0), PeerIndex(2), vec![3]));
        assert!(!inbox.push_handed(PeerIndex(0), PeerIndex(2), vec![4]));
        inbox.push_own(PeerIndex(1), vec![5]);
        assert_eq!(firsts(&mut inbox), [3, 5, 1, 2]);
    }

    #[test]
    fn a_full_lane_has_no_room_and_leaves_others_theirs() {
        let mut inbox = inbox();
        inbox.push_own(PeerIndex(0), vec![1; 100]);
        assert!(!inbox.has_room(PeerIndex(0)));
        assert!(inbox.has_room(PeerIndex(1)));
        assert_eq!(firsts(&mut inbox), [1]);
        assert!(inbox.has_room(PeerIndex(0)));
    }

    #[test]
    fn the_last_word_about_a_peer_comes_before_its_frames() {
        let mut inbox = inbox();
        inbox.push_own(PeerIndex(0), vec![1]);
        inbox.lost(PeerIndex(0));
        inbox.reached(PeerIndex(0));
        assert_eq!(firsts(&mut inbox), [100, 1]);
    }
}
