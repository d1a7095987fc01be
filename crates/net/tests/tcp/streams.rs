//! What goes over a connection: nobody's frames suffer from another's.

use hardfrost_net::{Arrival, Class, Link, NetLimits, PeerIndex, Transport};

use crate::raw::{Raw, BEGIN, HELLO, PIECE, PING, REACH, WHOLE};
use crate::world::{eventually, pair, quick, Node, FRAME_BYTES_MAX};

#[tokio::test]
async fn a_large_frame_does_not_hold_up_small_ones() {
    let [mut first, mut second] = pair(quick()).await;
    first.send(1, &vec![b'L'; 8 << 20]);
    eventually("the large frame does not begin", || {
        first.peer(1).counts.frames_sent == 1
    })
    .await;
    for _ in 0..10 {
        first.send(1, b"small");
    }
    first.send(1, &vec![b'M'; 100_000]);
    let came = second.until(|arrival| is_long(arrival, 8 << 20)).await;
    let small = came.iter().filter(|arrival| is_frame(b"small")(arrival));
    assert_eq!(small.count(), 10, "small frames waited for the large one");
    assert_eq!(second.frame(b"M").await.1.len(), 100_000);
}

#[tokio::test]
async fn a_frame_of_every_length_around_a_chunk_arrives_whole() {
    let [mut first, mut second] = pair(quick()).await;
    for length in [
        0,
        1,
        16_377,
        16_378,
        16_379,
        32_762,
        32_763,
        FRAME_BYTES_MAX,
    ] {
        let frame = [7, 1, 2, 3, 5].repeat(length / 5 + 1)[..length].to_vec();
        first.send(1, &frame);
        assert_eq!(second.frame(&frame).await.1, frame);
    }
    first.send(1, &vec![0; FRAME_BYTES_MAX + 1]);
    assert_eq!(first.peer(1).counts.dropped_oversized, 1);
}

/// The flood stands in its own queue and its own socket; the honest peer's frames come in its own turns.
#[tokio::test]
async fn n03_a_flood_displaces_nobodys_frames() {
    let limits = NetLimits {
        receive_frames_max: 100,
        ..quick()
    };
    let mut node = Node::listening(0, 3, limits).await;
    let mut flooder = Raw::member(1, node.address()).await;
    let mut honest = Raw::member(2, node.address()).await;
    node.reaches(2).await;
    let flood = tokio::spawn(async move { while flooder.frame(&[b'f'; 1000]).await.is_ok() {} });
    eventually("the flood did not fill its queue", || {
        node.peer(1).counts.frames_received >= 100
    })
    .await;
    for at in 0..50u8 {
        honest.frame(&[b'h', at]).await.unwrap();
    }
    eventually("the honest frames did not come", || {
        node.peer(2).counts.frames_received == 50
    })
    .await;
    assert_eq!(node.peer(1).counts.frames_received, 100, "it was read on");
    let came = node.until(is_frame(&[b'h', 49])).await;
    let of = |first: u8| {
        let frames = came.iter().filter_map(frame_of);
        frames.filter(|bytes| bytes.first() == Some(&first)).count()
    };
    assert_eq!(of(b'h'), 50);
    assert!(of(b'f') <= 52, "the flood took more than its turns");
    flood.abort();
}

/// Nothing is read from it, so nothing is known of its silence.
#[tokio::test]
async fn n03_a_peer_whose_frames_are_not_taken_is_not_taken_for_dead() {
    let limits = NetLimits {
        receive_frames_max: 2,
        keep_alive_timeout: quick().keep_alive_interval * 2,
        ..quick()
    };
    let mut node = Node::listening(0, 2, limits).await;
    let mut raw = Raw::member(1, node.address()).await;
    for at in 0..5u8 {
        raw.frame(&[b'f', at]).await.unwrap();
    }
    // Pings come, one in each interval; its answers stand behind its frames.
    for _ in 0..6 {
        raw.read_kind(PING).await.unwrap();
    }
    assert!(node.is_direct(1));
    let came = node.until(is_frame(&[b'f', 4])).await;
    assert_eq!(came.iter().filter_map(frame_of).count(), 5);
}

fn frame_of(arrival: &Arrival) -> Option<&[u8]> {
    match arrival {
        Arrival::Frame { bytes, .. } => Some(bytes),
        Arrival::Reached(_) | Arrival::Lost(_) | Arrival::RoundTrip(..) => None,
    }
}

fn is_frame(wanted: &[u8]) -> impl Fn(&Arrival) -> bool + '_ {
    move |arrival| frame_of(arrival) == Some(wanted)
}

fn is_long(arrival: &Arrival, length: usize) -> bool {
    frame_of(arrival).is_some_and(|bytes| bytes.len() == length)
}

/// Raw member 1 never reads. What waits for it is bounded, and member 2 gets everything at once.
#[tokio::test]
async fn n04_a_peer_that_never_reads_delays_nobody_and_holds_little() {
    let limits = NetLimits {
        send_frames_max: 50,
        send_bytes_max: 10 << 20,
        ..quick()
    };
    let mut node = Node::listening(0, 3, limits).await;
    let _deaf = Raw::member(1, node.address()).await;
    let mut reader = Raw::member(2, node.address()).await;
    node.reaches(1).await;
    node.reaches(2).await;
    let frame = vec![0; 16_000].into();
    for sent in 1..=2000u64 {
        node.transport.send(PeerIndex(1), &frame, Class::Repairable);
        if sent % 20 == 0 {
            node.send(2, &sent.to_be_bytes());
            let wanted = [&[0, 0, 0], sent.to_be_bytes().as_slice()].concat();
            assert_eq!(reader.read_kind(WHOLE).await.unwrap(), wanted);
        }
    }
    let deaf = node.peer(1).counts;
    let waiting = 2000 - deaf.frames_sent - deaf.dropped_full;
    assert!(waiting <= 50, "{waiting} frames wait");
    assert!(deaf.dropped_full > 0, "its socket took everything");
    assert_eq!(node.peer(2).counts.dropped_full, 0);
    assert!(node.is_direct(1));
}

async fn breaks_the_rules(chunks: &[(u8, Vec<u8>)]) {
    let mut node = Node::listening(0, 3, quick()).await;
    let mut honest = Raw::member(2, node.address()).await;
    let mut raw = Raw::member(1, node.address()).await;
    node.reaches(1).await;
    for (kind, body) in chunks {
        let _ = raw.write(*kind, body).await;
    }
    node.loses(1).await;
    raw.is_closed().await;
    let status = node.peer(1);
    assert_eq!(status.counts.violations, 1, "{chunks:?}");
    let told = matches!(status.link, Link::None { last_error: Some(why) } if why.contains("rules"));
    assert!(told);
    honest.frame(b"still here").await.unwrap();
    assert_eq!(node.frame(b"still").await.0, 2);
}

fn begin(total: usize) -> (u8, Vec<u8>) {
    let total = u32::try_from(total).unwrap().to_be_bytes();
    (BEGIN, [&[0, 0, 0], total.as_slice()].concat())
}

#[tokio::test]
async fn n06_an_oversized_frame_ends_at_its_announcement() {
    breaks_the_rules(&[begin(FRAME_BYTES_MAX + 1)]).await;
    breaks_the_rules(&[begin(u32::MAX as usize)]).await;
}

#[tokio::test]
async fn n06_a_frame_does_not_go_on_beyond_its_length() {
    let piece = (PIECE, vec![0; 16_000]);
    let more = [begin(20_000), piece.clone(), piece.clone()];
    breaks_the_rules(&more).await;
    breaks_the_rules(&[piece]).await;
    breaks_the_rules(&[begin(20_000), (PIECE, Vec::new())]).await;
}

#[tokio::test]
async fn n06_a_chunk_is_not_longer_than_a_record() {
    breaks_the_rules(&[(WHOLE, vec![0; 16_382])]).await;
    breaks_the_rules(&[(200, vec![0; 60_000])]).await;
}

#[tokio::test]
async fn what_does_not_read_ends_its_connection_alone() {
    let nobody = |kind, index: u16| {
        let index = index.to_be_bytes();
        (WHOLE, vec![kind, index[0], index[1], 1])
    };
    for chunks in [
        vec![(WHOLE, vec![0])],
        vec![(WHOLE, vec![9, 0, 0, 1])],
        vec![nobody(1, 0)],
        vec![nobody(1, 1)],
        vec![nobody(1, 3)],
        vec![nobody(2, 0)],
        vec![nobody(2, 1)],
        vec![nobody(2, 500)],
        vec![(PING, vec![0; 9])],
        vec![(REACH, vec![0, 0])],
        vec![(REACH, vec![0b1000])],
        vec![(HELLO, vec![0; 100])],
        vec![begin(20_000), begin(20_000)],
        vec![begin(100)],
    ] {
        breaks_the_rules(&chunks).await;
    }
}

#[tokio::test]
async fn chunks_of_later_versions_are_skipped_and_counted() {
    let mut node = Node::listening(0, 2, quick()).await;
    let mut raw = Raw::member(1, node.address()).await;
    raw.write(200, b"from a later version").await.unwrap();
    raw.write(201, &[0; 16_381]).await.unwrap();
    raw.frame(b"known").await.unwrap();
    assert_eq!(node.frame(b"known").await.0, 1);
    assert_eq!(node.peer(1).counts.unknown_chunks, 2);
    assert_eq!(node.peer(1).counts.violations, 0);
}
