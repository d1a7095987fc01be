//! One connection, from its hello to its end: a reader and a writer beside each other.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio::io::{split, AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsStream;

use crate::assembly::{Assembly, Frame};
use crate::chunk::{read_head, Chunk, Violation, Way, BODY_BYTES_MAX, HEAD_BYTES};
use crate::first::first_of;
use crate::live::{Met, Signals};
use crate::members::Installed;
use crate::network::Network;
use crate::peer::PeerIndex;
use crate::sending::Next;

/// Why a connection ended.
#[derive(Debug, Error)]
enum End {
    #[error("closed by the peer")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the peer broke the rules: {0}")]
    Violation(#[from] Violation),
    #[error("another connection took its place, or the network was left")]
    Over,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Closed
        } else {
            Self::Broken(error)
        }
    }
}

/// A peer whose hello was good.
pub struct Ready {
    pub network: Arc<Network>,
    pub met: Met,
    pub stream: TlsStream<TcpStream>,
}

struct Ends {
    network: Arc<Network>,
    peer: PeerIndex,
    number: u64,
    signals: Arc<Signals>,
}

/// Takes the connection into the table and serves it until it ends.
pub async fn run(ready: Ready) {
    let Ready {
        network,
        met,
        stream,
    } = ready;
    let peer = met.peer;
    let installed = network.members().install(met, Instant::now());
    let Some(installed) = installed else {
        network.own.counters.duplicates.add();
        return;
    };
    let Installed {
        number,
        signals,
        replaced,
    } = installed;
    if replaced {
        network.own.counters.duplicates.add();
    }
    let ends = Ends {
        network,
        peer,
        number,
        signals,
    };
    ends.serve(stream).await;
}

impl Ends {
    async fn serve(&self, stream: TlsStream<TcpStream>) {
        let (reading, writing) = split(stream);
        let closed = async {
            self.signals.close.notified().await;
            End::Over
        };
        let both = first_of(self.read(reading), self.write(writing));
        let end = first_of(closed, both).await;
        let mut members = self.network.members();
        if matches!(end, End::Violation(_)) {
            members.violation(self.peer);
        }
        members.ended(self.peer, self.number, &end.to_string(), Instant::now());
    }

    async fn write(&self, mut writing: WriteHalf<TlsStream<TcpStream>>) -> End {
        let mut chunk = Vec::with_capacity(HEAD_BYTES + BODY_BYTES_MAX);
        loop {
            chunk.clear();
            let now = Instant::now();
            let next = self
                .network
                .members()
                .next_chunk(self.peer, self.number, now, &mut chunk);
            let written = match next {
                Next::Write => writing.write_all(&chunk).await,
                Next::Wait => writing.flush().await,
                Next::End => return End::Over,
            };
            if let Err(error) = written {
                return error.into();
            }
            if next == Next::Wait {
                self.signals.wake.notified().await;
            }
        }
    }

    async fn read(&self, reading: ReadHalf<TlsStream<TcpStream>>) -> End {
        self.read_all(reading).await.unwrap_or_else(|end| end)
    }

    async fn read_all(&self, mut reading: ReadHalf<TlsStream<TcpStream>>) -> Result<End, End> {
        let mut assembly = Assembly::new(self.network.terms.frame_bytes_max);
        let mut body = Vec::with_capacity(BODY_BYTES_MAX);
        loop {
            let mut head = [0; HEAD_BYTES];
            reading.read_exact(&mut head).await?;
            let (kind, length) = read_head(head)?;
            body.resize(length, 0);
            reading.read_exact(&mut body).await?;
            let now = Instant::now();
            self.network.members().heard(self.peer, self.number);
            let frame = match Chunk::read(kind, &body)? {
                Some(Chunk::Whole { way, frame }) => Some(assembly.whole(way, frame)?),
                Some(Chunk::Piece(piece)) => assembly.piece(piece)?,
                Some(Chunk::Begin { way, total }) => {
                    assembly.begin(way, total)?;
                    None
                }
                Some(control) => {
                    self.control(control, now)?;
                    None
                }
                None => {
                    self.network.members().unknown_chunk(self.peer);
                    None
                }
            };
            if let Some(frame) = frame {
                self.deliver(frame).await?;
            }
        }
    }

    fn control(&self, chunk: Chunk<'_>, now: Instant) -> Result<(), Violation> {
        let mut members = self.network.members();
        members.take_control(self.peer, self.number, chunk, now)
    }

    async fn deliver(&self, frame: Frame) -> Result<(), Violation> {
        let Frame { way, bytes } = frame;
        let now = Instant::now();
        match way {
            Way::Own => {
                self.deliver_own(bytes).await;
                Ok(())
            }
            Way::To(target) => {
                let mut members = self.network.members();
                members.carry(self.peer, target, bytes, now)
            }
            Way::From(author) => {
                let mut members = self.network.members();
                members.handed(self.peer, author, bytes, now)
            }
        }
    }

    /// Waits until there is room; meanwhile nothing is read from this peer, and from this peer alone.
    async fn deliver_own(&self, mut bytes: Vec<u8>) {
        loop {
            let back = self
                .network
                .members()
                .take_own(self.peer, self.number, bytes);
            let Some(back) = back else {
                return;
            };
            bytes = back;
            self.signals.space.notified().await;
        }
    }
}
