//! What a connection brought.

use std::sync::Arc;

use tokio::time::Instant;

use crate::chunk::{Chunk, Violation, REACH};
use crate::members::{Members, Route};
use crate::peer::{Arrival, PeerIndex};
use crate::quota::Bucket;

/// What handing on a frame costs beside its bytes: a record and a packet. Else empty ones would be free.
const HANDED_COST: usize = 64;

impl Members {
    /// A chunk came, whatever it is.
    pub fn heard(&mut self, link: PeerIndex, number: u64) {
        if let Some(live) = self.live(link, number) {
            live.heard = true;
        }
    }

    /// A frame of the peer's own, or the frame back if there is no room for it now.
    pub fn take_own(&mut self, link: PeerIndex, number: u64, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let room = self.inbox.has_room(link);
        if let Some(live) = self.live(link, number) {
            live.blocked = !room;
            live.heard = true;
        }
        if !room {
            return Some(bytes);
        }
        self.count_received(link, bytes.len());
        self.inbox.push_own(link, bytes);
        None
    }

    fn count_received(&mut self, link: PeerIndex, bytes: usize) {
        if let Some(entry) = self.peer_mut(link) {
            entry.counts.frames_received += 1;
            entry.counts.bytes_received += bytes as u64;
        }
    }

    /// `origin` asks us to hand a frame to `target`: on its quota, once, and only over a connection of our own.
    pub fn carry(
        &mut self,
        origin: PeerIndex,
        target: PeerIndex,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Result<(), Violation> {
        if target == origin || self.peer_mut(target).is_none() {
            return Err(Violation::Nobody);
        }
        let within = self
            .peer_mut(origin)
            .is_some_and(|entry| entry.carry_quota.take(bytes.len() + HANDED_COST, now));
        let bytes: Arc<[u8]> = bytes.into();
        let Some(entry) = self.peer_mut(target) else {
            return Err(Violation::Nobody);
        };
        let linked = entry.live.is_some();
        if !linked {
            entry.counts.dropped_unreachable += 1;
        } else if within && entry.carried.push(origin, bytes) {
            self.wake(target);
        } else if let Some(entry) = self.peer_mut(origin) {
            entry.counts.dropped_over_quota += 1;
        }
        Ok(())
    }

    /// `link` hands us a frame that it says is `author`'s. What it says is used for quotas and for nothing else.
    pub fn handed(
        &mut self,
        link: PeerIndex,
        author: PeerIndex,
        bytes: Vec<u8>,
        now: Instant,
    ) -> Result<(), Violation> {
        if author == link || self.peer_mut(author).is_none() {
            return Err(Violation::Nobody);
        }
        let rate = self.rules.relay_rate();
        let length = bytes.len();
        let within = self.peer_mut(link).is_some_and(|entry| {
            let bucket = entry.handed_quota.entry(author);
            bucket
                .or_insert_with(|| Bucket::new(rate, now))
                .take(length + HANDED_COST, now)
        });
        let taken = within && self.inbox.push_handed(link, author, bytes);
        if taken {
            self.count_received(link, length);
        }
        if let Some(entry) = self.peer_mut(author) {
            entry.trial.heard |= entry.route == Route::Via(link);
            entry.counts.dropped_over_quota += u64::from(!taken);
        }
        Ok(())
    }

    /// Anything but frames.
    pub fn take_control(
        &mut self,
        link: PeerIndex,
        number: u64,
        chunk: Chunk<'_>,
        now: Instant,
    ) -> Result<(), Violation> {
        match chunk {
            Chunk::Ping { token } => {
                if let Some(live) = self.live(link, number) {
                    live.due.pong(token);
                    live.signals.wake.notify_one();
                }
            }
            Chunk::Pong { token, clock } => {
                let live = self.live(link, number);
                let measured = live.and_then(|live| live.meter.pong(token, clock, now));
                if let Some(round_trip) = measured {
                    self.inbox.round_trip(link, round_trip);
                }
            }
            Chunk::Reach(bits) => self.take_reach(link, number, bits, now)?,
            Chunk::Whole { .. } | Chunk::Begin { .. } | Chunk::Piece(_) => {}
        }
        Ok(())
    }

    /// Whom the peer reaches. Said too often it is not looked at; it is said again with every keep-alive.
    fn take_reach(
        &mut self,
        link: PeerIndex,
        number: u64,
        bits: &[u8],
        now: Instant,
    ) -> Result<(), Violation> {
        let members = self.peers.len();
        let said = read_bits(bits, members).ok_or(Violation::Malformed(REACH))?;
        let Some(live) = self.live(link, number) else {
            return Ok(());
        };
        if !live.reach_quota.take(1, now) {
            return Ok(());
        }
        let Some(entry) = self.peer_mut(link) else {
            return Ok(());
        };
        let known = std::mem::replace(&mut entry.reaches, said.clone());
        let changed = known.iter().zip(&said).map(|(old, new)| old != new);
        for (peer, _) in self.indices().zip(changed).filter(|(_, changed)| *changed) {
            if peer != self.me {
                self.reroute(peer, now);
            }
        }
        Ok(())
    }

    pub fn unknown_chunk(&mut self, link: PeerIndex) {
        if let Some(entry) = self.peer_mut(link) {
            entry.counts.unknown_chunks += 1;
        }
    }

    pub fn violation(&mut self, link: PeerIndex) {
        if let Some(entry) = self.peer_mut(link) {
            entry.counts.violations += 1;
        }
    }

    /// What has come, at most so many.
    pub fn receive(&mut self, limit: usize) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        while arrivals.len() < limit {
            let Some((peer, arrival)) = self.inbox.next() else {
                break;
            };
            if let Some(live) = self.peer(peer).and_then(|entry| entry.live.as_ref()) {
                live.signals.space.notify_one();
            }
            arrivals.push(arrival);
        }
        arrivals
    }
}

/// One bit for each member, the spare ones zero.
fn read_bits(bits: &[u8], members: usize) -> Option<Vec<bool>> {
    let bit = |place: usize| {
        let byte = bits.get(place / 8)?;
        Some((byte >> (place % 8)) & 1 == 1)
    };
    if bits.len() != members.div_ceil(8) {
        return None;
    }
    let spare = (members..8 * bits.len()).any(|place| bit(place) == Some(true));
    let read = (0..members).map(bit).collect();
    if spare {
        None
    } else {
        read
    }
}
