//! Members meet, lose each other, and meet again.

use std::time::Duration;

use hardfrost_net::{
    Arrival, Class, Endpoint, Link, NetError, NetLimits, PeerIndex, TermsFault, Transport,
};
use tokio::net::TcpListener;

use crate::raw::{Raw, Says, HELLO, PING, REFUSAL};
use crate::world::{
    both_dialling, endpoint, endpoint_at, eventually, key, pair, quick, seed, terms, Node,
    FRAME_BYTES_MAX,
};

#[tokio::test]
async fn two_members_meet_speak_and_measure_each_other() {
    let [mut first, mut second] = pair(quick()).await;
    first.send(1, b"to the second");
    second.send(0, b"to the first");
    assert_eq!(first.frame(b"to").await, (1, b"to the first".to_vec()));
    assert_eq!(second.frame(b"to").await, (0, b"to the second".to_vec()));
    first
        .until(|arrival| matches!(arrival, Arrival::RoundTrip(PeerIndex(1), _)))
        .await;
    let status = first.peer(1);
    assert_eq!(status.version, Some(1));
    assert_eq!(status.build.as_deref(), Some("member 1"));
    assert!(status.round_trip.unwrap() < Duration::from_secs(5));
    assert!(status.skew_millis.unwrap().abs() < 5000);
    assert_eq!(status.counts.frames_sent, 1);
    assert_eq!(status.counts.bytes_sent, 13);
    assert_eq!(status.counts.frames_received, 1);
}

#[tokio::test]
async fn members_meet_over_ipv6() {
    let listening = endpoint_at(1, "[::1]:0".parse().unwrap(), quick()).await;
    let mut second = Node::new(listening, terms(1, 2, &[]));
    assert!(second.address().is_ipv6());
    let known = [(1, second.address())];
    let mut first = Node::new(endpoint(0, quick()).await, terms(0, 2, &known));
    first.reaches(1).await;
    first.send(1, b"to the second");
    assert_eq!(second.frame(b"to").await.0, 0);
}

/// Two raw connections in both directions, one right after the other: the lower index's stays, whichever came first.
#[tokio::test]
async fn of_two_connections_the_one_that_the_lower_index_dialled_stays() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let node = Node::listening(1, 3, quick()).await;
    let Node {
        endpoint,
        transport,
    } = node;
    drop(transport);
    // The node is 1. Of 0 it keeps what 0 dialled, of 2 what it dialled itself.
    let mut node = Node::new(endpoint, terms(1, 3, &[(2, place)]));
    let mut ours = Raw::accept(&seed(2), &listener).await.unwrap();
    ours.read_kind(HELLO).await.unwrap();
    ours.hello(&Says::honest(2)).await;
    node.reaches(2).await;
    let mut theirs = Raw::dial(&seed(2), node.address()).await;
    theirs.hello(&Says::honest(2)).await;
    assert_eq!(theirs.read_kind(REFUSAL).await.unwrap(), [6]);
    ours.frame(b"ours stays").await.unwrap();
    assert_eq!(node.frame(b"ours").await.0, 2);

    let mut old = Raw::member(0, node.address()).await;
    node.reaches(0).await;
    let mut new = Raw::member(0, node.address()).await;
    node.reaches(0).await;
    old.is_closed().await;
    new.frame(b"the newer stays").await.unwrap();
    assert_eq!(node.frame(b"the newer").await.0, 0);
    assert_eq!(node.endpoint.status().duplicates, 2);
}

#[tokio::test]
async fn both_dial_and_one_connection_stays() {
    let [mut first, mut second] = both_dialling(quick()).await;
    let dialled = |node: &Node, peer| match node.peer(peer).link {
        Link::Direct { dialled_by_us, .. } => Some(dialled_by_us),
        Link::Relayed(_) | Link::None { .. } => None,
    };
    let agreed = || match (dialled(&first, 1), dialled(&second, 0)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    eventually("they do not agree on a connection", agreed).await;
    // Two keep-alives later nothing is under way any more, and frames pass over what stayed.
    for node in [&mut first, &mut second] {
        for _ in 0..2 {
            node.until(|arrival| matches!(arrival, Arrival::RoundTrip(..)))
                .await;
        }
    }
    let connects = |node: &Node, peer| node.peer(peer).counts.connects;
    let before = (connects(&first, 1), connects(&second, 0));
    for round in 0..20u8 {
        first.send(1, &[round]);
        second.send(0, &[round]);
    }
    first.frame(&[19]).await;
    second.frame(&[19]).await;
    assert_eq!((connects(&first, 1), connects(&second, 0)), before);
    assert!(before.0 <= 3 && before.1 <= 3, "{before:?}");
}

/// n05, on the side of the transport: nothing is lost without a count, and whoever comes back is told of.
#[tokio::test]
async fn n05_what_is_sent_to_nobody_is_counted_and_who_comes_back_is_told() {
    let [mut first, second] = pair(quick()).await;
    let address = second.address();
    drop(second);
    first.loses(1).await;
    first.send(1, b"nobody is there");
    assert_eq!(first.peer(1).counts.dropped_unreachable, 1);
    assert!(matches!(first.peer(1).link, Link::None { .. }));

    // The same process, so to say, at the same address: it knows nothing of us but the roster.
    let again = endpoint_at(1, address, quick()).await;
    let mut again = Node::new(again, terms(1, 2, &[]));
    first.reaches(1).await;
    again.reaches(0).await;
    first.send(1, b"again");
    assert_eq!(again.frame(b"again").await.0, 0);
}

#[tokio::test]
async fn who_leaves_is_lost_and_its_endpoint_serves_others() {
    let [mut first, second] = pair(quick()).await;
    let Node {
        endpoint,
        transport,
    } = second;
    drop(transport);
    first.loses(1).await;
    let known = [(0, first.address())];
    let mut second = Node::new(endpoint, terms(1, 2, &known));
    first.reaches(1).await;
    second.reaches(0).await;
}

#[tokio::test]
async fn an_endpoint_that_is_dropped_closes_its_networks() {
    let [mut first, second] = pair(quick()).await;
    let Node {
        endpoint,
        mut transport,
    } = second;
    drop(endpoint);
    first.loses(1).await;
    let frame = b"late".as_slice().into();
    transport.send(PeerIndex(0), &frame, Class::Once);
    let status = transport.peers();
    assert_eq!(status[0].counts.dropped_unreachable, 1);
}

#[tokio::test]
async fn a_peer_that_falls_silent_is_lost() {
    let limits = NetLimits {
        keep_alive_timeout: Duration::from_millis(300),
        ..quick()
    };
    let mut node = Node::listening(0, 2, limits).await;
    let mut raw = Raw::member(1, node.address()).await;
    node.reaches(1).await;
    // It hears the pings and says nothing.
    raw.read_kind(PING).await.unwrap();
    node.loses(1).await;
    raw.is_closed().await;
}

/// The impostor even has the member's operator key, and its address: not its transport key.
#[tokio::test]
async fn n02_another_key_at_a_members_address_is_not_spoken_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let node = endpoint(0, quick()).await;
    let node = Node::new(node, terms(0, 3, &[(1, place)]));
    if let Ok(mut raw) = Raw::accept(&seed(2), &listener).await {
        let _ = raw.read().await;
        raw.hello(&Says::honest(1)).await;
    }
    let refused = || match node.peer(1).link {
        Link::None { last_error } => last_error.is_some_and(|why| why.contains("certificate")),
        Link::Direct { .. } | Link::Relayed(_) => panic!("it was believed"),
    };
    eventually("the impostor was not noticed", refused).await;
    assert_eq!(node.peer(1).counts.connects, 0);
}

#[tokio::test]
async fn n02_a_known_transport_key_under_another_index_is_refused() {
    let node = Node::listening(0, 3, quick()).await;
    let mut raw = Raw::dial(&seed(2), node.address()).await;
    raw.hello(&Says::honest(1)).await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [3]);
    eventually("not counted", || node.endpoint.status().wrong_index == 1).await;
    assert_eq!(node.peer(1).counts.connects, 0);
}

#[tokio::test]
async fn n02_a_known_transport_key_without_its_operator_is_refused() {
    let node = Node::listening(0, 3, quick()).await;
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    let operator = 2;
    raw.hello(&Says {
        operator,
        ..Says::honest(1)
    })
    .await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [4]);
    eventually("not counted", || node.endpoint.status().bad_proof == 1).await;
    assert_eq!(node.peer(1).counts.connects, 0);
}

#[tokio::test]
async fn n02_a_dialler_asks_for_the_operators_proof_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let node = endpoint(0, quick()).await;
    let node = Node::new(node, terms(0, 3, &[(1, place)]));
    let mut raw = Raw::accept(&seed(1), &listener).await.unwrap();
    raw.read_kind(HELLO).await.unwrap();
    let operator = 2;
    raw.hello(&Says {
        operator,
        ..Says::honest(1)
    })
    .await;
    let told = || match node.peer(1).link {
        Link::None { last_error } => last_error.is_some_and(|why| why.contains("proof")),
        Link::Direct { .. } | Link::Relayed(_) => panic!("it was believed"),
    };
    eventually("the false proof was not noticed", told).await;
    assert_eq!(node.peer(1).counts.connects, 0);
}

#[tokio::test]
async fn n02_a_hello_of_another_channel_is_refused() {
    let node = Node::listening(0, 2, quick()).await;
    let recorded = {
        let raw = Raw::dial(&seed(1), node.address()).await;
        raw.hello_body(&Says::honest(1))
    };
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    raw.write(HELLO, &recorded).await.unwrap();
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [4]);
    eventually("not counted", || node.endpoint.status().bad_proof == 1).await;
}

#[tokio::test]
async fn the_highest_common_version_is_spoken_and_none_is_refused() {
    let mut node = Node::listening(0, 2, quick()).await;
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    let of = |versions| Says {
        versions,
        ..Says::honest(1)
    };
    raw.hello(&of((2, 9))).await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [5]);
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    raw.hello(&of((0, 0))).await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [5]);
    eventually("not counted", || {
        node.endpoint.status().no_common_version == 2
    })
    .await;

    let mut raw = Raw::dial(&seed(1), node.address()).await;
    raw.hello(&of((0, 9))).await;
    raw.read_kind(HELLO).await.unwrap();
    node.reaches(1).await;
    assert_eq!(node.peer(1).version, Some(1));
    assert_eq!(node.peer(1).build.as_deref(), Some("raw"));
}

/// Whom we dial may be of another release too: below ours or above, we say why there is nothing, and do not give up.
#[tokio::test]
async fn a_dialler_says_that_the_other_is_of_another_version_and_meets_it_once_it_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let node = endpoint(0, quick()).await;
    let mut node = Node::new(node, terms(0, 2, &[(1, place)]));
    for versions in [(0, 0), (2, 3)] {
        let mut raw = Raw::accept(&seed(1), &listener).await.unwrap();
        raw.read_kind(HELLO).await.unwrap();
        let honest = Says::honest(1);
        raw.hello(&Says { versions, ..honest }).await;
        let told = || match node.peer(1).link {
            Link::None { last_error } => last_error.is_some_and(|why| why.contains("version")),
            Link::Direct { .. } | Link::Relayed(_) => panic!("{versions:?} was spoken"),
        };
        eventually("another version was not noticed", told).await;
    }
    let mut raw = Raw::accept(&seed(1), &listener).await.unwrap();
    raw.read_kind(HELLO).await.unwrap();
    raw.hello(&Says::honest(1)).await;
    node.reaches(1).await;
    assert_eq!(node.peer(1).version, Some(1));
}

#[tokio::test]
async fn terms_that_contradict_themselves_are_refused() {
    let endpoint = endpoint(0, quick()).await;
    let fault = |terms| endpoint.join(terms).err();
    assert_eq!(fault(terms(1, 2, &[])), Some(TermsFault::OtherKey));
    assert_eq!(fault(terms(2, 2, &[])), Some(TermsFault::NotListed));
    let mut shared = terms(0, 3, &[]);
    shared.peers[2].transport = key(1).public();
    assert_eq!(fault(shared), Some(TermsFault::SharedKey));
    let mut endless = terms(0, 2, &[]);
    endless.frame_bytes_max = 1 << 33;
    assert_eq!(fault(endless), Some(TermsFault::FrameBytes));
    let _joined = endpoint.join(terms(0, 2, &[])).unwrap();
    assert_eq!(fault(terms(0, 2, &[])), Some(TermsFault::Joined));
    assert_eq!(FRAME_BYTES_MAX, terms(0, 2, &[]).frame_bytes_max);
}

/// On several threads: whoever comes back meets all others directly, whatever crossed on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_come_and_go_all_meet_again() {
    const COUNT: u16 = 4;
    let mut ends = Vec::new();
    for of in 0..COUNT {
        ends.push(endpoint(of, quick()).await);
    }
    let addresses = ends.iter().map(|end| end.local_addresses()[0]);
    let known: Vec<_> = (0..COUNT).zip(addresses).collect();
    let ends = (0..COUNT).zip(ends);
    let mut nodes: Vec<_> = ends
        .map(|(me, end)| Node::new(end, terms(me, COUNT, &known)))
        .collect();
    for round in 0..12u8 {
        let gone = u16::from(round) % COUNT;
        let place = usize::from(gone);
        drop(nodes.remove(place));
        let end = endpoint_at(gone, known[place].1, quick()).await;
        nodes.insert(place, Node::new(end, terms(gone, COUNT, &known)));
        let all = || {
            let linked = |(node, me): (&Node, u16)| {
                (0..COUNT).all(|peer| peer == me || node.is_direct(peer))
            };
            nodes.iter().zip(0..COUNT).all(linked)
        };
        eventually("they did not all meet", all).await;
    }
    for (from, to) in [(0, 3), (3, 0), (1, 2), (2, 1)] {
        nodes[from].send(u16::try_from(to).unwrap(), b"hello");
        nodes[to].frame(b"hello").await;
    }
}

#[tokio::test]
async fn limits_and_build_strings_are_judged_before_anything_listens() {
    let bind = |build: &str, limits| Endpoint::bind(&[], key(0), build.to_owned(), limits);
    let no_handshakes = NetLimits {
        handshakes_max: 0,
        ..quick()
    };
    let hasty = NetLimits {
        keep_alive_timeout: quick().keep_alive_interval,
        ..quick()
    };
    for (limits, name) in [
        (no_handshakes, "handshakes_max"),
        (hasty, "keep_alive_timeout"),
    ] {
        let fault = bind("build", limits).await.err();
        assert!(matches!(fault, Some(NetError::Limit(told)) if told == name));
    }
    let long = bind("more than thirty-two characters, surely", quick()).await;
    assert!(matches!(long.err(), Some(NetError::Build)));
    assert!(bind("build", NetLimits::default()).await.is_ok());
}
