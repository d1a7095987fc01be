//! Attempts of 3 of 5: who is chosen, what is counted, how a session ends.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::collections::BTreeMap;
use std::time::Duration;

use group::{member, talk, Engine, Group, Node, LIFE};
use hardfrost_frost::Signature;
use hardfrost_primitives::{KeySpec, Member, Message, Taproot};
use hardfrost_roast::{Need, Outcome};
use hardfrost_wire::{FinalSignature, Kind};

const MESSAGE: Message = Message([5; 32]);
const OTHER: Message = Message([6; 32]);

fn group() -> Group {
    Group::new((3, 5), 1)
}

fn nodes(group: &Group, numbers: impl IntoIterator<Item = u16>) -> BTreeMap<Member, Node> {
    let node = |number| (member(number), group.node(number, MESSAGE, Engine::Honest));
    numbers.into_iter().map(node).collect()
}

/// The members in turn, the coordinator first.
fn coordinator_first(group: &Group) -> [u16; 5] {
    let first = group.coordinator(MESSAGE).number();
    let mut order = [1, 2, 3, 4, 5];
    order.rotate_left(usize::from(first) - 1);
    order
}

fn assert_signed(group: &Group, node: &Node) {
    let signature = node.signature().unwrap();
    assert!(signature.verifies(&MESSAGE, &group.derived.output_key()));
}

/// A signature over `message` by the whole group, and what it says.
fn finished(group: &Group, message: Message) -> FinalSignature {
    let node = |number| (member(number), group.node(number, message, Engine::Honest));
    let mut nodes = (1..=5).map(node).collect();
    talk(&mut nodes);
    let said = nodes[&member(1)].said(Kind::Signature);
    FinalSignature::parse(&said[0]).unwrap()
}

#[test]
fn all_members_end_with_a_signature() {
    let group = group();
    let mut nodes = nodes(&group, 1..=5);
    talk(&mut nodes);
    for node in nodes.values() {
        assert_signed(&group, node);
        assert_eq!(node.chosen().len(), 3);
        let number = |kind| node.said(kind).len();
        assert_eq!(number(Kind::Commitments), 1);
        let chosen = node.chosen().contains(&node.member.number());
        assert_eq!(number(Kind::Share), usize::from(chosen));
        let coordinates = node.member == group.coordinator(MESSAGE);
        assert_eq!(number(Kind::Package), usize::from(coordinates));
        // What was under way may still prove something, for a minute.
        let dropped = node.session.poll_timeout();
        assert_eq!(dropped, Some(group::at(Duration::from_secs(60))));
    }
}

#[test]
fn the_first_t_to_commit_are_chosen() {
    let group = group();
    let [first, a, b, c, d] = coordinator_first(&group);
    for (early, late) in [([a, b], [c, d]), ([d, b], [a, c]), ([c, a], [d, b])] {
        let mut nodes = nodes(&group, 1..=5);
        let commitments = |number| nodes[&member(number)].said(Kind::Commitments)[0].clone();
        let arrivals = [early[0], early[1], late[0], late[1]].map(commitments);
        let coordinator = nodes.get_mut(&member(first)).unwrap();
        coordinator.hear(&arrivals[0]);
        assert!(coordinator.said(Kind::Package).is_empty());
        coordinator.hear(&arrivals[1]);
        assert_eq!(coordinator.said(Kind::Package).len(), 1);
        let mut expected = [first, early[0], early[1]];
        expected.sort_unstable();
        assert_eq!(coordinator.chosen(), expected);
        // Whoever comes later changes nothing.
        coordinator.hear(&arrivals[2]);
        coordinator.hear(&arrivals[3]);
        assert_eq!(coordinator.said(Kind::Package).len(), 1);
        assert_eq!(coordinator.chosen(), expected);
        talk(&mut nodes);
        assert_signed(&group, &nodes[&member(late[0])]);
    }
}

#[test]
fn a_silent_member_that_is_not_chosen_costs_nothing() {
    let group = group();
    let [first, rest @ ..] = coordinator_first(&group);
    for silent in rest {
        let speaking = (1..=5).filter(|number| *number != silent);
        let mut nodes = nodes(&group, speaking);
        talk(&mut nodes);
        assert_eq!(nodes.len(), 4);
        nodes.values().for_each(|node| assert_signed(&group, node));
        assert!(nodes[&member(first)].chosen().contains(&first));
    }
}

#[test]
fn members_that_are_not_chosen_finish_with_the_others() {
    let group = group();
    let mut nodes = nodes(&group, 1..=5);
    talk(&mut nodes);
    let chosen = nodes[&member(1)].chosen();
    let (who, idle) = nodes
        .iter()
        .find(|(m, _)| !chosen.contains(&m.number()))
        .unwrap();
    assert!(
        idle.asks_of(|need| matches!(need, Need::Round2(..))) == 0,
        "{who}"
    );
    let sums = idle.asks_of(|need| matches!(need, Need::Aggregate(..)));
    assert_eq!(sums, 1, "it holds all shares as everybody does");
}

#[test]
fn a_share_is_verified_before_it_is_sent() {
    let group = group();
    let [first, ..] = coordinator_first(&group);
    let mut nodes = nodes(&group, 1..=5);
    nodes.insert(member(first), group.node(first, MESSAGE, Engine::BadShares));
    talk(&mut nodes);
    let broken = &nodes[&member(first)];
    let why = "our own share does not verify".to_owned();
    assert_eq!(broken.outcome, Some(Outcome::Stuck(why)));
    assert!(broken.said(Kind::Share).is_empty());
    assert!(matches!(broken.asked.last(), Some((0, Need::Abort(_)))));
}

#[test]
fn e20_ids_that_the_engine_derives_otherwise_stop_the_attempt_before_it_opens() {
    let group = group();
    for which in 0..3 {
        let node = group.node(1, MESSAGE, Engine::OtherIds(which));
        let why = "our engine derives another attempt".to_owned();
        assert_eq!(node.outcome, Some(Outcome::Stuck(why)));
        assert_eq!(node.asks_of(|need| matches!(need, Need::Open(_))), 0);
        assert!(node.said(Kind::Commitments).is_empty());
    }
}

#[test]
fn a_session_expires_and_what_was_live_is_destroyed() {
    let group = group();
    let mut node = group.node(1, MESSAGE, Engine::Honest);
    node.wait(LIFE - Duration::from_millis(1));
    assert_eq!(node.outcome, None);
    node.wait(LIFE);
    assert_eq!(node.outcome, Some(Outcome::Expired));
    assert_eq!(node.asks_of(|need| matches!(need, Need::Abort(_))), 1);
    // The end is final: neither time nor a good signature changes it.
    let before = (node.asked.len(), node.sent.len());
    node.wait(LIFE * 2);
    node.hear(&finished(&group, MESSAGE).to_bytes());
    assert_eq!((node.asked.len(), node.sent.len()), before);
    assert_eq!(node.outcome, Some(Outcome::Expired));
}

#[test]
fn a_chosen_member_that_is_silent_is_shown_as_owing() {
    let group = group();
    let [first, a, b, ..] = coordinator_first(&group);
    let mut nodes = nodes(&group, [first, a, b]);
    let said = [a, b].map(|number| nodes[&member(number)].said(Kind::Commitments)[0].clone());
    let coordinator = nodes.get_mut(&member(first)).unwrap();
    said.iter().for_each(|bytes| coordinator.hear(bytes));
    coordinator.now = Duration::from_secs(9);
    let report = coordinator.report(0);
    let owing: Vec<Member> = report.owing.iter().copied().collect();
    let mut expected = vec![member(a), member(b)];
    expected.sort_unstable();
    assert_eq!(owing, expected);
    assert_eq!(report.took, Duration::from_secs(9));
    assert_eq!(report.coordinator, member(first));
}

#[test]
fn anybodys_good_signature_ends_the_session() {
    let group = group();
    let said = finished(&group, MESSAGE);
    for engine in [Engine::Honest, Engine::Slow] {
        let mut node = group.node(1, MESSAGE, engine);
        node.hear(&said.to_bytes());
        assert_eq!(node.signature(), Some(Signature(said.signature)));
        assert!(matches!(node.asked.last(), Some((0, Need::Abort(_)))));
    }
}

#[test]
fn e34_a_signature_for_anything_else_ends_nothing() {
    let group = group();
    let (good, other) = (finished(&group, MESSAGE), finished(&group, OTHER));
    let key = group.derived.output_key();
    // It is a good signature of the same group, under the same session's name, of another message.
    assert!(Signature(other.signature).verifies(&OTHER, &key));
    assert_eq!(other.head, good.head);
    let tweaked = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let mut corrupt = good.clone();
    corrupt.signature[63] ^= 1;
    let mut elsewhere = good.clone();
    elsewhere.head.0[0] ^= 1;
    let wrong = [
        other.clone(),
        FinalSignature {
            message: MESSAGE,
            ..other
        },
        FinalSignature {
            key_spec: tweaked,
            ..good.clone()
        },
        corrupt,
        elsewhere,
    ];
    let mut node = group.node(1, MESSAGE, Engine::Honest);
    let before = node.asked.len();
    for said in wrong {
        node.hear(&said.to_bytes());
        assert_eq!(node.outcome, None, "{said:?}");
    }
    assert_eq!(node.asked.len(), before);
    node.hear(&good.to_bytes());
    assert_signed(&group, &node);
}

/// Package and shares come while the engine is still opening the attempt: nothing is lost.
#[test]
fn a_member_whose_engine_is_slow_still_aggregates() {
    let group = group();
    let mut others = nodes(&group, coordinator_first(&group)[..4].iter().copied());
    talk(&mut others);
    let last = coordinator_first(&group)[4];
    let mut slow = group.node(last, MESSAGE, Engine::Slow);
    let frames = others.values().flat_map(|node| &node.sent);
    let frames = frames.filter(|bytes| bytes[0] != Kind::Signature.number());
    frames.for_each(|bytes| slow.hear(bytes));
    assert_eq!(slow.asked.len(), 1);
    slow.catch_up();
    assert_signed(&group, &slow);
}
