//! Members of one network on this machine's loopback addresses.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_net::{
    Arrival, Class, Endpoint, Identity, Link, NetLimits, NetworkTerms, PeerIndex, PeerStatus,
    PeerTerms, TcpTransport, Transport, TransportKey,
};
use sha2::{Digest, Sha256};

/// What a test waits for comes long before.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const FRAME_BYTES_MAX: usize = 9 << 20;

/// A member's operator, for tests: a proof is a hash under a secret that all here can compute.
pub struct Operator(pub u16);

pub fn proof(of: u16, binding: &[u8; 32]) -> [u8; 64] {
    let hash = Sha256::new()
        .chain_update(of.to_be_bytes())
        .chain_update(binding)
        .finalize();
    let mut proof = [0; 64];
    proof[..32].copy_from_slice(&hash);
    proof
}

impl Identity for Operator {
    fn prove(&self, binding: &[u8; 32]) -> [u8; 64] {
        proof(self.0, binding)
    }

    fn proves(&self, peer: PeerIndex, binding: &[u8; 32], given: &[u8; 64]) -> bool {
        proof(peer.0, binding) == *given
    }
}

pub fn seed(of: u16) -> [u8; 32] {
    [u8::try_from(of).unwrap() + 1; 32]
}

pub fn key(of: u16) -> TransportKey {
    TransportKey::from_seed(&seed(of))
}

/// Limits that let a test end soon.
pub fn quick() -> NetLimits {
    NetLimits {
        back_off_min: Duration::from_millis(20),
        back_off_max: Duration::from_millis(200),
        keep_alive_interval: Duration::from_millis(100),
        keep_alive_timeout: Duration::from_secs(5),
        reach_interval: Duration::from_millis(10),
        ..NetLimits::default()
    }
}

pub async fn endpoint(of: u16, limits: NetLimits) -> Endpoint {
    endpoint_at(of, "127.0.0.1:0".parse().unwrap(), limits).await
}

/// Tries until whoever was there is gone: an endpoint's tasks end soon after it is dropped, not within.
pub async fn endpoint_at(of: u16, address: SocketAddr, limits: NetLimits) -> Endpoint {
    let binding = async {
        loop {
            let build = format!("member {of}");
            match Endpoint::bind(&[address], key(of), build, limits.clone()).await {
                Ok(endpoint) => return endpoint,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let bound = tokio::time::timeout(PATIENCE, binding).await;
    bound.expect("the address stays taken")
}

/// A network of so many members, of which some are known to listen somewhere.
pub fn terms(me: u16, count: u16, known: &[(u16, SocketAddr)]) -> NetworkTerms {
    let peers = (0..count).map(|peer| PeerTerms {
        transport: key(peer).public(),
        addresses: known
            .iter()
            .filter(|(of, _)| *of == peer)
            .map(|(_, address)| address.to_string())
            .collect(),
    });
    NetworkTerms {
        id: [9; 32],
        me: PeerIndex(me),
        peers: peers.collect(),
        frame_bytes_max: FRAME_BYTES_MAX,
        identity: Arc::new(Operator(me)),
    }
}

pub struct Node {
    pub endpoint: Endpoint,
    pub transport: TcpTransport,
}

impl Node {
    pub fn new(endpoint: Endpoint, terms: NetworkTerms) -> Self {
        let transport = endpoint.join(terms).unwrap();
        Self {
            endpoint,
            transport,
        }
    }

    /// A member that nobody is known to by this one.
    pub async fn listening(me: u16, count: u16, limits: NetLimits) -> Self {
        Self::new(endpoint(me, limits).await, terms(me, count, &[]))
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoint.local_addresses()[0]
    }

    pub fn send(&mut self, to: u16, bytes: &[u8]) {
        self.transport
            .send(PeerIndex(to), &bytes.into(), Class::Repairable);
    }

    /// What comes, until something is `wanted`: that and all before it.
    pub async fn until(&mut self, wanted: impl Fn(&Arrival) -> bool) -> Vec<Arrival> {
        let mut came = Vec::new();
        let waiting = async {
            loop {
                poll_fn(|cx| self.transport.poll_ready(cx)).await;
                for arrival in self.transport.receive(1) {
                    came.push(arrival);
                }
                if came.last().is_some_and(&wanted) {
                    return;
                }
            }
        };
        let done = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(done.is_ok(), "it did not come; what came: {}", told(&came));
        came
    }

    pub async fn reaches(&mut self, peer: u16) {
        self.until(|arrival| *arrival == Arrival::Reached(PeerIndex(peer)))
            .await;
    }

    pub async fn loses(&mut self, peer: u16) {
        self.until(|arrival| *arrival == Arrival::Lost(PeerIndex(peer)))
            .await;
    }

    /// The next frame that begins so, and who handed it over.
    pub async fn frame(&mut self, beginning: &[u8]) -> (u16, Vec<u8>) {
        let begins = |arrival: &Arrival| match arrival {
            Arrival::Frame { bytes, .. } => bytes.starts_with(beginning),
            Arrival::Reached(_) | Arrival::Lost(_) | Arrival::RoundTrip(..) => false,
        };
        match self.until(begins).await.pop() {
            Some(Arrival::Frame { peer, bytes, .. }) => (peer.0, bytes),
            other => panic!("{other:?}"),
        }
    }

    pub fn peer(&self, peer: u16) -> PeerStatus {
        let all = self.transport.peers();
        let found = all.into_iter().find(|status| status.peer.0 == peer);
        found.unwrap()
    }

    pub fn is_direct(&self, peer: u16) -> bool {
        matches!(self.peer(peer).link, Link::Direct { .. })
    }
}

fn told(arrivals: &[Arrival]) -> String {
    let tell = |arrival: &Arrival| match arrival {
        Arrival::Frame { peer, bytes, .. } => format!("{} bytes of {}", bytes.len(), peer.0),
        Arrival::Reached(_) | Arrival::Lost(_) | Arrival::RoundTrip(..) => format!("{arrival:?}"),
    };
    let last: Vec<_> = arrivals.iter().rev().take(20).map(tell).collect();
    last.join(", ")
}

/// Two connected members; the first knows where the second is.
pub async fn pair(limits: NetLimits) -> [Node; 2] {
    let second = Node::listening(1, 2, limits.clone()).await;
    let known = [(1, second.address())];
    let first = Node::new(endpoint(0, limits).await, terms(0, 2, &known));
    let mut nodes = [first, second];
    nodes[0].reaches(1).await;
    nodes[1].reaches(0).await;
    nodes
}

/// Two connected members that know each other's address, and dial both.
pub async fn both_dialling(limits: NetLimits) -> [Node; 2] {
    let ends = [endpoint(0, limits.clone()).await, endpoint(1, limits).await];
    let known = [
        (0, ends[0].local_addresses()[0]),
        (1, ends[1].local_addresses()[0]),
    ];
    let [first, second] = ends;
    let mut nodes = [
        Node::new(first, terms(0, 2, &known)),
        Node::new(second, terms(1, 2, &known)),
    ];
    nodes[0].reaches(1).await;
    nodes[1].reaches(0).await;
    nodes
}

/// Looks again and again until it holds, for what no arrival tells. Gives the other tasks their turns meanwhile.
pub async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, looking).await;
    assert!(done.is_ok(), "{what}");
}
