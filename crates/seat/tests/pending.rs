//! A seat whose process ends while its key is pending goes on with the ceremony: the key is made everywhere or nowhere.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use std::time::Duration;

use hardfrost_dkg::{CeremonyFault, Descriptor, Step};
use hardfrost_primitives::Hash32;
use hardfrost_seat::{Event, Request};
use hardfrost_wire::{Kind, OperatorIndex};
use world::{Spend, World, PATIENCE};

/// Seats whose share is durable, and seats that hold the key.
fn durable(world: &World) -> (usize, usize) {
    let hosts = world.hosts.iter();
    let counted = hosts.map(|host| {
        let held = host.engine.held_keys();
        let held: usize = held.iter().map(|held| held.seats.len()).sum();
        (host.engine.uncertified().len() + held, held)
    });
    counted.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
}

/// The seats that know the key and sign with it.
fn signing(world: &World) -> usize {
    let nodes = world.nodes.iter();
    nodes
        .filter(|node| node.seat.groups().next().is_some())
        .count()
}

fn begun(seats: &[u16], seed: u64) -> (World, Descriptor) {
    let mut world = World::of_operators(seats, seed);
    let terms = world.proposal(2);
    world.ask_all(&Request::MakeKey(terms.clone()));
    (world, terms)
}

/// Reads so many letters; false if there were fewer.
fn read(world: &mut World, letters: usize) -> bool {
    for _ in 0..letters {
        if world.letters.is_empty() {
            return false;
        }
        let letter = world.letters.remove(0);
        world.deliver(letter);
    }
    true
}

struct Crash<'a> {
    seats: &'a [u16],
    of: &'a [u16],
    /// What was sent and not read is lost for everybody, not for those that crash alone.
    loses_all: bool,
}

/// These operators' processes end after so many letters. How far the ceremony was, and how many seats sign at the end;
/// nothing when it was over before.
fn crash(how: &Crash, letters: usize) -> Option<((usize, usize), usize)> {
    let (mut world, terms) = begun(how.seats, 40);
    if !read(&mut world, letters) {
        return None;
    }
    let found = durable(&world);
    let gone = |host: OperatorIndex| how.loses_all || how.of.contains(&host.0);
    let hosts: Vec<OperatorIndex> = world.nodes.iter().map(|node| node.host).collect();
    world.letters.retain(|letter| !gone(hosts[letter.to]));
    for operator in how.of {
        world.reboot(OperatorIndex(*operator), &[&terms]);
    }
    world.run_for(PATIENCE + Duration::from_secs(120));
    Some((found, signing(&world)))
}

/// At every instant of a ceremony, of one operator, of some, and of all at once.
#[test]
fn k14_a_key_that_all_hold_durably_is_made_wherever_processes_end_and_never_for_some_only() {
    let (mut pending, mut all) = (0, 0);
    for loses_all in [false, true] {
        for (seats, of) in [
            (&[1, 1, 1][..], &[0][..]),
            (&[1, 1, 1], &[2]),
            (&[1, 1, 1], &[0, 1]),
            (&[1, 1, 1], &[0, 1, 2]),
            (&[2, 1], &[0]),
        ] {
            let how = Crash {
                seats,
                of,
                loses_all,
            };
            for letters in 0.. {
                let Some(((durable, certified), signs)) = crash(&how, letters) else {
                    break;
                };
                assert!(
                    signs == 0 || signs == 3,
                    "{letters}: {signs} of 3, {seats:?} {of:?}"
                );
                let must = durable == 3;
                assert!(signs == 3 || !must, "{letters}, {seats:?} {of:?}");
                assert!(certified == 0 || must);
                pending += usize::from(must && certified < 3);
                all += 1;
            }
        }
    }
    println!("{all} crashes, {pending} of them with a key that was durable and not certified");
    assert!(pending > 20, "{pending} of {all}");
}

/// Every process ends again and again, before and after the others have the key; they forget what they said.
#[test]
fn k14_whoever_restarts_later_is_served_by_members_that_restarted_too() {
    let (mut world, terms) = begun(&[1, 1, 1], 41);
    world.passes = |letter| letter.bytes[0] != Kind::DkgConfirm.number() || letter.to != 2;
    world.run();
    assert_eq!(durable(&world), (3, 2));
    // Those that have the certificate have nothing else of the ceremony any more.
    for operator in [2, 0, 1, 2] {
        world.lose_letters();
        world.reboot(OperatorIndex(operator), &[&terms]);
    }
    world.passes = |_| true;
    world.run_for(Duration::from_secs(5));
    assert_eq!((durable(&world), signing(&world)), ((3, 3), 3));
    let made = &world.nodes[2].events;
    let [Event::KeyMade(certificate, public)] = &made[..] else {
        panic!("{made:?}");
    };
    assert_eq!(&certificate.verify(&world.roster).unwrap(), public);
    let (spend, public) = (Spend::new(public), public.clone());
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.ask_all(&spend.request(&public, "after"));
    world.run();
    world.assert_all_signed(&spend);
}

/// All hold their shares, and nobody has anybody's confirmation: each seat is pending, in a process that ended.
fn all_pending(seed: u64) -> (World, Descriptor) {
    let (mut world, terms) = begun(&[1, 1, 1], seed);
    world.passes = |letter| letter.bytes[0] != Kind::DkgConfirm.number();
    world.run();
    assert_eq!(durable(&world), (3, 0));
    (world, terms)
}

/// The deadline is told once more; the certificate comes all the same, and another key is made meanwhile.
#[test]
fn a_pending_key_of_a_former_process_holds_up_no_other_and_is_made_after_the_deadline() {
    let (mut world, terms) = all_pending(42);
    world.wait(PATIENCE);
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.lose_letters();
    (0..3).for_each(|operator| world.reboot(OperatorIndex(operator), &[&terms]));
    world.wait(Duration::from_millis(1));
    world.lose_letters();
    for node in &mut world.nodes {
        let events = std::mem::take(&mut node.events);
        let [Event::KeyFailed(id, CeremonyFault::Silent(awaited))] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((*id, awaited.len()), (terms.id(), 2));
        let open = node.seat.ceremony_of(&terms.id()).unwrap();
        assert!(open.pending().is_some() && !open.is_under_way());
    }
    let another = Descriptor {
        salt: [77; 32],
        deadline: world.now.utc.plus(PATIENCE),
        ..terms.clone()
    };
    // Of the former ceremony nothing passes before the new key is made.
    world.passes = |letter| letter.bytes[0] != Kind::DkgConfirm.number();
    world.ask_all(&Request::MakeKey(another.clone()));
    world.run();
    world.lose_letters();
    for operator in 0..3 {
        assert_eq!(
            world.hosts[usize::from(operator)]
                .engine
                .uncertified()
                .len(),
            2
        );
        world.reboot(OperatorIndex(operator), &[&terms, &another]);
    }
    world.passes = |_| true;
    world.run_for(Duration::from_secs(10));
    for node in &world.nodes {
        assert_eq!(node.seat.groups().count(), 2);
    }
}

/// Nobody knows yet whether its certificate comes.
#[test]
fn another_key_is_made_while_one_of_a_former_process_waits() {
    let (mut world, terms) = all_pending(44);
    (0..3).for_each(|operator| world.reboot(OperatorIndex(operator), &[&terms]));
    world.lose_letters();
    let another = Descriptor {
        salt: [79; 32],
        ..terms.clone()
    };
    world.passes = |_| true;
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.ask_all(&Request::MakeKey(another));
    world.run();
    let key = world.key();
    assert!(world
        .nodes
        .iter()
        .all(|node| node.seat.groups().eq([key.key_group()])));
}

/// The same terms again, foreign terms, and another seat's share: nothing is signed.
#[test]
fn a_share_goes_on_under_its_own_terms_and_roster_once() {
    let (mut world, terms) = all_pending(43);
    let share = world.hosts[0].engine.uncertified().remove(0);
    let again = Request::ResumeKey(terms.clone(), share.clone());
    let foreign_terms = Descriptor {
        salt: [78; 32],
        ..terms.clone()
    };
    let of_another_seat = world.hosts[1].engine.uncertified().remove(0);
    let mut of_another_roster = share.clone();
    let elsewhere = Descriptor {
        roster: Hash32([5; 32]),
        ..terms.clone()
    };
    of_another_roster.ceremony = elsewhere.id();
    let smaller = Descriptor {
        threshold: 3,
        ..terms.clone()
    };
    let mut of_another_size = share.clone();
    of_another_size.ceremony = smaller.id();
    let refused = [
        (again, "goes on already"),
        (
            Request::ResumeKey(foreign_terms, share),
            "not those of the pending share",
        ),
        (
            Request::ResumeKey(terms.clone(), of_another_seat),
            "another seat's",
        ),
        (
            Request::ResumeKey(elsewhere, of_another_roster),
            "another roster",
        ),
        (Request::ResumeKey(smaller, of_another_size), "another size"),
    ];
    world.lose_letters();
    world.reboot(OperatorIndex(0), &[&terms]);
    let sent = world.sent.len();
    for (request, why) in refused {
        world.nodes[0].events.clear();
        world.ask(0, &request);
        let events = &world.nodes[0].events;
        let [Event::KeyFailed(_, CeremonyFault::Engine(said))] = &events[..] else {
            panic!("{why}: {events:?}");
        };
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(world.sent.len(), sent);
    let open = world.nodes[0].seat.ceremony_of(&terms.id()).unwrap();
    assert_eq!(open.awaited().0, Step::Confirmations);
}

/// The code that was given again had another deadline: the id is the same, the head is not, so nobody hears it. With
/// the right one the key is made; one that is being made, or is made, is not replaced.
#[test]
fn a_share_that_goes_on_under_a_wrong_deadline_is_put_right() {
    let (mut world, terms) = begun(&[1, 1, 1], 45);
    world.passes = |letter| letter.to != 0 || letter.bytes[0] != Kind::DkgConfirm.number();
    world.run();
    assert_eq!(durable(&world), (3, 2));
    let wrong = Descriptor {
        deadline: terms.deadline.plus(Duration::from_secs(60)),
        ..terms.clone()
    };
    assert_eq!(wrong.id(), terms.id());
    let share = world.hosts[0].engine.uncertified().remove(0);
    let corrected = |terms: &Descriptor| Request::ResumeKey(terms.clone(), share.clone());
    let refused = |world: &mut World, terms: &Descriptor| {
        let head = |world: &World| {
            let open = world.nodes[0].seat.ceremony_of(&terms.id());
            open.map(|open| open.head())
        };
        let before = head(world);
        world.nodes[0].events.clear();
        world.ask(0, &corrected(terms));
        let [Event::KeyFailed(_, CeremonyFault::Engine(why))] = &world.nodes[0].events[..] else {
            panic!("{:?}", world.nodes[0].events);
        };
        assert!(why.contains("goes on already"), "{why}");
        assert_eq!(head(world), before);
    };
    // The process that all contributed with knows the terms.
    refused(&mut world, &wrong);
    world.lose_letters();
    world.reboot(OperatorIndex(0), &[&wrong]);
    world.passes = |_| true;
    world.run_for(PATIENCE * 2);
    assert_eq!(signing(&world), 2);
    world.ask(0, &corrected(&terms));
    let open = world.nodes[0].seat.ceremony_of(&terms.id()).unwrap();
    assert_eq!(open.head(), terms.head());
    world.run_for(Duration::from_secs(60));
    assert_eq!(signing(&world), 3);
    refused(&mut world, &wrong);
}
