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

    /// Records a frame, then says whether it contradicts an earlier one.
    pub(crate) fn record(&mut self, frame: Verified<Frame>) -> Result<(), CeremonyFault> {
        let author = frame.head().author;
        let first = self
            .frames
            .entry((frame.kind(), author))
            .or_insert_with(|| frame.clone());
        if first.body_hash() == frame.body_hash() {
            Ok(())
        } else {
            Err(CeremonyFault::TwoBodies(author))
        }
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
