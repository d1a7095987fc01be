//! Members that cannot reach each other reach each other through a third.

use std::time::Duration;

use hardfrost_net::{Arrival, Link, NetLimits, PeerIndex};

use crate::raw::{Raw, PING, REACH, WHOLE};
use crate::world::{endpoint, eventually, quick, terms, Node, PATIENCE};

/// Member 1 listens; 0 and 2 dial it and know no address of each other.
async fn around(limits: NetLimits) -> [Node; 3] {
    let middle = Node::listening(1, 3, limits.clone()).await;
    let known = [(1, middle.address())];
    let first = Node::new(endpoint(0, limits.clone()).await, terms(0, 3, &known));
    let last = Node::new(endpoint(2, limits).await, terms(2, 3, &known));
    let mut nodes = [first, middle, last];
    nodes[0].reaches(2).await;
    nodes[2].reaches(0).await;
    nodes
}

#[tokio::test]
async fn a_member_without_a_link_is_reached_through_another() {
    let [mut first, middle, mut last] = around(quick()).await;
    assert_eq!(first.peer(2).link, Link::Relayed(PeerIndex(1)));
    assert_eq!(first.peer(2).round_trip, None);
    first.send(2, b"small");
    assert_eq!(last.frame(b"small").await.0, 1);
    let large = vec![b'L'; 100_000];
    last.send(0, &large);
    assert_eq!(first.frame(b"L").await, (1, large));
    assert_eq!(middle.peer(0).counts.relayed_for, 1);
    assert_eq!(middle.peer(0).counts.relayed_bytes_for, 5);
    assert_eq!(middle.peer(2).counts.relayed_bytes_for, 100_000);
    assert_eq!(first.peer(2).counts.frames_sent, 1);

    drop(middle);
    first.loses(2).await;
    first.send(2, b"nobody");
    assert_eq!(first.peer(2).counts.dropped_unreachable, 1);
}

#[tokio::test]
async fn a_relay_hands_on_for_one_member_no_more_than_its_quota() {
    let limits = NetLimits {
        relay_bytes_per_second: 1,
        relay_burst_bytes: 1,
        ..quick()
    };
    // A burst is one frame of the largest in any case.
    let mut node = Node::listening(1, 3, limits).await;
    let mut from = Raw::member(0, node.address()).await;
    let mut to = Raw::member(2, node.address()).await;
    node.reaches(0).await;
    node.reaches(2).await;
    let asked = [&[1, 0, 2], [7; 16_000].as_slice()].concat();
    let reading = tokio::spawn(async move {
        let mut bytes = 0;
        while let Ok(body) = to.read_kind(WHOLE).await {
            if body == [0, 0, 0, b'e'] {
                break;
            }
            assert_eq!(body[..3], [2, 0, 0]);
            bytes += body.len() - 3;
        }
        bytes
    });
    // Step by step, so that nothing is dropped for another reason than the quota.
    for asked_before in (0..1000).step_by(100) {
        for _ in 0..100 {
            from.write(WHOLE, &asked).await.unwrap();
        }
        eventually(
            "something asked for is neither handed on nor dropped",
            || {
                let counts = node.peer(0).counts;
                counts.relayed_for + counts.dropped_over_quota == asked_before + 100
            },
        )
        .await;
    }
    assert!(node.peer(0).counts.dropped_over_quota > 0);
    node.send(2, b"e");
    let bytes = reading.await.unwrap();
    assert!(bytes <= crate::world::FRAME_BYTES_MAX + 100, "{bytes}");
}

/// Members 0 and 3 have no link. Member 1 says it reaches 3 and swallows everything; member 2 is honest.
#[tokio::test]
async fn a_relay_that_swallows_is_left() {
    let limits = NetLimits {
        relay_rotation: PATIENCE * 10,
        ..quick()
    };
    let mut first = Node::listening(0, 4, limits.clone()).await;
    let mut swallows = Raw::member(1, first.address()).await;
    swallows.write(REACH, &[0b1001]).await.unwrap();
    first.reaches(3).await;
    assert_eq!(first.peer(3).link, Link::Relayed(PeerIndex(1)));
    // It goes on to answer pings.
    let _serving = tokio::spawn(async move { swallows.idle().await });

    let known = [(0, first.address())];
    let honest = Node::new(endpoint(2, limits.clone()).await, terms(2, 4, &known));
    let known = [(2, honest.address())];
    let mut last = Node::new(endpoint(3, limits).await, terms(3, 4, &known));
    last.reaches(0).await;
    first.send(3, b"swallowed");
    let left = || first.peer(3).link == Link::Relayed(PeerIndex(2));
    eventually("the relay is used for ever", left).await;
    first.send(3, b"handed on");
    assert_eq!(last.frame(b"handed").await.0, 2);
}

/// The same, but member 1 brings frames that it made up as member 3's: it seems to work.
#[tokio::test]
async fn a_relay_that_swallows_and_makes_up_is_left_too() {
    let limits = NetLimits {
        relay_rotation: Duration::from_millis(400),
        ..quick()
    };
    let mut first = Node::listening(0, 4, limits.clone()).await;
    let mut makes_up = Raw::member(1, first.address()).await;
    makes_up.write(REACH, &[0b1001]).await.unwrap();
    first.reaches(3).await;
    assert_eq!(first.peer(3).link, Link::Relayed(PeerIndex(1)));
    // As often as the relay is looked at.
    let _serving = tokio::spawn(async move {
        while makes_up.read_kind(PING).await.is_ok() {
            let made_up = makes_up.write(WHOLE, b"\x02\x00\x03made up");
            if made_up.await.is_err() {
                break;
            }
        }
    });
    let known = [(0, first.address())];
    let honest = Node::new(endpoint(2, limits.clone()).await, terms(2, 4, &known));
    let known = [(2, honest.address())];
    let mut last = Node::new(endpoint(3, limits).await, terms(3, 4, &known));
    last.reaches(0).await;
    first.frame(b"made up").await;
    let left = || first.peer(3).link == Link::Relayed(PeerIndex(2));
    eventually("the relay is used for ever", left).await;
}

#[tokio::test]
async fn a_frame_is_never_handed_on_twice() {
    // Member 1 reaches 2 only through 3, which says so; member 0 asks 1 to hand something to 2.
    let mut node = Node::listening(1, 4, quick()).await;
    let mut through = Raw::member(3, node.address()).await;
    through.write(REACH, &[0b0100]).await.unwrap();
    node.reaches(2).await;
    assert_eq!(node.peer(2).link, Link::Relayed(PeerIndex(3)));
    let mut asks = Raw::member(0, node.address()).await;
    asks.write(WHOLE, b"\x01\x00\x02on and on").await.unwrap();
    asks.frame(b"asked").await.unwrap();
    node.frame(b"asked").await;
    assert_eq!(node.peer(2).counts.dropped_unreachable, 1);
    node.send(3, b"the end");
    let body = through.read_kind(WHOLE).await.unwrap();
    assert_eq!(body, b"\x00\x00\x00the end");
}

#[tokio::test]
async fn what_a_relay_invents_takes_its_own_turns_and_a_bounded_place() {
    let limits = NetLimits {
        relay_frames_max: 30,
        relay_burst_bytes: 1 << 20,
        ..quick()
    };
    let mut node = Node::listening(0, 3, limits).await;
    let mut relay = Raw::member(1, node.address()).await;
    node.reaches(1).await;
    for _ in 0..100 {
        relay.write(WHOLE, b"\x02\x00\x02invented").await.unwrap();
    }
    relay.frame(b"own").await.unwrap();
    eventually("it was not read", || {
        node.peer(1).counts.frames_received == 11
    })
    .await;
    let came =
        node.until(|arrival| matches!(arrival, Arrival::Frame { bytes, .. } if bytes == b"own"));
    let before = came.await.len();
    assert!(before <= 3, "its own frame waited for what it invented");
    assert_eq!(node.peer(2).counts.dropped_over_quota, 90);
}

#[tokio::test]
async fn who_becomes_reachable_directly_is_told_again() {
    let limits = NetLimits {
        back_off_max: Duration::from_millis(50),
        ..quick()
    };
    let [mut first, _middle, mut last] = around(limits).await;
    let place = first.address();
    let Node {
        endpoint,
        transport,
    } = last;
    drop(transport);
    first.loses(2).await;
    last = Node::new(endpoint, terms(2, 3, &[(0, place)]));
    first.reaches(2).await;
    last.reaches(0).await;
    assert!(first.is_direct(2));
}
