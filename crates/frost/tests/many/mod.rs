//! Many cases on all processors, and how many there were.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const SAID_EVERY: u64 = 10_000;

/// Runs the cases 0, 1 … `count` − 1, each once, in any order; says how many it ran. A case that panics fails the test.
pub fn many(what: &str, count: u64, case: impl Fn(u64) + Sync) {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || loop {
        let which = next.fetch_add(1, Ordering::Relaxed);
        if which >= count {
            return;
        }
        case(which);
        let so_far = done.fetch_add(1, Ordering::Relaxed) + 1;
        if so_far.is_multiple_of(SAID_EVERY) {
            eprintln!("{what}: {so_far} of {count}");
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let done = done.into_inner();
    assert_eq!(done, count);
    eprintln!("{what}: {done} cases, none differs");
}
