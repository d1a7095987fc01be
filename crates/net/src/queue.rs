//! A bounded queue of frames to one peer. Small frames pass large ones; what goes first when it is full is written here
//! and nowhere else.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::peer::Class;

/// A frame that waits.
struct Waiting {
    bytes: Arc<[u8]>,
    age: u64,
}

/// What became of a push.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many frames went, the new one included.
    pub frames: u64,
}

/// Which frames fit one chunk.
#[derive(Clone, Copy)]
pub enum Size {
    Small,
    Large,
}

struct Line(VecDeque<Waiting>);

impl Line {
    fn age(&self) -> u64 {
        self.0.front().map_or(u64::MAX, |waiting| waiting.age)
    }
}

pub struct FrameQueue {
    small_repairable: Line,
    small_once: Line,
    large_repairable: Line,
    large_once: Line,
    frames: usize,
    bytes: usize,
    next_age: u64,
    frames_max: usize,
    bytes_max: usize,
    small_max: usize,
}

/// The line whose first frame is the older one.
fn older<'a>(one: &'a mut Line, other: &'a mut Line) -> &'a mut Line {
    if one.age() <= other.age() {
        one
    } else {
        other
    }
}

impl FrameQueue {
    /// Frames up to `small_max` bytes are small.
    pub fn new(frames_max: usize, bytes_max: usize, small_max: usize) -> Self {
        let line = || Line(VecDeque::new());
        Self {
            small_repairable: line(),
            small_once: line(),
            large_repairable: line(),
            large_once: line(),
            frames: 0,
            bytes: 0,
            next_age: 0,
            frames_max,
            bytes_max,
            small_max,
        }
    }

    /// Puts a frame in, and drops what must go for it: the oldest that can be asked for again, then, if the new one
    /// cannot be, the oldest of all. A frame that can be asked for again displaces none that cannot.
    pub fn push(&mut self, bytes: Arc<[u8]>, class: Class) -> Dropped {
        let mut dropped = Dropped::default();
        while !self.has_room(bytes.len()) {
            let oldest = match (self.pop_repairable(), class) {
                (Some(oldest), _) => Some(oldest),
                (None, Class::Once) => self.pop_once(),
                (None, Class::Repairable) => None,
            };
            dropped.frames += 1;
            if oldest.is_none() {
                return dropped;
            }
        }
        self.frames += 1;
        self.bytes += bytes.len();
        let small = bytes.len() <= self.small_max;
        let line = match (small, class) {
            (true, Class::Repairable) => &mut self.small_repairable,
            (true, Class::Once) => &mut self.small_once,
            (false, Class::Repairable) => &mut self.large_repairable,
            (false, Class::Once) => &mut self.large_once,
        };
        let age = self.next_age;
        self.next_age += 1;
        line.0.push_back(Waiting { bytes, age });
        dropped
    }

    /// Whether a frame of this length fits without a drop.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.frames < self.frames_max && self.bytes.saturating_add(bytes) <= self.bytes_max
    }

    /// The oldest frame of this size.
    pub fn pop(&mut self, size: Size) -> Option<Arc<[u8]>> {
        let line = match size {
            Size::Small => older(&mut self.small_repairable, &mut self.small_once),
            Size::Large => older(&mut self.large_repairable, &mut self.large_once),
        };
        let waiting = line.0.pop_front();
        self.counted_out(waiting)
    }

    /// The oldest frame of all.
    pub fn pop_any(&mut self) -> Option<Arc<[u8]>> {
        let small = self.small_repairable.age().min(self.small_once.age());
        let large = self.large_repairable.age().min(self.large_once.age());
        let size = if small <= large {
            Size::Small
        } else {
            Size::Large
        };
        self.pop(size)
    }

    /// Empties it, and says how many frames went.
    pub fn clear(&mut self) -> u64 {
        let mut gone = 0;
        while self.pop_any().is_some() {
            gone += 1;
        }
        gone
    }

    fn pop_repairable(&mut self) -> Option<Arc<[u8]>> {
        let waiting = older(&mut self.small_repairable, &mut self.large_repairable)
            .0
            .pop_front();
        self.counted_out(waiting)
    }

    fn pop_once(&mut self) -> Option<Arc<[u8]>> {
        let waiting = older(&mut self.small_once, &mut self.large_once)
            .0
            .pop_front();
        self.counted_out(waiting)
    }

    fn counted_out(&mut self, waiting: Option<Waiting>) -> Option<Arc<[u8]>> {
        let bytes = waiting?.bytes;
        self.frames -= 1;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize, first: u8) -> Arc<[u8]> {
        let mut bytes = vec![0; length];
        bytes[0] = first;
        bytes.into()
    }

    fn queue() -> FrameQueue {
        FrameQueue::new(3, 100, 10)
    }

    fn drained(queue: &mut FrameQueue) -> Vec<u8> {
        std::iter::from_fn(|| queue.pop_any().map(|bytes| bytes[0])).collect()
    }

    #[test]
    fn the_oldest_repairable_frame_goes_first() {
        let mut queue = queue();
        for (first, class) in [(1, Class::Once), (2, Class::Repairable), (3, Class::Once)] {
            assert_eq!(queue.push(frame(5, first), class).frames, 0);
        }
        assert_eq!(queue.push(frame(5, 4), Class::Once).frames, 1);
        assert_eq!(drained(&mut queue), [1, 3, 4]);
    }

    #[test]
    fn the_oldest_of_all_goes_when_none_is_repairable() {
        let mut queue = queue();
        for first in 1..=4 {
            queue.push(frame(5, first), Class::Once);
        }
        assert_eq!(drained(&mut queue), [2, 3, 4]);
    }

    #[test]
    fn a_repairable_frame_displaces_none_that_goes_once() {
        let mut queue = queue();
        for first in 1..=3 {
            queue.push(frame(5, first), Class::Once);
        }
        assert_eq!(queue.push(frame(5, 4), Class::Repairable).frames, 1);
        assert_eq!(drained(&mut queue), [1, 2, 3]);
    }

    #[test]
    fn bytes_count_as_well() {
        let mut queue = queue();
        queue.push(frame(60, 1), Class::Repairable);
        assert_eq!(queue.push(frame(60, 2), Class::Repairable).frames, 1);
        assert_eq!(drained(&mut queue), [2]);
        assert_eq!(queue.push(frame(101, 3), Class::Once).frames, 1);
        assert!(queue.pop_any().is_none());
    }

    #[test]
    fn small_frames_pass_large_ones() {
        let mut queue = queue();
        queue.push(frame(50, 1), Class::Once);
        queue.push(frame(5, 2), Class::Repairable);
        let first = |waiting: Option<Arc<[u8]>>| waiting.map(|bytes| bytes[0]);
        assert_eq!(first(queue.pop(Size::Small)), Some(2));
        assert_eq!(first(queue.pop(Size::Small)), None);
        assert_eq!(first(queue.pop(Size::Large)), Some(1));
    }
}
