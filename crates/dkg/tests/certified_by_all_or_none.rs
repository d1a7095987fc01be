//! What one member sends to some reaches all: a key that is certified at one honest member is certified at every one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod hall;

use std::collections::BTreeSet;
use std::time::Duration;

use hall::{at, faithful, honest, member, otherwise, say, Hall, PATIENCE};
use hardfrost_dkg::{CeremonyFault, Step};
use hardfrost_wire::{ConfirmPayload, DkgPullPayload, Frame, Kind};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Time passes, second after second, and everything said is heard; but for the cheat's, member 1's, who says no more.
fn go_on(hall: &mut Hall, from: u64, to: u64) {
    for second in from..=to {
        hall.wait(at(secs(second)));
        hall.run(&mut honest, &mut |from, to, frame| {
            let heard = from != member(1) && to != member(1);
            heard.then_some(frame).into_iter().collect()
        });
    }
}

/// The cheat's confirmation goes to member 2 alone.
fn shown_to_one(hall: &mut Hall) {
    hall.run(&mut honest, &mut |from, to, frame| {
        let hidden = from == member(1) && frame.kind() == Kind::DkgConfirm && to != member(2);
        (!hidden).then_some(frame).into_iter().collect()
    });
    assert!(hall.certificate(2).is_some());
    assert!([3, 4, 5]
        .map(|m| hall.certificate(m).is_none())
        .iter()
        .all(|none| *none));
}

#[test]
fn k07_a_confirmation_shown_to_one_member_reaches_all() {
    let mut hall = Hall::new((3, 5), 21, &mut honest);
    shown_to_one(&mut hall);
    go_on(&mut hall, 1, 3);
    for number in 2..=5 {
        let certificate = hall.certificate(number).unwrap();
        assert!(certificate.verify(&hall.roster).is_ok());
        assert_eq!(certificate.hash(), hall.certificate(2).unwrap().hash());
        assert_eq!(hall.fault(number), None);
    }
}

/// The line is down until long after the deadline. That the key has failed was told; it is made all the same.
#[test]
fn k07_a_certificate_is_completed_after_the_deadline() {
    let mut hall = Hall::new((3, 5), 22, &mut honest);
    shown_to_one(&mut hall);
    hall.wait(at(PATIENCE));
    hall.queue.clear();
    let silent = CeremonyFault::Silent(vec![member(1)]);
    assert_eq!(hall.fault(3), Some(&silent));
    assert_eq!(hall.nodes[&member(3)].ceremony.awaited().0, Step::Pending);
    go_on(&mut hall, 100, 140);
    for number in 2..=5 {
        assert!(hall.certificate(number).is_some(), "member {number}");
    }
}

/// The cheat confirms what it should to one, and something else to the others, before or after they have confirmed.
#[test]
fn k07_a_confirmation_of_something_else_hides_the_good_one_from_nobody() {
    for early in [false, true] {
        let mut hall = Hall::new((3, 5), 23, &mut honest);
        let roster = hall.roster.clone();
        let mut held: Vec<Frame> = Vec::new();
        let mut first = true;
        hall.run(&mut honest, &mut |from, to, frame| {
            let other = |f: &Frame| otherwise(f, &roster, |p: &mut ConfirmPayload| p.threshold = 2);
            if early && std::mem::take(&mut first) {
                // Signed before there is anything to confirm.
                let payload = ConfirmPayload {
                    transcript: hardfrost_primitives::Hash32([1; 32]),
                    roster: roster.hash(),
                    threshold: 3,
                    share_epoch: 0,
                    group_public: vec![1, 2, 3],
                };
                held.push(say(member(1), frame.head().context, &payload));
            }
            let split = from == member(1) && frame.kind() == Kind::DkgConfirm && to != member(2);
            match (split, early) {
                (true, false) => vec![other(&frame)],
                (true, true) => Vec::new(),
                (false, true) if to == member(3) => {
                    held.drain(..).chain(std::iter::once(frame)).collect()
                }
                (false, _) => vec![frame],
            }
        });
        assert!(hall.certificate(2).is_some());
        let fault = CeremonyFault::ConfirmDiffers(member(1));
        assert_eq!(hall.fault(3), Some(&fault));
        go_on(&mut hall, 1, 5);
        for number in 2..=5 {
            assert!(
                hall.certificate(number).is_some(),
                "member {number}, {early}"
            );
        }
    }
}

/// Every frame of one kind is lost once between two members: what is missing is asked for.
#[test]
fn what_the_line_loses_is_pulled() {
    for kind in [
        Kind::DkgRound1,
        Kind::DkgEcho,
        Kind::DkgRound2,
        Kind::DkgConfirm,
    ] {
        let mut hall = Hall::new((2, 4), 24, &mut honest);
        let mut lost = BTreeSet::new();
        for second in 1..=4 {
            hall.run(&mut honest, &mut |from, to, frame| {
                let once = frame.kind() == kind && from < to && lost.insert((from, to));
                (!once).then_some(frame).into_iter().collect()
            });
            hall.wait(at(secs(second)));
        }
        hall.run(&mut honest, &mut faithful);
        for number in 1..=4 {
            assert!(hall.certificate(number).is_some(), "{kind:?} at {number}");
        }
    }
}

/// A pull names nobody, is answered at a pace, and never counts as a step.
#[test]
fn k12_pulls_are_answered_at_a_pace_and_change_nothing() {
    let mut hall = Hall::new((2, 3), 25, &mut honest);
    hall.run(&mut honest, &mut faithful);
    let head = hall.nodes[&member(1)].ceremony.head();
    for held in [Vec::new(), vec![0; 2], vec![0xff; 100], vec![0; 150]] {
        for _ in 0..50 {
            let pull = say(member(2), head, &DkgPullPayload { held: held.clone() });
            hall.deliver(member(1), pull, &mut honest);
        }
    }
    // Three confirmations, once: all that is kept when the key is made.
    assert_eq!(hall.queue.len(), 3);
    assert!(hall
        .queue
        .iter()
        .all(|(_, to, f)| *to == member(2) && f.kind() == Kind::DkgConfirm));
    let own = say(member(1), head, &DkgPullPayload { held: Vec::new() });
    hall.deliver(member(1), own, &mut honest);
    assert_eq!(hall.queue.len(), 3);
}
