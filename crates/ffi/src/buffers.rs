//! Replies that a host holds. The memory stays ours: a host gets its address, and gives it back.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

/// Live replies by address. What is not in here is not freed: a second free, a foreign pointer and a wrong length do
/// nothing, or no harm.
pub(crate) struct Buffers(Mutex<BTreeMap<usize, Zeroizing<Vec<u8>>>>);

impl Buffers {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Keeps a reply until it is freed. Address and length are the host's from here on.
    pub(crate) fn lend(&self, mut reply: Zeroizing<Vec<u8>>) -> (*mut u8, usize) {
        // An empty vector has no address of its own.
        if reply.capacity() == 0 {
            reply.reserve(1);
        }
        let (pointer, len) = (reply.as_mut_ptr(), reply.len());
        self.live().insert(pointer as usize, reply);
        (pointer, len)
    }

    /// Wipes and frees the reply at an address. False if none is there.
    pub(crate) fn take_back(&self, pointer: *mut u8) -> bool {
        let reply = self.live().remove(&(pointer as usize));
        // Dropped, and so wiped, outside the lock.
        reply.is_some()
    }

    /// Nothing is half done under this lock: what a panic leaves is a whole map.
    fn live(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Zeroizing<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f03_a_reply_is_freed_once_and_a_foreign_pointer_never() {
        let buffers = Buffers::new();
        let (pointer, len) = buffers.lend(Zeroizing::new(b"reply".to_vec()));
        assert_eq!(len, 5);
        let mut foreign = [0u8; 5];
        assert!(!buffers.take_back(foreign.as_mut_ptr()));
        assert!(!buffers.take_back(pointer.wrapping_add(1)));
        assert!(!buffers.take_back(std::ptr::null_mut()));
        assert!(buffers.take_back(pointer));
        assert!(!buffers.take_back(pointer));
    }

    #[test]
    fn an_empty_reply_has_an_address_of_its_own() {
        let buffers = Buffers::new();
        let (first, _) = buffers.lend(Zeroizing::default());
        let (second, len) = buffers.lend(Zeroizing::default());
        assert_ne!(first, second);
        assert_eq!(len, 0);
        assert!(buffers.take_back(first) && buffers.take_back(second));
    }
}
