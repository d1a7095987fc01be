//! What a stream consists of: chunks, each with a small head, none longer than a TLS record. `docs/format.md` §12.

use thiserror::Error;

use crate::peer::PeerIndex;

/// Kind and length.
pub const HEAD_BYTES: usize = 3;
/// The longest body, so that head and body fill one TLS record.
pub const BODY_BYTES_MAX: usize = 16_384 - HEAD_BYTES;
/// Kind and index of a way.
const WAY_BYTES: usize = 3;
/// The longest frame that travels in one chunk.
pub const WHOLE_BYTES_MAX: usize = BODY_BYTES_MAX - WAY_BYTES;

pub const HELLO: u8 = 1;
pub const REFUSAL: u8 = 2;
const WHOLE: u8 = 3;
const BEGIN: u8 = 4;
const PIECE: u8 = 5;
const PING: u8 = 6;
const PONG: u8 = 7;
pub const REACH: u8 = 8;

/// How a peer broke the rules of the stream. Its connection is closed, and nothing else.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Violation {
    /// A chunk longer than there are.
    #[error("a chunk of {0} bytes")]
    ChunkLength(usize),
    /// A chunk that does not read.
    #[error("a chunk of kind {0} that does not read")]
    Malformed(u8),
    /// A second hello, or a refusal after it.
    #[error("a chunk of kind {0} after the hello")]
    OutOfPlace(u8),
    /// A frame longer than the network allows.
    #[error("a frame of {0} bytes, more than the network allows")]
    FrameLength(usize),
    /// A large frame while another is under way.
    #[error("two large frames at once")]
    TwoLarge,
    /// A piece of nothing, or more than was announced.
    #[error("a piece that belongs to no frame")]
    StrayPiece,
    /// A frame for or of somebody who is not another member.
    #[error("a frame for or of nobody")]
    Nobody,
}

/// Where a frame goes or comes from, beyond the peer at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is for the peer itself.
    Own,
    /// The peer is asked to hand it on.
    To(PeerIndex),
    /// The peer was asked to by this one.
    From(PeerIndex),
}

impl Way {
    fn put(self, out: &mut Vec<u8>) {
        let (kind, index) = match self {
            Self::Own => (0, 0),
            Self::To(PeerIndex(index)) => (1, index),
            Self::From(PeerIndex(index)) => (2, index),
        };
        out.push(kind);
        out.extend(u16::to_be_bytes(index));
    }

    fn split(body: &[u8]) -> Option<(Self, &[u8])> {
        let (&[kind, high, low], rest) = body.split_first_chunk()?;
        let index = u16::from_be_bytes([high, low]);
        let way = match (kind, index) {
            (0, 0) => Self::Own,
            (1, index) => Self::To(PeerIndex(index)),
            (2, index) => Self::From(PeerIndex(index)),
            _ => return None,
        };
        Some((way, rest))
    }
}

/// A chunk after the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// A whole frame.
    Whole { way: Way, frame: &'a [u8] },
    /// A large frame will come, of so many bytes.
    Begin { way: Way, total: u32 },
    /// The next bytes of the large frame.
    Piece(&'a [u8]),
    /// Answer me.
    Ping { token: u64 },
    /// The answer, with the answerer's clock in milliseconds since 1970.
    Pong { token: u64, clock: u64 },
    /// Whom the sender reaches directly: bit i of byte i / 8, the lowest first.
    Reach(&'a [u8]),
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

impl<'a> Chunk<'a> {
    /// Reads a body. `None` is a kind that we do not know.
    pub fn read(kind: u8, body: &'a [u8]) -> Result<Option<Self>, Violation> {
        let read = match kind {
            HELLO | REFUSAL => return Err(Violation::OutOfPlace(kind)),
            WHOLE => Way::split(body).map(|(way, frame)| Self::Whole { way, frame }),
            BEGIN => Self::begin(body),
            PIECE => Some(Self::Piece(body)),
            PING => number(body).map(|token| Self::Ping { token }),
            PONG => Self::pong(body),
            REACH => Some(Self::Reach(body)),
            _ => return Ok(None),
        };
        read.map(Some).ok_or(Violation::Malformed(kind))
    }

    fn begin(body: &[u8]) -> Option<Self> {
        let (way, rest) = Way::split(body)?;
        let total = u32::from_be_bytes(rest.try_into().ok()?);
        Some(Self::Begin { way, total })
    }

    fn pong(body: &[u8]) -> Option<Self> {
        let (token, clock) = body.split_at_checked(8)?;
        let (token, clock) = (number(token)?, number(clock)?);
        Some(Self::Pong { token, clock })
    }

    /// Writes the chunk, head and body, at the end of `out`.
    pub fn put(self, out: &mut Vec<u8>) {
        let kind = match self {
            Self::Whole { .. } => WHOLE,
            Self::Begin { .. } => BEGIN,
            Self::Piece(_) => PIECE,
            Self::Ping { .. } => PING,
            Self::Pong { .. } => PONG,
            Self::Reach(_) => REACH,
        };
        put_chunk(kind, out, |out| match self {
            Self::Whole { way, frame } => {
                way.put(out);
                out.extend(frame);
            }
            Self::Begin { way, total } => {
                way.put(out);
                out.extend(total.to_be_bytes());
            }
            Self::Piece(bytes) | Self::Reach(bytes) => out.extend(bytes),
            Self::Ping { token } => out.extend(token.to_be_bytes()),
            Self::Pong { token, clock } => {
                out.extend(token.to_be_bytes());
                out.extend(clock.to_be_bytes());
            }
        });
    }
}

/// Writes a head, and what `body` writes.
pub fn put_chunk(kind: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([kind, 0, 0]);
    body(out);
    let length = out.len() - start - HEAD_BYTES;
    let length = u16::try_from(length).expect("callers cut bodies to BODY_BYTES_MAX");
    let place = out.get_mut(start + 1..start + HEAD_BYTES);
    let place = place.expect("the head was written above");
    place.copy_from_slice(&length.to_be_bytes());
}

/// A head, with its length judged before anything of the body is read.
pub fn read_head(head: [u8; HEAD_BYTES]) -> Result<(u8, usize), Violation> {
    let [kind, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > BODY_BYTES_MAX {
        return Err(Violation::ChunkLength(length));
    }
    Ok((kind, length))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const CHUNKS: [Chunk<'_>; 7] = [
        Chunk::Whole {
            way: Way::Own,
            frame: b"frame",
        },
        Chunk::Whole {
            way: Way::To(PeerIndex(258)),
            frame: b"",
        },
        Chunk::Begin {
            way: Way::From(PeerIndex(3)),
            total: 70_000,
        },
        Chunk::Piece(b"piece"),
        Chunk::Ping { token: 7 },
        Chunk::Pong { token: 7, clock: 9 },
        Chunk::Reach(&[0b101]),
    ];

    #[test]
    fn what_is_written_reads() {
        for chunk in CHUNKS {
            let mut out = Vec::new();
            chunk.put(&mut out);
            let (head, body) = out.split_first_chunk().unwrap();
            let (kind, length) = read_head(*head).unwrap();
            assert_eq!(length, body.len());
            assert_eq!(Chunk::read(kind, body), Ok(Some(chunk)));
        }
    }

    #[test]
    fn each_value_has_one_encoding() {
        let malformed: [(u8, &[u8]); 8] = [
            (WHOLE, &[0, 0]),
            (WHOLE, &[0, 0, 1]),
            (WHOLE, &[3, 0, 0]),
            (BEGIN, &[0, 0, 0, 0, 0, 1]),
            (BEGIN, &[0, 0, 0, 0, 0, 0, 1, 0]),
            (PING, &[0; 7]),
            (PONG, &[0; 8]),
            (PONG, &[0; 17]),
        ];
        for (kind, body) in malformed {
            assert_eq!(Chunk::read(kind, body), Err(Violation::Malformed(kind)));
        }
    }

    proptest! {
        #[test]
        fn n06_whatever_comes_reads_to_what_it_was_written_from(
            kind in 0u8..12,
            body in vec(prop_oneof![0u8..3, any::<u8>()], 0..24),
        ) {
            if let Ok(Some(chunk)) = Chunk::read(kind, &body) {
                let mut out = Vec::new();
                chunk.put(&mut out);
                let (head, again) = out.split_first_chunk().unwrap();
                prop_assert_eq!(read_head(*head), Ok((kind, body.len())));
                prop_assert_eq!(again, &body);
            }
        }
    }

    #[test]
    fn unknown_kinds_are_told_from_misplaced_ones() {
        assert_eq!(Chunk::read(200, b"later"), Ok(None));
        assert_eq!(Chunk::read(HELLO, b""), Err(Violation::OutOfPlace(HELLO)));
    }

    #[test]
    fn no_chunk_is_longer_than_a_record() {
        assert_eq!(read_head([WHOLE, 0x3f, 0xfd]), Ok((WHOLE, BODY_BYTES_MAX)));
        let longer = Err(Violation::ChunkLength(BODY_BYTES_MAX + 1));
        assert_eq!(read_head([WHOLE, 0x3f, 0xfe]), longer);
    }
}
