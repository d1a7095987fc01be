//! From a TCP connection to a peer that is known: TLS with pinned keys, then a hello each way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::rustls::pki_types::{DnsName, ServerName};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::chunk::{put_chunk, HEAD_BYTES, HELLO, REFUSAL};
use crate::connection::Ready;
use crate::hello::{common_version, Hello, Role, EXPORTER_LABEL, HELLO_BYTES_MAX, VERSIONS};
use crate::keys::TransportPublic;
use crate::live::Met;
use crate::network::Network;
use crate::peer::PeerIndex;

/// What a client calls whom it dials. Not sent: keys are pinned, names mean nothing.
const NAME: &str = "hardfrost.invalid";

/// Why a known key was turned away at its hello. The number travels.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The hello does not read.
    #[error("the hello does not read")]
    Malformed = 1,
    /// The network is not joined here.
    #[error("another roster: the network is not known there")]
    UnknownNetwork = 2,
    /// The index is not the key's.
    #[error("the index is not that of the transport key")]
    WrongIndex = 3,
    /// The operator's proof does not verify.
    #[error("the operator's proof does not verify")]
    BadProof = 4,
    /// There is no version that both speak.
    #[error("no common version")]
    NoCommonVersion = 5,
    /// Another connection is kept.
    #[error("another connection is kept")]
    Duplicate = 6,
}

impl Refusal {
    const ALL: [Self; 6] = [
        Self::Malformed,
        Self::UnknownNetwork,
        Self::WrongIndex,
        Self::BadProof,
        Self::NoCommonVersion,
        Self::Duplicate,
    ];

    /// The number that travels.
    pub fn reason(self) -> u8 {
        self as u8
    }

    pub fn read(body: &[u8]) -> Option<Self> {
        let &[number] = body else {
            return None;
        };
        Self::ALL.into_iter().find(|known| known.reason() == number)
    }
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum HandshakeError {
    /// The line, or TLS.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// We turned them away.
    #[error("refused by us: {0}")]
    Refused(Refusal),
    /// They turned us away.
    #[error("refused by the peer: {0}")]
    Turned(Refusal),
    /// The library has no answer, which it always has.
    #[error("the TLS library failed: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
}

impl From<Refusal> for HandshakeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub type Stream = TlsStream<TcpStream>;

/// Dials a member at one address.
pub async fn dial(
    network: &Arc<Network>,
    peer: PeerIndex,
    key: TransportPublic,
    address: SocketAddr,
) -> Result<Ready, HandshakeError> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let config = Arc::new(network.own.key.client(key)?);
    let name = DnsName::try_from_str(NAME).map_err(io::Error::other)?;
    let connector = TlsConnector::from(config);
    let tls = connector.connect(ServerName::DnsName(name.to_owned()), tcp);
    let mut stream = Stream::Client(tls.await?);
    write_hello(network, &mut stream, Role::Dialler).await?;
    let (hello, proof) = read_hello(&mut stream).await?;
    let theirs = hello.network == network.terms.id && hello.index == peer;
    if !theirs {
        return Err(Refusal::UnknownNetwork.into());
    }
    let version = judge(network, &stream, &hello, &proof, Role::Acceptor)?;
    let met = Met {
        peer,
        address,
        dialled_by_us: true,
        version,
        build: hello.build,
    };
    Ok(Ready {
        network: Arc::clone(network),
        met,
        stream,
    })
}

/// TLS with whoever connected: known keys only come out of it.
pub async fn accept_tls(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Stream> {
    tcp.set_nodelay(true)?;
    let tls = TlsAcceptor::from(config).accept(tcp).await?;
    Ok(Stream::Server(tls))
}

/// How a known key was answered.
pub enum Greeting {
    /// It is a member.
    Ready(Ready),
    /// It is not; to be turned away on this stream.
    Refused(Stream, Refusal),
}

/// Hears a known key's hello, and answers a member's.
pub async fn accept(
    mut stream: Stream,
    address: SocketAddr,
    find: impl Fn(&[u8; 32]) -> Option<Arc<Network>>,
) -> Result<Greeting, HandshakeError> {
    let (network, met) = match hear(&mut stream, address, find).await {
        Ok(member) => member,
        Err(HandshakeError::Refused(refusal)) => return Ok(Greeting::Refused(stream, refusal)),
        Err(error) => return Err(error),
    };
    write_hello(&network, &mut stream, Role::Acceptor).await?;
    Ok(Greeting::Ready(Ready {
        network,
        met,
        stream,
    }))
}

async fn hear(
    stream: &mut Stream,
    address: SocketAddr,
    find: impl Fn(&[u8; 32]) -> Option<Arc<Network>>,
) -> Result<(Arc<Network>, Met), HandshakeError> {
    let (hello, proof) = read_hello(stream).await?;
    let network = find(&hello.network).ok_or(Refusal::UnknownNetwork)?;
    let key = peer_key(stream).ok_or(Refusal::WrongIndex)?;
    if !network.is_member(hello.index, key) {
        return Err(Refusal::WrongIndex.into());
    }
    let version = judge(&network, stream, &hello, &proof, Role::Dialler)?;
    let now = Instant::now();
    if !network.members().admits(hello.index, false, now) {
        return Err(Refusal::Duplicate.into());
    }
    let met = Met {
        peer: hello.index,
        address,
        dialled_by_us: false,
        version,
        build: hello.build,
    };
    Ok((network, met))
}

/// The version to speak, if the operator's proof stands.
fn judge(
    network: &Network,
    stream: &Stream,
    hello: &Hello,
    proof: &[u8; 64],
    role: Role,
) -> Result<u16, HandshakeError> {
    let version = common_version(&VERSIONS, &hello.versions).ok_or(Refusal::NoCommonVersion)?;
    let binding = binding(stream, hello, role)?;
    let identity = &network.terms.identity;
    if !identity.proves(hello.index, &binding, proof) {
        return Err(Refusal::BadProof.into());
    }
    Ok(version)
}

/// What the author of a hello signs: this channel, its side of it, and all that the hello says.
fn binding(stream: &Stream, hello: &Hello, role: Role) -> Result<[u8; 32], HandshakeError> {
    let context = hello.exporter_context(role);
    let (out, context) = ([0; 32], Some(context.as_slice()));
    Ok(match stream {
        Stream::Client(tls) => {
            let (_, tls) = tls.get_ref();
            tls.export_keying_material(out, EXPORTER_LABEL, context)?
        }
        Stream::Server(tls) => {
            let (_, tls) = tls.get_ref();
            tls.export_keying_material(out, EXPORTER_LABEL, context)?
        }
    })
}

fn peer_key(stream: &Stream) -> Option<TransportPublic> {
    let (_, tls) = stream.get_ref();
    TransportPublic::from_spki(tls.peer_certificates()?.first()?)
}

async fn write_hello(
    network: &Network,
    stream: &mut Stream,
    role: Role,
) -> Result<(), HandshakeError> {
    let hello = network.hello();
    let binding = binding(stream, &hello, role)?;
    let proof = network.terms.identity.prove(&binding);
    let mut out = Vec::new();
    put_chunk(HELLO, &mut out, |out| {
        out.extend(hello.to_bytes());
        out.extend(proof);
    });
    stream.write_all(&out).await?;
    Ok(stream.flush().await?)
}

/// A hello, or why there is none. Its length is judged before it is read.
async fn read_hello(stream: &mut Stream) -> Result<(Hello, [u8; 64]), HandshakeError> {
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head).await?;
    let [kind, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > HELLO_BYTES_MAX {
        return Err(Refusal::Malformed.into());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let refusal = Refusal::read(&body);
    match (kind, refusal) {
        (HELLO, _) => Hello::read(&body).ok_or_else(|| Refusal::Malformed.into()),
        (REFUSAL, Some(refusal)) => Err(HandshakeError::Turned(refusal)),
        _ => Err(Refusal::Malformed.into()),
    }
}

/// Says why, and waits until it was heard: closing at once could overtake the word.
pub async fn turn_away(mut stream: Stream, refusal: Refusal) -> io::Result<()> {
    let mut out = Vec::new();
    put_chunk(REFUSAL, &mut out, |out| out.push(refusal.reason()));
    stream.write_all(&out).await?;
    stream.shutdown().await?;
    let mut rest = [0; HELLO_BYTES_MAX];
    let _ = stream.read(&mut rest).await;
    Ok(())
}
