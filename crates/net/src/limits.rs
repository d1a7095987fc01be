//! Every limit of the transport, with its name.

use std::time::Duration;

/// The limits of an endpoint and of each of its networks. What a member can occupy is the sum of its queues here and
/// one frame each way that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetLimits {
    /// Frames that wait to be sent to one peer.
    pub send_frames_max: usize,
    /// Their bytes; at least one frame of the network's largest fits in any case.
    pub send_bytes_max: usize,
    /// Frames of one peer that wait to be received. Then its socket is not read.
    pub receive_frames_max: usize,
    /// Their bytes. One more frame may stand beyond it.
    pub receive_bytes_max: usize,
    /// Incoming handshakes at once. Beyond it, the oldest of the source with the most gives way.
    pub handshakes_max: usize,
    /// From the first byte to the last hello, and for each try to dial.
    pub handshake_timeout: Duration,
    /// How often an idle connection is spoken on, and its round trip measured.
    pub keep_alive_interval: Duration,
    /// Silence after which a connection is dead.
    pub keep_alive_timeout: Duration,
    /// The first wait between two tries to dial.
    pub back_off_min: Duration,
    /// The longest.
    pub back_off_max: Duration,
    /// The shortest time between two announcements of whom we reach.
    pub reach_interval: Duration,
    /// What we hand on for one member, in bytes a second: and what we take of one member from one other.
    pub relay_bytes_per_second: usize,
    /// How much of that may come at once; at least one frame of the network's largest in any case.
    pub relay_burst_bytes: usize,
    /// Frames of other members that wait to be handed on to one peer, and those handed to us by one peer.
    pub relay_frames_max: usize,
    /// Their bytes, and one frame more. Each member has an equal part of both, at least one frame.
    pub relay_bytes_max: usize,
    /// How often a relay is changed for another though it seems to work: it may bring what is made up, and keep what is
    /// not.
    pub relay_rotation: Duration,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            send_frames_max: 4096,
            send_bytes_max: 8 << 20,
            receive_frames_max: 1024,
            receive_bytes_max: 4 << 20,
            handshakes_max: 64,
            handshake_timeout: Duration::from_secs(10),
            keep_alive_interval: Duration::from_secs(5),
            keep_alive_timeout: Duration::from_secs(15),
            back_off_min: Duration::from_millis(250),
            back_off_max: Duration::from_secs(30),
            reach_interval: Duration::from_millis(200),
            relay_bytes_per_second: 1 << 20,
            relay_burst_bytes: 4 << 20,
            relay_frames_max: 1024,
            relay_bytes_max: 8 << 20,
            relay_rotation: Duration::from_secs(10),
        }
    }
}

impl NetLimits {
    /// The name of a limit that would let nothing through, or leave no time.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let counts = [
            ("send_frames_max", self.send_frames_max),
            ("receive_frames_max", self.receive_frames_max),
            ("receive_bytes_max", self.receive_bytes_max),
            ("handshakes_max", self.handshakes_max),
        ];
        let times = [
            ("handshake_timeout", self.handshake_timeout),
            ("keep_alive_interval", self.keep_alive_interval),
            ("back_off_min", self.back_off_min),
            ("back_off_max", self.back_off_max),
        ];
        let no_count = counts.iter().find(|(_, count)| *count == 0);
        let no_time = times.iter().find(|(_, time)| time.is_zero());
        let hasty = self.keep_alive_timeout <= self.keep_alive_interval;
        no_count
            .map(|(name, _)| *name)
            .or(no_time.map(|(name, _)| *name))
            .or(hasty.then_some("keep_alive_timeout"))
    }
}
