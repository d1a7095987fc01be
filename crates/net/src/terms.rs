//! What a network is: who is in it, and under which rules.

use std::sync::Arc;

use crate::keys::TransportPublic;
use crate::peer::PeerIndex;

/// Who proves and checks operators. The node implements it with operator keys; here it is 32 and 64 bytes.
pub trait Identity: Send + Sync {
    /// Our operator's proof over a channel's binding.
    fn prove(&self, binding: &[u8; 32]) -> [u8; 64];
    /// Whether the proof is that of the peer's operator over this binding.
    fn proves(&self, peer: PeerIndex, binding: &[u8; 32], proof: &[u8; 64]) -> bool;
}

/// One network, as all its members must know it.
#[derive(Clone)]
pub struct NetworkTerms {
    /// The roster hash. Connections are made only between equal ones.
    pub id: [u8; 32],
    /// Our own place.
    pub me: PeerIndex,
    /// All members, ourselves included, by index.
    pub peers: Vec<PeerTerms>,
    /// The longest frame, in bytes. What is announced longer is not read.
    pub frame_bytes_max: usize,
    /// Proves who we are, checks who they are.
    pub identity: Arc<dyn Identity>,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerTerms {
    /// Its transport key, pinned.
    pub transport: TransportPublic,
    /// Where it listens, `host:port` each; none if only it dials. Names are resolved at each try.
    pub addresses: Vec<String>,
}
