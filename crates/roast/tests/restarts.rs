//! Members that restarted: convicted of nothing, freed once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::time::Duration;

use group::{incarnation, member, reborn, Desk, Fault, Group, Net, GOOD};
use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_wire::{Incarnation, Kind, OfferPayload, PackagePayload};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A member chosen as its former self owes nothing for that; its next life is chosen, and a third gains nothing.
#[test]
fn r17_a_restarted_member_is_not_convicted_and_its_owings_end_once() {
    let (mut desk, chosen, _) = Desk::withheld();
    let coordinator = desk.coordinator(0);
    let who = chosen[0];
    desk.node.wait(ms(60));
    desk.commit(&[coordinator, who], 1);
    assert_eq!(desk.chose(1), None, "its first life is pending");
    // Its second life: what the first committed in this turn is not chosen, nor is a second body.
    let again = desk.commitments_of(who, 1, reborn(who, 1));
    desk.hear(&again);
    assert_eq!(desk.chose(1), None);
    assert!(desk.node.convicted.is_empty());
    // In another turn the second life is chosen like anybody, though the first never delivered.
    let mut desk = withheld_then(who, &[reborn(who, 1)]);
    assert!(desk.chose(1).unwrap().contains(&who));
    assert!(desk.node.convicted.is_empty());
    // Whoever was first seen in its second life, and commits in a third, is not freed once more.
    desk = withheld_then(who, &[reborn(who, 1), reborn(who, 2)]);
    assert_eq!(desk.chose(1).map(|m| m.contains(&who)), Some(true));
}

/// As [`withheld`]; then `who` speaks in these lives, and commits for turn 1 in the last of them.
fn withheld_then(who: Member, lives: &[Incarnation]) -> Desk {
    let (mut desk, ..) = Desk::withheld();
    let coordinator = desk.coordinator(0);
    desk.node.wait(ms(60));
    for life in lives {
        let offer = OfferPayload {
            incarnation: *life,
            package: Hash32([9; 32]),
        };
        let frame = desk.say(who, 0, &offer);
        desk.hear(&frame);
    }
    desk.commit(&[coordinator], 1);
    let frame = desk.commitments_of(who, 1, *lives.last().unwrap());
    desk.hear(&frame);
    desk
}

/// Two turns chose `who`, in its first life and in its second; its third owes for the second.
#[test]
fn r17_later_restarts_end_nothing() {
    let mut desk = Desk::new(&[false, false, true]);
    let (first, second) = (desk.coordinator(0), desk.coordinator(1));
    let who = desk.others(&[first, second])[0];
    let free = desk.others(&[who])[0];
    for (turn, life) in [(0, incarnation(who)), (1, reborn(who, 1))] {
        let frames = [
            desk.own_commitments(turn),
            desk.commitments_of(who, turn, life),
            desk.commitments(first, turn),
        ];
        let package = desk.package(turn, &frames);
        desk.hear(&package);
        if first != free {
            let share = desk.share(first, turn, &package);
            desk.hear(&share);
        }
        desk.node.wait(ms(60 * (u64::from(turn) + 1)));
    }
    assert_eq!(desk.rounds(), 3);
    let third = desk.commitments_of(who, 2, reborn(who, 2));
    desk.hear(&third);
    desk.commit(&[free], 2);
    assert_eq!(desk.chose(2), None, "{who} owes for its second life");
    let last = desk.others(&[who, free])[0];
    desk.commit(&[last], 2);
    let mine = desk.chose(2);
    assert!(mine.is_none_or(|m| !m.contains(&who)));
}

#[test]
fn r17_a_member_that_restarts_at_any_moment_signs_with_the_others() {
    let group = Group::new((3, 5), 1);
    for step in 0..12u8 {
        let when = Fault::Restart(ms(4 * u64::from(step)));
        let message = Message([step; 32]);
        let faults = [(1, when), (3, Fault::Stall)];
        let mut net = Net::new(&group, message, GOOD, u64::from(step)).with(&faults);
        net.finish();
    }
}

/// The package of a former self, quoted by its coordinator, is signed by nobody but harms nobody either.
#[test]
fn r17_a_restarted_member_does_not_sign_for_its_former_self() {
    let mut desk = Desk::new(&[false]);
    let coordinator = desk.coordinator(0);
    let others = desk.others(&[coordinator]);
    let former = {
        let (_, mut payload) = desk.group.commitment(1, 999);
        payload.incarnation = reborn(member(1), 7);
        desk.say(member(1), 0, &payload)
    };
    let frames = [
        former,
        desk.commitments(others[0], 0),
        desk.commitments(others[1], 0),
    ];
    let package = desk.package(0, &frames);
    let payload: PackagePayload = desk.group.verified(package.clone()).payload().unwrap();
    assert_eq!(payload.commitments.len(), 3);
    desk.hear(&package);
    assert!(desk.node.said(Kind::Share).is_empty());
    assert_eq!(desk.node.outcome, None);
    assert!(desk.node.convicted.is_empty());
}
