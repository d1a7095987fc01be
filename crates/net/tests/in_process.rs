#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The network inside a process keeps the promises of the trait.

use std::future::poll_fn;
use std::sync::Arc;

use hardfrost_net::{Arrival, Class, InProcess, Link, PeerIndex, Transport};

fn frame(text: &str) -> Arc<[u8]> {
    text.as_bytes().into()
}

fn came(from: u16, text: &str) -> Arrival {
    Arrival::Frame {
        peer: PeerIndex(from),
        relayed_for: None,
        bytes: text.as_bytes().to_vec(),
    }
}

#[test]
fn everybody_is_reached_and_frames_arrive_in_turns() {
    let mut members = InProcess::network(3);
    let reached = members[0].receive(10);
    assert_eq!(
        reached,
        [1, 2].map(|peer| Arrival::Reached(PeerIndex(peer)))
    );
    for text in ["a", "b", "c"] {
        members[1].send(PeerIndex(0), &frame(text), Class::Once);
    }
    members[2].send(PeerIndex(0), &frame("x"), Class::Once);
    let expected = [came(1, "a"), came(2, "x"), came(1, "b")];
    assert_eq!(members[0].receive(3), expected);
    assert_eq!(members[0].receive(3), [came(1, "c")]);
}

#[test]
fn who_leaves_is_lost_and_gets_nothing_more() {
    let mut members = InProcess::network(2);
    let _ = members[0].receive(10);
    drop(members.pop());
    assert_eq!(members[0].receive(10), [Arrival::Lost(PeerIndex(1))]);
    members[0].send(PeerIndex(1), &frame("a"), Class::Once);
    let status = members[0].peers();
    assert!(matches!(status[0].link, Link::None { .. }));
    assert_eq!(status[0].counts.dropped_unreachable, 1);
}

#[tokio::test]
async fn a_waiting_member_wakes_when_a_frame_comes() {
    let mut members = InProcess::network(2);
    let mut other = members.pop().unwrap();
    let mut first = members.pop().unwrap();
    let _ = first.receive(10);
    let waiting = tokio::spawn(async move {
        poll_fn(|cx| first.poll_ready(cx)).await;
        first.receive(10)
    });
    tokio::task::yield_now().await;
    other.send(PeerIndex(0), &frame("a"), Class::Repairable);
    assert_eq!(waiting.await.unwrap(), [came(1, "a")]);
}
