//! The first statement of each member in each step; a second, different one is a fault, not a duplicate.

use std::collections::BTreeMap;

use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{Frame, FrameError, Kind, Payload, Verified};

use crate::fault::CeremonyFault;

/// All frames of one ceremony: bounded by kinds × members.
pub(crate) struct Board {
    count: u16,
    frames: BTreeMap<(Kind, Member), Verified<Frame>>,
}

impl Board {
    pub(crate) fn new(count: u16) -> Self {
        Self {
            count,
            frames: BTreeMap::new(),
        }
    }

    /// Records a frame, then says whether it contradicts an earlier one. Whether it is new.
    pub(crate) fn record(&mut self, frame: Verified<Frame>) -> Result<bool, CeremonyFault> {
        let name = (frame.kind(), frame.head().author);
        let Some(first) = self.frames.get(&name) else {
            self.frames.insert(name, frame);
            return Ok(true);
        };
        if first.body_hash() == frame.body_hash() {
            Ok(false)
        } else {
            Err(CeremonyFault::TwoBodies(name.1))
        }
    }

    /// A member's frame of a kind.
    pub(crate) fn of(&self, kind: Kind, member: Member) -> Option<&Verified<Frame>> {
        self.frames.get(&(kind, member))
    }

    /// Whether these very bytes are here, proven.
    pub(crate) fn holds(&self, frame: &Frame) -> bool {
        let here = self.of(frame.kind(), frame.head().author);
        here.is_some_and(|here| here.as_bytes() == frame.as_bytes())
    }

    /// Keeps only the frames that `wanted` names.
    pub(crate) fn keep(&mut self, mut wanted: impl FnMut(&Verified<Frame>) -> bool) {
        self.frames.retain(|_, frame| wanted(frame));
    }

    /// The members whose frame of `kind` is missing.
    pub(crate) fn awaited(&self, kind: Kind) -> Vec<Member> {
        let here = |m: &Member| self.frames.contains_key(&(kind, *m));
        Member::all(self.count).filter(|m| !here(m)).collect()
    }

    /// All n frames of a kind, ascending; `None` while one is missing.
    pub(crate) fn all(&self, kind: Kind) -> Option<Vec<&Verified<Frame>>> {
        Member::all(self.count)
            .map(|m| self.frames.get(&(kind, m)))
            .collect()
    }

    /// All n payloads of a kind with their authors; `None` while one is missing.
    pub(crate) fn payloads<P: Payload>(&self) -> Option<Result<Vec<(Member, P)>, CeremonyFault>> {
        let frames = self.all(P::KIND)?;
        let parse = |frame: &Verified<Frame>| {
            let author = frame.head().author;
            let malformed = |_: FrameError| CeremonyFault::Malformed(author);
            Ok((author, frame.payload::<P>().map_err(malformed)?))
        };
        Some(frames.into_iter().map(parse).collect())
    }

    /// The n body hashes of a kind, ascending; `None` while one is missing.
    pub(crate) fn bodies(&self, kind: Kind) -> Option<Vec<Hash32>> {
        Some(
            self.all(kind)?
                .into_iter()
                .map(|frame| frame.body_hash())
                .collect(),
        )
    }
}
