//! The bytes of every payload, written out: what goes over the wire does not drift unnoticed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;

use std::fmt::Debug;

use hardfrost_primitives::{Hash32, KeyGroup, KeySpec, Member, SessionId, UnixTime};
use hardfrost_wire::{
    pulled_turns, session_head, standing_head, AdvancePayload, CommitmentsPayload, ConfirmPayload,
    EchoPayload, Frame, FrameError, HeldTurn, Incarnation, OfferPayload, PackagePayload, Payload,
    PullPayload, Round1Payload, Round2Payload, SharePayload, Sizes, StandingPayload,
    StandingPullPayload, Subject,
};
use people::{body, envelope, head, key, member, roster, SIZES};

/// The frame's payload is `expected`, reads back as `payload`, and is nothing with a byte more or less.
fn pinned<P: Payload + PartialEq + Debug>(payload: &P, expected: &[&str]) {
    let expected = hex::decode(expected.concat()).unwrap();
    let frame = Frame::sign(head(1), payload, &key(1));
    let len = frame.as_bytes().len();
    let (kind, rest) = (frame.as_bytes()[0], &frame.as_bytes()[5..len - 64]);
    assert_eq!(kind, P::KIND.number());
    assert_eq!(hex::encode(rest), hex::encode(body(1, &expected)));
    let read = |payload: &[u8]| {
        let frame = Frame::parse(envelope(P::KIND, 1, payload), SIZES).unwrap();
        frame.verify(&roster()).unwrap().payload::<P>()
    };
    assert_eq!(read(&expected).as_ref(), Ok(payload));
    let longer = [&expected[..], &[0]].concat();
    assert_eq!(read(&longer), Err(FrameError::Payload));
    let shorter = &expected[..expected.len() - 1];
    assert_eq!(read(shorter), Err(FrameError::Payload));
}

fn incarnation() -> Incarnation {
    Incarnation([0xaa; 16])
}

#[test]
fn commitments() {
    let payload = CommitmentsPayload {
        incarnation: incarnation(),
        hiding: [0x01; 33],
        binding: [0x02; 33],
        refuses: vec![member(2), member(259)],
    };
    let (hiding, binding) = ("01".repeat(33), "02".repeat(33));
    // A list: u32 length, then the items; integers are little-endian.
    let refuses = "0200000002000301";
    pinned(&payload, &[&"aa".repeat(16), &hiding, &binding, refuses]);
}

#[test]
fn package() {
    let payload = PackagePayload {
        incarnation: incarnation(),
        key_spec: KeySpec::group_key(),
        commitments: vec![vec![0xc1, 0xc2], vec![], vec![0xc3]],
    };
    let frames = "0300000002000000c1c20000000001000000c3";
    pinned(&payload, &[&"aa".repeat(16), "0000", frames]);
}

#[test]
fn standing() {
    let at = UnixTime(0x0102);
    let word = |subject, stopped: Option<&str>| StandingPayload {
        subject,
        at,
        stopped: stopped.map(str::to_owned),
    };
    let (at, gone) = ("0201000000000000", "0104000000676f6e65");
    pinned(&word(Subject::Group, Some("gone")), &["00", at, gone]);
    let session = SessionId::new("s1").unwrap();
    let session = word(Subject::Session(session), Some("gone"));
    pinned(&session, &["01", "020000007331", at, gone]);
    let pardon = word(Subject::Member(member(259)), None);
    pinned(&pardon, &["02", "0301", at, "00"]);
    let incarnation = incarnation();
    let known = Hash32([0x0b; 32]);
    let question = StandingPullPayload { incarnation, known };
    pinned(&question, &[&"aa".repeat(16), &"0b".repeat(32)]);
}

/// The longest word there is fits its limit.
#[test]
fn the_largest_standing_word_is_within_its_limit() {
    let payload = StandingPayload {
        subject: Subject::Session(SessionId::new(&"s".repeat(128)).unwrap()),
        at: UnixTime(u64::MAX),
        stopped: Some("r".repeat(256)),
    };
    let frame = Frame::sign(head(1), &payload, &key(1));
    assert_eq!(frame.as_bytes().len(), 505);
    assert!(Frame::parse(frame.as_bytes().to_vec(), SIZES).is_ok());
}

#[test]
fn share() {
    let payload = SharePayload {
        incarnation: incarnation(),
        package: Hash32([0x66; 32]),
        share: [0x05; 32],
    };
    pinned(
        &payload,
        &[&"aa".repeat(16), &"66".repeat(32), &"05".repeat(32)],
    );
}

#[test]
fn offer() {
    let payload = OfferPayload {
        incarnation: incarnation(),
        package: Hash32([0x66; 32]),
    };
    pinned(&payload, &[&"aa".repeat(16), &"66".repeat(32)]);
}

#[test]
fn advance() {
    let payload = AdvancePayload {
        incarnation: incarnation(),
        round: 0x0102_0304,
    };
    pinned(&payload, &[&"aa".repeat(16), "04030201"]);
}

#[test]
fn pull() {
    let held = |package, members: &[u8]| HeldTurn {
        package: [package; 8],
        members: members.to_vec(),
    };
    let payload = PullPayload {
        incarnation: incarnation(),
        round: 0x0102_0304,
        convicted: vec![0xc1],
        first_turn: 0x0506_0708,
        held: vec![held(0x77, &[0xe1, 0xe2]), held(0, &[])],
    };
    let rounds = "0403020101000000c108070605";
    let turns = "02000000777777777777777702000000e1e2000000000000000000000000";
    pinned(&payload, &[&"aa".repeat(16), rounds, turns]);
}

#[test]
fn dkg_round1() {
    let payload = Round1Payload {
        commitment: vec![[0x02; 33], [0x03; 33]],
        proof_of_knowledge: [0x0f; 64],
        ephemeral: [0x0e; 33],
        possession: [0x0d; 64],
    };
    let points = ["02000000", &"02".repeat(33), &"03".repeat(33)].concat();
    let proofs = ["0f".repeat(64), "0e".repeat(33), "0d".repeat(64)].concat();
    pinned(&payload, &[&points, &proofs]);
}

#[test]
fn dkg_echo() {
    let payload = EchoPayload {
        bodies: vec![Hash32([0x0a; 32]), Hash32([0x0b; 32])],
    };
    pinned(&payload, &["02000000", &"0a".repeat(32), &"0b".repeat(32)]);
}

#[test]
fn dkg_round2() {
    let payload = Round2Payload {
        sealed: vec![[0x1a; 48], [0x1b; 48]],
    };
    pinned(&payload, &["02000000", &"1a".repeat(48), &"1b".repeat(48)]);
}

#[test]
fn dkg_confirm() {
    let payload = ConfirmPayload {
        transcript: Hash32([0x2a; 32]),
        roster: Hash32([0x2b; 32]),
        threshold: 259,
        share_epoch: 0x0102_0304,
        group_public: vec![0xf1, 0xf2, 0xf3],
    };
    let hashes = ["2a".repeat(32), "2b".repeat(32)].concat();
    pinned(&payload, &[&hashes, "0301", "04030201", "03000000f1f2f3"]);
}

#[test]
fn values_that_do_not_exist_do_not_parse() {
    let (start, points) = ("aa".repeat(16), "01".repeat(66));
    let cases = [
        // Member 0 among those refused.
        (0, [&start, &points[..], "010000000000"].concat()),
        // More refusals announced than there are bytes.
        (0, [&start, &points[..], "ffffffff0200"].concat()),
        // Taproot 3; a hardened child; a root that is not there.
        (1, [&start, "0003", "00000000"].concat()),
        (1, [&start, "018000000000", "00000000"].concat()),
        (1, [&start, "0002", "00000000"].concat()),
    ];
    for (which, payload) in cases {
        let payload = hex::decode(payload).unwrap();
        let read = |kind| {
            let frame = Frame::parse(envelope(kind, 1, &payload), SIZES).unwrap();
            frame.verify(&roster()).unwrap()
        };
        let refused = if which == 0 {
            read(CommitmentsPayload::KIND)
                .payload::<CommitmentsPayload>()
                .is_err()
        } else {
            read(PackagePayload::KIND)
                .payload::<PackagePayload>()
                .is_err()
        };
        assert!(refused, "{}", hex::encode(&payload));
    }
}

#[test]
fn a_standing_head_is_of_the_documented_layout() {
    let text = format!("02{}", "ab".repeat(32));
    let group: KeyGroup = text.parse().unwrap();
    let framed = |text: &str| {
        let len = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&len[..], text.as_bytes()].concat()
    };
    let preimage = [framed("hardfrost/standing-head/v1"), framed(&text)].concat();
    assert_eq!(standing_head(&group), Hash32::of(&preimage));
}

#[test]
fn a_session_head_is_of_the_documented_layout() {
    let key_group = format!("02{}", "ab".repeat(32));
    let framed = |text: &str| {
        let len = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&len[..], text.as_bytes()].concat()
    };
    let preimage = ["hardfrost/session-head/v1", "hf-1", &key_group]
        .map(framed)
        .concat();
    let session = SessionId::new("hf-1").unwrap();
    let group: KeyGroup = key_group.parse().unwrap();
    assert_eq!(session_head(&session, &group), Hash32::of(&preimage));
}

/// t and n from the smallest group to the largest.
const GROUPS: [(u16, u16); 7] = [
    (2, 2),
    (3, 5),
    (67, 100),
    (86, 128),
    (2, 1000),
    (501, 1000),
    (1000, 1000),
];

fn fits(sizes: Sizes, frame: &Frame) -> Vec<u8> {
    let bytes = frame.as_bytes().to_vec();
    Frame::parse(bytes.clone(), sizes).unwrap_or_else(|e| panic!("{sizes:?}: {e}"));
    bytes
}

/// What honest members send at the largest fits, refusals included: f members, at most.
#[test]
fn every_honest_frame_of_a_signing_fits_its_limit() {
    for (threshold, count) in GROUPS {
        let sizes = Sizes { threshold, count };
        let (t, n) = (usize::from(threshold), usize::from(count));
        let refuses: Vec<Member> = Member::all(count - threshold).collect();
        let commitments = CommitmentsPayload {
            incarnation: incarnation(),
            hiding: [1; 33],
            binding: [2; 33],
            refuses,
        };
        let one = fits(sizes, &Frame::sign(head(1), &commitments, &key(1)));
        let root = [vec![8], vec![0; 32], vec![2], vec![5; 32]].concat();
        let package = PackagePayload {
            incarnation: incarnation(),
            key_spec: KeySpec::from_bytes(&root).unwrap(),
            commitments: vec![one; t],
        };
        fits(sizes, &Frame::sign(head(1), &package, &key(1)));
        let held = HeldTurn {
            package: [6; 8],
            members: vec![0xff; (2 * n).div_ceil(8)],
        };
        let pull = PullPayload {
            incarnation: incarnation(),
            round: u32::MAX,
            convicted: vec![0xff; n.div_ceil(8)],
            first_turn: u32::MAX,
            held: vec![held; pulled_turns(count)],
        };
        fits(sizes, &Frame::sign(head(1), &pull, &key(1)));
    }
}

#[test]
fn every_honest_frame_of_a_key_generation_fits_its_limit() {
    for (threshold, count) in GROUPS {
        let sizes = Sizes { threshold, count };
        let (t, n) = (usize::from(threshold), usize::from(count));
        let round1 = Round1Payload {
            commitment: vec![[2; 33]; t],
            proof_of_knowledge: [0; 64],
            ephemeral: [0; 33],
            possession: [0; 64],
        };
        fits(sizes, &Frame::sign(head(1), &round1, &key(1)));
        let bodies = vec![Hash32([0; 32]); n];
        fits(
            sizes,
            &Frame::sign(head(1), &EchoPayload { bodies }, &key(1)),
        );
        let sealed = vec![[0; 48]; n - 1];
        fits(
            sizes,
            &Frame::sign(head(1), &Round2Payload { sealed }, &key(1)),
        );
        let confirm = ConfirmPayload {
            transcript: Hash32([0; 32]),
            roster: Hash32([0; 32]),
            threshold,
            share_epoch: u32::MAX,
            group_public: vec![0; 4 + 66 + 33 + 4 + 33 * n],
        };
        fits(sizes, &Frame::sign(head(1), &confirm, &key(1)));
    }
}
