//! Shares that their authors did sign, shown as if they proved something. Whoever is honest stays unconvicted.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use hardfrost_evidence::{Doubt, Verdict};
use hardfrost_primitives::{KeySpec, Taproot};
use hardfrost_wire::Frame;
use room::{key, member, say, say_as, spoilt, Garbage, Life, Stage};

/// The packages of a cheating coordinator, all of which name member 2's own commitments or pretend to.
fn bad_packages(stage: &Stage) -> Vec<(&'static str, Frame)> {
    let Stage { room, context, .. } = stage;
    let frame = |number| room.commit(Life(number, 0), context);
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let honest = room.offer(Life(2, 0), context);
    let forged = say_as(&key(member(3)), member(2), context, &honest);
    let elsewhere = room.commit(Life(2, 0), &room.context(2));
    let coordinators_own: Vec<Frame> = [1, 2, 3].map(frame).into();
    let by_other = room.packed(Life(1, 0), context, &coordinators_own);
    vec![
        ("another key", stage.altered(|p| p.key_spec = spec.clone())),
        ("two chosen", stage.altered(|p| p.commitments.truncate(2))),
        ("four chosen", room.package(context, &[1, 2, 3, 4])),
        ("disorder", room.package(context, &[2, 1, 3])),
        ("one twice", room.package(context, &[1, 2, 2])),
        ("forged commitments", stage.with_second(&forged)),
        ("of another attempt", stage.with_second(&elsewhere)),
        (
            "no point",
            stage.with_second(&stage.commitments(|c| c.hiding = [0; 33])),
        ),
        (
            "refused by one chosen",
            stage.with_second(&stage.commitments(|c| c.refuses = vec![member(1)])),
        ),
        (
            "too many refused",
            stage.with_second(&stage.commitments(|c| c.refuses = vec![member(5); 3])),
        ),
        (
            "no frame",
            stage.altered(|p| p.commitments[1].truncate(100)),
        ),
        ("garbage", say(member(3), context, &Garbage::<3>([1, 2, 3]))),
        ("by no coordinator", say(member(1), context, &by_other)),
    ]
}

#[test]
fn r29_a_share_of_a_bad_package_is_nobodys_fault_but_its_coordinators() {
    let stage = Stage::new();
    // Honest, and spoilt: a package that fails blames no member, whatever its share.
    let (honest, spoilt) = (stage.share(2, &stage.good), stage.bad_share(2, &stage.good));
    for (name, package) in bad_packages(&stage) {
        let mut named = stage.room.share(Life(2, 0), &stage.context, &stage.good);
        named.package = package.body_hash();
        let named = say(member(2), &stage.context, &named);
        for share in [&honest, &spoilt] {
            stage.doubted(1, &[(name, &[&package, share], Doubt::DifferentPackages)]);
        }
        stage.doubted(1, &[(name, &[&package, &named], Doubt::BadPackage)]);
        let guilty = stage.room.judge(&stage.proof(5, &[&package]));
        let expected = match package.head().author == member(3) {
            true => Verdict::Convicts(member(3)),
            false => Verdict::Indeterminate(Doubt::NotCoordinator),
        };
        assert_eq!(guilty, expected, "{name}");
    }
}

#[test]
fn a_share_is_blamed_only_by_its_own_package_and_equation() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let other = room.package(context, &[1, 2, 4]);
    let (share, bad) = (stage.share(2, good), stage.bad_share(2, good));
    let mut stranger = room.share(Life(4, 0), context, &other);
    stranger.package = good.body_hash();
    let stranger = say(member(4), context, &stranger);
    let payload = spoilt(room.share(Life(2, 0), context, good), 1);
    // r02: a share under another member's number.
    let unsigned = say_as(&key(member(3)), member(2), context, &payload);
    let garbage = say(member(2), context, &Garbage::<4>([1, 2, 3]));
    let apart = Doubt::DifferentPackages;
    stage.doubted(
        1,
        &[
            ("a valid share", &[good, &share], Doubt::GoodShare),
            ("another package", &[&other, &share], apart),
            ("a bad share of another", &[&other, &bad], apart),
            ("not chosen", &[good, &stranger], Doubt::NotChosen),
            ("another's name", &[good, &unsigned], Doubt::Unsigned),
            ("garbage", &[good, &garbage], Doubt::Payload),
        ],
    );
    // Whoever signs another's share as its own convicts itself.
    let moved = say(member(1), context, &room.share(Life(2, 0), context, good));
    let judged = room.judge(&stage.proof(1, &[good, &moved]));
    assert_eq!(judged, Verdict::Convicts(member(1)));
}

#[test]
fn r03_a_bad_share_is_shown_with_its_package_of_its_attempt() {
    let stage = Stage::new();
    let Stage {
        room,
        context,
        good,
    } = &stage;
    let other = room.package(context, &[1, 2, 4]);
    let (share, bad) = (stage.share(2, good), stage.bad_share(2, good));
    let next = room.invalid_share(&room.context(2), 2);
    let [next_package, next_share] = [0, 1].map(|i| room.parse(&next.frames[i]));
    let commitments = room.commit(Life(2, 0), context);
    let foreign = Doubt::ForeignFrame;
    stage.doubted(
        1,
        &[
            ("swapped", &[&bad, good], foreign),
            ("share of attempt 2", &[good, &next_share], foreign),
            ("package of attempt 2", &[&next_package, &bad], foreign),
            ("both of attempt 2", &[&next_package, &next_share], foreign),
            ("commitments for a share", &[good, &commitments], foreign),
            ("two packages", &[good, &other], foreign),
            ("two shares", &[&share, &bad], foreign),
            ("a package alone", &[good], Doubt::Frames),
            ("a share alone", &[&bad], Doubt::Frames),
        ],
    );
}
