//! What can be wrong before there is a network. Later trouble is a peer's, and is counted.

use std::net::SocketAddr;

use thiserror::Error;

/// The operator must act.
#[derive(Debug, Error)]
pub enum NetError {
    /// An address is taken, not ours, or not allowed.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The build string is longer than 32 characters, or not printable ASCII.
    #[error("the build string must have at most 32 printable ASCII characters")]
    Build,
    /// A limit is zero that must not be, or a keep-alive times out before it is due.
    #[error("the limit {0} is too small")]
    Limit(&'static str),
    /// The TLS library cannot be set up. It always can.
    #[error("the TLS library failed: {0}")]
    Tls(tokio_rustls::rustls::Error),
    /// The terms of a network contradict themselves or this endpoint.
    #[error("the network cannot be joined: {0}")]
    Terms(#[from] TermsFault),
}

/// What is wrong with the terms of a network.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TermsFault {
    /// There are more members than an index can name.
    #[error("too many members")]
    TooMany,
    /// Our own index is not in the list.
    #[error("our own index is not in the list")]
    NotListed,
    /// The list has another transport key at our index.
    #[error("the list has another transport key for us")]
    OtherKey,
    /// Two members have one transport key.
    #[error("two members have one transport key")]
    SharedKey,
    /// The longest frame is 0, or more than 2^32 - 1 bytes.
    #[error("the longest frame is out of range")]
    FrameBytes,
    /// The endpoint is in this network already.
    #[error("the network is joined already")]
    Joined,
}
