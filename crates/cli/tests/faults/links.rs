//! Links that are cut, one-way, slow and lossy.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hardfrost_api::local::{NodeView, SessionView};

use crate::federation::network::Network;
use crate::federation::{Federation, Site};
use crate::or_skip;

/// A federation on a network of its own, or nothing, which is told.
fn federation(what: &str, (threshold, count): (u16, usize)) -> Option<Federation> {
    let network = or_skip(what, Network::new(count))?;
    let mut federation = Federation::furnish(count, Site::Network(network));
    // Whoever is silent for as long as that is gone. It is longer by default, and so would the tests be.
    federation.limit("keep_alive_millis = 1000\nsilence_millis = 4000\n");
    federation.begin(threshold);
    Some(federation)
}

/// How node 0 reaches an operator.
fn link(view: &NodeView, operator: &str) -> String {
    let mut peers = view.federations[0].peers.iter();
    let peer = peers.find(|peer| peer.operator == operator).unwrap();
    peer.link.clone()
}

#[test]
fn a_part_with_enough_members_signs_and_the_others_catch_up_when_it_heals() {
    let Some(mut federation) = federation("partition", (3, 5)) else {
        return;
    };
    let spend = federation.spend();
    federation.approve(3, &spend).unwrap();
    federation.approve(4, &spend).unwrap();
    federation.network().part(&[0, 1, 2], &[3, 4]);
    let signature = federation.sign_this(&[0, 1, 2], &spend);
    let path = format!("/v1/sessions/{}", spend.session());
    let waiting: SessionView = federation.get(3, &path).unwrap();
    assert_eq!(waiting.state, "signing");
    // No connection outlives it, and what was in their queues is lost.
    federation.watch(0, |view| {
        link(view, "n4") == "none" && link(view, "n5") == "none"
    });
    federation.network().heal();
    let began = Instant::now();
    let others = federation.ends_signed(&[3, 4], &spend);
    assert_eq!(others, BTreeSet::from([signature]));
    println!("partition: healed, caught up in {:?}", began.elapsed());
}

#[test]
fn frames_go_around_a_link_that_carries_only_one_way() {
    let what = "one-way link";
    let Some(mut federation) = federation(what, (2, 3)) else {
        return;
    };
    // 0 is not heard at 1. The third has not approved: its seat says nothing, it only hands on.
    federation.network().cut(0, 1);
    let began = Instant::now();
    federation.sign(&[0, 1]);
    let took = began.elapsed();
    federation.watch(0, |view| link(view, "n2") == "relayed");
    let began = Instant::now();
    federation.sign(&[0, 1]);
    println!("{what}: signed in {took:?}, then in {:?}", began.elapsed());
}

#[test]
fn slow_and_lossy_links_sign() {
    let what = "300 ms and 5 % loss";
    let Some(mut federation) = federation(what, (3, 5)) else {
        return;
    };
    let by = Duration::from_millis(300);
    if or_skip(what, federation.network().slow_down(by)).is_none() {
        return;
    }
    federation.network().lose(5);
    let began = Instant::now();
    federation.sign(&[0, 1, 2, 3, 4]);
    let first = began.elapsed();
    federation.sign(&[0, 1, 2]);
    let packets = federation.network().held_back();
    println!(
        "{what}: signed in {first:?} and {:?}, {packets} packets",
        began.elapsed() - first
    );
    assert!(packets > 50 && first > 2 * by, "nothing was held back");
}
