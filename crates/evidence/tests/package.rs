//! A coordinator's package is judged in one place: every way to spoil one, and nobody framed by one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_evidence::{check_package, PackageFault};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{KeySpec, Member, Message, Taproot};
use hardfrost_wire::{CommitmentsPayload, Frame, Kind, PackagePayload, Payload};
use room::{key, member, say, say_as, Garbage, Life, Room, MESSAGE};

/// A place for packages: 3 of 5, attempt 1.
struct Place {
    room: Room,
    context: AttemptContext,
    coordinator: Member,
}

/// The same bytes as commitments, under the tag of a share.
#[derive(BorshSerialize, BorshDeserialize)]
struct AsShare(CommitmentsPayload);

impl Payload for AsShare {
    const KIND: Kind = Kind::Share;
}

impl Place {
    fn new() -> Self {
        let room = Room::new((3, 5), 1);
        let context = room.context(1);
        Self {
            coordinator: context.coordinator().unwrap(),
            context,
            room,
        }
    }

    fn payload(&self, number: u16) -> CommitmentsPayload {
        self.room.offer(Life(number, 0), &self.context)
    }

    fn frame(&self, number: u16) -> Frame {
        self.room.commit(Life(number, 0), &self.context)
    }

    fn packed(&self, coordinator: Member, frames: &[Frame]) -> PackagePayload {
        let coordinator = Life(coordinator.number(), 0);
        self.room.packed(coordinator, &self.context, frames)
    }

    fn frames(&self, numbers: [u16; 3]) -> Vec<Frame> {
        numbers.map(|number| self.frame(number)).into()
    }

    /// Member 2's commitments, altered and signed by it.
    fn altered(&self, alter: impl Fn(&mut CommitmentsPayload)) -> Vec<Frame> {
        let mut payload = self.payload(2);
        alter(&mut payload);
        self.with_second(say(member(2), &self.context, &payload))
    }

    fn with_second(&self, second: Frame) -> Vec<Frame> {
        vec![self.frame(1), second, self.frame(4)]
    }

    fn judged<P: Payload>(&self, author: Member, payload: &P) -> Result<Vec<u16>, PackageFault> {
        let frame = say(author, &self.context, payload);
        let (body, frame) = (frame.body_hash(), self.room.verified(&frame));
        let group = self.room.derived(&self.context);
        let turn = check_package(&group, &self.room.roster, &self.context, &frame)?;
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
        let payload = self.packed(self.coordinator, commitments);
        self.judged(self.coordinator, &payload)
    }
}

#[test]
fn a_good_package_names_its_members_in_order() {
    let room = Place::new();
    for chosen in [[1, 2, 4], [1, 2, 3], [3, 4, 5]] {
        assert_eq!(room.package(&room.frames(chosen)), Ok(chosen.into()));
    }
}

#[test]
fn e18_only_the_turns_coordinator_makes_a_package() {
    let room = Place::new();
    let frames = room.frames([1, 2, 4]);
    for author in Member::all(5).filter(|m| *m != room.coordinator) {
        let payload = room.packed(author, &frames);
        let refused = Err(PackageFault::NotCoordinator(author));
        assert_eq!(room.judged(author, &payload), refused);
    }
    // The coordinator's, but of another attempt.
    let coordinator = room.coordinator;
    let payload = room.packed(coordinator, &frames);
    let stray = say(coordinator, &room.room.context(2), &payload);
    let (stray, group) = (room.room.verified(&stray), room.room.derived(&room.context));
    let judged = check_package(&group, &room.room.roster, &room.context, &stray);
    assert_eq!(
        judged.map(|_| ()),
        Err(PackageFault::NotCoordinator(coordinator))
    );
}

#[test]
fn a_package_that_does_not_parse_is_malformed() {
    let room = Place::new();
    let judged = room.judged(room.coordinator, &Garbage::<3>([1, 2, 3]));
    assert_eq!(judged, Err(PackageFault::Malformed));
}

#[test]
fn e21_a_package_is_for_the_sessions_key() {
    let room = Place::new();
    let specs = [
        KeySpec::new(Vec::new(), Taproot::KeyPathOnly),
        KeySpec::from_bytes(&[1, 0, 0, 0, 0, 0]),
    ];
    for spec in specs {
        let payload = PackagePayload {
            key_spec: spec.unwrap(),
            ..room.packed(room.coordinator, &room.frames([1, 2, 4]))
        };
        let judged = room.judged(room.coordinator, &payload);
        assert_eq!(judged, Err(PackageFault::OtherKeySpec));
    }
}

#[test]
fn a_package_holds_exactly_t_commitments() {
    let room = Place::new();
    let mut frames = room.frames([1, 2, 4]);
    frames.push(room.frame(5));
    for few_or_many in [&frames[..0], &frames[..2], &frames[..]] {
        assert_eq!(room.package(few_or_many), Err(PackageFault::Count));
    }
}

#[test]
fn a_packages_commitments_ascend() {
    let room = Place::new();
    for disorder in [[2, 1, 4], [1, 4, 2], [1, 1, 2], [4, 4, 4]] {
        let judged = room.package(&room.frames(disorder));
        assert_eq!(judged, Err(PackageFault::Order), "{disorder:?}");
    }
}

fn assert_no_commitment(room: &Place, frames: &[Frame]) {
    assert_eq!(room.package(frames), Err(PackageFault::Commitment));
}

#[test]
fn r29_a_commitment_forged_for_another_member_is_refused() {
    let room = Place::new();
    // The coordinator knows no other member's key: it signs with its own, under that member's name.
    let victim = member(if room.coordinator == member(2) { 3 } else { 2 });
    let payload = room.payload(victim.number());
    let forged = say_as(&key(room.coordinator), victim, &room.context, &payload);
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
    let room = Place::new();
    let payload = room.payload(2);
    let mut elsewhere = [room.room.context(2), room.context.clone()];
    elsewhere[1].message = Message([6; 32]);
    for context in elsewhere {
        let stray = say(member(2), &context, &payload);
        assert_no_commitment(&room, &room.with_second(stray));
    }
}

#[test]
fn r12_a_frame_of_another_kind_is_no_commitment() {
    let room = Place::new();
    let share = say(member(2), &room.context, &AsShare(room.payload(2)));
    assert_no_commitment(&room, &room.with_second(share));
}

#[test]
fn a_commitment_is_two_points_and_at_most_f_refusals() {
    let room = Place::new();
    let garbage = say(member(2), &room.context, &Garbage::<2>([1, 2, 3]));
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
    let room = Place::new();
    let good = room.packed(room.coordinator, &room.frames([1, 2, 4]));
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
    let room = Place::new();
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
