//! What a connection writes next.

use std::sync::Arc;

use rand_core::{OsRng, RngCore};
use tokio::time::Instant;

use crate::chunk::{Chunk, Way, WHOLE_BYTES_MAX};
use crate::live::Large;
use crate::members::{Members, Route};
use crate::meter::clock_millis;
use crate::peer::{Class, PeerIndex};
use crate::queue::Size;

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write what was put into the buffer.
    Write,
    /// Wait until it is woken.
    Wait,
    /// End: it is not the peer's connection any more.
    End,
}

/// A frame on its way out.
struct Outgoing {
    target: PeerIndex,
    way: Way,
    bytes: Arc<[u8]>,
}

impl Members {
    /// Puts a frame on the peer's queue, or drops and counts it.
    pub fn send(&mut self, peer: PeerIndex, bytes: &Arc<[u8]>, class: Class) {
        let frame_bytes_max = self.rules.frame_bytes_max;
        let Some(entry) = self.peer_mut(peer) else {
            return;
        };
        if bytes.len() > frame_bytes_max {
            entry.counts.dropped_oversized += 1;
        } else if entry.route == Route::None {
            entry.counts.dropped_unreachable += 1;
        } else {
            let dropped = entry.queue.push(Arc::clone(bytes), class);
            entry.counts.dropped_full += dropped.frames;
            self.wake(peer);
        }
    }

    /// Puts the next chunk into the empty buffer: what keeps the connection alive, then frames, small ones between the
    /// pieces of a large one.
    pub fn next_chunk(
        &mut self,
        link: PeerIndex,
        number: u64,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Next {
        if self.live(link, number).is_none() {
            return Next::End;
        }
        let written = self.control(link, number, now, out).is_some()
            || self.turn_of_a_piece(link, number, out)
            || self.small(link, number, out)
            || self.piece(link, number, out)
            || self.begin(link, number, out);
        if written {
            Next::Write
        } else {
            Next::Wait
        }
    }

    fn control(
        &mut self,
        link: PeerIndex,
        number: u64,
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let reached = self.reached_bits();
        let live = self.live(link, number)?;
        if let Some(token) = live.due.next_pong() {
            let clock = clock_millis();
            Chunk::Pong { token, clock }.put(out);
        } else if std::mem::take(&mut live.due.ping) {
            let token = OsRng.next_u64();
            live.meter.ping(token, now, clock_millis());
            Chunk::Ping { token }.put(out);
        } else if std::mem::take(&mut live.due.reach) {
            Chunk::Reach(&reached).put(out);
        } else {
            return None;
        }
        Some(())
    }

    /// Whom we reach directly.
    fn reached_bits(&self) -> Vec<u8> {
        let bits = self.peers.chunks(8).map(|eight| {
            let bits = (0u8..).zip(eight);
            bits.fold(0, |byte, (bit, entry)| {
                byte | (u8::from(entry.live.is_some()) << bit)
            })
        });
        bits.collect()
    }

    fn turn_of_a_piece(&mut self, link: PeerIndex, number: u64, out: &mut Vec<u8>) -> bool {
        let live = self.live(link, number);
        let turn = live.is_some_and(|live| live.piece_turn);
        turn && self.piece(link, number, out)
    }

    fn piece(&mut self, link: PeerIndex, number: u64, out: &mut Vec<u8>) -> bool {
        let Some(live) = self.live(link, number) else {
            return false;
        };
        let Some(large) = &mut live.large else {
            return false;
        };
        live.piece_turn = false;
        if large.piece(out) {
            live.large = None;
        }
        true
    }

    fn small(&mut self, link: PeerIndex, number: u64, out: &mut Vec<u8>) -> bool {
        let Some(frame) = self.take(link, number, Size::Small) else {
            return false;
        };
        let (way, frame) = (frame.way, &frame.bytes);
        Chunk::Whole { way, frame }.put(out);
        if let Some(live) = self.live(link, number) {
            live.piece_turn = true;
        }
        true
    }

    fn begin(&mut self, link: PeerIndex, number: u64, out: &mut Vec<u8>) -> bool {
        let Some(frame) = self.take(link, number, Size::Large) else {
            return false;
        };
        let large = Large::begin(frame.target, frame.way, frame.bytes, out);
        if let Some(live) = self.live(link, number) {
            live.large = Some(large);
        }
        true
    }

    /// A frame of this size for this connection: the queues of all whom it carries for take turns.
    fn take(&mut self, link: PeerIndex, number: u64, size: Size) -> Option<Outgoing> {
        let sources = self.peers.len() + 1;
        let turn = self.live(link, number)?.source_turn;
        for step in 0..sources {
            let source = (turn + step) % sources;
            if let Some(frame) = self.take_from(source, link, size) {
                self.live(link, number)?.source_turn = source + 1;
                return Some(frame);
            }
        }
        None
    }

    /// A source is a member's queue, by index, or, behind the last, what others asked us to hand on.
    fn take_from(&mut self, source: usize, link: PeerIndex, size: Size) -> Option<Outgoing> {
        let Ok(index) = u16::try_from(source) else {
            return self.take_carried(link, size);
        };
        if source == self.peers.len() {
            return self.take_carried(link, size);
        }
        let target = PeerIndex(index);
        let entry = self.peer_mut(target)?;
        let way = match entry.route {
            Route::Direct if target == link => Way::Own,
            Route::Via(relay) if relay == link => Way::To(target),
            Route::Direct | Route::Via(_) | Route::None => return None,
        };
        let bytes = entry.queue.pop(size)?;
        entry.trial.sent = true;
        entry.counts.frames_sent += 1;
        entry.counts.bytes_sent += bytes.len() as u64;
        Some(Outgoing { target, way, bytes })
    }

    fn take_carried(&mut self, link: PeerIndex, size: Size) -> Option<Outgoing> {
        let wanted = |length: usize| match size {
            Size::Small => length <= WHOLE_BYTES_MAX,
            Size::Large => length > WHOLE_BYTES_MAX,
        };
        let (origin, bytes) = self.peer_mut(link)?.carried.pop(wanted)?;
        let entry = self.peer_mut(origin)?;
        entry.counts.relayed_for += 1;
        entry.counts.relayed_bytes_for += bytes.len() as u64;
        Some(Outgoing {
            target: link,
            way: Way::From(origin),
            bytes,
        })
    }
}
