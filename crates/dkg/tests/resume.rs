//! What a member does with a ceremony of which a restart left nothing but its durable share.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod hall;

use std::sync::Arc;
use std::time::Duration;

use hall::{at, faithful, honest, member, otherwise, Hall};
use hardfrost_dkg::{Ceremony, Certificate, Durable, Effect, Step};
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{ConfirmPayload, DkgPullPayload, Frame, Kind, OperatorKey, Round1Payload};

/// The operator's key with other auxiliary randomness.
fn of_another_process(who: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&who.to_be_bytes()).0, [9; 32]).unwrap()
}

/// Everybody's share is durable, and no confirmation was heard; all that was said.
fn pending(seed: u64) -> (Hall, Vec<Frame>) {
    let mut hall = Hall::new((2, 3), seed, &mut honest);
    let mut said = Vec::new();
    hall.run(&mut honest, &mut |_, _, frame| {
        said.push(frame.clone());
        let heard = frame.kind() != Kind::DkgConfirm;
        heard.then_some(frame).into_iter().collect()
    });
    (hall, said)
}

/// Member `who` starts again; what it says at once.
fn restart(hall: &mut Hall, who: Member) -> Frame {
    let roster = Arc::clone(&hall.roster);
    let node = hall.nodes.get_mut(&who).unwrap();
    let confirmed = node.sent.last().unwrap().clone().verify(&roster).unwrap();
    let confirmed: ConfirmPayload = confirmed.payload().unwrap();
    let durable = Durable {
        descriptor: hall.descriptor.clone(),
        transcript: confirmed.transcript,
        group: Arc::clone(node.share().unwrap().group()),
    };
    let key = of_another_process(who);
    let (ceremony, effects) = Ceremony::resume(&key, hall.now, durable, (roster, who)).unwrap();
    node.ceremony = ceremony;
    let [Effect::Send(frame)] = &effects[..] else {
        panic!("{effects:?}");
    };
    frame.clone()
}

/// The same statement with another signature is the same statement, whoever has the first.
#[test]
fn r14_a_confirmation_that_is_signed_again_is_no_second_one() {
    let (mut hall, said) = pending(31);
    let mine =
        |frame: &&Frame| frame.kind() == Kind::DkgConfirm && frame.head().author == member(1);
    let first = said.iter().find(mine).unwrap().clone();
    let again = restart(&mut hall, member(1));
    assert_ne!(first.as_bytes(), again.as_bytes());
    assert_eq!(first.body_hash(), again.body_hash());
    for (one, other) in [(&first, &again), (&again, &first)] {
        let mut hall = pending(31).0;
        for frame in [one, other, one] {
            hall.deliver(member(2), frame.clone(), &mut honest);
            hall.deliver(member(3), frame.clone(), &mut honest);
        }
        for number in 1..=3 {
            assert_eq!(hall.fault(number), None);
        }
        hall.wait(at(Duration::from_secs(2)));
        hall.run(&mut honest, &mut faithful);
        assert!(hall.certificate(2).is_some() && hall.certificate(3).is_some());
    }
}

/// Nothing of former steps is heard, neither as a contradiction nor as anything else; only confirmations are asked for.
#[test]
fn k12_frames_of_former_steps_are_dropped_by_a_member_that_starts_again() {
    let (mut hall, said) = pending(32);
    let roster = Arc::clone(&hall.roster);
    restart(&mut hall, member(1));
    let head = hall.nodes[&member(1)].ceremony.head();
    for frame in said.iter().filter(|f| f.kind() != Kind::DkgConfirm) {
        hall.deliver(member(1), frame.clone(), &mut honest);
        if frame.kind() == Kind::DkgRound1 {
            let change = |p: &mut Round1Payload| p.possession = [1; 64];
            let other = otherwise(frame, &roster, change);
            hall.deliver(member(1), other, &mut honest);
        }
    }
    assert_eq!(hall.fault(1), None);
    assert!(hall.queue.is_empty());
    hall.wait(at(Duration::from_secs(2)));
    let ours = hall.queue.iter().find(|(from, ..)| *from == member(1));
    let asked = ours.unwrap().2.clone();
    assert_eq!((asked.kind(), asked.head().context), (Kind::DkgPull, head));
    let asked: DkgPullPayload = asked.verify(&roster).unwrap().payload().unwrap();
    // Contributions, echoes and sealed shares of all three, and our own confirmation.
    assert_eq!(asked.held, [0b1111_1111, 0b0000_0011]);
    hall.run(&mut honest, &mut faithful);
    assert!(hall.certificate(1).is_some());
}

/// A certificate serves who lacks it, without the ceremony that made it.
#[test]
fn k07_a_certificate_of_a_former_process_is_served() {
    let (mut hall, _) = pending(33);
    let confirmations: Vec<Frame> = [1, 2, 3].map(|m| restart(&mut hall, member(m))).into();
    for frame in &confirmations {
        hall.deliver(member(1), frame.clone(), &mut honest);
    }
    let certificate = hall.certificate(1).unwrap().clone();
    let read = Certificate::from_bytes(&certificate.to_bytes()).unwrap();
    let seat = (Arc::clone(&hall.roster), member(1));
    let over = Ceremony::certified(hall.now, &read, seat).unwrap();
    assert_eq!(over.awaited(), (Step::Over, Vec::new()));
    assert!(over.is_certified() && over.poll_timeout().is_none());
    hall.nodes.get_mut(&member(1)).unwrap().ceremony = over;
    hall.queue.clear();
    hall.wait(at(Duration::from_secs(2)));
    // Of the two that lack it each hears member 1 alone.
    hall.run(&mut honest, &mut |from, to, frame| {
        let heard = from == member(1) || to == member(1);
        heard.then_some(frame).into_iter().collect()
    });
    assert!(hall.certificate(2).is_some() && hall.certificate(3).is_some());
    let mut bytes = certificate.to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let unsigned = Certificate::from_bytes(&bytes).unwrap();
    let seat = (Arc::clone(&hall.roster), member(1));
    assert!(Ceremony::certified(hall.now, &unsigned, seat).is_none());
}
