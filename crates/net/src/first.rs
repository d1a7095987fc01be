//! Waiting for whichever comes first.

use std::future::{poll_fn, Future};
use std::pin::pin;
use std::task::Poll;

/// Runs both until one is ready; the other is dropped. The first is looked at first.
pub async fn first_of<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|cx| match one.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(done),
        Poll::Pending => other.as_mut().poll(cx),
    })
    .await
}
