//! True proofs, and proofs made of anything.

use hardfrost_evidence::{Evidence, EvidenceKind};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::Member;
use hardfrost_wire::{Frame, SharePayload};

use super::{bytes, member, say, Life, Room};

/// A proof by its parts, and whom it convicts.
#[derive(Clone)]
pub struct Truth {
    pub kind: EvidenceKind,
    pub context: AttemptContext,
    pub frames: Vec<Vec<u8>>,
    pub guilty: Member,
}

/// A proof of any parts, as an accuser may send it.
pub fn forge(kind: u8, context: &[u8], frames: &[Vec<u8>]) -> Option<Evidence> {
    let body = borsh::to_vec(&(kind, context, frames)).unwrap();
    Evidence::from_frame(&[&[8], &body[..]].concat())
}

impl Truth {
    pub fn proof(&self) -> Evidence {
        self.with(&self.frames)
    }

    pub fn with(&self, frames: &[Vec<u8>]) -> Evidence {
        forge(self.kind as u8, &self.context.preimage(), frames).unwrap()
    }

    pub fn within(&self, context: &AttemptContext) -> Evidence {
        forge(self.kind as u8, &context.preimage(), &self.frames).unwrap()
    }
}

/// Another scalar, or no scalar.
pub fn spoilt(share: SharePayload, last: u8) -> SharePayload {
    let mut share = share;
    share.share[31] ^= last;
    share
}

impl Room {
    fn truth(
        &self,
        kind: EvidenceKind,
        context: &AttemptContext,
        frames: &[&Frame],
        guilty: Member,
    ) -> Truth {
        let verified: Vec<_> = frames.iter().map(|frame| self.verified(frame)).collect();
        let proof = match (kind, verified.as_slice()) {
            (EvidenceKind::InvalidShare, [package, share]) => {
                Evidence::invalid_share(context, package, share)
            }
            (EvidenceKind::MalformedPackage, [package]) => {
                Evidence::malformed_package(context, package)
            }
            (_, [a, b]) => Evidence::double(kind, context, a, b),
            (_, _) => panic!("no proof takes so many frames"),
        };
        let mut frames = bytes(frames);
        if verified.len() == 2 && kind != EvidenceKind::InvalidShare {
            frames.sort();
        }
        let truth = Truth {
            kind,
            context: context.clone(),
            frames,
            guilty,
        };
        assert_eq!(truth.proof(), proof);
        truth
    }

    /// Whom the proofs below choose: the first t members.
    pub fn chosen(&self) -> Vec<u16> {
        (1..=self.public.threshold()).collect()
    }

    pub fn invalid_share(&self, context: &AttemptContext, cheat: u16) -> Truth {
        let package = self.package(context, &self.chosen());
        let share = spoilt(self.share(Life(cheat, 0), context, &package), 1);
        let share = say(member(cheat), context, &share);
        let kind = EvidenceKind::InvalidShare;
        self.truth(kind, context, &[&package, &share], member(cheat))
    }

    pub fn double_share(&self, context: &AttemptContext, cheat: u16) -> Truth {
        let package = self.package(context, &self.chosen());
        let good = self.share(Life(cheat, 0), context, &package);
        let bad = say(member(cheat), context, &spoilt(good.clone(), 1));
        let good = say(member(cheat), context, &good);
        let kind = EvidenceKind::DoubleShare;
        self.truth(kind, context, &[&good, &bad], member(cheat))
    }

    pub fn double_commitments(&self, context: &AttemptContext, cheat: u16) -> Truth {
        let life = Life(cheat, 0);
        let other = self.offer(Life(cheat, 1), context);
        let other = hardfrost_wire::CommitmentsPayload {
            incarnation: life.incarnation(),
            ..other
        };
        let (first, second) = (
            self.commit(life, context),
            say(member(cheat), context, &other),
        );
        let kind = EvidenceKind::DoubleCommitments;
        self.truth(kind, context, &[&first, &second], member(cheat))
    }

    pub fn double_package(&self, context: &AttemptContext) -> Truth {
        let (n, mut chosen) = (self.public.count(), self.chosen());
        let first = self.package(context, &chosen);
        chosen.pop();
        chosen.push(n);
        let second = self.package(context, &chosen);
        let kind = EvidenceKind::DoublePackage;
        let guilty = context.coordinator().unwrap();
        self.truth(kind, context, &[&first, &second], guilty)
    }

    pub fn malformed_package(&self, context: &AttemptContext) -> Truth {
        let package = self.package(
            context,
            &[1, 2, 3, 4, 5][..usize::from(self.public.count())],
        );
        let kind = EvidenceKind::MalformedPackage;
        let guilty = context.coordinator().unwrap();
        self.truth(kind, context, &[&package], guilty)
    }

    /// One true proof of every kind, in the order of their numbers.
    pub fn truths(&self, context: &AttemptContext) -> [Truth; 5] {
        [
            self.invalid_share(context, 2),
            self.double_share(context, 2),
            self.double_commitments(context, 2),
            self.double_package(context),
            self.malformed_package(context),
        ]
    }
}
