//! r08, r34: what arrives before the local start.

use std::time::Duration;

use hardfrost_engine::{Command, Rejection, Reply};
use hardfrost_primitives::Hash32;
use hardfrost_seat::{Event, Input, Output, Request};
use hardfrost_wire::{AdvancePayload, Frame, Head, Incarnation, Kind};

use crate::world::{key, member, Letter, Spend, World, PATIENCE};

/// Nothing repairs: neither questions nor their answers, of which only the signature cannot be told from a first
/// sending.
fn no_pulls(letter: &Letter) -> bool {
    let kind = Kind::from_number(letter.bytes[0]);
    !matches!(kind, Some(Kind::Pull | Kind::Signature))
}

#[test]
fn r34_frames_from_before_the_local_approval_are_replayed() {
    // Everybody must sign, so one frame lost is one frame too many.
    let (mut world, group) = World::with_key(4, 4, 30);
    world.passes = no_pulls;
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    for index in 0..4 {
        world.ask(index, &request);
        // All of it is read before the next one approves.
        world.run();
        assert_eq!(world.nodes[index].seat.noise(), 0);
    }
    world.assert_all_signed(&spend);
}

#[test]
fn r34_whoever_comes_last_follows_all_that_has_happened() {
    for seed in 0..4 {
        let (mut world, group) = World::with_key(5, 3, seed);
        world.passes = no_pulls;
        let spend = Spend::new(&group);
        let request = spend.request(&group, "one");
        let coordinator = spend.coordinator(&group, &world.roster, "one");
        let late = (coordinator + 1) % 5;
        let others = (0..5).filter(|index| *index != late);
        others.for_each(|index| world.ask(index, &request));
        world.run_shuffled();
        assert!(world.nodes[late].events.is_empty());
        world.ask(late, &request);
        world.run();
        world.assert_all_signed(&spend);
    }
}

/// Two of four saw the silent coordinator's attempt run out, and said so: that takes a third one on, whenever it
/// starts.
#[test]
fn r34_advances_from_before_the_local_approval_count() {
    let (mut world, group) = World::with_key(4, 2, 36);
    world.passes = no_pulls;
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    let silent = spend.coordinator(&group, &world.roster, "one");
    let [a, b, late] = [1, 2, 3].map(|step| (silent + step) % 4);
    world.deaf.insert(silent);
    world.ask(a, &request);
    world.ask(b, &request);
    // Not long enough for a share: they have just entered the second round.
    world.run();
    world.wait(Duration::from_millis(100));
    let advances: Vec<Letter> = world
        .letters
        .iter()
        .filter(|letter| letter.to == late && letter.bytes[0] == Kind::Advance.number())
        .cloned()
        .collect();
    assert_eq!(advances.len(), 2);
    world.lose_letters();
    advances
        .iter()
        .for_each(|letter| world.hand(late, &letter.bytes));
    world.sent.clear();
    world.ask(late, &request);
    world.lose_letters();
    // It hears nothing more, and its own commitments alone start no timer.
    world.wait(Duration::from_secs(1));
    let author = world.nodes[late].seat.member().to_be_bytes();
    let said = world.sent.iter();
    let own = said.filter(|b| b[0] == Kind::Commitments.number() && b[37..39] == author);
    assert_eq!(own.count(), 2);
}

/// Frames that belong nowhere, each for another context.
fn flood(author: u16, count: u8) -> impl Iterator<Item = Vec<u8>> {
    let payload = AdvancePayload {
        incarnation: Incarnation([9; 16]),
        round: 1,
    };
    (0..count).map(move |number| {
        let head = Head {
            context: Hash32([number; 32]),
            author: member(author),
        };
        let frame = Frame::sign(head, &payload, &key(member(author)));
        frame.as_bytes().to_vec()
    })
}

/// Whether seat 3 signs, if so many frames of seat 1 came after what it needs of seat 1 and 2.
fn signs_after_a_flood(count: u8) -> bool {
    let (mut world, group) = World::with_key(3, 3, 31);
    world.passes = no_pulls;
    let spend = Spend::new(&group);
    // Seat 3 coordinates, so the commitments of seat 1 reach it in no package.
    let coordinates = |name: &&str| spend.coordinator(&group, &world.roster, name) == 2;
    let names = ["one", "two", "three", "four", "five", "six", "seven"];
    let name = names.into_iter().find(coordinates).unwrap();
    let request = spend.request(&group, name);
    world.ask(0, &request);
    world.ask(1, &request);
    world.run();
    flood(1, count).for_each(|bytes| world.hand(2, &bytes));
    assert_eq!(world.nodes[2].seat.noise(), 0);
    world.ask(2, &request);
    world.run();
    !world.outcomes(2).is_empty()
}

#[test]
fn r34_an_author_who_floods_displaces_what_is_his_and_only_then() {
    assert!(signs_after_a_flood(63));
    assert!(!signs_after_a_flood(64));
}

#[test]
fn r34_a_flood_of_one_author_never_displaces_anothers() {
    let (mut world, group) = World::with_key(4, 3, 32);
    world.passes = no_pulls;
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    let coordinator = spend.coordinator(&group, &world.roster, "one");
    let flooder = (coordinator + 1) % 4;
    // The coordinator comes last: it needs what came before.
    let honest = [2, 3, 0].map(|step| (coordinator + step) % 4);
    let author = u16::try_from(flooder).unwrap() + 1;
    world.ask(honest[0], &request);
    world.ask(honest[1], &request);
    world.run();
    flood(author, 255).for_each(|bytes| world.hand(honest[2], &bytes));
    world.ask(honest[2], &request);
    world.run();
    honest
        .iter()
        .for_each(|index| world.assert_signed(*index, &spend));
}

/// A seat hears from the moment it exists: here a whole step of a key generation before it knows of one.
#[test]
fn r08_contributions_that_come_before_the_local_start_make_the_key() {
    let mut world = World::new(4, 33);
    let request = Request::MakeKey(world.proposal(3));
    for index in 0..4 {
        world.ask(index, &request);
        world.run();
    }
    assert_eq!(world.key().threshold(), 3);
    assert!(world.nodes.iter().all(|node| node.seat.noise() == 0));
}

/// Larger than anything this seat would take for a group it knows.
#[test]
fn r08_a_large_contribution_is_no_noise_before_its_terms_are_known() {
    let mut world = World::new(20, 34);
    world.ask(0, &Request::MakeKey(world.proposal(20)));
    let largest = world.sent.iter().map(Vec::len).max().unwrap();
    assert!(largest > 512);
    world.run();
    assert!(world.nodes.iter().all(|node| node.seat.noise() == 0));
}

#[test]
fn an_engines_late_reply_does_not_reach_the_next_key_generation() {
    let mut world = World::new(3, 35);
    let (mut now, mut proposal) = (world.now, world.proposal(2));
    let seat = &mut world.nodes[0].seat;
    let mut deal = |now, proposal| {
        let request = Request::MakeKey(proposal);
        let outputs = seat.handle(now, Input::Local(request));
        let [Output::Engine(ticket, Command::DkgDeal(_))] = outputs[..] else {
            panic!("{outputs:?}");
        };
        ticket
    };
    let first = deal(now, proposal.clone());
    now.mono = now.mono.plus(PATIENCE);
    now.utc = now.utc.plus(PATIENCE);
    assert_eq!(seat.handle(now, Input::Timeout).len(), 2);
    proposal.salt = [4; 32];
    proposal.deadline = now.utc.plus(PATIENCE);
    let outputs = seat.handle(now, Input::Local(Request::MakeKey(proposal)));
    let [Output::Engine(second, _)] = outputs[..] else {
        panic!("{outputs:?}");
    };
    let refused = || Reply::Rejected(Rejection::Internal);
    let late = seat.handle(now, Input::Engine(first, refused()));
    assert!(late.is_empty(), "{late:?}");
    let failed = seat.handle(now, Input::Engine(second, refused()));
    assert!(matches!(
        failed[..],
        [Output::Engine(..), Output::Event(Event::KeyFailed(..))]
    ));
}
