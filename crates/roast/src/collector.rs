//! What an attempt has seen: of everybody the first statement and the first different one, nothing more.

use std::collections::BTreeMap;

use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{Frame, Kind, SharePayload, Verified};

/// The first body wins; the first different one is kept beside it.
struct Kept {
    first: Verified<Frame>,
    /// Boxed: it is hardly ever there.
    different: Option<Box<Verified<Frame>>>,
}

/// What recording a frame found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The author's first statement of this kind.
    First,
    /// The same statement again.
    Again,
    /// A different statement: kept, not counted.
    Different,
}

/// The frames of one attempt, bounded by kinds × members.
#[derive(Default)]
pub struct Collector {
    kept: BTreeMap<(Kind, Member), Kept>,
    commitments: Vec<Member>,
    shares: BTreeMap<Hash32, BTreeMap<Member, [u8; 32]>>,
}

impl Collector {
    /// Records a frame, then counts it if it is its author's first of the kind.
    pub fn record(&mut self, frame: &Verified<Frame>) -> Recorded {
        let name = (frame.kind(), frame.head().author);
        let Some(kept) = self.kept.get_mut(&name) else {
            self.kept.insert(
                name,
                Kept {
                    first: frame.clone(),
                    different: None,
                },
            );
            self.count(frame);
            return Recorded::First;
        };
        if kept.first.says_the_same(frame) {
            return Recorded::Again;
        }
        kept.different
            .get_or_insert_with(|| Box::new(frame.clone()));
        Recorded::Different
    }

    fn count(&mut self, frame: &Verified<Frame>) {
        let author = frame.head().author;
        if frame.kind() == Kind::Commitments {
            self.commitments.push(author);
        }
        if frame.kind() != Kind::Share {
            return;
        }
        let Some(package) = frame.named_package() else {
            return;
        };
        // A signed share that does not read is one that does not decode: no scalar is as large as this.
        let share = frame.payload::<SharePayload>().ok();
        let share = share.map_or([0xff; 32], |said| said.share);
        let named = self.shares.entry(package).or_default();
        named.insert(author, share);
    }

    /// The members whose commitments are here, in the order of their arrival.
    #[must_use]
    pub fn committed(&self) -> &[Member] {
        &self.commitments
    }

    /// A member's first frame of a kind.
    #[must_use]
    pub fn first(&self, kind: Kind, member: Member) -> Option<&Verified<Frame>> {
        self.kept.get(&(kind, member)).map(|kept| &kept.first)
    }

    /// A member's first frame of a kind that differs from its first one.
    #[must_use]
    pub fn different(&self, kind: Kind, member: Member) -> Option<&Verified<Frame>> {
        self.kept.get(&(kind, member))?.different.as_deref()
    }

    /// Whether a member signed two different bodies of a kind.
    #[must_use]
    pub fn is_contradicted(&self, kind: Kind, member: Member) -> bool {
        self.different(kind, member).is_some()
    }

    /// The shares that name this package body; a share that names another is kept apart and counts for nothing here.
    #[must_use]
    pub fn shares_of(&self, package: Hash32) -> &BTreeMap<Member, [u8; 32]> {
        static NONE: BTreeMap<Member, [u8; 32]> = BTreeMap::new();
        self.shares.get(&package).unwrap_or(&NONE)
    }

    /// Whether somebody has answered another package than this one.
    #[must_use]
    pub fn answers_another(&self, package: Hash32) -> bool {
        self.shares.keys().any(|named| *named != package)
    }
}
