//! Once a seat's engine is asked to make its share durable, nothing ends the ceremony before the answer: the others
//! count on that share.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use hardfrost_dkg::{CeremonyFault, Descriptor};
use hardfrost_engine::{serve, Command, Ticket};
use hardfrost_seat::{Event, Input, Output, Request};
use hardfrost_wire::{Frame, FromPeer, Head, Kind, OperatorIndex, Round2Payload, Sizes};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use world::{key, member, World, PATIENCE};

/// Seat 1 lacks the sealed shares of member 3, and nothing else.
fn waiting(seed: u64) -> (World, Descriptor, Frame) {
    let mut world = World::new(3, seed);
    let terms = world.proposal(2);
    world.ask_all(&Request::MakeKey(terms.clone()));
    world.passes = |letter| {
        let sealed = letter.bytes[0] == Kind::DkgRound2.number();
        !(sealed && letter.to == 0 && letter.from == OperatorIndex(2))
    };
    world.run();
    world.passes = |_| true;
    let sizes = Sizes {
        threshold: 3,
        count: 3,
    };
    let read = |bytes: &Vec<u8>| Frame::parse(bytes.clone(), sizes);
    let mut sent = world.sent.iter().filter_map(|bytes| read(bytes).ok());
    let of_3 = |frame: &Frame| frame.kind() == Kind::DkgRound2 && frame.head().author == member(3);
    let last = sent.find(of_3).unwrap();
    (world, terms, last)
}

fn peer(frame: &Frame) -> Input {
    Input::Peer(FromPeer::authenticated(
        OperatorIndex(2),
        frame.as_bytes().to_vec(),
    ))
}

/// Seat 1 reads these in one turn of its node; its engine has the commands all together.
fn one_turn(world: &mut World, inputs: Vec<Input>) {
    let now = world.now;
    let mut commands: Vec<(Ticket, Command)> = Vec::new();
    for input in inputs {
        for output in world.nodes[0].seat.handle(now, input) {
            match output {
                Output::Engine(ticket, command) => commands.push((ticket, command)),
                Output::Event(event) => panic!("told before it is known: {event:?}"),
                Output::Send(_) | Output::SendTo(..) => {}
            }
        }
    }
    assert_eq!(world.nodes[0].seat.poll_timeout(), None);
    let host = &mut world.hosts[0];
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for (ticket, reply) in serve(&mut host.engine, &mut host.log, now, &mut rng, commands) {
        world.turn(0, Input::Engine(ticket, reply));
    }
}

/// The fault is told, the confirmation is out all the same, and the key is made everywhere.
fn assert_made(world: &mut World, terms: &Descriptor, fault: &CeremonyFault) {
    let id = terms.id();
    let open = world.nodes[0].seat.ceremony_of(&id).unwrap();
    assert!(open.pending().is_some());
    let events = &world.nodes[0].events;
    assert!(
        matches!(&events[..], [Event::KeyFailed(of, told)] if *of == id && told == fault),
        "{events:?}"
    );
    world.run_for(PATIENCE);
    for node in &world.nodes {
        assert!(node.seat.groups().next().is_some());
    }
}

#[test]
fn k14_a_second_body_while_the_share_is_written_ends_nothing() {
    let (mut world, terms, first) = waiting(50);
    let said = first.clone().verify(&world.roster).unwrap();
    let mut other: Round2Payload = said.payload().unwrap();
    other.sealed.reverse();
    let head = Head {
        context: first.head().context,
        author: member(3),
    };
    let second = Frame::sign(head, &other, &key(member(3)));
    one_turn(&mut world, vec![peer(&first), peer(&second)]);
    assert_made(&mut world, &terms, &CeremonyFault::TwoBodies(member(3)));
}

#[test]
fn k14_a_deadline_while_the_share_is_written_ends_nothing() {
    let (mut world, terms, last) = waiting(51);
    let outputs = world.nodes[0].seat.handle(world.now, peer(&last));
    let asked = outputs.into_iter().filter_map(|output| match output {
        Output::Engine(ticket, command) => Some((ticket, command)),
        Output::Event(_) | Output::Send(_) | Output::SendTo(..) => None,
    });
    let asked: Vec<(Ticket, Command)> = asked.collect();
    world.now.mono = world.now.mono.plus(PATIENCE);
    one_turn(&mut world, vec![Input::Timeout]);
    let host = &mut world.hosts[0];
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for (ticket, reply) in serve(&mut host.engine, &mut host.log, world.now, &mut rng, asked) {
        world.turn(0, Input::Engine(ticket, reply));
    }
    assert_made(&mut world, &terms, &CeremonyFault::Silent(Vec::new()));
}
