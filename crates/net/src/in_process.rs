//! A network inside one process: the same promises, no sockets. Everybody reaches everybody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use crate::limits::NetLimits;
use crate::peer::{Arrival, Class, PeerIndex};
use crate::queue::FrameQueue;
use crate::status::{Link, PeerCounts, PeerStatus};
use crate::transport::Transport;

/// Makes networks inside one process.
#[derive(Debug)]
pub struct InProcess;

impl InProcess {
    /// A network of `count` members, by index. Each queue has the default limits of [`NetLimits`]; a frame has none of
    /// its own.
    pub fn network(count: u16) -> Vec<InProcessTransport> {
        let members = (0..count).map(|me| Member::new(me, count)).collect();
        let hub = Arc::new(Mutex::new(Hub { members }));
        let began = SystemTime::now();
        (0..count)
            .map(|me| InProcessTransport {
                hub: Arc::clone(&hub),
                me: PeerIndex(me),
                began,
            })
            .collect()
    }
}

/// One member's end of a network inside a process. Dropping it leaves the network.
pub struct InProcessTransport {
    hub: Arc<Mutex<Hub>>,
    me: PeerIndex,
    began: SystemTime,
}

struct Hub {
    members: Vec<Member>,
}

/// What a member holds.
struct Member {
    here: bool,
    /// By the other's index: what it sent us, and what we counted of it.
    others: Vec<Other>,
    /// Whose turn it is. A peer stands here once, while it has something.
    turns: VecDeque<PeerIndex>,
    waker: Option<Waker>,
}

struct Other {
    frames: FrameQueue,
    presence: Option<Arrival>,
    counts: PeerCounts,
    queued: bool,
}

impl Member {
    fn new(me: u16, count: u16) -> Self {
        let limits = NetLimits::default();
        let mut member = Self {
            here: true,
            others: Vec::new(),
            turns: (0..count)
                .filter(|peer| *peer != me)
                .map(PeerIndex)
                .collect(),
            waker: None,
        };
        for other in 0..count {
            let frames = FrameQueue::new(limits.send_frames_max, limits.send_bytes_max, usize::MAX);
            member.others.push(Other {
                frames,
                presence: Some(Arrival::Reached(PeerIndex(other))),
                counts: PeerCounts {
                    connects: 1,
                    ..PeerCounts::default()
                },
                queued: true,
            });
        }
        member
    }

    /// Gives `peer` a turn, and wakes whoever waits.
    fn ready(&mut self, peer: PeerIndex) {
        if let Some(other) = self.others.get_mut(peer.place()) {
            if !other.queued {
                other.queued = true;
                self.turns.push_back(peer);
            }
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// One thing of the peer whose turn it is.
    fn next(&mut self) -> Option<Arrival> {
        while let Some(peer) = self.turns.pop_front() {
            let Some(other) = self.others.get_mut(peer.place()) else {
                continue;
            };
            other.queued = false;
            if let Some(arrival) = other.next(peer) {
                self.ready(peer);
                return Some(arrival);
            }
        }
        None
    }
}

impl Other {
    fn next(&mut self, peer: PeerIndex) -> Option<Arrival> {
        if let Some(presence) = self.presence.take() {
            return Some(presence);
        }
        let bytes = self.frames.pop_any()?.to_vec();
        self.counts.frames_received += 1;
        self.counts.bytes_received += bytes.len() as u64;
        Some(Arrival::Frame {
            peer,
            relayed_for: None,
            bytes,
        })
    }
}

impl Hub {
    fn counts(&mut self, of: PeerIndex, at: PeerIndex) -> Option<&mut PeerCounts> {
        let member = self.members.get_mut(at.place())?;
        let other = member.others.get_mut(of.place())?;
        Some(&mut other.counts)
    }

    fn send(&mut self, from: PeerIndex, to: PeerIndex, bytes: &Arc<[u8]>, class: Class) {
        let Some(target) = self.members.get_mut(to.place()) else {
            return;
        };
        let here = target.here;
        let mut dropped = 0;
        if here {
            if let Some(other) = target.others.get_mut(from.place()) {
                dropped = other.frames.push(Arc::clone(bytes), class).frames;
            }
            target.ready(from);
        }
        let Some(counts) = self.counts(to, from) else {
            return;
        };
        counts.dropped_full += dropped;
        if here {
            counts.frames_sent += 1;
            counts.bytes_sent += bytes.len() as u64;
        } else {
            counts.dropped_unreachable += 1;
        }
    }

    /// A member leaves: the others lose it.
    fn leave(&mut self, who: PeerIndex) {
        for (place, member) in self.members.iter_mut().enumerate() {
            if place == who.place() {
                member.here = false;
                member.others.clear();
            } else if let Some(other) = member.others.get_mut(who.place()) {
                other.presence = Some(Arrival::Lost(who));
                member.ready(who);
            }
        }
    }
}

impl InProcessTransport {
    fn hub(&self) -> MutexGuard<'_, Hub> {
        // Nothing below panics half-way through a change.
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for InProcessTransport {
    fn send(&mut self, peer: PeerIndex, bytes: &Arc<[u8]>, class: Class) {
        if peer != self.me {
            self.hub().send(self.me, peer, bytes, class);
        }
    }

    fn receive(&mut self, limit: usize) -> Vec<Arrival> {
        let mut hub = self.hub();
        let me = hub.members.get_mut(self.me.place());
        let Some(member) = me else {
            return Vec::new();
        };
        std::iter::from_fn(|| member.next()).take(limit).collect()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut hub = self.hub();
        let Some(member) = hub.members.get_mut(self.me.place()) else {
            return Poll::Pending;
        };
        if member.turns.is_empty() {
            member.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn peers(&self) -> Vec<PeerStatus> {
        let hub = self.hub();
        let here: Vec<bool> = hub.members.iter().map(|member| member.here).collect();
        let Some(member) = hub.members.get(self.me.place()) else {
            return Vec::new();
        };
        let known = (0u16..).map(PeerIndex).zip(here).zip(&member.others);
        known
            .filter(|((peer, _), _)| *peer != self.me)
            .map(|((peer, here), other)| PeerStatus {
                peer,
                link: self.link(here),
                round_trip: None,
                skew_millis: None,
                version: None,
                build: None,
                counts: other.counts,
            })
            .collect()
    }
}

impl InProcessTransport {
    fn link(&self, here: bool) -> Link {
        if here {
            Link::Direct {
                address: None,
                since: self.began,
                dialled_by_us: false,
            }
        } else {
            Link::None {
                last_error: Some("left".to_owned()),
            }
        }
    }
}

impl Drop for InProcessTransport {
    fn drop(&mut self) {
        self.hub().leave(self.me);
    }
}
