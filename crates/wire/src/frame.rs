//! D10: the signed envelope.
//!
//! ```text
//! frame     = kind u8 ‖ F(body) ‖ signature(64)
//! body      = context hash(32) ‖ author u16 ‖ payload
//! signature = BIP-340 by the author's operator key over H( 00 ‖ tag ‖ 00 ‖ body )
//! ```

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::{framed, Hash32, Member};

use crate::{Incarnation, Kind, OperatorKey, Roster, Sizes, Verified};

const HEAD_BYTES: usize = 34;
const SIGNATURE_BYTES: usize = 64;

/// What a payload is, so that the wrong one cannot be read out of a frame.
pub trait Payload: BorshSerialize + BorshDeserialize {
    /// The kind of frame that carries it.
    const KIND: Kind;
}

/// All that may be read of a frame before its signature is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// What the body is bound to: an attempt context (D6), a session head or a ceremony.
    pub context: Hash32,
    /// The seat that speaks.
    pub author: Member,
}

/// A frame whose shape is right. Its bytes are kept as they came: never re-encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    kind: Kind,
    head: Head,
    bytes: Vec<u8>,
}

/// Bytes that are no frame, or a frame that its author did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Above the kind's limit.
    #[error("a {kind:?} frame of {actual} bytes is above its limit")]
    TooLarge {
        /// Which kind.
        kind: Kind,
        /// Its size.
        actual: usize,
    },
    /// A kind this build does not know, or one that is not a signed envelope.
    #[error("frame kind {0} is not a signed envelope this version knows")]
    UnknownKind(u8),
    /// Too short, or lengths that do not add up. An envelope without its signature is one of these.
    #[error("the bytes do not have the layout of a frame")]
    Layout,
    /// Member 0, or nobody's seat.
    #[error("the frame's author holds no seat")]
    NoSuchAuthor,
    /// The signature is not the author's over these bytes.
    #[error("the frame's signature is not its author's")]
    Signature,
    /// The payload is not what its kind says.
    #[error("the frame's payload does not parse")]
    Payload,
}

fn digest(kind: Kind, body: &[u8]) -> Option<Hash32> {
    let tag = kind.tag()?;
    Some(Hash32::of(&[&[0], tag.as_bytes(), &[0], body].concat()))
}

impl Frame {
    /// Signs `payload` once; these bytes are the message from here on.
    #[must_use]
    pub fn sign<P: Payload>(head: Head, payload: &P, key: &OperatorKey) -> Self {
        let mut body = head.context.0.to_vec();
        body.extend_from_slice(&head.author.to_be_bytes());
        payload
            .serialize(&mut body)
            .expect("writing to memory does not fail");
        let digest = digest(P::KIND, &body).expect("payload kinds are signed kinds");
        let signature = key.sign(&digest);
        let mut bytes = vec![P::KIND.number()];
        framed(&mut bytes, &body);
        bytes.extend_from_slice(&signature);
        Self {
            kind: P::KIND,
            head,
            bytes,
        }
    }

    /// Reads size, layout and head; nothing else.
    ///
    /// # Errors
    /// [`FrameError`]; what fails here is noise: drop it, count it, retain nothing.
    pub fn parse(bytes: Vec<u8>, sizes: Sizes) -> Result<Self, FrameError> {
        let layout = FrameError::Layout;
        let (&number, rest) = bytes.split_first().ok_or(layout)?;
        let kind = Kind::from_number(number)
            .filter(|kind| kind.tag().is_some())
            .ok_or(FrameError::UnknownKind(number))?;
        if bytes.len() > kind.frame_bytes_max(sizes) {
            return Err(FrameError::TooLarge {
                kind,
                actual: bytes.len(),
            });
        }
        let (len, rest) = rest.split_first_chunk::<4>().ok_or(layout)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| layout)?;
        let body = rest.len().checked_sub(SIGNATURE_BYTES).ok_or(layout)?;
        if body != len || len < HEAD_BYTES {
            return Err(layout);
        }
        let (context, rest) = rest.split_first_chunk::<32>().ok_or(layout)?;
        let author = rest.first_chunk::<2>().ok_or(layout)?;
        let author =
            Member::new(u16::from_be_bytes(*author)).map_err(|_| FrameError::NoSuchAuthor)?;
        let head = Head {
            context: Hash32(*context),
            author,
        };
        Ok(Self { kind, head, bytes })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The frame as it travels, byte for byte as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whose life and which round an advance claims, before anything of it is proven: enough to see that it could say
    /// nothing new, and for nothing else.
    #[must_use]
    pub fn claimed_advance(&self) -> Option<(Incarnation, u32)> {
        let payload = self.body().get(HEAD_BYTES..)?;
        let (life, rest) = payload.split_first_chunk::<16>()?;
        let round = rest.first_chunk::<4>().copied()?;
        (self.kind == Kind::Advance).then(|| (Incarnation(*life), u32::from_le_bytes(round)))
    }

    fn body(&self) -> &[u8] {
        self.split().map_or(&[], |(body, _)| body)
    }

    fn split(&self) -> Option<(&[u8], &[u8; SIGNATURE_BYTES])> {
        self.bytes.get(5..)?.split_last_chunk::<SIGNATURE_BYTES>()
    }

    /// H(body): the identity of what was said. Two frames with one body are one statement.
    #[must_use]
    pub fn body_hash(&self) -> Hash32 {
        Hash32::of(self.body())
    }

    /// Whether the other's body is this one's: the same statement, whatever its signature's bytes.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.body() == other.body()
    }

    /// Checks that the author's seat is in the roster and that its operator signed these very bytes.
    ///
    /// # Errors
    /// [`FrameError::NoSuchAuthor`], [`FrameError::Signature`].
    pub fn verify(self, roster: &Roster) -> Result<Verified<Self>, FrameError> {
        let key = roster
            .key_of(self.head.author)
            .ok_or(FrameError::NoSuchAuthor)?;
        let (body, signature) = self.split().ok_or(FrameError::Layout)?;
        let digest = digest(self.kind, body).ok_or(FrameError::Signature)?;
        if key.verifies(&digest, signature) {
            Ok(Verified::by_signature(self))
        } else {
            Err(FrameError::Signature)
        }
    }
}

impl Verified<Frame> {
    /// The author's incarnation, with which the payload of every signing message begins.
    #[must_use]
    pub fn incarnation(&self) -> Option<Incarnation> {
        match self.kind() {
            Kind::Commitments
            | Kind::Package
            | Kind::Share
            | Kind::Offer
            | Kind::Advance
            | Kind::Pull => self
                .body()
                .get(HEAD_BYTES..)?
                .first_chunk::<16>()
                .copied()
                .map(Incarnation),
            Kind::Evidence
            | Kind::Signature
            | Kind::DkgRound1
            | Kind::DkgEcho
            | Kind::DkgRound2
            | Kind::DkgConfirm
            | Kind::DkgPull
            | Kind::Standing
            | Kind::StandingPull => None,
        }
    }

    /// H(package body) that a share names, also where the rest of its payload does not read.
    #[must_use]
    pub fn named_package(&self) -> Option<Hash32> {
        let payload = self.body().get(HEAD_BYTES..)?;
        let named = payload.get(16..)?.first_chunk::<32>()?;
        (self.kind() == Kind::Share).then_some(Hash32(*named))
    }

    /// Parses the payload, all of it.
    ///
    /// # Errors
    /// [`FrameError::Payload`] when the frame is of another kind or its payload is malformed: the author signed
    /// nonsense.
    pub fn payload<P: Payload>(&self) -> Result<P, FrameError> {
        let payload = self.body().get(HEAD_BYTES..).ok_or(FrameError::Payload)?;
        if self.kind() != P::KIND {
            return Err(FrameError::Payload);
        }
        borsh::from_slice(payload).map_err(|_| FrameError::Payload)
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Frame({:?} by {}, body {})",
            self.kind,
            self.head.author,
            self.body_hash()
        )
    }
}
