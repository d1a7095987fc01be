//! What the judge does not know, or knows of another group, proves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use std::collections::{BTreeMap, BTreeSet};

use hardfrost_evidence::{Doubt, Evidence, Verdict};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::Suite;
use hardfrost_wire::{Operator, Roster};
use room::{key, member, Room, Truth, World};

fn room() -> Room {
    Room::new((3, 5), 1)
}

fn truths(room: &Room) -> [Truth; 5] {
    room.truths(&room.context(1))
}

fn other_roster(room: &Room) -> Roster {
    let operators = room.public.members().map(|seat| Operator {
        name: format!("operator-{seat}"),
        // Everybody sits one seat further on.
        key: key(member(seat.number() % 5 + 1)).public(),
        seats: BTreeSet::from([seat]),
    });
    Roster::new(Suite::Tr, operators.collect()).unwrap()
}

#[test]
fn what_the_judge_does_not_know_proves_nothing() {
    let room = room();
    let (rosters, publics) = room.world();
    let none: World = (BTreeMap::new(), BTreeMap::new());
    for truth in truths(&room) {
        let proof = truth.proof();
        let unknown = Doubt::UnknownRoster(room.roster.hash());
        assert_eq!(
            proof.verify(&none.0, &publics),
            Verdict::Indeterminate(unknown)
        );
        let unknown = Doubt::UnknownGroup(room.public.hash());
        assert_eq!(
            proof.verify(&rosters, &none.1),
            Verdict::Indeterminate(unknown)
        );
    }
}

/// A judge of several groups: the context may name a roster and a key that do not belong together.
#[test]
fn a_known_roster_and_a_known_key_that_do_not_fit_prove_nothing() {
    let room = room();
    let (mut rosters, mut publics) = room.world();
    let moved = other_roster(&room);
    let small = Room::new((2, 3), 4);
    rosters.insert(moved.hash(), moved.clone().into());
    rosters.insert(small.roster.hash(), small.roster.clone());
    publics.insert(small.public.hash(), small.public.clone());
    let judge = |proof: &Evidence| proof.verify(&rosters, &publics);
    for truth in truths(&room) {
        let within = |alter: &dyn Fn(&mut AttemptContext)| {
            let mut context = truth.context.clone();
            alter(&mut context);
            judge(&truth.within(&context))
        };
        let foreign = Verdict::Indeterminate(Doubt::ForeignFrame);
        assert_eq!(within(&|c| c.roster = moved.hash()), foreign);
        let unfit = Verdict::Indeterminate(Doubt::OtherGroup);
        assert_eq!(within(&|c| c.roster = small.roster.hash()), unfit);
        assert_eq!(within(&|c| c.group_public = small.public.hash()), unfit);
        assert_eq!(judge(&truth.proof()), Verdict::Convicts(truth.guilty));
    }
    // Signed for that very pair, by an operator of the smaller roster.
    let mut context = room.context(1);
    context.roster = small.roster.hash();
    let proof = room.double_commitments(&context, 2).proof();
    assert_eq!(judge(&proof), Verdict::Indeterminate(Doubt::OtherGroup));
}

/// Another operator in the seat: the frames are not its own.
#[test]
fn a_roster_with_other_operators_convicts_nobody_of_it() {
    let room = room();
    let moved = other_roster(&room);
    let mut context = room.context(1);
    context.roster = moved.hash();
    let (_, publics) = room.world();
    let rosters = BTreeMap::from([(moved.hash(), moved.into())]);
    for truth in room.truths(&context) {
        let judged = truth.proof().verify(&rosters, &publics);
        assert_eq!(judged, Verdict::Indeterminate(Doubt::Unsigned));
    }
}

/// A group public under another threshold is another one, under another hash.
#[test]
fn a_threshold_changed_with_its_group_proves_nothing() {
    let room = room();
    let public = &room.public;
    let shares = public.verifying_shares();
    // Shares of a 3-of-5 key are shares of a 4-of-5 key too, but not of a 2-of-5 key.
    let higher = GroupPublic::new(*public.internal_key(), 4, &shares).unwrap();
    let hash = higher.hash();
    let (rosters, mut publics) = room.world();
    publics.insert(hash, higher.into());
    for truth in truths(&room) {
        let mut context = truth.context.clone();
        context.group_public = hash;
        let judged = truth.within(&context).verify(&rosters, &publics);
        assert_eq!(judged, Verdict::Indeterminate(Doubt::OtherGroup));
        context.threshold = 4;
        let judged = truth.within(&context).verify(&rosters, &publics);
        assert_eq!(judged, Verdict::Indeterminate(Doubt::ForeignFrame));
    }
}
