//! Sessions are forgotten, and timers always move on.

use std::time::Duration;

use hardfrost_roast::Outcome;
use hardfrost_wire::{Frame, Head, Incarnation, Kind, PullPayload};

use crate::world::{key, member, Spend, World, DAY, PATIENCE};

#[test]
fn a_session_is_forgotten_a_day_after_its_deadline() {
    let (mut world, group) = World::with_key(3, 2, 80);
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    world.run();
    world.assert_all_signed(&spend);
    let head = Head {
        context: spend.terms(&group, &world.roster, "one").head(),
        author: member(2),
    };
    // A question never asked before: who still has the signature gives it.
    let answers = |world: &mut World, round| {
        let payload = PullPayload {
            incarnation: Incarnation([9; 16]),
            round,
            convicted: Vec::new(),
            first_turn: 0,
            held: Vec::new(),
        };
        let pull = Frame::sign(head, &payload, &key(member(2)));
        world.sent.clear();
        world.hand(0, pull.as_bytes());
        let sent = world.sent.iter().map(|bytes| bytes[0]);
        sent.collect::<Vec<u8>>()
    };
    let signature = vec![Kind::Signature.number()];
    assert_eq!(answers(&mut world, 1), signature);
    world.wait(PATIENCE + DAY - Duration::from_secs(1));
    assert_eq!(answers(&mut world, 2), signature);
    let due = world.nodes[0].seat.poll_timeout().unwrap();
    assert_eq!(due.since(world.now.mono), Duration::from_secs(1));
    world.wait(Duration::from_secs(1));
    assert_eq!(answers(&mut world, 3), []);
    assert_eq!(world.nodes[0].seat.poll_timeout(), None);
    // What was said in it is forgotten too, so it never starts again in this process.
    world.ask_all(&spend.request(&group, "one"));
    assert_eq!(world.nodes[0].seat.poll_timeout(), None);
    assert_eq!(world.live(), [0; 3]);
    assert!((0..3).all(|index| world.outcomes(index).len() == 1));
}

#[test]
fn a_request_approved_twice_in_one_breath_starts_one_session() {
    let (mut world, group) = World::with_key(3, 2, 81);
    let spend = Spend::new(&group);
    let request = spend.request_for(&group, "one", PATIENCE);
    let longer = spend.request_for(&group, "one", PATIENCE * 2);
    world.ask_all(&request);
    world.ask_all(&longer);
    let commitments = |world: &World| {
        let sent = world.sent.iter();
        sent.filter(|b| b[0] == Kind::Commitments.number()).count()
    };
    assert_eq!(commitments(&world), 3);
    assert_eq!(world.live(), [1; 3]);
    world.run();
    world.ask_all(&longer);
    assert_eq!(world.live(), [0; 3]);
    world.assert_all_signed(&spend);
}

/// Tells whoever is due, ten thousand times; after every timeout the seat's next one lies ahead. Returns how many
/// timeouts there were before nobody waited for anything.
fn drive(world: &mut World, most: usize) -> usize {
    let mut timeouts = 0;
    while timeouts < most {
        world.run();
        let due = (0..world.nodes.len()).filter_map(|index| {
            let at = world.nodes[index].seat.poll_timeout()?;
            Some((at, index))
        });
        let Some((at, index)) = due.min() else {
            return timeouts;
        };
        let wait = at.since(world.now.mono);
        world.now.mono = world.now.mono.plus(wait);
        world.now.utc = world.now.utc.plus(wait);
        world.turn(index, hardfrost_seat::Input::Timeout);
        let next = world.nodes[index].seat.poll_timeout();
        assert!(
            next.is_none_or(|next| next > world.now.mono),
            "timeout {timeouts} of node {index} at {at:?}: next {next:?}"
        );
        timeouts += 1;
    }
    timeouts
}

#[test]
fn ten_thousand_timeouts_of_a_lonely_session_move_time_forward() {
    let (mut world, group) = World::with_key(5, 3, 82);
    let spend = Spend::new(&group);
    world.deaf.extend(1..5);
    // As many requests as it takes, one after the other: nobody else approves any.
    for number in 0..4 {
        let name = format!("request-{number}");
        let request = spend.request_for(&group, &name, DAY);
        world.ask(0, &request);
        world.run_for(Duration::from_secs(7));
    }
    let begin = world.now.mono;
    assert_eq!(drive(&mut world, 10_000), 10_000);
    assert!(world.now.mono.since(begin) > Duration::from_secs(3600));
}

#[test]
fn ten_thousand_timeouts_of_sessions_without_shares_move_time_forward() {
    let (mut world, group) = World::with_key(3, 2, 83);
    let spend = Spend::new(&group);
    world.passes = |letter| letter.bytes[0] != Kind::Share.number();
    for name in ["one", "two"] {
        world.ask_all(&spend.request_for(&group, name, DAY));
        world.run_for(Duration::from_secs(7));
    }
    assert_eq!(drive(&mut world, 2_000), 2_000);
    // The rest needs no network.
    world.deaf.extend(0..3);
    assert_eq!(drive(&mut world, 8_000), 8_000);
    world.run_for(3 * DAY);
    for index in 0..3 {
        assert_eq!(world.outcomes(index), [Outcome::Expired, Outcome::Expired]);
    }
    assert_eq!(world.live(), [0; 3]);
    assert!(world.nodes.iter().all(|n| n.seat.poll_timeout().is_none()));
}
