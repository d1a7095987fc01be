//! The table of a network's members: who is connected, who is reached through whom, what waits for whom. It decides and
//! does no I/O; connections ask it what to write and tell it what came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{watch, Notify};
use tokio::time::Instant;

use crate::chunk::WHOLE_BYTES_MAX;
use crate::inbox::{Inbox, InboxLimits};
use crate::limits::NetLimits;
use crate::live::{Due, Live, Met, Signals};
use crate::meter::Meter;
use crate::peer::PeerIndex;
use crate::queue::FrameQueue;
use crate::quota::{Bucket, Rate};
use crate::shares::{Share, Shares};
use crate::status::{Link, PeerCounts, PeerStatus};

/// What holds for all members.
pub struct Rules {
    pub limits: NetLimits,
    pub frame_bytes_max: usize,
}

impl Rules {
    pub fn relay_rate(&self) -> Rate {
        Rate {
            per_second: self.limits.relay_bytes_per_second,
            burst: self.limits.relay_burst_bytes.max(self.frame_bytes_max),
        }
    }

    /// One origin's part of what waits between two members.
    fn relay_share(&self, members: usize) -> Share {
        let members = members.max(1);
        Share {
            frames: (self.limits.relay_frames_max / members).max(1),
            bytes: self.limits.relay_bytes_max / members,
            bytes_total: self
                .limits
                .relay_bytes_max
                .saturating_add(self.frame_bytes_max),
        }
    }

    /// A new announcement of whom a peer reaches, for each interval, and some at once.
    fn reach_rate(&self) -> Rate {
        let millis = self.limits.reach_interval.as_millis().max(1);
        let per_second = usize::try_from(1000 / millis).unwrap_or(1000);
        Rate {
            per_second: per_second.max(1),
            burst: 16,
        }
    }
}

/// The way to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    Direct,
    Via(PeerIndex),
    None,
}

/// How the present relay does.
pub struct Trial {
    pub since: Instant,
    /// Something was sent through it since the last look.
    pub sent: bool,
    /// Something came through it since the last look.
    pub heard: bool,
}

pub struct Peer {
    pub live: Option<Live>,
    pub route: Route,
    pub trial: Trial,
    /// Our frames for it.
    pub queue: FrameQueue,
    /// Others' frames for it.
    pub carried: Shares<Arc<[u8]>>,
    /// Whom it says it reaches, by index.
    pub reaches: Vec<bool>,
    /// What we hand on for it.
    pub carry_quota: Bucket,
    /// What it hands to us, by author.
    pub handed_quota: BTreeMap<PeerIndex, Bucket>,
    pub counts: PeerCounts,
    pub last_error: Option<String>,
    /// Whether there is a connection, for whoever dials.
    pub linked: watch::Sender<bool>,
}

pub struct Members {
    pub me: PeerIndex,
    pub rules: Rules,
    pub peers: Vec<Peer>,
    pub inbox: Inbox,
    /// Told when we reach others than before.
    pub announce: Arc<Notify>,
    closed: bool,
    next_number: u64,
}

/// A connection that was taken into the table.
pub struct Installed {
    pub number: u64,
    pub signals: Arc<Signals>,
    /// Another one gave way.
    pub replaced: bool,
}

impl Members {
    pub fn new(me: PeerIndex, members: usize, rules: Rules, now: Instant) -> Self {
        let share = rules.relay_share(members);
        let limits = InboxLimits {
            frames_max: rules.limits.receive_frames_max,
            bytes_max: rules.limits.receive_bytes_max,
            handed: share,
        };
        let peer = |_| Peer {
            live: None,
            route: Route::None,
            trial: Trial::new(now),
            queue: FrameQueue::new(
                rules.limits.send_frames_max,
                rules.limits.send_bytes_max.max(rules.frame_bytes_max),
                WHOLE_BYTES_MAX,
            ),
            carried: Shares::new(share),
            reaches: vec![false; members],
            carry_quota: Bucket::new(rules.relay_rate(), now),
            handed_quota: BTreeMap::new(),
            counts: PeerCounts::default(),
            last_error: None,
            linked: watch::Sender::new(false),
        };
        Self {
            me,
            peers: (0..members).map(peer).collect(),
            inbox: Inbox::new(members, limits),
            announce: Arc::default(),
            closed: false,
            next_number: 0,
            rules,
        }
    }

    pub fn peer(&self, peer: PeerIndex) -> Option<&Peer> {
        self.peers.get(peer.place())
    }

    /// Another member than ourselves.
    pub fn peer_mut(&mut self, peer: PeerIndex) -> Option<&mut Peer> {
        let other = peer != self.me;
        self.peers.get_mut(peer.place()).filter(|_| other)
    }

    /// This very connection, if it still stands.
    pub fn live(&mut self, peer: PeerIndex, number: u64) -> Option<&mut Live> {
        let live = self.peer_mut(peer)?.live.as_mut();
        live.filter(|live| live.number == number)
    }

    pub fn indices(&self) -> impl Iterator<Item = PeerIndex> {
        (0..=u16::MAX).take(self.peers.len()).map(PeerIndex)
    }

    /// Whether a new connection would be taken. Both ends come to the same answer: of two that were made within the
    /// time of a handshake, that of the lower index is kept, and of one dialler's the newer. An older one is dead at
    /// the other end, or it would not have been dialled.
    pub fn admits(&self, peer: PeerIndex, dialled_by_us: bool, now: Instant) -> bool {
        let Some(live) = self.peer(peer).map(|peer| &peer.live) else {
            return false;
        };
        let Some(live) = live else {
            return !self.closed;
        };
        let settled = now.saturating_duration_since(live.began);
        let lower = dialled_by_us == (self.me < peer);
        let rightful = settled > self.rules.limits.handshake_timeout
            || live.met.dialled_by_us == dialled_by_us
            || lower;
        rightful && !self.closed
    }

    pub fn install(&mut self, met: Met, now: Instant) -> Option<Installed> {
        let peer = met.peer;
        if !self.admits(peer, met.dialled_by_us, now) {
            return None;
        }
        let replaced = self.unlink(peer, "replaced by a newer connection");
        let number = self.next_number;
        self.next_number += 1;
        let reach_quota = Bucket::new(self.rules.reach_rate(), now);
        let signals = Arc::<Signals>::default();
        let entry = self.peer_mut(peer)?;
        entry.counts.connects += 1;
        entry.live = Some(Live {
            number,
            met,
            since: SystemTime::now(),
            began: now,
            heard: true,
            quiet: 0,
            blocked: false,
            meter: Meter::default(),
            signals: Arc::clone(&signals),
            due: Due::at_first(),
            reach_quota,
            large: None,
            piece_turn: false,
            source_turn: 0,
        });
        entry.linked.send_replace(true);
        entry.route = Route::Direct;
        self.inbox.reached(peer);
        self.announce.notify_one();
        Some(Installed {
            number,
            signals,
            replaced,
        })
    }

    /// A connection is over. Says nothing of one that is not the present one.
    pub fn ended(&mut self, peer: PeerIndex, number: u64, why: &str, now: Instant) {
        if self.live(peer, number).is_none() {
            return;
        }
        self.unlink(peer, why);
        if let Some(entry) = self.peer_mut(peer) {
            entry.reaches.fill(false);
            entry.linked.send_replace(false);
        }
        self.reroute_all(now);
        self.announce.notify_one();
    }

    /// Takes the connection out of the table, with what only it could carry.
    fn unlink(&mut self, peer: PeerIndex, why: &str) -> bool {
        let Some(entry) = self.peer_mut(peer) else {
            return false;
        };
        let Some(live) = entry.live.take() else {
            return false;
        };
        live.signals.close.notify_one();
        entry.last_error = Some(why.to_owned());
        let handed_on = entry.carried.clear();
        entry.counts.dropped_unreachable += handed_on;
        let target = live.large.map(|large| large.target);
        if let Some(target) = target.and_then(|target| self.peer_mut(target)) {
            target.counts.dropped_unreachable += 1;
        }
        true
    }

    /// A try to dial failed.
    pub fn failed(&mut self, peer: PeerIndex, why: String) {
        if let Some(entry) = self.peer_mut(peer) {
            entry.last_error = Some(why);
        }
    }

    /// Leaves the network: everything is closed and nothing is taken any more.
    pub fn close(&mut self) {
        self.closed = true;
        for peer in self.indices() {
            self.unlink(peer, "left the network");
            if let Some(entry) = self.peer_mut(peer) {
                entry.route = Route::None;
                entry.queue.clear();
            }
        }
    }

    pub fn statuses(&self) -> Vec<PeerStatus> {
        let others = self.indices().zip(&self.peers);
        others
            .filter(|(peer, _)| *peer != self.me)
            .map(|(peer, entry)| entry.status(peer))
            .collect()
    }
}

impl Trial {
    pub fn new(since: Instant) -> Self {
        Self {
            since,
            sent: false,
            heard: false,
        }
    }
}

impl Peer {
    fn status(&self, peer: PeerIndex) -> PeerStatus {
        let live = self.live.as_ref();
        let link = match (live, self.route) {
            (Some(live), _) => Link::Direct {
                address: Some(live.met.address),
                since: live.since,
                dialled_by_us: live.met.dialled_by_us,
            },
            (None, Route::Via(relay)) => Link::Relayed(relay),
            (None, Route::Direct | Route::None) => Link::None {
                last_error: self.last_error.clone(),
            },
        };
        PeerStatus {
            peer,
            link,
            round_trip: live.and_then(|live| live.meter.round_trip),
            skew_millis: live.and_then(|live| live.meter.skew_millis),
            version: live.map(|live| live.met.version),
            build: live.map(|live| live.met.build.clone()),
            counts: self.counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(me: u16) -> Members {
        let rules = Rules {
            limits: NetLimits::default(),
            frame_bytes_max: 100,
        };
        Members::new(PeerIndex(me), 2, rules, Instant::now())
    }

    /// What the member `me` says to a second connection, `age` after it made the first.
    fn admits(me: u16, first_by: u16, second_by: u16, age: u32) -> bool {
        let (mut members, now) = (members(me), Instant::now());
        let met = Met {
            peer: PeerIndex(1 - me),
            address: ([127, 0, 0, 1], 1).into(),
            dialled_by_us: first_by == me,
            version: 1,
            build: String::new(),
        };
        assert!(members.install(met, now).is_some());
        let later = now + members.rules.limits.handshake_timeout * age;
        members.admits(PeerIndex(1 - me), second_by == me, later)
    }

    #[test]
    fn both_ends_keep_the_same_one_of_two_connections() {
        for me in [0, 1] {
            assert!(admits(me, 1, 0, 0), "the lower index's takes the place");
            assert!(!admits(me, 0, 1, 0), "the lower index's stays");
            assert!(admits(me, 0, 0, 0), "the newer of one dialler");
            assert!(admits(me, 1, 1, 0), "the newer of one dialler");
            assert!(admits(me, 0, 1, 2), "the older is dead at the other end");
        }
    }

    #[test]
    fn nothing_is_taken_once_the_network_is_left() {
        let mut members = members(0);
        assert!(members.admits(PeerIndex(1), false, Instant::now()));
        members.close();
        assert!(!members.admits(PeerIndex(1), false, Instant::now()));
    }
}
