//! Every frame, as releases have put it on the wire.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;
#[path = "../../../vectors/frames/recorded.rs"]
mod recorded;

use std::collections::BTreeSet;
use std::fmt::Debug;

use hardfrost_primitives::{
    ChildIndex, Hash32, KeyGroup, KeySpec, Message, SessionId, Taproot, UnixTime,
};
use hardfrost_wire::{
    session_head, standing_head, AdvancePayload, CommitmentsPayload, ConfirmPayload,
    DkgPullPayload, EchoPayload, FinalSignature, Frame, Head, HeldTurn, Incarnation, Kind,
    OfferPayload, PackagePayload, Payload, PullPayload, Roster, Round1Payload, Round2Payload,
    SharePayload, StandingPayload, StandingPullPayload, Subject,
};
use people::{head, key, member, roster, SIZES};
use recorded::Specimen;

const FILE: &str = "wire.txt";
const INCARNATION: Incarnation = Incarnation([0xaa; 16]);
/// The generator of secp256k1: some layouts read no less than a point.
const POINT: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

fn signed<P: Payload + PartialEq + Debug + 'static>(
    name: &str,
    head: Head,
    payload: P,
) -> Specimen {
    let signed = Frame::sign(head, &payload, &key(head.author.number()));
    let reads = move |bytes: &[u8]| {
        let frame = Frame::parse(bytes.to_vec(), SIZES).ok();
        let frame = frame.filter(|frame| frame.kind() == P::KIND && frame.head() == head);
        let verified = frame.and_then(|frame| frame.verify(&roster()).ok());
        verified.is_some_and(|frame| frame.payload::<P>().as_ref() == Ok(&payload))
    };
    Specimen::new(name, signed.as_bytes(), reads)
}

fn key_spec() -> KeySpec {
    let path = [7, 1 << 20].map(|index| ChildIndex::new(index).unwrap());
    KeySpec::new(path.to_vec(), Taproot::Root(Hash32([9; 32]))).unwrap()
}

fn commitments(author: u16, refuses: &[u16]) -> CommitmentsPayload {
    // Each author's differ.
    let mut hiding = [0x02; 33];
    hiding[32] = u8::try_from(author).unwrap();
    CommitmentsPayload {
        incarnation: INCARNATION,
        hiding,
        binding: [0x03; 33],
        refuses: refuses.iter().copied().map(member).collect(),
    }
}

fn signing() -> Vec<Specimen> {
    let chosen = [1, 2, 4].map(|author| {
        let said = commitments(author, &[]);
        Frame::sign(head(author), &said, &key(author))
            .as_bytes()
            .to_vec()
    });
    let package = PackagePayload {
        incarnation: INCARNATION,
        key_spec: key_spec(),
        commitments: chosen.to_vec(),
    };
    let incarnation = INCARNATION;
    let package_hash = Hash32([0x66; 32]);
    let share = SharePayload {
        incarnation,
        package: package_hash,
        share: [0x05; 32],
    };
    let offer = OfferPayload {
        incarnation,
        package: package_hash,
    };
    let round = 0x0102_0304;
    vec![
        signed("commitments", head(1), commitments(1, &[])),
        signed("commitments/refusing", head(2), commitments(2, &[3, 5])),
        signed("package", head(2), package),
        signed("share", head(4), share),
        signed("offer", head(2), offer),
        signed("advance", head(3), AdvancePayload { incarnation, round }),
        signed("pull", head(5), pull()),
        signature(),
    ]
}

fn pull() -> PullPayload {
    let held = |package, members: &[u8]| HeldTurn {
        package: [package; 8],
        members: members.to_vec(),
    };
    PullPayload {
        incarnation: INCARNATION,
        round: 7,
        convicted: vec![0b1_0000],
        first_turn: 6,
        held: vec![held(0x77, &[0xe1, 0x02]), held(0, &[0, 0])],
    }
}

fn key_group() -> KeyGroup {
    POINT.parse().unwrap()
}

fn signature() -> Specimen {
    let session = SessionId::new("hf-recorded").unwrap();
    let said = FinalSignature {
        head: session_head(&session, &key_group()),
        message: Message([0x0a; 32]),
        signature: [0x0b; 64],
        key_spec: key_spec(),
    };
    let bytes = said.to_bytes();
    Specimen::new("signature", bytes, move |bytes| {
        FinalSignature::parse(bytes).as_ref() == Ok(&said)
    })
}

fn ceremony() -> Vec<Specimen> {
    let round1 = Round1Payload {
        commitment: vec![[0x02; 33], [0x03; 33], [0x04; 33]],
        proof_of_knowledge: [0x05; 64],
        ephemeral: [0x06; 33],
        possession: [0x07; 64],
    };
    let echo = EchoPayload {
        bodies: [1, 2, 3, 4, 5].map(|byte| Hash32([byte; 32])).to_vec(),
    };
    let round2 = Round2Payload {
        sealed: [1, 2, 3, 4].map(|byte| [byte; 48]).to_vec(),
    };
    let confirm = ConfirmPayload {
        transcript: Hash32([0x11; 32]),
        roster: roster().hash(),
        threshold: 3,
        share_epoch: 1,
        group_public: vec![0x12; 272],
    };
    let pull = DkgPullPayload {
        held: vec![0x1f, 0x02, 0x00],
    };
    vec![
        signed("dkg-round1", head(1), round1),
        signed("dkg-echo", head(2), echo),
        signed("dkg-round2", head(3), round2),
        signed("dkg-confirm", head(4), confirm),
        signed("dkg-pull", head(5), pull),
    ]
}

fn standing() -> Vec<Specimen> {
    let head = Head {
        context: standing_head(&key_group()),
        ..head(1)
    };
    let word = |subject, stopped: Option<&str>| StandingPayload {
        subject,
        at: UnixTime(1_800_000_000),
        stopped: stopped.map(str::to_owned),
    };
    let reason = Some("a laptop was stolen");
    let session = Subject::Session(SessionId::new("hf-recorded").unwrap());
    let question = StandingPullPayload {
        incarnation: INCARNATION,
        known: Hash32([0x0b; 32]),
    };
    vec![
        signed("standing/group", head, word(Subject::Group, reason)),
        signed("standing/session", head, word(session, reason)),
        signed(
            "standing/member",
            head,
            word(Subject::Member(member(3)), reason),
        ),
        signed(
            "standing/let-in",
            head,
            word(Subject::Member(member(3)), None),
        ),
        signed("standing-pull", head, question),
    ]
}

/// What a roster is hashed as, and carried as.
fn hashed() -> Specimen {
    let bytes = roster().to_bytes();
    let hash = roster().hash();
    Specimen::new("roster", bytes, move |bytes| {
        Roster::from_bytes(bytes).is_ok_and(|read| read == roster() && read.hash() == hash)
    })
}

fn specimens() -> Vec<Specimen> {
    let mut all = signing();
    all.extend(ceremony());
    all.extend(standing());
    all.push(hashed());
    all
}

#[test]
fn frames_are_those_that_were_recorded() {
    recorded::held_to(FILE, &specimens());
}

/// But for evidence, of which `vectors/evidence` has one of each kind.
#[test]
fn no_kind_of_frame_is_left_out() {
    let recorded: BTreeSet<u8> = include_str!("../../../vectors/frames/wire.txt")
        .lines()
        .filter(|line| !line.starts_with("roster "))
        .map(|line| u8::from_str_radix(&line.split_once(' ').unwrap().1[..2], 16).unwrap())
        .collect();
    let known = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Evidence);
    assert_eq!(recorded, known.map(Kind::number).collect());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    recorded::add(FILE, &specimens());
}
