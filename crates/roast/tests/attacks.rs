//! What faulty members and coordinators send into an attempt, and how little comes of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use group::{incarnation, member, say, talk, Engine, Group, Node};
use hardfrost_evidence::EvidenceKind;
use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_roast::Need;
use hardfrost_wire::{
    CommitmentsPayload, Frame, Head, Kind, PackagePayload, Payload, SharePayload, Sizes, Verified,
};

const MESSAGE: Message = Message([5; 32]);

/// Three bytes that are no payload, under the tag of a signed kind.
macro_rules! garbage {
    ($($name:ident: $kind:ident),+) => {$(
        #[derive(BorshSerialize, BorshDeserialize)]
        struct $name([u8; 3]);

        impl Payload for $name {
            const KIND: Kind = Kind::$kind;
        }
    )+};
}

garbage! { NoCommitments: Commitments, NoPackage: Package, NoShare: Share, NoEcho: DkgEcho }

/// 3 of 5: the coordinator, a faulty member, and the three others.
struct Room {
    group: Group,
    nodes: BTreeMap<Member, Node>,
    context: Hash32,
    coordinator: Member,
    faulty: Member,
    others: [Member; 3],
}

impl Room {
    /// The faulty member runs no honest code.
    fn new() -> Self {
        let group = Group::new((3, 5), 1);
        let coordinator = group.coordinator(MESSAGE);
        let mut order = [1, 2, 3, 4, 5].map(member);
        order.rotate_left(usize::from(coordinator.number()) - 1);
        let [_, faulty, others @ ..] = order;
        let node = |who: Member| (who, group.node(who.number(), MESSAGE, Engine::Honest));
        let honest = [coordinator, others[0], others[1], others[2]];
        let nodes = honest.into_iter().map(node).collect();
        let context = group.context(MESSAGE);
        Self {
            group,
            nodes,
            context,
            coordinator,
            faulty,
            others,
        }
    }

    fn everybody_hears(&mut self, frame: &Frame) {
        self.nodes
            .values_mut()
            .for_each(|node| node.hear(frame.as_bytes()));
    }

    fn faulty_says<P: Payload>(&mut self, payload: &P) {
        let frame = say(self.faulty, self.context, payload);
        self.everybody_hears(&frame);
    }

    fn assert_all_signed(&mut self) {
        talk(&mut self.nodes);
        for (who, node) in &self.nodes {
            let signature = node.signature();
            let signature = signature.unwrap_or_else(|| panic!("member {who}: {:?}", node.outcome));
            assert!(signature.verifies(&MESSAGE, &self.group.derived.output_key()));
        }
    }

    fn commitments(&self, seed: u64) -> CommitmentsPayload {
        self.group.commitment(self.faulty.number(), seed).1
    }

    fn sent(&self, who: Member, kind: Kind) -> Verified<Frame> {
        let bytes = self.nodes[&who].said(kind).remove(0);
        let (threshold, count) = (3, 5);
        let frame = Frame::parse(bytes, Sizes { threshold, count }).unwrap();
        self.group.verified(frame)
    }

    /// The coordinator has heard these members' commitments.
    fn coordinator_hears(&mut self, from: &[Member]) {
        for who in from {
            let frame = self.sent(*who, Kind::Commitments);
            let coordinator = self.nodes.get_mut(&self.coordinator).unwrap();
            coordinator.hear(frame.as_bytes());
        }
    }
}

#[test]
fn r01_garbage_from_anybody_changes_nothing() {
    let mut room = Room::new();
    let unsigned = say(room.faulty, room.context, &NoShare([1, 2, 3]));
    let unsigned = &unsigned.as_bytes()[..50];
    for node in room.nodes.values_mut() {
        for bytes in [&[][..], &[0], &[2; 200], &[9; 100], unsigned] {
            node.hear(bytes);
        }
    }
    room.faulty_says(&NoCommitments([1, 2, 3]));
    room.faulty_says(&NoPackage([1, 2, 3]));
    room.faulty_says(&NoShare([1, 2, 3]));
    room.faulty_says(&NoEcho([1, 2, 3]));
    let asked = room.nodes.values().map(|node| node.asked.len());
    // Derive, Open, Round1: nobody was moved to ask for more.
    assert_eq!(asked.collect::<Vec<_>>(), [3; 4]);
    room.assert_all_signed();
}

/// A coordinator that packed these would have signed a malformed package, which convicts it.
#[test]
fn r01_commitments_that_spoil_a_package_are_not_packed() {
    let room = Room::new();
    let [mut no_point, mut refuses_many, mut refuses_coordinator] =
        [1; 3].map(|s| room.commitments(s));
    no_point.binding = [0; 33];
    refuses_many.refuses = room.others.into();
    refuses_coordinator.refuses = vec![room.coordinator];
    for spoilt in [no_point, refuses_many, refuses_coordinator] {
        let mut room = Room::new();
        room.faulty_says(&spoilt);
        room.assert_all_signed();
        let faulty = room.faulty.number();
        let mut packages = 0;
        for node in room.nodes.values() {
            assert!(!node.chosen().contains(&faulty));
            packages += node.said(Kind::Package).len();
        }
        assert_eq!(packages, 1);
    }
}

#[test]
fn r33_a_refusal_of_somebody_who_is_not_chosen_hinders_nobody() {
    let mut room = Room::new();
    let [willing, _, refused] = room.others;
    let mut payload = room.commitments(1);
    payload.refuses = vec![refused];
    room.faulty_says(&payload);
    room.coordinator_hears(&[willing]);
    let chosen = room.nodes[&room.coordinator].chosen();
    assert!(chosen.contains(&room.faulty.number()), "{chosen:?}");
}

#[test]
fn r03_commitments_of_another_attempt_count_for_nothing() {
    let mut room = Room::new();
    let elsewhere = room.group.terms(MESSAGE).context(2).hash();
    let stray = say(room.faulty, elsewhere, &room.commitments(1));
    room.everybody_hears(&stray);
    let [a, b, _] = room.others;
    room.coordinator_hears(&[a]);
    assert!(room.nodes[&room.coordinator].said(Kind::Package).is_empty());
    room.coordinator_hears(&[b]);
    assert_eq!(room.nodes[&room.coordinator].said(Kind::Package).len(), 1);
}

#[test]
fn r05_two_commitments_of_one_member_are_not_two_members() {
    let mut room = Room::new();
    for seed in [1, 2, 3] {
        let payload = room.commitments(seed);
        room.faulty_says(&payload);
    }
    let coordinator = room.coordinator;
    assert!(room.nodes[&coordinator].said(Kind::Package).is_empty());
    let [a, b, _] = room.others;
    room.coordinator_hears(&[a]);
    assert!(room.nodes[&coordinator].said(Kind::Package).is_empty());
    // Whoever signed two is convicted, and neither of them is packed.
    for node in room.nodes.values() {
        assert_eq!(node.convicted.len(), 1);
        assert_eq!(node.convicted[0].0, room.faulty);
        assert_eq!(node.convicted[0].1.kind(), EvidenceKind::DoubleCommitments);
    }
    room.coordinator_hears(&[b]);
    let package: PackagePayload = room.sent(coordinator, Kind::Package).payload().unwrap();
    assert_eq!(package.commitments.len(), 3);
    assert!(!room.nodes[&coordinator]
        .chosen()
        .contains(&room.faulty.number()));
}

#[test]
fn e18_only_the_coordinators_package_counts() {
    let mut room = Room::new();
    let [a, b, c] = room.others;
    let mut members = [a, b, c];
    members.sort_unstable();
    let frames = members.map(|who| room.sent(who, Kind::Commitments).into_inner());
    // Well-formed in every way but for its author.
    let forged = room.group.package(room.faulty, &frames);
    room.faulty_says(&forged);
    for node in room.nodes.values() {
        assert!(node.chosen().is_empty());
        assert_eq!(node.asks_of(|need| matches!(need, Need::Round2(..))), 0);
    }
    room.assert_all_signed();
}

/// The coordinator shows one package to one member and another to the rest: each signs what it saw first.
#[test]
fn r05_a_second_package_is_not_signed() {
    let mut room = Room::new();
    let (coordinator, [a, b, c]) = (room.coordinator, room.others);
    let package = |mut members: [Member; 3]| {
        members.sort_unstable();
        let frames = members.map(|who| room.sent(who, Kind::Commitments).into_inner());
        let payload = room.group.package(coordinator, &frames);
        say(coordinator, room.context, &payload)
    };
    let (first, second) = (package([a, b, c]), package([coordinator, a, b]));
    let node = room.nodes.get_mut(&a).unwrap();
    node.hear(first.as_bytes());
    node.hear(second.as_bytes());
    assert_eq!(node.asks_of(|need| matches!(need, Need::Round2(..))), 1);
    assert_eq!(node.said(Kind::Share).len(), 1);
    let mut expected = [a, b, c].map(Member::number);
    expected.sort_unstable();
    assert_eq!(node.chosen(), expected);
    let share: SharePayload = room.sent(a, Kind::Share).payload().unwrap();
    assert_eq!(share.package, first.body_hash());
}

#[test]
fn a_share_that_names_another_package_is_not_counted() {
    let mut room = Room::new();
    let [a, b, _] = room.others;
    room.coordinator_hears(&[a, b]);
    let coordinator = room.coordinator;
    let package = room.sent(coordinator, Kind::Package);
    for who in [a, b] {
        room.nodes.get_mut(&who).unwrap().hear(package.as_bytes());
    }
    let (good, late) = (room.sent(a, Kind::Share), room.sent(b, Kind::Share));
    let mut astray: SharePayload = good.payload().unwrap();
    astray.package.0[0] ^= 1;
    let node = room.nodes.get_mut(&coordinator).unwrap();
    node.hear(say(a, room.context, &astray).as_bytes());
    node.hear(late.as_bytes());
    // All t shares are here, but one of them is for something else: it is owed still.
    assert_eq!(node.asks_of(|need| matches!(need, Need::Aggregate(..))), 0);
    assert!(node.report(0).owing.iter().eq([&a]));
    assert_eq!(node.outcome, None);
}

#[test]
fn a_share_of_a_member_that_is_not_chosen_is_not_counted() {
    let mut room = Room::new();
    let [a, b, _] = room.others;
    room.coordinator_hears(&[a, b]);
    let package = room.sent(room.coordinator, Kind::Package);
    let payload = SharePayload {
        incarnation: incarnation(room.faulty),
        package: package.body_hash(),
        share: [1; 32],
    };
    room.faulty_says(&payload);
    room.assert_all_signed();
}

#[test]
fn r02_nobody_speaks_for_another_member() {
    let mut room = Room::new();
    let [a, b, _] = room.others;
    room.coordinator_hears(&[a, b]);
    let package = room.sent(room.coordinator, Kind::Package).body_hash();
    let forged = SharePayload {
        incarnation: incarnation(a),
        package,
        share: [1; 32],
    };
    let (context, author) = (room.context, a);
    let forged = Frame::sign(Head { context, author }, &forged, &group::key(room.faulty));
    room.everybody_hears(&forged);
    room.assert_all_signed();
}
