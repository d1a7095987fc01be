//! One listener and one transport key for all networks of a node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::ServerConfig;

use crate::connection;
use crate::error::{NetError, TermsFault};
use crate::guests::{Guests, Seat};
use crate::handshake::{accept, accept_tls, turn_away, Greeting, HandshakeError, Refusal};
use crate::hello::is_build;
use crate::keys::{TransportKey, TransportPublic};
use crate::limits::NetLimits;
use crate::network::{Network, Own};
use crate::peer::{Arrival, Class, PeerIndex};
use crate::status::{EndpointStatus, PeerStatus};
use crate::terms::NetworkTerms;
use crate::tls::{is_stranger, TlsKey};
use crate::transport::Transport;

/// The wait after the system would not give us a connection that came: no descriptors, no memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All that is kept of strangers, and of known keys that were turned away.
#[derive(Default)]
pub struct Counters {
    accepted: Counter,
    strangers: Counter,
    failed: Counter,
    timed_out: Counter,
    displaced: Counter,
    malformed: Counter,
    unknown_network: Counter,
    wrong_index: Counter,
    bad_proof: Counter,
    no_common_version: Counter,
    pub duplicates: Counter,
}

impl Counters {
    fn refused(&self, refusal: Refusal) {
        let counter = match refusal {
            Refusal::Malformed => &self.malformed,
            Refusal::UnknownNetwork => &self.unknown_network,
            Refusal::WrongIndex => &self.wrong_index,
            Refusal::BadProof => &self.bad_proof,
            Refusal::NoCommonVersion => &self.no_common_version,
            Refusal::Duplicate => &self.duplicates,
        };
        counter.add();
    }
}

/// The networks that are joined, by id.
#[derive(Default)]
struct Registry(Mutex<BTreeMap<[u8; 32], Arc<Network>>>);

impl Registry {
    fn table(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], Arc<Network>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lists(&self, key: &TransportPublic) -> bool {
        self.table().values().any(|network| network.lists(key))
    }

    fn find(&self, id: &[u8; 32]) -> Option<Arc<Network>> {
        self.table().get(id).cloned()
    }
}

/// What the listening tasks share.
struct Door {
    own: Arc<Own>,
    registry: Arc<Registry>,
    config: Arc<ServerConfig>,
    guests: Arc<Guests>,
}

/// One listener and one transport key for all networks of a node. Dropping it closes everything.
pub struct Endpoint {
    door: Arc<Door>,
    runtime: Handle,
    addresses: Vec<SocketAddr>,
    listening: Vec<AbortHandle>,
}

impl Endpoint {
    /// Listens at the addresses; with none, it only dials. Runs on the tokio runtime it is called on.
    ///
    /// # Errors
    /// An address that cannot be listened at, a build string that is not short printable ASCII, a limit that is too
    /// small.
    pub async fn bind(
        addresses: &[SocketAddr],
        key: TransportKey,
        build: String,
        limits: NetLimits,
    ) -> Result<Self, NetError> {
        if !is_build(&build) {
            return Err(NetError::Build);
        }
        if let Some(name) = limits.fault() {
            return Err(NetError::Limit(name));
        }
        let own = Arc::new(Own {
            key: TlsKey::new(&key),
            public: key.public(),
            build,
            limits,
            counters: Counters::default(),
        });
        let registry = Arc::<Registry>::default();
        let config = Arc::new(server_config(&own, &registry)?);
        let door = Arc::new(Door {
            own,
            registry,
            config,
            guests: Arc::default(),
        });
        let mut endpoint = Self {
            door,
            runtime: Handle::current(),
            addresses: Vec::new(),
            listening: Vec::new(),
        };
        for &address in addresses {
            let listened = endpoint.listen(address).await;
            listened.map_err(|source| NetError::Listen { address, source })?;
        }
        Ok(endpoint)
    }

    async fn listen(&mut self, address: SocketAddr) -> std::io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        self.addresses.push(listener.local_addr()?);
        let door = Arc::clone(&self.door);
        let listening = self.runtime.spawn(door.open(listener));
        self.listening.push(listening.abort_handle());
        Ok(())
    }

    /// Where it listens.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// Enters a network: from now on its members are let in, and dialled for ever.
    ///
    /// # Errors
    /// What the terms contradict.
    pub fn join(&self, terms: NetworkTerms) -> Result<TcpTransport, TermsFault> {
        let id = terms.id;
        let network = Arc::new(Network::new(terms, Arc::clone(&self.door.own))?);
        let mut table = self.door.registry.table();
        if table.contains_key(&id) {
            return Err(TermsFault::Joined);
        }
        table.insert(id, Arc::clone(&network));
        drop(table);
        network.begin(&self.runtime);
        Ok(TcpTransport {
            network,
            registry: Arc::downgrade(&self.door.registry),
        })
    }

    /// What was counted.
    pub fn status(&self) -> EndpointStatus {
        let counters = &self.door.own.counters;
        EndpointStatus {
            accepted: counters.accepted.read(),
            handshakes_under_way: self.door.guests.count() as u64,
            strangers_refused: counters.strangers.read(),
            handshakes_failed: counters.failed.read(),
            handshakes_timed_out: counters.timed_out.read(),
            handshakes_displaced: counters.displaced.read(),
            malformed_hellos: counters.malformed.read(),
            unknown_network: counters.unknown_network.read(),
            wrong_index: counters.wrong_index.read(),
            bad_proof: counters.bad_proof.read(),
            no_common_version: counters.no_common_version.read(),
            duplicates: counters.duplicates.read(),
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        for task in &self.listening {
            task.abort();
        }
        self.door.guests.dismiss_all();
        let networks = std::mem::take(&mut *self.door.registry.table());
        for network in networks.values() {
            network.close();
        }
    }
}

fn server_config(own: &Arc<Own>, registry: &Arc<Registry>) -> Result<ServerConfig, NetError> {
    let registry = Arc::clone(registry);
    let listed = move |key: &TransportPublic| registry.lists(key);
    own.key.server(Box::new(listed)).map_err(NetError::Tls)
}

impl Door {
    /// Lets in whoever comes, one task each, for as long as a handshake may take.
    async fn open(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((tcp, address)) = listener.accept().await else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            self.own.counters.accepted.add();
            let most = self.own.limits.handshakes_max;
            let displaced = self.guests.seat(address, most, |seat| {
                let greeting = Arc::clone(&self).greet(tcp, address, seat);
                tokio::spawn(greeting).abort_handle()
            });
            if displaced {
                self.own.counters.displaced.add();
            }
        }
    }

    async fn greet(self: Arc<Self>, tcp: TcpStream, address: SocketAddr, seat: Seat) {
        let limit = self.own.limits.handshake_timeout;
        let handshake = async {
            let stream = accept_tls(tcp, Arc::clone(&self.config)).await?;
            accept(stream, address, |id| self.registry.find(id)).await
        };
        let greeted = timeout(limit, handshake).await;
        let counters = &self.own.counters;
        match greeted {
            Ok(Ok(Greeting::Ready(ready))) => {
                drop(seat);
                connection::run(ready).await;
            }
            Ok(Ok(Greeting::Refused(stream, refusal))) => {
                counters.refused(refusal);
                let _ = timeout(limit, turn_away(stream, refusal)).await;
            }
            Ok(Err(HandshakeError::Io(error))) if is_stranger(&error) => counters.strangers.add(),
            Ok(Err(_)) => counters.failed.add(),
            Err(_) => counters.timed_out.add(),
        }
    }
}

/// A network over TCP, as one of its members sees it. Dropping it leaves the network.
pub struct TcpTransport {
    network: Arc<Network>,
    registry: Weak<Registry>,
}

impl Transport for TcpTransport {
    fn send(&mut self, peer: PeerIndex, bytes: &Arc<[u8]>, class: Class) {
        self.network.members().send(peer, bytes, class);
    }

    fn receive(&mut self, limit: usize) -> Vec<Arrival> {
        self.network.members().receive(limit)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.network.members().inbox.poll_ready(cx)
    }

    fn peers(&self) -> Vec<PeerStatus> {
        self.network.members().statuses()
    }
}

impl Drop for TcpTransport {
    fn drop(&mut self) {
        self.network.close();
        if let Some(registry) = self.registry.upgrade() {
            registry.table().remove(&self.network.terms.id);
        }
    }
}
