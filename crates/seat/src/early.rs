//! Frames that came before their attempt was opened here: kept verbatim, replayed when it opens.

use std::collections::{BTreeMap, VecDeque};

use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{Frame, Verified};

/// Frames kept of one author.
const FRAMES_MAX: usize = 64;
/// Bytes kept of one author.
const BYTES_MAX: usize = 256 << 10;

/// What each author said too early: the first of its kind and context, the oldest out when it is too much.
#[derive(Default)]
pub(crate) struct Early {
    by_author: BTreeMap<Member, VecDeque<Verified<Frame>>>,
}

fn same_place(a: &Frame, b: &Frame) -> bool {
    a.kind() == b.kind() && a.head() == b.head()
}

impl Early {
    /// Keeps a frame whose signature is checked.
    pub(crate) fn keep(&mut self, frame: Verified<Frame>) {
        let kept = self.by_author.entry(frame.head().author).or_default();
        if kept.iter().any(|known| same_place(known, &frame)) {
            return;
        }
        kept.push_back(frame);
        let bytes = |all: &VecDeque<Verified<Frame>>| -> usize {
            all.iter().map(|frame| frame.as_bytes().len()).sum()
        };
        while kept.len() > FRAMES_MAX || bytes(kept) > BYTES_MAX {
            kept.pop_front();
        }
    }

    /// Takes out what `wanted` owns.
    pub(crate) fn take(&mut self, wanted: impl Fn(Hash32) -> bool) -> Vec<Verified<Frame>> {
        let mut taken = Vec::new();
        for kept in self.by_author.values_mut() {
            let (now, later) = std::mem::take(kept)
                .into_iter()
                .partition::<VecDeque<_>, _>(|frame| wanted(frame.head().context));
            *kept = later;
            taken.extend(now);
        }
        taken
    }
}
