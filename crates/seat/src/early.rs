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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hardfrost_primitives::Suite;
    use hardfrost_wire::{
        AdvancePayload, Head, Incarnation, Operator, OperatorKey, PackagePayload, Roster,
    };

    use super::*;

    fn key() -> OperatorKey {
        OperatorKey::new(&[7; 32], [0; 32]).unwrap()
    }

    fn roster() -> Roster {
        let operator = Operator {
            name: "operator".into(),
            key: key().public(),
            seats: Member::all(3).collect::<BTreeSet<_>>(),
        };
        Roster::new(Suite::Tr, vec![operator]).unwrap()
    }

    fn context(number: u8) -> Hash32 {
        Hash32([number; 32])
    }

    fn head(author: u16, number: u8) -> Head {
        Head {
            context: context(number),
            author: Member::new(author).unwrap(),
        }
    }

    fn small(author: u16, number: u8, round: u32) -> Verified<Frame> {
        let incarnation = Incarnation([0; 16]);
        let payload = AdvancePayload { incarnation, round };
        let frame = Frame::sign(head(author, number), &payload, &key());
        frame.verify(&roster()).unwrap()
    }

    /// A frame of this many bytes.
    fn large(author: u16, number: u8, bytes: usize) -> Verified<Frame> {
        let payload = PackagePayload {
            incarnation: Incarnation([0; 16]),
            key_spec: hardfrost_primitives::KeySpec::group_key(),
            commitments: vec![vec![0; bytes - 129]],
        };
        let frame = Frame::sign(head(author, number), &payload, &key());
        assert_eq!(frame.as_bytes().len(), bytes);
        frame.verify(&roster()).unwrap()
    }

    fn left(early: &mut Early) -> Vec<(u16, u8)> {
        let taken = early.take(|_| true);
        let heads = taken.iter().map(|frame| frame.head());
        heads.map(|h| (h.author.number(), h.context.0[0])).collect()
    }

    #[test]
    fn r34_of_an_author_64_frames_are_kept_the_oldest_out() {
        let mut early = Early::default();
        (1..=65).for_each(|number| early.keep(small(1, number, 1)));
        let expected: Vec<(u16, u8)> = (2..=65).map(|number| (1, number)).collect();
        assert_eq!(left(&mut early), expected);
    }

    #[test]
    fn r34_of_an_author_256_kib_are_kept_the_oldest_out() {
        let mut early = Early::default();
        (1..=4).for_each(|number| early.keep(large(1, number, BYTES_MAX / 4)));
        early.keep(large(2, 9, BYTES_MAX));
        assert_eq!(left(&mut early).len(), 5);
        (1..=4).for_each(|number| early.keep(large(1, number, BYTES_MAX / 4)));
        early.keep(small(1, 5, 1));
        assert_eq!(left(&mut early), [(1, 2), (1, 3), (1, 4), (1, 5)]);
        // More than may be kept at all.
        early.keep(small(1, 1, 1));
        early.keep(large(1, 2, BYTES_MAX + 1));
        assert_eq!(left(&mut early), []);
    }

    #[test]
    fn r34_a_flood_of_one_author_displaces_nobody_elses() {
        let mut early = Early::default();
        early.keep(small(1, 7, 1));
        early.keep(small(3, 7, 1));
        (1..=200).for_each(|number| early.keep(small(2, number, 1)));
        (1..=9).for_each(|number| early.keep(large(2, number, BYTES_MAX / 2)));
        let all = left(&mut early);
        assert!(all.contains(&(1, 7)) && all.contains(&(3, 7)));
    }

    #[test]
    fn the_first_of_its_kind_and_context_stays() {
        let mut early = Early::default();
        let first = small(1, 7, 1);
        early.keep(first.clone());
        (2..=70).for_each(|round| early.keep(small(1, 7, round)));
        early.keep(large(1, 7, 200));
        early.keep(small(1, 8, 1));
        let taken = early.take(|asked| asked == context(7));
        assert_eq!(taken.len(), 2);
        assert_eq!(taken[0], first);
        assert_eq!(left(&mut early), [(1, 8)]);
    }
}
