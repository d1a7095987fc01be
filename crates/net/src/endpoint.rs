//! One listener and one transport key for all networks of a node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::TcpListener;

use crate::error::{NetError, TermsFault};
use crate::keys::TransportKey;
use crate::limits::NetLimits;
use crate::peer::{Arrival, Class, PeerIndex};
use crate::status::{EndpointStatus, PeerStatus};
use crate::terms::NetworkTerms;
use crate::transport::Transport;

/// One listener and one transport key for all networks of a node. Dropping it closes everything.
pub struct Endpoint {
    listeners: Vec<TcpListener>,
}

impl Endpoint {
    /// Listens at the addresses; with none, it only dials. Runs on the tokio runtime it is called on.
    ///
    /// # Errors
    /// An address that cannot be listened at, or a build string that is not short printable ASCII.
    pub async fn bind(
        addresses: &[SocketAddr],
        key: TransportKey,
        build: String,
        limits: NetLimits,
    ) -> Result<Self, NetError> {
        let _ = (key, build, limits);
        let mut listeners = Vec::new();
        for &address in addresses {
            let listener = TcpListener::bind(address).await;
            listeners.push(listener.map_err(|source| NetError::Listen { address, source })?);
        }
        Ok(Self { listeners })
    }

    /// Where it listens.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.listeners.iter().map(TcpListener::local_addr);
        addresses.filter_map(Result::ok).collect()
    }

    /// Enters a network: from now on its members are let in, and dialled for ever.
    ///
    /// # Errors
    /// What the terms contradict.
    pub fn join(&self, terms: NetworkTerms) -> Result<TcpTransport, TermsFault> {
        if terms.peers.get(terms.me.place()).is_none() {
            return Err(TermsFault::NotListed);
        }
        Ok(TcpTransport {})
    }

    /// What was counted.
    pub fn status(&self) -> EndpointStatus {
        EndpointStatus::default()
    }
}

/// A network over TCP, as one of its members sees it. Dropping it leaves the network.
pub struct TcpTransport {}

impl Transport for TcpTransport {
    fn send(&mut self, _: PeerIndex, _: &Arc<[u8]>, _: Class) {}

    fn receive(&mut self, _: usize) -> Vec<Arrival> {
        Vec::new()
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }

    fn peers(&self) -> Vec<PeerStatus> {
        Vec::new()
    }
}
