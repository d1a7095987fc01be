//! A stack that is wiped after use.

use std::hint::black_box;

/// How deep the stack is wiped, in bytes: so much must be left of it. Several times what signing needs in any build;
/// the test that searches a process shows that it is enough.
pub const SCRUBBED_BYTES: usize = 64 * 1024;

/// Wipes what lies below the frame that it is dropped in.
struct Below;

impl Drop for Below {
    fn drop(&mut self) {
        wipe();
    }
}

/// As deep as anything below could have written: zeros.
#[inline(never)]
fn wipe() {
    // The compiler must assume that somebody reads this array, so it has to write it.
    black_box(&mut [0_u8; SCRUBBED_BYTES]);
}

#[inline(never)]
fn deeper<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Runs `work`, then overwrites the stack that it used, also when it panics. What it returns, and what it captures by
/// value, passes through frames that are not wiped: neither may be secret.
pub fn scrubbed<R>(work: impl FnOnce() -> R) -> R {
    let _wiped_at_the_end = Below;
    deeper(work)
}
