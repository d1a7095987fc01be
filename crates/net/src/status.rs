//! What is counted and shown.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::peer::PeerIndex;

/// A peer as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Which.
    pub peer: PeerIndex,
    /// The way to it.
    pub link: Link,
    /// Smoothed; only of a direct peer, once measured.
    pub round_trip: Option<Duration>,
    /// Its clock minus ours, in milliseconds; only of a direct peer, once measured.
    pub skew_millis: Option<i64>,
    /// The version that both speak; only of a direct peer.
    pub version: Option<u16>,
    /// What the peer calls its build: at most 32 printable ASCII characters. Only of a direct peer.
    pub build: Option<String>,
    /// Counters since the network was joined.
    pub counts: PeerCounts,
}

/// The way to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A connection of our own.
    Direct {
        /// The peer's end of it; none within one process.
        address: Option<SocketAddr>,
        /// When it was made.
        since: SystemTime,
        /// Whether we dialled.
        dialled_by_us: bool,
    },
    /// Through this other member.
    Relayed(PeerIndex),
    /// There is none.
    None {
        /// Why the last try failed, or the last connection ended.
        last_error: Option<String>,
    },
}

/// What was counted of one peer. Frames here are whole frames, bytes those of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounts {
    /// Frames given to the wire for it, through another member or not.
    pub frames_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Frames that it handed to us, its own and those of others.
    pub frames_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Frames to it that were dropped because its queue was full.
    pub dropped_full: u64,
    /// Frames to it that were dropped because there was no way to it, or the way ended with the frames in its queue.
    pub dropped_unreachable: u64,
    /// Frames to it that were dropped because they are longer than the network allows.
    pub dropped_oversized: u64,
    /// Frames of its own that were over its quota: those it asked us to hand on, and those others handed to us.
    pub dropped_over_quota: u64,
    /// Frames that we handed on for it.
    pub relayed_for: u64,
    /// Their bytes.
    pub relayed_bytes_for: u64,
    /// Connections that were made with it.
    pub connects: u64,
    /// Connections that were closed because it broke the rules of the stream.
    pub violations: u64,
    /// Chunks of kinds that we do not know, skipped.
    pub unknown_chunks: u64,
}

/// What an endpoint counted, and what is under way. Of strangers nothing else is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Incoming connections that were begun.
    pub accepted: u64,
    /// Incoming handshakes under way now.
    pub handshakes_under_way: u64,
    /// Incoming handshakes that ended because the key is in no list.
    pub strangers_refused: u64,
    /// Incoming handshakes that failed otherwise before a hello was read: not TLS, not our kind of TLS, cut off.
    pub handshakes_failed: u64,
    /// Incoming handshakes that took too long.
    pub handshakes_timed_out: u64,
    /// Incoming handshakes that gave way to newer ones, because there were too many at once.
    pub handshakes_displaced: u64,
    /// Hellos of known keys that do not read.
    pub malformed_hellos: u64,
    /// Hellos of known keys for a network that is not joined here: an old roster, a removed operator.
    pub unknown_network: u64,
    /// Hellos under an index that is not the key's.
    pub wrong_index: u64,
    /// Hellos whose operator proof does not verify.
    pub bad_proof: u64,
    /// Hellos without a version that we speak.
    pub no_common_version: u64,
    /// Connections that gave way to another one with the same peer.
    pub duplicates: u64,
}
