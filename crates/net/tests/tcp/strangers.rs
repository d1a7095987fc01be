//! Whoever is in no list gets nothing, and takes nothing from members.

use std::time::Duration;

use hardfrost_net::{NetLimits, PeerTerms};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw::{connect_from, stranger, Raw, Says, HELLO, REFUSAL};
use crate::world::{endpoint, eventually, key, quick, seed, terms, Node, PATIENCE};

#[tokio::test]
async fn n01_a_stranger_does_not_get_out_of_the_handshake() {
    let mut node = Node::listening(0, 2, quick()).await;
    let mut raw = Raw::dial(&stranger(), node.address()).await;
    // It may believe that it is in, and says what a member would.
    let body = raw.hello_body(&Says::honest(1));
    let _ = raw.write(HELLO, &body).await;
    assert!(raw.read().await.is_err(), "the stranger was answered");
    let counted = || node.endpoint.status().strangers_refused == 1;
    eventually("not counted", counted).await;
    let status = node.endpoint.status();
    assert_eq!(status.handshakes_under_way, 0);
    assert_eq!(status.handshakes_failed, 0);
    assert_eq!(node.peer(1).counts.connects, 0);
    let mut raw = Raw::member(1, node.address()).await;
    raw.frame(b"a member").await.unwrap();
    assert_eq!(node.frame(b"a member").await.0, 1);
}

async fn closes(tcp: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut rest)).await;
    read.is_ok()
}

#[tokio::test]
async fn n01_what_is_not_tls_is_closed_and_counted() {
    let node = Node::listening(0, 2, quick()).await;
    let mut tcp = TcpStream::connect(node.address()).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(closes(&mut tcp).await);
    eventually("not counted", || {
        node.endpoint.status().handshakes_failed == 1
    })
    .await;
}

#[tokio::test]
async fn n01_a_handshake_that_does_not_go_on_is_closed_in_time() {
    let limits = NetLimits {
        handshake_timeout: Duration::from_millis(200),
        ..quick()
    };
    let node = Node::listening(0, 2, limits).await;
    let mut idle = TcpStream::connect(node.address()).await.unwrap();
    assert!(closes(&mut idle).await);
    // Also that of a known key that never says hello.
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    raw.is_closed().await;
    eventually("not counted", || {
        node.endpoint.status().handshakes_timed_out == 2
    })
    .await;
    assert_eq!(node.endpoint.status().handshakes_under_way, 0);
}

#[tokio::test]
async fn n01_half_open_connections_do_not_keep_members_out() {
    let limits = NetLimits {
        handshakes_max: 4,
        handshake_timeout: PATIENCE * 10,
        ..quick()
    };
    let mut node = Node::listening(0, 2, limits).await;
    let place = node.address();
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(connect_from("127.0.0.2", place).await);
    }
    eventually("they are not all there", || {
        node.endpoint.status().handshakes_under_way == 4
    })
    .await;
    // One member is in the middle of its handshake while the flood goes on.
    let mut raw = Raw::dial(&seed(1), place).await;
    for _ in 0..50 {
        idle.push(connect_from("127.0.0.2", place).await);
    }
    eventually("the flood was not seen", || {
        node.endpoint.status().handshakes_displaced >= 51
    })
    .await;
    assert!(node.endpoint.status().handshakes_under_way <= 4);
    raw.hello(&Says::honest(1)).await;
    let (kind, _) = raw.read().await.unwrap();
    assert_eq!(kind, HELLO);
    node.reaches(1).await;
}

#[tokio::test]
async fn a_hello_that_does_not_read_is_refused_and_an_endless_one_not_awaited() {
    let node = Node::listening(0, 2, quick()).await;
    for (kind, body) in [(HELLO, vec![7; 20]), (99, vec![7; 20]), (REFUSAL, vec![99])] {
        let mut raw = Raw::dial(&seed(1), node.address()).await;
        raw.write(kind, &body).await.unwrap();
        assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [1]);
    }
    // It says how long it will be, and no more.
    let mut raw = Raw::dial(&seed(1), node.address()).await;
    raw.stream.write_all(&[HELLO, 0xea, 0x60]).await.unwrap();
    raw.stream.flush().await.unwrap();
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [1]);
    eventually("not counted", || {
        node.endpoint.status().malformed_hellos == 4
    })
    .await;
}

/// Member 2 was removed: the new roster has another hash, and somebody else in its place. Its key is known here still,
/// from another network of the same node.
#[tokio::test]
async fn n07_a_removed_operator_does_not_come_back() {
    let node = endpoint(0, quick()).await;
    let mut other = terms(0, 3, &[]);
    other.id = [8; 32];
    let _other = node.join(other).unwrap();
    let mut new = terms(0, 3, &[]);
    new.peers[2] = PeerTerms {
        transport: key(7).public(),
        addresses: Vec::new(),
    };
    let node = Node::new(node, new);

    let mut raw = Raw::dial(&seed(2), node.address()).await;
    let network = [7; 32];
    raw.hello(&Says {
        network,
        ..Says::honest(2)
    })
    .await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [2]);
    eventually("the old roster was not counted", || {
        node.endpoint.status().unknown_network == 1
    })
    .await;

    // It learnt the new hash.
    let mut raw = Raw::dial(&seed(2), node.address()).await;
    raw.hello(&Says::honest(2)).await;
    assert_eq!(raw.read_kind(REFUSAL).await.unwrap(), [3]);
    eventually("the old key was not counted", || {
        node.endpoint.status().wrong_index == 1
    })
    .await;
    assert_eq!(node.peer(2).counts.connects, 0);
}

#[tokio::test]
async fn n07_a_key_that_is_in_no_list_any_more_is_a_stranger() {
    let node = Node::listening(0, 3, quick()).await;
    let Node {
        endpoint,
        transport,
    } = node;
    drop(transport);
    let node = Node::new(endpoint, terms(0, 2, &[]));
    let mut raw = Raw::dial(&seed(2), node.address()).await;
    let body = raw.hello_body(&Says::honest(2));
    let _ = raw.write(HELLO, &body).await;
    assert!(raw.read().await.is_err());
    let counted = || node.endpoint.status().strangers_refused == 1;
    eventually("not counted", counted).await;
}
