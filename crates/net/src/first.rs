//! Waiting for whichever comes first.

use std::future::{poll_fn, Future};
use std::pin::pin;
use std::task::Poll;

/// Runs both until one is ready; the other is dropped.
///
/// They are looked at first in turns. The runtime gives a task so much input and output at once and no more; with a
/// fixed order, a flood that is read would leave nothing for what is to be written.
pub async fn first_of<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let mut turn = false;
    poll_fn(|cx| {
        turn = !turn;
        let first = if turn {
            one.as_mut().poll(cx)
        } else {
            other.as_mut().poll(cx)
        };
        match first {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending if turn => other.as_mut().poll(cx),
            Poll::Pending => one.as_mut().poll(cx),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::task::{Context, Waker};

    #[test]
    fn both_are_looked_at_and_take_turns_to_be_first() {
        let seen = RefCell::new(Vec::new());
        let look = |name: u8| {
            let seen = &seen;
            poll_fn(move |_| {
                seen.borrow_mut().push(name);
                Poll::<()>::Pending
            })
        };
        let mut both = pin!(first_of(look(1), look(2)));
        for _ in 0..3 {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(both.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(*seen.borrow(), [1, 2, 2, 1, 1, 2]);
    }
}
