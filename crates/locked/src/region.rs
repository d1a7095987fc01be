//! A region of locked memory, and the slots in it.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};

use crate::map::{LockError, Map, Protection};
use crate::pool::{Place, Pool};

/// Bytes of a slot: a scalar, or a key.
pub const SLOT_BYTES: usize = 32;

/// The first chunk: a page, so that a process may have many regions. Each further one is twice as large, up to sixteen.
const CHUNK_BYTES: usize = 4096;
const DOUBLINGS_MAX: usize = 4;

/// Locked memory that grows as it is needed. A clone is a second handle on the same memory.
#[derive(Clone)]
pub struct Region(Arc<Shared>);

struct Shared {
    protection: Protection,
    // Held while 32 bytes are copied, or while the kernel gives a new chunk; never over arithmetic.
    pool: Mutex<Pool<Map>>,
}

/// 32 bytes in a region. No `Clone`; wiped on drop.
pub struct Slot {
    region: Region,
    place: Place,
}

impl Region {
    /// A region with the best protection that this system has.
    ///
    /// # Errors
    /// [`LockError`]: the operator must act.
    pub fn new() -> Result<Self, LockError> {
        Self::protected(Protection::Secret).or_else(|_| Self::protected(Protection::Locked))
    }

    /// A region with just this protection.
    ///
    /// # Errors
    /// [`LockError`], also where the system does not have it.
    pub fn protected(protection: Protection) -> Result<Self, LockError> {
        let mut pool = Pool::new();
        pool.add(Map::new(protection, CHUNK_BYTES)?);
        Ok(Self(Arc::new(Shared {
            protection,
            pool: Mutex::new(pool),
        })))
    }

    /// How it is protected.
    #[must_use]
    pub fn protection(&self) -> Protection {
        self.0.protection
    }

    /// Copies a value into a slot of its own.
    ///
    /// # Errors
    /// [`LockError`] when there is no room and the system gives none; nothing was copied.
    pub fn hold(&self, value: &[u8; SLOT_BYTES]) -> Result<Slot, LockError> {
        let mut pool = self.pool();
        let place = match pool.take() {
            Some(place) => place,
            None => self.grown(&mut pool)?,
        };
        *pool.cell(place) = *value;
        drop(pool);
        Ok(Slot {
            region: self.clone(),
            place,
        })
    }

    fn grown(&self, pool: &mut Pool<Map>) -> Result<Place, LockError> {
        let doublings = pool.chunks().len().min(DOUBLINGS_MAX);
        pool.add(Map::new(self.protection(), CHUNK_BYTES << doublings)?);
        Ok(pool.take().expect("a new chunk has places"))
    }

    /// Where the region lies now, for whoever looks at the process from outside.
    #[must_use]
    pub fn addresses(&self) -> Vec<Range<usize>> {
        let pool = self.pool();
        let range = |chunk: &Map| {
            let start = chunk.as_ptr().addr();
            start..start + chunk.len()
        };
        pool.chunks().iter().map(range).collect()
    }

    /// A panic elsewhere leaves no half-done change: each is one copy, or one push.
    fn pool(&self) -> MutexGuard<'_, Pool<Map>> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Copies the value out: to a stack that [`crate::scrubbed`] wipes.
    pub fn read(&self, into: &mut [u8; SLOT_BYTES]) {
        *into = *self.region.pool().cell(self.place);
    }

    /// Puts another value in the place of this one.
    pub fn replace(&mut self, value: &[u8; SLOT_BYTES]) {
        *self.region.pool().cell(self.place) = *value;
    }

    /// The region it lies in.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.region.pool().give_back(self.place);
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({:?})", self.protection())
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

// Built for these tests, the lock is shuttle's: it runs the threads one at a time, in another order each time.
#[cfg(test)]
mod tests {
    use super::*;
    use shuttle::thread;

    /// Each thread has its own values, whatever the others hold and drop meanwhile.
    fn hold_and_drop() {
        let region = Region::protected(Protection::Locked).unwrap();
        let held = |who: u8, region: &Region| {
            for round in 0..3 {
                let value = [who * 16 + round; SLOT_BYTES];
                let mut slot = region.hold(&value).unwrap();
                let (mut seen, other) = ([0; SLOT_BYTES], [who; SLOT_BYTES]);
                slot.read(&mut seen);
                assert_eq!(seen, value);
                slot.replace(&other);
                slot.read(&mut seen);
                assert_eq!(seen, other);
            }
        };
        let threads = (1..4).map(|who| {
            let region = region.clone();
            thread::spawn(move || held(who, &region))
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let mut pool = region.pool();
        let free: Vec<Place> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(free.len(), CHUNK_BYTES / SLOT_BYTES, "a slot was lost");
        for place in free {
            assert_eq!(*pool.cell(place), [0; SLOT_BYTES], "a value was left");
        }
    }

    #[test]
    fn no_order_of_threads_mixes_or_leaves_values() {
        shuttle::check_random(hold_and_drop, 500);
    }
}
