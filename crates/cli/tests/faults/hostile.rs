//! A member that floods or never reads, and a stranger that floods.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{channel, Receiver, Sender, TryRecvError};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use hardfrost_net::{
    Class, Endpoint, Identity, NetLimits, NetworkTerms, PeerIndex, PeerTerms, Transport,
    TransportPublic,
};
use hardfrost_node::{Config, Keys};
use hardfrost_wire::{OperatorKey, OperatorPublic};

use crate::federation::Federation;

/// Something that goes on until this is dropped.
pub struct Hostile {
    stop: Option<Sender<()>>,
    going_on: Option<JoinHandle<()>>,
}

impl Hostile {
    fn start(work: impl FnOnce(Receiver<()>) + Send + 'static) -> Self {
        let (stop, stopped) = channel();
        Self {
            stop: Some(stop),
            going_on: Some(thread::spawn(move || work(stopped))),
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.going_on.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

struct Operators {
    own: OperatorKey,
    all: Vec<OperatorPublic>,
}

impl Identity for Operators {
    fn prove(&self, binding: &[u8; 32]) -> [u8; 64] {
        self.own.prove_channel(binding)
    }

    fn proves(&self, peer: PeerIndex, binding: &[u8; 32], proof: &[u8; 64]) -> bool {
        self.all[usize::from(peer.0)].proves_channel(binding, proof)
    }
}

/// The keys of a node that does not run, and its network as its operator would join it.
pub struct Stolen {
    keys: Keys,
    terms: NetworkTerms,
}

impl Stolen {
    pub fn from(federation: &Federation, number: usize) -> Self {
        let config = Config::read(federation.folder(number)).unwrap();
        let keys = Keys::read(&config, None).unwrap();
        let file = config.read_rosters().unwrap().remove(0);
        let peers = file.contacts.iter().flatten().map(|contact| PeerTerms {
            transport: TransportPublic(contact.transport),
            addresses: contact.addresses.clone(),
        });
        let operators = file.roster.operators();
        let terms = NetworkTerms {
            id: file.roster.hash().0,
            me: PeerIndex(u16::try_from(number).unwrap()),
            peers: peers.collect(),
            frame_bytes_max: 1 << 20,
            identity: Arc::new(Operators {
                own: keys.operator(),
                all: operators.iter().map(|operator| operator.key).collect(),
            }),
        };
        Self { keys, terms }
    }

    async fn join(self, limits: NetLimits) -> (Endpoint, impl Transport) {
        let build = "hostile".to_owned();
        let endpoint = Endpoint::bind(&[], self.keys.transport(), build, limits).await;
        let endpoint = endpoint.unwrap();
        let transport = endpoint.join(self.terms).unwrap();
        (endpoint, transport)
    }

    /// Sends what is no frame, and what looks like one, to everybody, as fast as it goes.
    pub fn flood(self) -> Hostile {
        Hostile::start(move |stopped| {
            let flooding = async {
                let peers = self.terms.peers.len();
                let me = self.terms.me;
                let (_endpoint, mut transport) = self.join(NetLimits::default()).await;
                let mut number = 0;
                while stopped.try_recv() == Err(TryRecvError::Empty) {
                    let others = (0..).take(peers).map(PeerIndex).filter(|peer| *peer != me);
                    for peer in others {
                        burst(&mut transport, peer, &mut number);
                    }
                    transport.receive(1024);
                    tokio::task::yield_now().await;
                }
            };
            runtime().block_on(flooding);
        })
    }

    /// Is there, and reads nothing.
    pub fn never_read(self) -> Hostile {
        Hostile::start(move |stopped| {
            let limits = NetLimits {
                receive_frames_max: 1,
                receive_bytes_max: 1,
                ..NetLimits::default()
            };
            runtime().block_on(async {
                let _there = self.join(limits).await;
                let over = tokio::task::spawn_blocking(move || stopped.recv().is_err());
                over.await.unwrap()
            });
        })
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap()
}

fn burst(transport: &mut impl Transport, peer: PeerIndex, number: &mut u64) {
    for _ in 0..32 {
        *number += 1;
        let mut frame = vec![0; 512];
        frame
            .iter_mut()
            .zip(number.to_be_bytes().iter().cycle())
            .for_each(|(to, from)| *to = *from);
        // Of every kind that there is, and of some that there are not, in contexts made up each time.
        frame[0] = u8::try_from(*number % 32).unwrap();
        frame[1..5].copy_from_slice(&(507u32).to_be_bytes());
        transport.send(peer, &frame.into(), Class::Repairable);
    }
}

/// Connects, says something that is no TLS, and connects again, as fast as it goes.
pub fn stranger(address: String) -> Hostile {
    Hostile::start(move |stopped| {
        let junk = [0x5a; 1 << 14];
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            let mut stream = TcpStream::connect(&address).unwrap();
            // It may be closed before all is written.
            drop(stream.write_all(&junk));
        }
    })
}
