//! Places of 32 bytes in chunks of memory, whatever the memory is.

use std::ops::DerefMut;

use zeroize::Zeroize;

use crate::region::SLOT_BYTES;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    chunk: usize,
    offset: usize,
}

/// Chunks, and the places in them that nobody holds. A free place is zero.
pub(crate) struct Pool<M> {
    chunks: Vec<M>,
    free: Vec<Place>,
}

impl<M: DerefMut<Target = [u8]>> Pool<M> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
        }
    }

    /// More room.
    pub(crate) fn add(&mut self, memory: M) {
        let chunk = self.chunks.len();
        let offsets = (0..memory.len() / SLOT_BYTES).map(|which| which * SLOT_BYTES);
        // The lowest place is taken first.
        let places = offsets.rev().map(|offset| Place { chunk, offset });
        self.free.extend(places);
        self.chunks.push(memory);
    }

    pub(crate) fn chunks(&self) -> &[M] {
        &self.chunks
    }

    pub(crate) fn take(&mut self) -> Option<Place> {
        self.free.pop()
    }

    pub(crate) fn cell(&mut self, place: Place) -> &mut [u8; SLOT_BYTES] {
        let chunk = self.chunks.get_mut(place.chunk);
        let rest = chunk.and_then(|chunk| chunk.get_mut(place.offset..));
        let cell = rest.and_then(|rest| rest.first_chunk_mut());
        cell.expect("a place lies within its chunk, and chunks stay")
    }

    /// Wipes a place; whoever held it has no name for it any more.
    pub(crate) fn give_back(&mut self, place: Place) {
        self.cell(place).zeroize();
        self.free.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(chunks: usize) -> Pool<Vec<u8>> {
        let mut pool = Pool::new();
        (0..chunks).for_each(|_| pool.add(vec![0; 4 * SLOT_BYTES]));
        pool
    }

    #[test]
    fn every_place_is_another() {
        let mut pool = pool(3);
        let places: Vec<Place> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(places.len(), 12);
        for (value, place) in (1..).zip(&places) {
            *pool.cell(*place) = [value; SLOT_BYTES];
        }
        for (value, place) in (1..).zip(&places) {
            assert_eq!(*pool.cell(*place), [value; SLOT_BYTES]);
        }
        assert!(pool.take().is_none());
    }

    #[test]
    fn a_place_that_was_given_back_is_zero_and_is_taken_again() {
        let mut pool = pool(1);
        let place = pool.take().unwrap();
        *pool.cell(place) = [9; SLOT_BYTES];
        pool.give_back(place);
        assert!(pool.chunks.iter().flatten().all(|byte| *byte == 0));
        assert_eq!(pool.take(), Some(place));
    }

    #[test]
    fn a_chunk_that_is_no_multiple_loses_its_end() {
        let mut pool: Pool<Vec<u8>> = Pool::new();
        pool.add(vec![0; 2 * SLOT_BYTES - 1]);
        assert!(pool.take().is_some() && pool.take().is_none());
    }
}
