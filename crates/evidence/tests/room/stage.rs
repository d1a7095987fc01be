//! Frames of one attempt, and the proofs that an accuser makes of them.

use hardfrost_evidence::{Doubt, Evidence, Verdict};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_wire::{CommitmentsPayload, Frame, PackagePayload};

use super::{bytes, forge, member, say, spoilt, Life, Room};

/// 3 of 5, attempt 1; its coordinator is member 3.
pub struct Stage {
    pub room: Room,
    pub context: AttemptContext,
    pub good: Frame,
}

impl Stage {
    pub fn new() -> Self {
        let room = Room::new((3, 5), 1);
        let context = room.context(1);
        assert_eq!(context.coordinator(), Some(member(3)));
        let good = room.package(&context, &[1, 2, 3]);
        Self {
            room,
            context,
            good,
        }
    }

    pub fn proof(&self, kind: u8, frames: &[&Frame]) -> Evidence {
        forge(kind, &self.context.preimage(), &bytes(frames)).unwrap()
    }

    pub fn doubted(&self, kind: u8, table: &[(&str, &[&Frame], Doubt)]) {
        for (name, frames, doubt) in table {
            let judged = self.room.judge(&self.proof(kind, frames));
            assert_eq!(
                judged,
                Verdict::Indeterminate(*doubt),
                "kind {kind}: {name}"
            );
        }
    }

    pub fn share(&self, number: u16, package: &Frame) -> Frame {
        let share = self.room.share(Life(number, 0), &self.context, package);
        say(member(number), &self.context, &share)
    }

    pub fn bad_share(&self, number: u16, package: &Frame) -> Frame {
        let share = self.room.share(Life(number, 0), &self.context, package);
        say(member(number), &self.context, &spoilt(share, 1))
    }

    /// The good package, altered and signed by its coordinator again.
    pub fn altered(&self, alter: impl Fn(&mut PackagePayload)) -> Frame {
        let mut payload: PackagePayload = self.room.verified(&self.good).payload().unwrap();
        alter(&mut payload);
        say(member(3), &self.context, &payload)
    }

    /// The good package with something else in member 2's place.
    pub fn with_second(&self, second: &Frame) -> Frame {
        self.altered(|package| package.commitments[1] = second.as_bytes().to_vec())
    }

    pub fn commitments(&self, alter: impl Fn(&mut CommitmentsPayload)) -> Frame {
        let mut payload = self.room.offer(Life(2, 0), &self.context);
        alter(&mut payload);
        say(member(2), &self.context, &payload)
    }
}
