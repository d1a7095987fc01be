//! The five kinds of proof.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member, SessionId};
use hardfrost_wire::{Frame, Kind, Verified};

/// What a proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum EvidenceKind {
    /// A share that fails its equation or does not decode. Convicts the member.
    InvalidShare = 1,
    /// Two different share bodies for one package body. Convicts the member.
    DoubleShare = 2,
    /// Two commitments bodies in one context and incarnation. Convicts the member.
    DoubleCommitments = 3,
    /// Two package bodies in one context and incarnation. Convicts the coordinator.
    DoublePackage = 4,
    /// A package that is none. Convicts the coordinator, nobody else.
    MalformedPackage = 5,
}

/// A proof: the attempt's context as D6's preimage, and the frames, verbatim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    pub(crate) kind: EvidenceKind,
    pub(crate) context: Vec<u8>,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl EvidenceKind {
    /// The kind as the command line spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidShare => "invalid-share",
            Self::DoubleShare => "double-share",
            Self::DoubleCommitments => "double-commitments",
            Self::DoublePackage => "double-package",
            Self::MalformedPackage => "malformed-package",
        }
    }
}

impl fmt::Display for EvidenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn bytes(frame: &Verified<Frame>) -> Vec<u8> {
    frame.as_bytes().to_vec()
}

impl Evidence {
    /// A share that does not fit the package it names.
    #[must_use]
    pub fn invalid_share(
        context: &AttemptContext,
        package: &Verified<Frame>,
        share: &Verified<Frame>,
    ) -> Self {
        let frames = vec![bytes(package), bytes(share)];
        Self {
            kind: EvidenceKind::InvalidShare,
            context: context.preimage(),
            frames,
        }
    }

    /// Two frames of one author that contradict each other; `kind` is one of the double ones. The frames stand in the
    /// order of their bytes, so that everybody makes the same proof of the same two.
    #[must_use]
    pub fn double(
        kind: EvidenceKind,
        context: &AttemptContext,
        first: &Verified<Frame>,
        second: &Verified<Frame>,
    ) -> Self {
        let mut frames = vec![bytes(first), bytes(second)];
        frames.sort();
        Self {
            kind,
            context: context.preimage(),
            frames,
        }
    }

    /// A package that its coordinator should not have signed.
    #[must_use]
    pub fn malformed_package(context: &AttemptContext, package: &Verified<Frame>) -> Self {
        let frames = vec![bytes(package)];
        Self {
            kind: EvidenceKind::MalformedPackage,
            context: context.preimage(),
            frames,
        }
    }

    /// What it proves, if it verifies.
    #[must_use]
    pub fn kind(&self) -> EvidenceKind {
        self.kind
    }

    /// The hashes of the roster and of the group public that the context names; `None` when the context does not read.
    #[must_use]
    pub fn names(&self) -> Option<(Hash32, Hash32)> {
        let context = AttemptContext::from_preimage(&self.context).ok()?;
        Some((context.roster, context.group_public))
    }

    /// The session of the attempt; `None` when the context does not read. Nothing is checked.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        AttemptContext::from_preimage(&self.context)
            .ok()
            .map(|context| context.session)
    }

    /// The seat whose frame stands last: whom the proof convicts, if it verifies. Nothing is checked.
    #[must_use]
    pub fn accused(&self) -> Option<Member> {
        let head = self.frames.last()?.get(5 + 32..)?.first_chunk::<2>()?;
        Member::new(u16::from_be_bytes(*head)).ok()
    }

    /// As it travels: `kind u8 ‖ borsh`.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        let mut bytes = vec![Kind::Evidence.number()];
        self.serialize(&mut bytes)
            .expect("writing to memory does not fail");
        bytes
    }

    /// Reads what [`Self::to_frame`] wrote. Says nothing of whether it proves anything.
    #[must_use]
    pub fn from_frame(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first() {
            Some((kind, rest)) if *kind == Kind::Evidence.number() => borsh::from_slice(rest).ok(),
            Some(_) | None => None,
        }
    }

    /// The proof's identity.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&borsh::to_vec(self).expect("writing to memory does not fail"))
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evidence({}, {})", self.kind, self.hash())
    }
}
