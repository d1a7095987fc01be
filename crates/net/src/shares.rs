//! Frames of many origins on one line: each has its own share of it, and they take turns.

use std::collections::{BTreeMap, VecDeque};

use crate::peer::PeerIndex;

/// What may wait.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Frames of one origin.
    pub frames: usize,
    /// Their bytes. A single frame may have more.
    pub bytes: usize,
    /// Bytes of all origins together.
    pub bytes_total: usize,
}

#[derive(Default)]
struct Line<B> {
    frames: VecDeque<B>,
    bytes: usize,
}

pub struct Shares<B> {
    share: Share,
    lines: BTreeMap<PeerIndex, Line<B>>,
    bytes: usize,
    /// Origins with something waiting, each once, in their turns.
    turns: VecDeque<PeerIndex>,
}

impl<B: AsRef<[u8]>> Shares<B> {
    pub fn new(share: Share) -> Self {
        Self {
            share,
            lines: BTreeMap::new(),
            bytes: 0,
            turns: VecDeque::new(),
        }
    }

    /// Takes the frame if it is within its origin's share.
    pub fn push(&mut self, origin: PeerIndex, frame: B) -> bool {
        let line = self.lines.entry(origin).or_insert_with(|| Line {
            frames: VecDeque::new(),
            bytes: 0,
        });
        let length = frame.as_ref().len();
        let fits = line.frames.is_empty()
            || line.frames.len() < self.share.frames
                && line.bytes.saturating_add(length) <= self.share.bytes;
        if !fits || self.bytes.saturating_add(length) > self.share.bytes_total {
            return false;
        }
        if line.frames.is_empty() {
            self.turns.push_back(origin);
        }
        self.bytes += length;
        line.bytes += length;
        line.frames.push_back(frame);
        true
    }

    /// The first frame, by turns, whose length is wanted.
    pub fn pop(&mut self, wanted: impl Fn(usize) -> bool) -> Option<(PeerIndex, B)> {
        for _ in 0..self.turns.len() {
            let origin = self.turns.pop_front()?;
            let line = self.lines.get_mut(&origin)?;
            let first = line.frames.front().map(|frame| frame.as_ref().len());
            let frame = match first {
                Some(length) if wanted(length) => line.frames.pop_front(),
                Some(_) | None => None,
            };
            let gone = frame.as_ref().map_or(0, |frame| frame.as_ref().len());
            line.bytes -= gone;
            self.bytes -= gone;
            if !line.frames.is_empty() {
                self.turns.push_back(origin);
            }
            if let Some(frame) = frame {
                return Some((origin, frame));
            }
        }
        None
    }

    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Empties it, and says how many frames went.
    pub fn clear(&mut self) -> u64 {
        let mut gone = 0;
        while self.pop(|_| true).is_some() {
            gone += 1;
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares() -> Shares<Vec<u8>> {
        Shares::new(Share {
            frames: 2,
            bytes: 10,
            bytes_total: 30,
        })
    }

    #[test]
    fn one_origin_takes_only_its_own_share_and_turn() {
        let mut shares = shares();
        assert!(shares.push(PeerIndex(1), vec![1]));
        assert!(shares.push(PeerIndex(1), vec![2]));
        assert!(!shares.push(PeerIndex(1), vec![3]));
        assert!(shares.push(PeerIndex(2), vec![4]));
        assert!(!shares.push(PeerIndex(2), vec![5; 10]));
        let order: Vec<u8> = std::iter::from_fn(|| shares.pop(|_| true))
            .map(|(_, frame)| frame[0])
            .collect();
        assert_eq!(order, [1, 4, 2]);
        assert!(shares.is_empty());
    }

    #[test]
    fn one_large_frame_of_an_origin_may_wait_within_the_bytes_of_all() {
        let mut shares = shares();
        assert!(shares.push(PeerIndex(1), vec![1; 20]));
        assert!(!shares.push(PeerIndex(1), vec![2]));
        assert!(!shares.push(PeerIndex(2), vec![3; 20]));
        assert!(shares.push(PeerIndex(2), vec![4]));
        assert_eq!(shares.clear(), 2);
        assert!(shares.push(PeerIndex(2), vec![5; 30]));
    }

    #[test]
    fn a_frame_that_is_not_wanted_now_holds_up_its_own_origin_only() {
        let mut shares = shares();
        assert!(shares.push(PeerIndex(1), vec![1; 9]));
        assert!(shares.push(PeerIndex(2), vec![2]));
        assert_eq!(shares.pop(|length| length < 5).unwrap().1, [2]);
        assert_eq!(shares.pop(|length| length < 5), None);
        assert_eq!(shares.clear(), 1);
    }
}
