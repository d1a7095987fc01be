//! Seats with real engines make a key and sign with it, whatever the order of their frames.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use hardfrost_dkg::CeremonyFault;
use hardfrost_engine::{Code, Rejection};
use hardfrost_primitives::Hash32;
use hardfrost_roast::Outcome;
use hardfrost_seat::{Event, Input, Request};
use hardfrost_wire::{EchoPayload, Frame, Head, Incarnation, Kind, OperatorIndex, SharePayload};
use world::{key, member, Spend, World, DAY, PATIENCE};

#[test]
fn all_seats_make_a_key_and_sign() {
    for (count, threshold) in [(3, 2), (5, 3)] {
        let (mut world, group) = World::with_key(count, threshold, 1);
        let spend = Spend::new(&group);
        world.ask_all(&spend.request(&group, "one"));
        world.run();
        for index in 0..usize::from(count) {
            let Event::Approved(approval) = &world.nodes[index].events[0] else {
                panic!("{:?}", world.nodes[index].events);
            };
            assert_eq!(approval.inputs[0].session, spend.session(&group, "one"));
            world.assert_signed(index, &spend);
            assert_eq!(world.nodes[index].seat.noise(), 0);
        }
        let forgotten = world.now.mono.plus(PATIENCE + DAY);
        world.wait(Duration::from_secs(60));
        for node in &world.nodes {
            assert_eq!(node.seat.poll_timeout(), Some(forgotten));
        }
    }
}

#[test]
fn frames_in_any_order_and_twice_make_a_key() {
    for seed in 0..4 {
        let mut world = World::new(5, seed);
        let proposal = world.proposal(3);
        world.ask_all(&Request::MakeKey(proposal));
        world.run_shuffled();
        assert_eq!(world.key().threshold(), 3);
    }
}

#[test]
fn frames_in_any_order_and_twice_sign_although_one_member_never_approves() {
    for seed in 0..8 {
        let (mut world, group) = World::with_key(5, 3, seed);
        let spend = Spend::new(&group);
        let coordinator = spend.coordinator(&group, &world.roster, "one");
        let silent = (coordinator + 1 + usize::try_from(seed).unwrap() % 4) % 5;
        let request = spend.request(&group, "one");
        let others: Vec<usize> = (0..5).filter(|index| *index != silent).collect();
        others.iter().for_each(|index| world.ask(*index, &request));
        world.run_shuffled();
        others
            .iter()
            .for_each(|index| world.assert_signed(*index, &spend));
        assert!(world.nodes[silent].events.is_empty());
        assert_eq!(world.nodes[silent].seat.noise(), 0);
    }
}

#[test]
fn one_key_signs_again_under_another_request() {
    let (mut world, group) = World::with_key(3, 2, 2);
    let spend = Spend::new(&group);
    let names = ["one", "two", "three"];
    let sessions: BTreeSet<_> = names.map(|name| spend.session(&group, name)).into();
    assert_eq!(sessions.len(), 3);
    // Side by side.
    names
        .iter()
        .for_each(|name| world.ask_all(&spend.request(&group, name)));
    world.run_shuffled();
    for index in 0..3 {
        let outcomes = world.outcomes(index);
        assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            let Outcome::Signed(signature) = outcome else {
                panic!("{outcome:?}");
            };
            spend.assert_signed(signature);
        }
    }
}

#[test]
fn an_approval_repeated_starts_nothing_twice() {
    let (mut world, group) = World::with_key(3, 2, 3);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    world.ask_all(&request);
    let sent = world.sent.len();
    world.ask_all(&request);
    assert_eq!(world.sent.len(), sent);
    world.run();
    world.ask_all(&request);
    world.run();
    (0..3).for_each(|index| world.assert_signed(index, &spend));
}

/// What a peer may hand over that is no frame of any member's.
fn garbage() -> Vec<Vec<u8>> {
    let payload = SharePayload {
        incarnation: Incarnation([1; 16]),
        package: Hash32([2; 32]),
        share: [3; 32],
    };
    let head = Head {
        context: Hash32([4; 32]),
        author: member(1),
    };
    let good = Frame::sign(head, &payload, &key(member(1)));
    let forged = Frame::sign(head, &payload, &key(member(2)));
    let strange = Head {
        author: member(77),
        ..head
    };
    let stranger = Frame::sign(strange, &payload, &key(member(77)));
    vec![
        Vec::new(),
        vec![0; 300],
        vec![9; 100],
        vec![4; 5000],
        good.as_bytes()[..120].to_vec(),
        [good.as_bytes(), &[0]].concat(),
        forged.as_bytes().to_vec(),
        stranger.as_bytes().to_vec(),
    ]
}

#[test]
fn r01_garbage_is_counted_as_noise_and_changes_nothing() {
    let mut world = World::new(3, 4);
    let garbage = garbage();
    let mut noise = 0;
    let mut hear = |world: &mut World| {
        let before = world.sent.len();
        garbage.iter().for_each(|bytes| world.hand(0, bytes));
        noise += u64::try_from(garbage.len()).unwrap();
        assert_eq!(world.nodes[0].seat.noise(), noise);
        assert_eq!(world.sent.len(), before);
    };
    hear(&mut world);
    let proposal = world.proposal(2);
    world.ask_all(&Request::MakeKey(proposal));
    hear(&mut world);
    world.run();
    let group = world.key();
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    hear(&mut world);
    world.run();
    hear(&mut world);
    (0..3).for_each(|index| world.assert_signed(index, &spend));
    assert_eq!(world.nodes[1].seat.noise(), 0);
}

/// Frames of a key generation come from everybody who was asked for them: one that says nothing new costs no look at
/// its signature.
#[test]
fn r01_frames_of_a_key_that_is_made_are_not_verified() {
    let mut world = World::new(3, 4);
    let proposal = world.proposal(2);
    let head = Head {
        context: proposal.head(),
        author: member(2),
    };
    let forged = Frame::sign(head, &EchoPayload { bodies: Vec::new() }, &key(member(3)));
    world.ask_all(&Request::MakeKey(proposal));
    world.hand(0, forged.as_bytes());
    assert_eq!(world.nodes[0].seat.noise(), 1);
    world.run();
    world.hand(0, forged.as_bytes());
    assert_eq!(world.nodes[0].seat.noise(), 1);
}

#[test]
fn b03_an_unreadable_psbt_is_refused_alone() {
    let (mut world, group) = World::with_key(3, 2, 5);
    let spend = Spend::new(&group);
    let good = spend.request(&group, "one");
    let mut cut = spend.psbt.to_bytes();
    cut.truncate(cut.len() / 2);
    for unreadable in [Vec::new(), vec![0xff; 64], b"cHNidP8BAA==".to_vec(), cut] {
        let mut bad = good.clone();
        if let Request::Approve { psbt, .. } = &mut bad {
            *psbt = unreadable;
        }
        world.ask_all(&bad);
        for node in &mut world.nodes {
            let events = std::mem::take(&mut node.events);
            let [Event::Refused(rejection)] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(rejection.code(), Code::ValidationError);
        }
    }
    assert_eq!(world.nodes[0].seat.poll_timeout(), None);
    world.ask_all(&good);
    world.run();
    (0..3).for_each(|index| world.assert_signed(index, &spend));
}

#[test]
fn a_group_that_nobody_made_is_refused() {
    let (mut world, group) = World::with_key(3, 2, 6);
    let (_, other) = World::with_key(3, 2, 7);
    let spend = Spend::new(&group);
    world.ask(0, &spend.request(&other, "one"));
    let [Event::Refused(rejection)] = &world.nodes[0].events[..] else {
        panic!("{:?}", world.nodes[0].events);
    };
    assert_eq!(rejection, &Rejection::DkgNotReady);
}

#[test]
fn too_few_approvals_end_at_the_deadline() {
    let (mut world, group) = World::with_key(5, 3, 8);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    world.ask(0, &request);
    world.ask(1, &request);
    world.run();
    world.wait(PATIENCE - Duration::from_secs(1));
    assert_eq!(world.outcomes(0), []);
    world.wait(Duration::from_secs(1));
    let forgotten = world.now.mono.plus(DAY);
    world.wait(Duration::from_secs(60));
    for index in [0, 1] {
        assert_eq!(world.outcomes(index), [Outcome::Expired]);
        assert_eq!(world.nodes[index].seat.poll_timeout(), Some(forgotten));
    }
}

/// Who cancels takes no part any more; the others go on.
#[test]
fn an_operator_cancels_its_own_part_only() {
    let (mut world, group) = World::with_key(5, 3, 9);
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    let session = spend.session(&group, "one");
    world.ask(4, &Request::Cancel(session.clone()));
    assert_eq!(world.outcomes(4), [Outcome::Cancelled]);
    assert_eq!(world.live()[4], 0);
    world.run_for(Duration::from_secs(60));
    for index in 0..4 {
        world.assert_signed(index, &spend);
    }
    assert_eq!(world.outcomes(4), [Outcome::Cancelled]);
    // An end is final, for cancelling too; a session that never was has nothing to cancel.
    for index in [0, 4] {
        world.ask(index, &Request::Cancel(session.clone()));
        assert_eq!(world.outcomes(index).len(), 1);
    }
    let strange = Request::Cancel(spend.session(&group, "two"));
    world.ask(0, &strange);
    let last = world.nodes[0].events.last();
    assert!(
        matches!(last, Some(Event::Refused(rejection)) if rejection.code() == Code::SessionNotFound)
    );
}

fn key_failure(world: &World, index: usize) -> &CeremonyFault {
    let [Event::KeyFailed(_, fault)] = &world.nodes[index].events[..] else {
        panic!("{:?}", world.nodes[index].events);
    };
    fault
}

#[test]
fn a_silent_member_is_named_and_a_new_key_generation_may_follow() {
    let mut world = World::new(3, 9);
    let mut proposal = world.proposal(2);
    let request = Request::MakeKey(proposal.clone());
    world.ask(0, &request);
    world.ask(1, &request);
    world.run();
    world.wait(PATIENCE);
    let awaited = CeremonyFault::Silent(vec![member(3)]);
    assert_eq!(key_failure(&world, 0), &awaited);
    assert_eq!(key_failure(&world, 1), &awaited);
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    proposal.salt = [4; 32];
    proposal.deadline = world.now.utc.plus(PATIENCE);
    world.ask_all(&Request::MakeKey(proposal));
    world.run();
    assert_eq!(world.key().count(), 3);
}

#[test]
fn a_proposal_for_others_or_beside_another_is_refused() {
    let mut world = World::new(3, 10);
    let mut foreign = world.proposal(2);
    foreign.roster = Hash32([1; 32]);
    world.ask(0, &Request::MakeKey(foreign));
    assert!(key_failure(&world, 0)
        .to_string()
        .contains("another roster"));
    world.nodes[0].events.clear();
    let proposal = world.proposal(2);
    world.ask_all(&Request::MakeKey(proposal.clone()));
    world.ask(0, &Request::MakeKey(proposal));
    assert!(key_failure(&world, 0).to_string().contains("under way"));
    world.nodes[0].events.clear();
    // The one under way goes on.
    world.run();
    assert_eq!(world.key().threshold(), 2);
}

/// Whoever joined twice would contribute twice, and look like a cheat.
#[test]
fn k12_no_key_generation_is_joined_twice() {
    let mut world = World::new(3, 10);
    let proposal = world.proposal(2);
    world.ask(0, &Request::MakeKey(proposal.clone()));
    world.run();
    world.wait(PATIENCE);
    assert!(matches!(key_failure(&world, 0), CeremonyFault::Silent(_)));
    world.nodes[0].events.clear();
    let before = world.sent.len();
    world.ask(0, &Request::MakeKey(proposal.clone()));
    let CeremonyFault::Engine(why) = key_failure(&world, 0) else {
        panic!("{:?}", world.nodes[0].events);
    };
    assert!(why.contains("joined before"), "{why}");
    assert_eq!(world.sent.len(), before);
    let another = hardfrost_dkg::Descriptor {
        salt: [77; 32],
        deadline: world.now.utc.plus(PATIENCE),
        ..proposal
    };
    world.nodes[0].events.clear();
    world.ask_all(&Request::MakeKey(another));
    world.run();
    assert_eq!(world.key().threshold(), 2);
}

/// One member shows its confirmation to one other only. With real engines, everybody has the key all the same.
#[test]
fn k07_a_confirmation_shown_to_one_seat_makes_the_key_everywhere() {
    let mut world = World::new(4, 11);
    world.passes = |letter| {
        let hidden =
            letter.bytes[0] == Kind::DkgConfirm.number() && letter.from == OperatorIndex(0);
        !hidden || letter.to == 1
    };
    let proposal = world.proposal(3);
    world.ask_all(&Request::MakeKey(proposal));
    world.run();
    let made = |world: &World, index: usize| !world.nodes[index].events.is_empty();
    assert_eq!(
        [0, 1, 2, 3].map(|i| made(&world, i)),
        [true, true, false, false]
    );
    world.deaf.insert(0);
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.key().threshold(), 3);
}

/// A session that waits long asks seldom; a peer that comes back may have all it lacks, and is not left waiting.
#[test]
fn n05_whoever_comes_back_is_asked_within_a_second_however_long_the_pauses_have_become() {
    let (mut world, group) = World::with_key(3, 2, 1);
    let spend = Spend::new(&group);
    world.ask(0, &spend.request(&group, "one"));
    world.run_for(Duration::from_secs(200));
    let asks = |world: &mut World| {
        world.lose_letters();
        world.wait(Duration::from_secs(1));
        let pull = Kind::Pull.number();
        world
            .letters
            .iter()
            .any(|letter| letter.bytes.first() == Some(&pull))
    };
    while asks(&mut world) {}
    assert!(!asks(&mut world));
    world.turn(0, Input::Connected(OperatorIndex(1)));
    assert!(asks(&mut world));
}
