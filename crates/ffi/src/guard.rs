//! A panic ends here. It becomes `internal_error`; its text goes nowhere, for it may hold anything.

use std::any::Any;
use std::io::Write;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

/// A panic was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs `work`. Whatever it may leave half done stands behind locks, which a panic poisons.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        forget(payload);
        Panicked
    })
}

/// The payload's own drop may panic as well: that one is caught too, and what it leaves is leaked.
fn forget(payload: Box<dyn Any + Send>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    if let Err(second) = dropped {
        std::mem::forget(second);
    }
}

/// The standard hook prints a panic's text, and panics itself where standard error is closed. Ours says where, no more.
/// Only the boundary sets it: a shared library has a hook of its own, a Rust program that links us keeps its.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_hook(Box::new(|panic| tell(panic, &mut std::io::stderr()))));
}

fn tell(panic: &PanicHookInfo<'_>, out: &mut impl Write) {
    let place = panic.location();
    let said = match place {
        Some(at) => writeln!(
            out,
            "hardfrost: internal error at {}:{}",
            at.file(),
            at.line()
        ),
        None => writeln!(out, "hardfrost: internal error"),
    };
    // Nobody reads it: there is no one to tell.
    drop(said);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A payload that panics when it is dropped, as long as it has lives left.
    struct Spiteful(u8);

    impl Drop for Spiteful {
        fn drop(&mut self) {
            if self.0 > 0 {
                std::panic::panic_any(Self(self.0 - 1));
            }
        }
    }

    #[test]
    fn f01_a_panic_is_caught_and_so_is_a_second_one_of_its_payload() {
        assert_eq!(
            guarded(|| panic!("the key is 5a5a")),
            Err::<(), _>(Panicked)
        );
        for lives in 0..3 {
            let caught = guarded(|| std::panic::panic_any(Spiteful(lives)));
            assert_eq!(caught, Err::<(), _>(Panicked));
        }
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
