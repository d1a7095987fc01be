//! r11, r12: at a seat, for every kind that signing sends.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_wire::Kind;

use crate::world::{Spend, World};

/// One frame of each signed kind, as a session with silent members sends them; and a seat that knows the session.
fn one_of_each() -> (World, BTreeMap<Kind, Vec<u8>>) {
    let (mut world, group) = World::with_key(5, 3, 50);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    world.passes = |letter| letter.bytes[0] != Kind::Share.number();
    world.ask_all(&request);
    world.run_for(Duration::from_secs(10));
    world.lose_letters();
    let sent = world.sent.iter().map(|bytes| {
        let kind = Kind::from_number(bytes[0]).unwrap();
        (kind, bytes.clone())
    });
    let frames: BTreeMap<Kind, Vec<u8>> = sent.collect();
    let kinds: Vec<Kind> = frames.keys().copied().collect();
    let signed = [
        Kind::Commitments,
        Kind::Package,
        Kind::Share,
        Kind::Offer,
        Kind::Advance,
        Kind::Pull,
    ];
    assert_eq!(kinds, signed);
    (world, frames)
}

/// How many of these are noise to seat 1. Nothing else comes of any.
fn noise(world: &mut World, forged: &[Vec<u8>]) -> u64 {
    let seat = &world.nodes[0].seat;
    let (before, sent, timer) = (seat.noise(), world.sent.len(), seat.poll_timeout());
    forged.iter().for_each(|bytes| world.hand(0, bytes));
    let seat = &world.nodes[0].seat;
    assert_eq!(seat.poll_timeout(), timer);
    let noise = seat.noise() - before;
    assert_eq!(world.sent.len(), sent);
    assert_eq!(world.outcomes(0), []);
    noise
}

#[test]
fn r11_a_frame_without_its_signature_is_noise() {
    let (mut world, frames) = one_of_each();
    for (kind, mut bytes) in frames {
        let end = bytes.len() - 64;
        // An advance that says nothing new is not looked at, and no noise: this one goes to a far round.
        if kind == Kind::Advance {
            bytes[end - 1] = 1;
        }
        let with = |signature: &[u8]| [&bytes[..end], signature].concat();
        let forged = [
            with(&[]),
            with(&[0; 64]),
            with(&[0xff; 64]),
            with(&bytes[end..][..63]),
            [&bytes[..], &[0]].concat(),
        ];
        assert_eq!(noise(&mut world, &forged), forged.len() as u64);
    }
}

#[test]
fn r12_the_signature_of_one_kind_serves_no_other() {
    let (mut world, frames) = one_of_each();
    for (kind, bytes) in &frames {
        let others = Kind::ALL.into_iter().filter(|other| other != kind);
        let forged: Vec<Vec<u8>> = others
            .map(|other| [&[other.number()], &bytes[1..]].concat())
            .collect();
        // A pull says its author's round, so as an advance it says nothing new: its signature is not even looked at.
        let stale = u64::from(*kind == Kind::Pull);
        assert_eq!(noise(&mut world, &forged), forged.len() as u64 - stale);
    }
}
