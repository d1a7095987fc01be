//! A restarted node signs with the keys that its log holds, and with no key that its records do not certify.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use hardfrost_dkg::{Certificate, CertificateError};
use hardfrost_primitives::Hash32;
use hardfrost_seat::ResumeError;
use hardfrost_wire::{Kind, OperatorIndex};
use world::{member, Spend, World};

#[test]
fn a_group_whose_processes_all_died_signs_with_its_key() {
    for operators in [vec![1, 1, 1], vec![2, 1, 1]] {
        let (mut world, group) = World::of_operators(&operators, 1).make_key(2);
        world.restart();
        let spend = Spend::new(&group);
        world.ask_all(&spend.request(&group, "after"));
        world.run();
        world.assert_all_signed(&spend);
        // And once more, from logs that hold markers and completions by now.
        world.restart();
        world.nodes.iter_mut().for_each(|node| node.events.clear());
        world.ask_all(&spend.request(&group, "again"));
        world.run();
        world.assert_all_signed(&spend);
    }
}

#[test]
fn a_node_that_resumes_alone_signs_with_those_that_never_stopped() {
    let (mut world, group) = World::with_key(3, 2, 1);
    let (seat, resumed) = world.resumed(0, Arc::clone(&world.roster));
    assert_eq!(resumed, [Ok(())]);
    world.nodes[0].seat = seat;
    world.deaf.insert(2);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "with-the-first");
    world.ask(0, &request);
    world.ask(1, &request);
    world.run_for(world::PATIENCE);
    world.assert_signed(0, &spend);
}

/// Its former self has signed in the first attempt: that one is over for it, and the session is not.
#[test]
fn r17_a_signer_that_restarts_takes_part_in_the_attempts_that_follow() {
    let (mut world, group) = World::with_key(3, 2, 1);
    let spend = Spend::new(&group);
    // Seat 3 takes no part, so the first turn must be another's.
    let first = |name: &&str| spend.coordinator(&group, &world.roster, name) != 2;
    let name = ["one", "two", "three", "four", "five"]
        .into_iter()
        .find(first)
        .unwrap();
    let request = spend.request(&group, name);
    world.deaf.insert(2);
    // Shares are made, and none arrives.
    world.passes = |letter| letter.bytes[0] != Kind::Share.number();
    world.ask(0, &request);
    world.ask(1, &request);
    world.run();
    let shares = world.sent.iter();
    let signed = shares.filter(|bytes| bytes[0] == Kind::Share.number());
    assert!(signed.count() >= 2);
    world.restart();
    world.passes = |_| true;
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.ask(0, &request);
    world.ask(1, &request);
    world.run_for(Duration::from_secs(60));
    world.assert_signed(0, &spend);
    world.assert_signed(1, &spend);
}

/// Its former self was chosen, with commitments whose nonces are gone: it does not take itself for one that owes a
/// share, or nobody would ever choose it again.
#[test]
fn r17_a_signer_whose_former_self_was_chosen_owes_itself_nothing() {
    let (world, group) = World::with_key(3, 2, 1);
    let spend = Spend::new(&group);
    let names = (0..40).map(|number| format!("request-{number}"));
    let begins = |name: &String| spend.coordinator(&group, &world.roster, name) == 1;
    for name in names.filter(begins).collect::<Vec<_>>() {
        let (mut world, group) = World::with_key(3, 2, 1);
        let spend = Spend::new(&group);
        let request = spend.request(&group, &name);
        world.deaf.insert(2);
        world.ask(0, &request);
        world.run();
        world.reboot(OperatorIndex(0), &[]);
        world.ask(1, &request);
        world.run();
        let packages = world.sent.iter();
        let packages = packages.filter(|bytes| bytes[0] == Kind::Package.number());
        assert!(packages.count() >= 1);
        world.ask(0, &request);
        world.run_for(Duration::from_secs(60));
        world.assert_signed(0, &spend);
        world.assert_signed(1, &spend);
    }
}

/// The signature was made and lost with the process: a new attempt makes another.
#[test]
fn r30_a_signature_lost_with_its_process_is_made_again() {
    let (mut world, group) = World::of_operators(&[2, 1], 3).make_key(2);
    let spend = Spend::new(&group);
    // Seat 3 takes no part, so the first turn must be another's.
    let first = |name: &&str| spend.coordinator(&group, &world.roster, name) != 2;
    let name = ["one", "two", "three", "four", "five"]
        .into_iter()
        .find(first)
        .unwrap();
    let request = spend.request(&group, name);
    world.deaf.insert(2);
    world.passes = |letter| letter.bytes[0] != Kind::Signature.number();
    world.ask(0, &request);
    world.ask(1, &request);
    world.run();
    world.restart();
    world.passes = |_| true;
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.ask(0, &request);
    world.ask(1, &request);
    world.run_for(Duration::from_secs(60));
    world.assert_signed(0, &spend);
    world.assert_signed(1, &spend);
}

#[test]
fn a_key_without_its_certificate_is_not_taken_up() {
    let (world, _) = World::with_key(3, 2, 1);
    let other = World::new(4, 2);
    let (_, resumed) = world.resumed(0, Arc::clone(&other.roster));
    let roster = world.roster.hash();
    let foreign = CertificateError::OtherRoster(roster);
    assert_eq!(resumed, [Err(ResumeError::Certificate(foreign))]);
    let (mut seat, _) = world.resumed(0, Arc::clone(&world.roster));
    let held = world.hosts[0].engine.held_keys().remove(0);
    let mut cut = held.clone();
    cut.file = held.file[..held.file.len() - 1].into();
    let layout = Err(ResumeError::Certificate(CertificateError::Layout));
    assert_eq!(seat.resume(world.now, &cut), layout);
    let mut unsigned = held.clone();
    let mut bytes = held.file.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    unsigned.file = bytes.into();
    let unconfirmed = CertificateError::Confirmation(member(3));
    let refused = Err(ResumeError::Certificate(unconfirmed));
    assert_eq!(seat.resume(world.now, &unsigned), refused);
    assert_eq!(seat.resume(world.now, &held), Ok(()));
}

/// Another ceremony of the same members: a good certificate, beside shares that it is not about.
#[test]
fn a_certificate_of_another_key_is_not_taken_for_this_ones() {
    let (world, _) = World::with_key(3, 2, 1);
    let (other, _) = World::with_key(3, 2, 5);
    let (mut seat, _) = world.resumed(0, Arc::clone(&world.roster));
    let held = world.hosts[0].engine.held_keys().remove(0);
    let theirs = other.hosts[0].engine.held_keys().remove(0);
    let certificate = Certificate::from_bytes(&theirs.file).unwrap();
    assert!(certificate.verify(&world.roster).is_ok());
    let changes: [fn(&mut hardfrost_engine::HeldKey, &hardfrost_engine::HeldKey); 4] = [
        |ours, theirs| ours.file = Arc::clone(&theirs.file),
        |ours, theirs| {
            ours.file = Arc::clone(&theirs.file);
            ours.certificate = theirs.certificate;
        },
        |ours, _| ours.certificate = Hash32([0; 32]),
        |ours, _| ours.share_epoch = 1,
    ];
    for change in changes {
        let mut wrong = held.clone();
        change(&mut wrong, &theirs);
        assert_eq!(seat.resume(world.now, &wrong), Err(ResumeError::OtherKey));
    }
    let mut elsewhere = held;
    elsewhere.seats = [member(2)].into();
    let not_ours = Err(ResumeError::NotOurs(member(1)));
    assert_eq!(seat.resume(world.now, &elsewhere), not_ours);
}
