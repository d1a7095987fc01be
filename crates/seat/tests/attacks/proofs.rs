//! r16 at the seat, and that a conviction is told once.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{Evidence, EvidenceKind};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_seat::Event;
use hardfrost_wire::{CommitmentsPayload, Frame, Head, Incarnation, Verified};

use crate::world::{key, member, Spend, World};

/// Seat 5 commits twice in this context.
fn twice(world: &World, context: &AttemptContext) -> [Verified<Frame>; 2] {
    [1, 2].map(|filler| {
        let payload = CommitmentsPayload {
            incarnation: Incarnation([7; 16]),
            hiding: [filler; 33],
            binding: [2; 33],
            refuses: Vec::new(),
        };
        let head = Head {
            context: context.hash(),
            author: member(5),
        };
        let frame = Frame::sign(head, &payload, &key(member(5)));
        frame.verify(&world.roster).unwrap()
    })
}

fn proof(world: &World, context: &AttemptContext) -> Evidence {
    let [a, b] = twice(world, context);
    Evidence::double(EvidenceKind::DoubleCommitments, context, &a, &b)
}

fn convicted(world: &World, index: usize) -> Vec<Member> {
    let told = |event: &Event| match event {
        Event::Convicted(member, _) => Some(*member),
        Event::KeyMade(..)
        | Event::KeyFailed(..)
        | Event::Approved(_)
        | Event::Refused(_)
        | Event::Changed(_)
        | Event::Recalled(_)
        | Event::Ended(_) => None,
    };
    world.nodes[index].events.iter().filter_map(told).collect()
}

/// Seats 1 to 4 sign; seat 5 is the cheat's and approves nothing.
fn four_of_five() -> (World, Spend, Arc<GroupPublic>, AttemptContext) {
    let (mut world, group) = World::with_key(5, 3, 70);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    (0..4).for_each(|index| world.ask(index, &request));
    world.lose_letters();
    let context = spend.terms(&group, &world.roster, "one").context(1);
    (world, spend, group, context)
}

#[test]
fn r16_evidence_of_another_session_roster_group_or_message_is_ignored() {
    let (mut world, spend, group, context) = four_of_five();
    let with = |change: &dyn Fn(&mut AttemptContext)| {
        let mut other = context.clone();
        change(&mut other);
        assert_ne!(other.hash(), context.hash());
        other
    };
    let foreign = [
        with(&|c| c.session = spend.session(&group, "two")),
        with(&|c| c.roster = Hash32([1; 32])),
        with(&|c| c.group_public = Hash32([1; 32])),
        with(&|c| c.threshold = 2),
        with(&|c| c.included.retain(|m| *m != member(1))),
    ];
    let sent = world.sent.len();
    for context in &foreign {
        world.hand(0, &proof(&world, context).to_frame());
        assert_eq!(convicted(&world, 0), [], "{context:?}");
    }
    // The preimage of one context beside the frames of another.
    for other in &foreign {
        let [a, b] = twice(&world, other);
        let kind = EvidenceKind::DoubleCommitments;
        let mixed = Evidence::double(kind, &context, &a, &b);
        world.hand(0, &mixed.to_frame());
        assert_eq!(convicted(&world, 0), []);
    }
    assert_eq!(world.sent.len(), sent);
    assert_eq!(world.nodes[0].seat.noise(), 0);
    world.hand(0, &proof(&world, &context).to_frame());
    assert_eq!(convicted(&world, 0), [member(5)]);
}

/// Whoever signs twice over another message of this session's name has cheated all the same, or has proven nothing: no
/// honest member is named.
#[test]
fn r16_evidence_over_another_message_names_no_honest_member() {
    let (mut world, _, _, context) = four_of_five();
    let mut other = context.clone();
    other.message = Message([9; 32]);
    world.hand(0, &proof(&world, &other).to_frame());
    assert!(convicted(&world, 0).iter().all(|m| *m == member(5)));
    // An honest frame of this context does not fit that preimage.
    let honest = world.sent.iter().find(|b| b[0] == 2 && b[38] == 1).unwrap();
    let sizes = world.nodes[0].seat.sizes();
    let honest = Frame::parse(honest.clone(), sizes).unwrap();
    let honest = honest.verify(&world.roster).unwrap();
    let [forged, _] = twice(&world, &other);
    let kind = EvidenceKind::DoubleCommitments;
    let mixed = Evidence::double(kind, &other, &honest, &forged);
    world.hand(1, &mixed.to_frame());
    assert_eq!(convicted(&world, 1), []);
}

#[test]
fn a_conviction_is_told_exactly_once_on_every_node() {
    let (mut world, spend, _, context) = four_of_five();
    let [a, b] = twice(&world, &context);
    // Frames to some, the proof to others, both again and again.
    for _ in 0..3 {
        world.hand(0, a.as_bytes());
        world.hand(0, b.as_bytes());
        world.hand(1, b.as_bytes());
        world.hand(2, &proof(&world, &context).to_frame());
    }
    world.run_shuffled();
    world.run_for(Duration::from_secs(60));
    for _ in 0..3 {
        for index in 0..4 {
            world.hand(index, a.as_bytes());
            world.hand(index, b.as_bytes());
            world.hand(index, &proof(&world, &context).to_frame());
        }
    }
    world.run_for(Duration::from_secs(60));
    for index in 0..4 {
        assert_eq!(convicted(&world, index), [member(5)], "node {index}");
        world.assert_signed(index, &spend);
    }
}

#[test]
fn r24_evidence_that_comes_after_the_end_is_told_once_and_changes_no_end() {
    let (mut world, spend, _, context) = four_of_five();
    world.run_for(Duration::from_secs(60));
    (0..4).for_each(|index| world.assert_signed(index, &spend));
    for _ in 0..2 {
        world.hand(0, &proof(&world, &context).to_frame());
    }
    assert_eq!(convicted(&world, 0), [member(5)]);
    world.assert_signed(0, &spend);
}
