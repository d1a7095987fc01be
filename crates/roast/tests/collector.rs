//! What an attempt keeps of what it has seen, and what it counts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use group::{incarnation, member, say, Group};
use hardfrost_primitives::{Hash32, Message};
use hardfrost_roast::{Collector, Recorded};
use hardfrost_wire::{Frame, Head, Kind, OperatorKey, SharePayload, Verified};

const CONTEXT: Hash32 = Hash32([1; 32]);

fn share(group: &Group, number: u16, package: u8, share: u8) -> Verified<Frame> {
    let payload = SharePayload {
        incarnation: incarnation(member(number)),
        package: Hash32([package; 32]),
        share: [share; 32],
    };
    group.verified(say(member(number), CONTEXT, &payload))
}

#[test]
fn r05_a_second_different_body_is_kept_and_not_counted() {
    let group = Group::new((2, 3), 1);
    let mut collector = Collector::default();
    let [first, second, third] = [1, 2, 3].map(|value| share(&group, 1, 7, value));
    assert_eq!(collector.record(&first), Recorded::First);
    assert!(!collector.is_contradicted(Kind::Share, member(1)));
    assert_eq!(collector.record(&second), Recorded::Different);
    assert_eq!(collector.record(&third), Recorded::Different);
    assert_eq!(collector.record(&first), Recorded::Again);
    assert!(collector.is_contradicted(Kind::Share, member(1)));
    assert_eq!(collector.first(Kind::Share, member(1)), Some(&first));
    let counted = collector.shares_of(Hash32([7; 32]));
    assert_eq!(counted.iter().collect::<Vec<_>>(), [(&member(1), &[1; 32])]);
}

#[test]
fn r05_a_second_different_commitment_is_kept_and_not_counted() {
    let group = Group::new((2, 3), 1);
    let mut collector = Collector::default();
    let frames = [1, 2].map(|seed| {
        let (_, payload) = group.commitment(2, seed);
        group.verified(say(member(2), CONTEXT, &payload))
    });
    let [first, second] = &frames;
    assert_eq!(collector.record(first), Recorded::First);
    assert_eq!(collector.record(second), Recorded::Different);
    assert_eq!(collector.committed(), [member(2)]);
    assert_eq!(collector.first(Kind::Commitments, member(2)), Some(first));
    assert_eq!(collector.first(Kind::Commitments, member(1)), None);
    assert!(collector.is_contradicted(Kind::Commitments, member(2)));
}

#[test]
fn a_share_that_names_another_package_is_kept_apart() {
    let group = Group::new((2, 3), 1);
    let mut collector = Collector::default();
    collector.record(&share(&group, 1, 7, 1));
    collector.record(&share(&group, 2, 8, 2));
    let of = |package: u8| {
        let shares = collector.shares_of(Hash32([package; 32]));
        shares.keys().map(|m| m.number()).collect::<Vec<_>>()
    };
    assert_eq!((of(7), of(8), of(9)), (vec![1], vec![2], vec![]));
    for who in [1, 2] {
        assert!(!collector.is_contradicted(Kind::Share, member(who)));
    }
}

#[test]
fn r14_another_signature_of_one_body_contradicts_nothing() {
    let group = Group::new((2, 3), 1);
    let (_, payload) = group.commitment(1, 1);
    let frames = [[1; 32], [2; 32]].map(|aux| {
        let secret = Hash32::of(&member(1).to_be_bytes()).0;
        let key = OperatorKey::new(&secret, aux).unwrap();
        let (context, author) = (group.context(Message([1; 32])), member(1));
        group.verified(Frame::sign(Head { context, author }, &payload, &key))
    });
    assert_ne!(frames[0].as_bytes(), frames[1].as_bytes());
    let mut collector = Collector::default();
    assert_eq!(collector.record(&frames[0]), Recorded::First);
    assert_eq!(collector.record(&frames[1]), Recorded::Again);
    assert!(!collector.is_contradicted(Kind::Commitments, member(1)));
}
