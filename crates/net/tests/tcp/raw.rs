//! A peer written by hand from `docs/format.md`, with nothing of the crate in it: it says what no honest one says.

use std::net::SocketAddr;
use std::sync::Arc;

use hardfrost_net::TransportKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::AlwaysResolvesClientRawPublicKeys;
use tokio_rustls::rustls::crypto::ring::{default_provider, sign::any_eddsa_type};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::AlwaysResolvesServerRawPublicKeys;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::world::{proof, PATIENCE};

pub const HELLO: u8 = 1;
pub const REFUSAL: u8 = 2;
pub const WHOLE: u8 = 3;
pub const BEGIN: u8 = 4;
pub const PIECE: u8 = 5;
pub const PING: u8 = 6;
pub const PONG: u8 = 7;
pub const REACH: u8 = 8;

fn certified(seed: &[u8; 32]) -> Arc<CertifiedKey> {
    let head = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let document = [head.as_slice(), seed].concat();
    let key = any_eddsa_type(&PrivatePkcs8KeyDer::from(document)).unwrap();
    let spki = key.public_key().unwrap().to_vec();
    Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], key))
}

/// Believes every key.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Credulous {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// What a hello says.
#[derive(Clone)]
pub struct Says {
    pub versions: (u16, u16),
    pub network: [u8; 32],
    pub index: u16,
    /// Whose proof it gives.
    pub operator: u16,
}

impl Says {
    /// What an honest member of the test network says.
    pub fn honest(index: u16) -> Self {
        Self {
            versions: (1, 1),
            network: [9; 32],
            index,
            operator: index,
        }
    }

    fn unproven(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.versions.0.to_be_bytes());
        out.extend(self.versions.1.to_be_bytes());
        out.extend(self.network);
        out.extend(self.index.to_be_bytes());
        out.extend(*b"\x03raw");
        out
    }
}

pub struct Raw {
    pub stream: TlsStream<TcpStream>,
    dialler: bool,
}

impl Raw {
    /// TLS with whoever listens there, under this key.
    pub async fn dial(seed: &[u8; 32], address: SocketAddr) -> Self {
        Self::over(seed, TcpStream::connect(address).await.unwrap()).await
    }

    async fn over(seed: &[u8; 32], tcp: TcpStream) -> Self {
        let resolver = AlwaysResolvesClientRawPublicKeys::new(certified(seed));
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous))
            .with_client_cert_resolver(Arc::new(resolver));
        let name = ServerName::try_from("anybody").unwrap();
        let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp);
        let stream = TlsStream::Client(tls.await.unwrap());
        let dialler = true;
        Self { stream, dialler }
    }

    /// TLS as a server under this key with the next that comes.
    pub async fn accept(seed: &[u8; 32], listener: &TcpListener) -> std::io::Result<Self> {
        let resolver = AlwaysResolvesServerRawPublicKeys::new(certified(seed));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(Credulous))
            .with_cert_resolver(Arc::new(resolver));
        let (tcp, _) = listener.accept().await?;
        let tls = TlsAcceptor::from(Arc::new(config)).accept(tcp).await?;
        let stream = TlsStream::Server(tls);
        let dialler = false;
        Ok(Self { stream, dialler })
    }

    /// A member that says an honest hello and hears one.
    pub async fn member(index: u16, address: SocketAddr) -> Self {
        let mut raw = Self::dial(&crate::world::seed(index), address).await;
        raw.hello(&Says::honest(index)).await;
        let (kind, _) = raw.read().await.unwrap();
        assert_eq!(kind, HELLO);
        raw
    }

    /// The body of a hello on this very channel.
    pub fn hello_body(&self, says: &Says) -> Vec<u8> {
        let unproven = says.unproven();
        let role = [u8::from(!self.dialler)];
        let context = [role.as_slice(), &says.network, &unproven].concat();
        let label = b"EXPORTER-hardfrost-channel-v1";
        let binding: [u8; 32] = match &self.stream {
            TlsStream::Client(tls) => {
                let tls = tls.get_ref().1;
                tls.export_keying_material([0; 32], label, Some(&context))
            }
            TlsStream::Server(tls) => {
                let tls = tls.get_ref().1;
                tls.export_keying_material([0; 32], label, Some(&context))
            }
        }
        .unwrap();
        [unproven.as_slice(), &proof(says.operator, &binding)].concat()
    }

    pub async fn hello(&mut self, says: &Says) {
        let body = self.hello_body(says);
        self.write(HELLO, &body).await.unwrap();
    }

    pub async fn write(&mut self, kind: u8, body: &[u8]) -> std::io::Result<()> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let chunk = [&[kind], length.as_slice(), body].concat();
        self.stream.write_all(&chunk).await?;
        self.stream.flush().await
    }

    /// A whole frame for the peer itself.
    pub async fn frame(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write(WHOLE, &[&[0, 0, 0], bytes].concat()).await
    }

    /// The next chunk, within the patience of a test.
    pub async fn read(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let reading = async {
            let mut head = [0; 3];
            self.stream.read_exact(&mut head).await?;
            let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await?;
            Ok((head[0], body))
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("the peer is silent and does not close either")
    }

    /// The next chunk of this kind; others are passed over, pings answered.
    pub async fn read_kind(&mut self, wanted: u8) -> std::io::Result<Vec<u8>> {
        let reading = async {
            loop {
                let (kind, body) = self.read().await?;
                if kind == PING {
                    let pong = [body.as_slice(), &[0; 8]].concat();
                    self.write(PONG, &pong).await?;
                }
                if kind == wanted {
                    return Ok(body);
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("a chunk of this kind does not come")
    }

    /// Passes over everything and answers pings, until the peer closes.
    pub async fn idle(&mut self) {
        while let Ok((kind, body)) = self.read().await {
            if kind == PING {
                let pong = [body.as_slice(), &[0; 8]].concat();
                let _ = self.write(PONG, &pong).await;
            }
        }
    }

    /// Reads until the peer closes.
    pub async fn is_closed(&mut self) {
        let reading = async { while self.read().await.is_ok() {} };
        let closed = tokio::time::timeout(PATIENCE, reading).await;
        assert!(closed.is_ok(), "the peer does not close");
    }
}

pub async fn connect_from(source: &str, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(address).await.unwrap()
}

/// The public key of a key that no list has.
pub fn stranger() -> [u8; 32] {
    let seed = [200; 32];
    assert_ne!(
        TransportKey::from_seed(&seed).public(),
        crate::world::key(0).public()
    );
    seed
}
