//! A connection that stands, as the table of members sees it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chunk::{Chunk, Way, BODY_BYTES_MAX};
use crate::meter::Meter;
use crate::peer::PeerIndex;
use crate::quota::Bucket;

/// Answers that wait to be sent. Who asks more often is not answered more often.
const PONGS_MAX: usize = 4;

/// How the table speaks to the tasks of a connection.
#[derive(Default)]
pub struct Signals {
    /// There may be something to write.
    pub wake: Notify,
    /// There may be room in the inbox.
    pub space: Notify,
    /// It is over.
    pub close: Notify,
}

/// What a handshake found out.
pub struct Met {
    pub peer: PeerIndex,
    pub address: SocketAddr,
    pub dialled_by_us: bool,
    pub version: u16,
    pub build: String,
}

pub struct Live {
    pub number: u64,
    pub met: Met,
    pub since: SystemTime,
    pub began: Instant,
    /// Something came since the last look.
    pub heard: bool,
    /// Looks, one in each keep-alive interval, since something came.
    pub quiet: u32,
    /// It is not read now, because its frames are not taken.
    pub blocked: bool,
    pub meter: Meter,
    pub signals: Arc<Signals>,
    pub due: Due,
    pub reach_quota: Bucket,
    pub large: Option<Large>,
    /// A piece of the large frame comes before the next small one.
    pub piece_turn: bool,
    /// Which queue is looked into first.
    pub source_turn: usize,
}

/// What goes before all frames.
pub struct Due {
    pub ping: bool,
    pub reach: bool,
    pongs: VecDeque<u64>,
}

impl Due {
    /// A new connection is measured, and told whom we reach.
    pub fn at_first() -> Self {
        Self {
            ping: true,
            reach: true,
            pongs: VecDeque::new(),
        }
    }

    pub fn pong(&mut self, token: u64) {
        if self.pongs.len() < PONGS_MAX {
            self.pongs.push_back(token);
        }
    }

    pub fn next_pong(&mut self) -> Option<u64> {
        self.pongs.pop_front()
    }
}

/// A large frame on its way out.
pub struct Large {
    /// For whom it is.
    pub target: PeerIndex,
    pub bytes: Arc<[u8]>,
    sent: usize,
}

impl Large {
    pub fn begin(target: PeerIndex, way: Way, bytes: Arc<[u8]>, out: &mut Vec<u8>) -> Self {
        // The network's terms keep frames within 32 bits.
        let total = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Chunk::Begin { way, total }.put(out);
        Self {
            target,
            bytes,
            sent: 0,
        }
    }

    /// Writes the next piece; whether it was the last.
    pub fn piece(&mut self, out: &mut Vec<u8>) -> bool {
        let end = self.bytes.len().min(self.sent + BODY_BYTES_MAX);
        let piece = self.bytes.get(self.sent..end).unwrap_or_default();
        Chunk::Piece(piece).put(out);
        self.sent = end;
        end == self.bytes.len()
    }
}
