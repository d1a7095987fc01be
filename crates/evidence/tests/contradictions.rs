//! Two statements of one member contradict each other only where no honest member makes both.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_evidence::{Doubt, Verdict};
use hardfrost_primitives::Hash32;
use hardfrost_wire::{
    CommitmentsPayload, Frame, Incarnation, Kind, OperatorKey, PackagePayload, Payload,
};
use room::{key, member, say, say_as, spoilt, Garbage, Life, Stage};

/// An operator's key whose signatures differ from those of [`key`]: other auxiliary randomness.
fn otherwise(number: u16) -> OperatorKey {
    let secret = Hash32::of(&member(number).to_be_bytes());
    OperatorKey::new(&secret.0, [1; 32]).unwrap()
}

#[test]
fn two_shares_are_a_contradiction_only_for_one_package() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let other = room.package(context, &[1, 2, 4]);
    let payload = room.share(Life(2, 0), context, good);
    let share = say(member(2), context, &payload);
    let again = say_as(&otherwise(2), member(2), context, &payload);
    assert_ne!(share.as_bytes(), again.as_bytes());
    let other = stage.share(2, &other);
    let ones = stage.share(1, good);
    let next = room.double_share(&room.context(2), 2);
    let next = room.parse(&next.frames[0]);
    let garbage = [1, 2].map(|i| say(member(2), context, &Garbage::<4>([i; 3])));
    let forged = say_as(&key(member(3)), member(2), context, &spoilt(payload, 1));
    stage.doubted(
        2,
        &[
            ("r14 the same bytes", &[&share, &share], Doubt::SameBody),
            ("r14 signed again", &[&share, &again], Doubt::SameBody),
            ("two packages", &[&share, &other], Doubt::DifferentPackages),
            ("two authors", &[&share, &ones], Doubt::TwoAuthors),
            ("two attempts", &[&share, &next], Doubt::ForeignFrame),
            ("garbage", &[&share, &garbage[0]], Doubt::Payload),
            ("all garbage", &[&garbage[0], &garbage[1]], Doubt::Payload),
            ("forged", &[&share, &forged], Doubt::Unsigned),
            ("with its package", &[good, &share], Doubt::ForeignFrame),
            ("one", &[&share], Doubt::Frames),
        ],
    );
}

#[test]
fn r17_two_commitments_of_a_restarted_member_convict_nobody() {
    let stage = Stage::new();
    let Stage { room, context, .. } = &stage;
    let payload = room.offer(Life(2, 0), context);
    let first = room.commit(Life(2, 0), context);
    let again = say_as(&otherwise(2), member(2), context, &payload);
    let restarted = room.commit(Life(2, 1), context);
    let reused = CommitmentsPayload {
        incarnation: Incarnation([9; 16]),
        ..payload
    };
    let reused = say(member(2), context, &reused);
    let garbage = say(member(2), context, &Garbage::<2>([1, 2, 3]));
    let next = room.commit(Life(2, 0), &room.context(2));
    let one = room.commit(Life(1, 0), context);
    let forged = room.offer(Life(2, 1), context);
    let forged = say_as(&key(member(3)), member(2), context, &forged);
    stage.doubted(
        3,
        &[
            ("restarted", &[&first, &restarted], Doubt::Restarted),
            ("twice", &[&restarted, &reused], Doubt::Restarted),
            ("r14 the same bytes", &[&first, &first], Doubt::SameBody),
            ("r14 signed again", &[&first, &again], Doubt::SameBody),
            ("two authors", &[&first, &one], Doubt::TwoAuthors),
            ("two attempts", &[&first, &next], Doubt::ForeignFrame),
            ("garbage", &[&first, &garbage], Doubt::Payload),
            ("forged", &[&first, &forged], Doubt::Unsigned),
            ("one", &[&first], Doubt::Frames),
        ],
    );
}

#[test]
fn two_packages_are_a_contradiction_only_of_the_coordinator() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let frames = [1, 2, 4].map(|n| room.commit(Life(n, 0), context));
    let other = room.packed(Life(3, 0), context, &frames);
    let again = say_as(
        &otherwise(3),
        member(3),
        context,
        &room.verified(good).payload::<PackagePayload>().unwrap(),
    );
    let restarted = room.packed(Life(3, 1), context, &frames);
    let restarted = say(member(3), context, &restarted);
    let by_one = [&frames[..], &frames[1..]].map(|frames| {
        say(
            member(1),
            context,
            &room.packed(Life(1, 0), context, frames),
        )
    });
    let forged = say_as(&key(member(1)), member(3), context, &other);
    let garbage = say(member(3), context, &Garbage::<3>([1, 2, 3]));
    let next = room.package(&room.context(2), &[1, 2, 3]);
    let (s, next_shown) = (stage.share(2, good), &next);
    stage.doubted(
        4,
        &[
            ("r17 restarted", &[good, &restarted], Doubt::Restarted),
            ("r14 the same bytes", &[good, good], Doubt::SameBody),
            ("r14 signed again", &[good, &again], Doubt::SameBody),
            (
                "no coordinator",
                &[&by_one[0], &by_one[1]],
                Doubt::NotCoordinator,
            ),
            ("two authors", &[good, &by_one[0]], Doubt::TwoAuthors),
            ("two attempts", &[good, next_shown], Doubt::ForeignFrame),
            ("forged", &[good, &forged], Doubt::Unsigned),
            ("garbage", &[good, &garbage], Doubt::Payload),
            ("a share", &[good, &s], Doubt::ForeignFrame),
            ("one", &[good], Doubt::Frames),
        ],
    );
}

#[test]
fn a_package_is_malformed_only_if_its_coordinator_signed_it_and_it_fails() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let frames = [1, 2, 4].map(|n| room.commit(Life(n, 0), context));
    let packed = |number, life, frames| room.packed(Life(number, life), context, frames);
    let restarted = say(member(3), context, &packed(3, 1, &frames));
    let by_one = say(member(1), context, &packed(1, 0, &frames));
    let bad_by_one = say(member(1), context, &packed(1, 0, &frames[1..]));
    let bad = packed(3, 0, &frames[1..]);
    let forged = say_as(&key(member(1)), member(3), context, &bad);
    let next = room.package(&room.context(2), &[1, 2, 3, 4]);
    let share = stage.share(2, good);
    stage.doubted(
        5,
        &[
            ("well-formed", &[good], Doubt::GoodPackage),
            ("of a restart", &[&restarted], Doubt::GoodPackage),
            ("by another", &[&by_one], Doubt::NotCoordinator),
            ("bad, by another", &[&bad_by_one], Doubt::NotCoordinator),
            ("bad, of attempt 2", &[&next], Doubt::ForeignFrame),
            ("bad, forged", &[&forged], Doubt::Unsigned),
            ("two", &[good, good], Doubt::Frames),
            ("a share", &[&share], Doubt::ForeignFrame),
        ],
    );
}

/// A second statement with a byte too many does not read, and is a second statement all the same.
#[derive(BorshSerialize, BorshDeserialize)]
struct Longer<P>(P, u8);

impl<P: Payload> Payload for Longer<P> {
    const KIND: Kind = P::KIND;
}

#[test]
fn r05_a_second_body_that_does_not_read_is_a_second_body() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let convicts = |kind: u8, frames: [&Frame; 2], who: u16| {
        let proof = stage.proof(kind, &frames);
        assert_eq!(room.judge(&proof), Verdict::Convicts(member(who)));
    };
    let offer = room.offer(Life(2, 0), context);
    let longer = say(member(2), context, &Longer(offer.clone(), 0));
    convicts(3, [&say(member(2), context, &offer), &longer], 2);
    let share = room.share(Life(2, 0), context, good);
    let longer = say(member(2), context, &Longer(share.clone(), 0));
    convicts(2, [&say(member(2), context, &share), &longer], 2);
    // Alone it is a share that does not decode, where its author is in the package that it names.
    convicts(1, [good, &longer], 2);
    let strangers = say(member(4), context, &Longer(share, 0));
    let proof = stage.proof(1, &[good, &strangers]);
    assert_eq!(room.judge(&proof), Verdict::Indeterminate(Doubt::NotChosen));
    let coordinator = context.coordinator().unwrap();
    let package: PackagePayload = room.verified(good).payload().unwrap();
    let longer = say(coordinator, context, &Longer(package, 0));
    convicts(4, [good, &longer], coordinator.number());
}
