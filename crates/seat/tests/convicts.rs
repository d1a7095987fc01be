//! A conviction outlives its session: the engine records it, later sessions know it, and honest members still sign
//! although they hear of it at different times.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use std::sync::Arc;

use hardfrost_evidence::{Evidence, EvidenceKind};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::Hash32;
use hardfrost_roast::Outcome;
use hardfrost_seat::Event;
use hardfrost_wire::{CommitmentsPayload, Frame, Head, Incarnation, Kind};
use world::{key, member, Spend, World, PATIENCE};

/// Seat 5 commits twice in the first attempt of session "one".
fn proof(world: &World, spend: &Spend, group: &Arc<GroupPublic>) -> Evidence {
    let context = spend.terms(group, &world.roster, "one").context(1);
    let [a, b] = [1, 2].map(|filler| {
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
    });
    Evidence::double(EvidenceKind::DoubleCommitments, &context, &a, &b)
}

/// Of five, three must sign. These nodes are in session "one" and have the proof; nothing else is delivered.
fn convicted_at(nodes: &[usize], seed: u64) -> (World, Spend, Arc<GroupPublic>, Evidence) {
    let (mut world, group) = World::with_key(5, 3, seed);
    let spend = Spend::new(&group);
    let proof = proof(&world, &spend, &group);
    for index in nodes {
        world.ask(*index, &spend.request(&group, "one"));
        world.hand(*index, &proof.to_frame());
    }
    world.lose_letters();
    (world, spend, group, proof)
}

fn quarantined(world: &World, index: usize, group: &GroupPublic) -> Option<Hash32> {
    let engine = &world.hosts[index].engine;
    let standing = engine.quarantine_status(group.key_group(), member(5));
    standing.quarantined.then_some(standing.evidence?)
}

/// Whom honest coordinators have chosen.
fn chosen(world: &World) -> Vec<u16> {
    let honest = |bytes: &&Vec<u8>| bytes[0] == Kind::Package.number() && bytes[37..39] != [0, 5];
    let packages = world.sent.iter().filter(honest);
    // Each chosen member's commitments frame stands in the package, head and all.
    let authors = packages.flat_map(|bytes| {
        let frames = bytes.windows(5).enumerate();
        let frames = frames.filter(|(place, w)| *place > 5 && *w == [2, 0, 0, 0, 120]);
        frames.map(|(place, _)| u16::from_be_bytes([bytes[place + 37], bytes[place + 38]]))
    });
    authors.collect()
}

#[test]
fn a_conviction_is_recorded_by_the_engine_and_told_once() {
    let (mut world, spend, group, proof) = convicted_at(&[0, 1], 11);
    for index in [0, 1] {
        assert_eq!(quarantined(&world, index, &group), Some(proof.hash()));
        let events = &world.nodes[index].events;
        let told = events.iter().filter(|e| matches!(e, Event::Convicted(..)));
        assert_eq!(told.count(), 1);
    }
    assert_eq!(quarantined(&world, 2, &group), None);
    // A later session knows it, and says nothing of it again.
    world.ask(0, &spend.request(&group, "two"));
    let events = &world.nodes[0].events;
    let told = events.iter().filter(|e| matches!(e, Event::Convicted(..)));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_convict_is_not_chosen_in_a_later_session_nor_after_a_restart() {
    for restart in [false, true] {
        let (mut world, spend, group, _) = convicted_at(&[0, 1, 2, 3], 12);
        if restart {
            world.restart();
        }
        world.nodes.iter_mut().for_each(|node| node.events.clear());
        world.sent.clear();
        // Seat 5 is the first to answer everywhere; as a coordinator it is not heard.
        world.passes = |letter| {
            let package = letter.bytes[0] == Kind::Package.number();
            !package || letter.bytes[37..39] != [0, 5]
        };
        let request = spend.request(&group, "two");
        world.ask(4, &request);
        world.run();
        (0..4).for_each(|index| world.ask(index, &request));
        world.run_for(PATIENCE);
        let chosen = chosen(&world);
        assert!(chosen.len() >= 3 && !chosen.contains(&5), "{chosen:?}");
        (0..4).for_each(|index| {
            let outcomes = world.outcomes(index);
            assert!(outcomes.iter().any(|o| matches!(o, Outcome::Signed(_))));
        });
    }
}

/// Some know of the proof and do not choose the convict, the others do. Wherever the line runs, the session ends with a
/// signature.
#[test]
fn honest_members_sign_although_only_some_have_heard_of_a_conviction() {
    for (seed, informed) in [&[0][..], &[0, 1], &[0, 1, 2], &[3], &[1, 3]]
        .iter()
        .enumerate()
    {
        for seed in [20 + seed as u64, 40 + seed as u64] {
            let (mut world, spend, group, _) = convicted_at(informed, seed);
            world.nodes.iter_mut().for_each(|node| node.events.clear());
            let request = spend.request(&group, "two");
            world.ask(4, &request);
            (0..4).for_each(|index| world.ask(index, &request));
            world.run_for(PATIENCE);
            for index in 0..4 {
                let signed = |o: &Outcome| matches!(o, Outcome::Signed(_));
                let outcomes = world.outcomes(index);
                assert!(
                    outcomes.iter().any(signed),
                    "{informed:?}, node {index}: {outcomes:?}"
                );
            }
        }
    }
}

/// Three must sign, and two others are out of reach.
#[test]
fn a_pardoned_member_is_chosen_again() {
    let (mut world, spend, group, _) = convicted_at(&[0, 1], 13);
    for index in [0, 1] {
        let key_group = group.key_group();
        world.nodes[index].seat.pardon(key_group, member(5));
        let allowed = [(key_group.clone(), member(5))];
        world.hosts[index].engine.allow(allowed.into());
        world.nodes[index].events.clear();
    }
    world.deaf = [2, 3].into();
    let request = spend.request(&group, "two");
    [0, 1, 4]
        .iter()
        .for_each(|index| world.ask(*index, &request));
    world.run_for(PATIENCE);
    world.assert_signed(4, &spend);
}

/// Exactly as many as must sign are honest and there: two of them know of the conviction, the third does not. One more
/// is out of reach.
#[test]
fn honest_members_sign_when_nobody_can_be_spared() {
    for seed in 60..72 {
        let (mut world, spend, group, _) = convicted_at(&[0, 1], seed);
        world.nodes.iter_mut().for_each(|node| node.events.clear());
        world.deaf.insert(3);
        let request = spend.request(&group, "two");
        world.ask(4, &request);
        [2, 0, 1]
            .iter()
            .for_each(|index| world.ask(*index, &request));
        world.run_for(PATIENCE);
        for index in 0..3 {
            let signed = |o: &Outcome| matches!(o, Outcome::Signed(_));
            let outcomes = world.outcomes(index);
            assert!(
                outcomes.iter().any(signed),
                "{seed}, node {index}: {outcomes:?}"
            );
        }
    }
}
