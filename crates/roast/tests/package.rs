//! A coordinator's package is judged in one place: every way to spoil one, and nobody framed by one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use borsh::{BorshDeserialize, BorshSerialize};
use group::{key, member, say, Group};
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, Taproot};
use hardfrost_roast::{check_package, PackageFault, Terms};
use hardfrost_wire::{CommitmentsPayload, Frame, Head, Kind, PackagePayload, Payload};

const MESSAGE: Message = Message([5; 32]);

/// A room for packages: 3 of 5, attempt 1.
struct Room {
    group: Group,
    terms: Terms,
    context: Hash32,
    coordinator: Member,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Garbage([u8; 3]);

impl Payload for Garbage {
    const KIND: Kind = Kind::Package;
}

#[derive(BorshSerialize, BorshDeserialize)]
struct GarbageCommitments([u8; 3]);

impl Payload for GarbageCommitments {
    const KIND: Kind = Kind::Commitments;
}

/// The same bytes as commitments, under the tag of a share.
#[derive(BorshSerialize, BorshDeserialize)]
struct AsShare(CommitmentsPayload);

impl Payload for AsShare {
    const KIND: Kind = Kind::Share;
}

impl Room {
    fn new() -> Self {
        let group = Group::new((3, 5), 1);
        Self {
            terms: group.terms(MESSAGE),
            context: group.context(MESSAGE),
            coordinator: group.coordinator(MESSAGE),
            group,
        }
    }

    fn payload(&self, number: u16) -> CommitmentsPayload {
        self.group.commitment(number, number.into()).1
    }

    fn frame(&self, number: u16) -> Frame {
        say(member(number), self.context, &self.payload(number))
    }

    fn frames(&self, numbers: [u16; 3]) -> Vec<Frame> {
        numbers.map(|number| self.frame(number)).into()
    }

    /// Member 2's commitments, altered and signed by it.
    fn altered(&self, alter: impl Fn(&mut CommitmentsPayload)) -> Vec<Frame> {
        let mut payload = self.payload(2);
        alter(&mut payload);
        self.with_second(say(member(2), self.context, &payload))
    }

    fn with_second(&self, second: Frame) -> Vec<Frame> {
        vec![self.frame(1), second, self.frame(4)]
    }

    fn judged<P: Payload>(&self, author: Member, payload: &P) -> Result<Vec<u16>, PackageFault> {
        let frame = self.group.verified(say(author, self.context, payload));
        let body = frame.body_hash();
        let turn = check_package(&self.terms, &self.terms.context(1), &frame)?;
        assert_eq!(turn.body, body);
        assert_eq!(turn.package.message(), &MESSAGE);
        Ok(turn
            .package
            .commitments()
            .keys()
            .map(|m| m.number())
            .collect())
    }

    fn package(&self, commitments: &[Frame]) -> Result<Vec<u16>, PackageFault> {
        let payload = self.group.package(self.coordinator, commitments);
        self.judged(self.coordinator, &payload)
    }
}

#[test]
fn a_good_package_names_its_members_in_order() {
    let room = Room::new();
    for chosen in [[1, 2, 4], [1, 2, 3], [3, 4, 5]] {
        assert_eq!(room.package(&room.frames(chosen)), Ok(chosen.into()));
    }
}

#[test]
fn e18_only_the_turns_coordinator_makes_a_package() {
    let room = Room::new();
    let frames = room.frames([1, 2, 4]);
    for author in Member::all(5).filter(|m| *m != room.coordinator) {
        let payload = room.group.package(author, &frames);
        let refused = Err(PackageFault::NotCoordinator(author));
        assert_eq!(room.judged(author, &payload), refused);
    }
    // The coordinator's, but of another attempt.
    let (coordinator, terms) = (room.coordinator, &room.terms);
    let payload = room.group.package(coordinator, &frames);
    let stray = room
        .group
        .verified(say(coordinator, terms.context(2).hash(), &payload));
    let judged = check_package(terms, &terms.context(1), &stray).map(|_| ());
    assert_eq!(judged, Err(PackageFault::NotCoordinator(coordinator)));
}

#[test]
fn a_package_that_does_not_parse_is_malformed() {
    let room = Room::new();
    let judged = room.judged(room.coordinator, &Garbage([1, 2, 3]));
    assert_eq!(judged, Err(PackageFault::Malformed));
}

#[test]
fn e21_a_package_is_for_the_sessions_key() {
    let room = Room::new();
    let specs = [
        KeySpec::new(Vec::new(), Taproot::KeyPathOnly),
        KeySpec::from_bytes(&[1, 0, 0, 0, 0, 0]),
    ];
    for spec in specs {
        let payload = PackagePayload {
            key_spec: spec.unwrap(),
            ..room
                .group
                .package(room.coordinator, &room.frames([1, 2, 4]))
        };
        let judged = room.judged(room.coordinator, &payload);
        assert_eq!(judged, Err(PackageFault::OtherKeySpec));
    }
}

#[test]
fn a_package_holds_exactly_t_commitments() {
    let room = Room::new();
    let mut frames = room.frames([1, 2, 4]);
    frames.push(room.frame(5));
    for few_or_many in [&frames[..0], &frames[..2], &frames[..]] {
        assert_eq!(room.package(few_or_many), Err(PackageFault::Count));
    }
}

#[test]
fn a_packages_commitments_ascend() {
    let room = Room::new();
    for disorder in [[2, 1, 4], [1, 4, 2], [1, 1, 2], [4, 4, 4]] {
        let judged = room.package(&room.frames(disorder));
        assert_eq!(judged, Err(PackageFault::Order), "{disorder:?}");
    }
}

fn assert_no_commitment(room: &Room, frames: &[Frame]) {
    assert_eq!(room.package(frames), Err(PackageFault::Commitment));
}

#[test]
fn r29_a_commitment_forged_for_another_member_is_refused() {
    let room = Room::new();
    // The coordinator knows no other member's key: it signs with its own, under that member's name.
    let victim = member(if room.coordinator == member(2) { 3 } else { 2 });
    let (context, author) = (room.context, victim);
    let payload = room.payload(victim.number());
    let forged = Frame::sign(Head { context, author }, &payload, &key(room.coordinator));
    let others: Vec<u16> = (1..=5).filter(|n| member(*n) != victim).collect();
    let mut frames = vec![room.frame(others[0]), forged, room.frame(others[3])];
    frames.sort_by_key(|frame| frame.head().author);
    assert_no_commitment(&room, &frames);
    // The victim's own would pass.
    let own = room.frame(victim.number());
    frames[1] = own;
    assert!(room.package(&frames).is_ok());
}

#[test]
fn r03_commitments_of_another_attempt_are_refused() {
    let room = Room::new();
    let payload = room.payload(2);
    let elsewhere = [
        room.terms.context(2).hash(),
        room.group.context(Message([6; 32])),
        room.terms.head(),
    ];
    for context in elsewhere {
        let stray = say(member(2), context, &payload);
        assert_no_commitment(&room, &room.with_second(stray));
    }
}

#[test]
fn r12_a_frame_of_another_kind_is_no_commitment() {
    let room = Room::new();
    let share = say(member(2), room.context, &AsShare(room.payload(2)));
    assert_no_commitment(&room, &room.with_second(share));
}

#[test]
fn a_commitment_is_two_points_and_at_most_f_refusals() {
    let room = Room::new();
    let garbage = say(member(2), room.context, &GarbageCommitments([1, 2, 3]));
    assert_no_commitment(&room, &room.with_second(garbage));
    // x = 5 is on no point of the curve; the zeros are the identity's encoding.
    let mut five = [0; 33];
    (five[0], five[32]) = (2, 5);
    for bytes in [[0; 33], five, [0xff; 33]] {
        assert_no_commitment(&room, &room.altered(|payload| payload.hiding = bytes));
        assert_no_commitment(&room, &room.altered(|payload| payload.binding = bytes));
    }
    let refuse = |numbers: &[u16]| {
        let refuses: Vec<Member> = numbers.iter().map(|number| member(*number)).collect();
        room.package(&room.altered(|payload| payload.refuses.clone_from(&refuses)))
    };
    assert_eq!(refuse(&[3, 5]), Ok(vec![1, 2, 4]));
    assert_eq!(refuse(&[3, 5, 6]), Err(PackageFault::Commitment));
}

#[test]
fn bytes_that_are_no_frame_are_no_commitment() {
    let room = Room::new();
    let good = room
        .group
        .package(room.coordinator, &room.frames([1, 2, 4]));
    let mut unsigned = good.clone();
    unsigned.commitments[1].truncate(good.commitments[1].len() - 64);
    let mut longer = good.clone();
    longer.commitments[1].push(0);
    let mut forged = good.clone();
    *forged.commitments[1].last_mut().unwrap() ^= 1;
    let mut empty = good;
    empty.commitments[1].clear();
    for payload in [unsigned, longer, forged, empty] {
        let judged = room.judged(room.coordinator, &payload);
        assert_eq!(judged, Err(PackageFault::Commitment));
    }
}

#[test]
fn r33_members_that_refuse_each_other_are_not_chosen_together() {
    let room = Room::new();
    let refusing = |refused: u16| {
        let refuses = vec![member(refused)];
        room.package(&room.altered(|payload| payload.refuses.clone_from(&refuses)))
    };
    assert_eq!(refusing(4), Err(PackageFault::Refused(member(2))));
    assert_eq!(refusing(1), Err(PackageFault::Refused(member(2))));
    assert_eq!(refusing(3), Ok(vec![1, 2, 4]));
    // Nobody refuses itself: that says nothing of another chosen member.
    assert_eq!(refusing(2), Ok(vec![1, 2, 4]));
}
