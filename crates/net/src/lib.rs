//! Authenticated peers and frames.
//!
//! This crate knows peers and bytes; it knows no attempts, no kinds of frames and nothing of what is in them. A node
//! [binds](Endpoint::bind) one [`Endpoint`], [joins](Endpoint::join) each of its networks with the network's
//! [terms](NetworkTerms), and gets a [`Transport`] for each: frames out, [arrivals](Arrival) in.
//!
//! Underneath is TCP with TLS 1.3 and raw public keys that both sides pin; an [`Identity`] proves over the channel who
//! operates it. Who is in no list gets no stream, no memory and no line in a log: a counter. A member that cannot be
//! reached directly is reached through another that both can reach. `docs/format.md` draws every byte.

mod assembly;
mod chunk;
mod connection;
mod dial;
mod endpoint;
mod error;
mod first;
mod guests;
mod handshake;
mod hello;
mod in_process;
mod inbox;
mod keys;
mod limits;
mod live;
mod members;
mod meter;
mod network;
mod peer;
mod queue;
mod quota;
#[cfg(test)]
mod recorded;
mod routes;
mod sending;
mod shares;
mod status;
mod taking;
mod terms;
mod tls;
mod transport;

pub use endpoint::{Endpoint, TcpTransport};
pub use error::{NetError, TermsFault};
pub use in_process::{InProcess, InProcessTransport};
pub use keys::{TransportKey, TransportPublic};
pub use limits::NetLimits;
pub use peer::{Arrival, Class, PeerIndex};
pub use status::{EndpointStatus, Link, PeerCounts, PeerStatus};
pub use terms::{Identity, NetworkTerms, PeerTerms};
pub use transport::Transport;
