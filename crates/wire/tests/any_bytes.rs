//! No bytes panic a reader, and whatever is signed comes back as it was.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;

use std::fmt::Debug;

use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Member, Message, Taproot};
use hardfrost_wire::{
    AdvancePayload, CommitmentsPayload, ConfirmPayload, EchoPayload, FinalSignature, Frame,
    FrameError, Head, HeldTurn, Incarnation, OfferPayload, PackagePayload, Payload, PullPayload,
    Roster, Round1Payload, Round2Payload, SharePayload, Sizes, Verified,
};
use people::{head, key, key_with, roster, SIZES};
use proptest::array::{uniform16, uniform32};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const LARGE: Sizes = Sizes {
    threshold: 500,
    count: 1000,
};

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        rng_seed: RngSeed::Fixed(10),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn bytes<const N: usize>() -> impl Strategy<Value = [u8; N]> {
    vec(any::<u8>(), N).prop_map(|bytes| bytes.try_into().unwrap())
}

fn hash() -> impl Strategy<Value = Hash32> {
    uniform32(any::<u8>()).prop_map(Hash32)
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    uniform16(any::<u8>()).prop_map(Incarnation)
}

fn a_member() -> impl Strategy<Value = Member> {
    (1u16..).prop_map(|number| Member::new(number).unwrap())
}

fn held() -> impl Strategy<Value = HeldTurn> {
    (bytes::<8>(), vec(any::<u8>(), 0..40))
        .prop_map(|(package, members)| HeldTurn { package, members })
}

fn again<P: Payload>(frame: &Verified<Frame>) -> Result<Vec<u8>, FrameError> {
    frame.payload::<P>().map(|p| borsh::to_vec(&p).unwrap())
}

fn key_spec() -> impl Strategy<Value = KeySpec> {
    let taproot = prop_oneof![
        Just(Taproot::Untweaked),
        Just(Taproot::KeyPathOnly),
        hash().prop_map(Taproot::Root),
    ];
    let index = (0..1u32 << 31).prop_map(|index| ChildIndex::new(index).unwrap());
    (vec(index, 0..=8), taproot).prop_map(|(path, tap)| KeySpec::new(path, tap).unwrap())
}

/// Signed, sent, parsed, verified, read: the same value, and the same bytes.
fn returns<P: Payload + PartialEq + Debug>(context: Hash32, seat: u16, aux: [u8; 32], payload: &P) {
    let author = people::member(seat);
    let signed = Frame::sign(Head { context, author }, payload, &key_with(seat, aux));
    let bytes = signed.as_bytes().to_vec();
    let parsed = Frame::parse(bytes.clone(), LARGE).unwrap();
    assert_eq!(parsed.head(), Head { context, author });
    let verified = parsed.verify(&roster()).unwrap();
    assert_eq!(verified.payload::<P>().as_ref(), Ok(payload));
    assert_eq!(verified.into_inner().as_bytes(), bytes);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_bytes_panic_a_reader(
        kind in prop_oneof![Just(2u8), Just(3), Just(7), Just(9), Just(10), Just(16), any::<u8>()],
        rest in vec(any::<u8>(), 0..400),
    ) {
        let bytes = [&[kind], &rest[..]].concat();
        if let Ok(said) = FinalSignature::parse(&bytes) {
            prop_assert_eq!(said.to_bytes(), bytes.clone());
        }
        if let Ok(frame) = Frame::parse(bytes.clone(), SIZES) {
            prop_assert_eq!(frame.as_bytes(), bytes);
            prop_assert!(frame.verify(&roster()).is_err());
        }
    }

    #[test]
    fn any_payload_of_an_honest_author_is_read_without_panic(
        payload in vec(any::<u8>(), 0..150),
        number in 0usize..10,
    ) {
        let (kind, _) = people::signed_kinds().nth(number).unwrap();
        let frame = Frame::parse(people::envelope(kind, 1, &payload), SIZES).unwrap();
        let frame = frame.verify(&roster()).unwrap();
        let encoded = [
            again::<CommitmentsPayload>(&frame),
            again::<PackagePayload>(&frame),
            again::<SharePayload>(&frame),
            again::<OfferPayload>(&frame),
            again::<AdvancePayload>(&frame),
            again::<PullPayload>(&frame),
            again::<Round1Payload>(&frame),
            again::<EchoPayload>(&frame),
            again::<Round2Payload>(&frame),
            again::<ConfirmPayload>(&frame),
        ];
        prop_assert_eq!(frame.incarnation().is_some(), number < 6 && payload.len() >= 16);
        // One encoding per value: what parses is what it would be written as.
        for read in encoded.into_iter().flatten() {
            prop_assert_eq!(&read, &payload);
        }
    }

    #[test]
    fn no_bytes_panic_the_reader_of_rosters(
        place in 0usize..142,
        new in vec(any::<u8>(), 0..40),
        old in 0usize..40,
    ) {
        // Into the encoding of a real roster, so that every part of the reader is reached.
        let mut bytes = roster().to_bytes();
        let end = bytes.len().min(place + old);
        bytes.splice(place..end, new.clone());
        for bytes in [bytes, new] {
            if let Ok(roster) = Roster::from_bytes(&bytes) {
                prop_assert_eq!(roster.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_changed_byte_takes_the_signature_away(
        share in uniform32(any::<u8>()),
        place in 0usize..183,
        change in 1u8..,
    ) {
        let (incarnation, package) = (Incarnation([1; 16]), Hash32([2; 32]));
        let payload = SharePayload { incarnation, package, share };
        let mut bytes = Frame::sign(head(1), &payload, &key(1)).as_bytes().to_vec();
        prop_assert_eq!(bytes.len(), 183);
        bytes[place] ^= change;
        let verified = Frame::parse(bytes, SIZES).and_then(|frame| frame.verify(&roster()));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn what_is_said_while_signing_returns(
        (context, seat, aux) in (hash(), 1u16..=5, uniform32(any::<u8>())),
        (who, spec, package) in (incarnation(), key_spec(), hash()),
        (hiding, binding, refuses) in (bytes::<33>(), bytes::<33>(), vec(a_member(), 0..9)),
        commitments in vec(vec(any::<u8>(), 0..300), 0..9),
        share in uniform32(any::<u8>()),
    ) {
        let said = CommitmentsPayload { incarnation: who, hiding, binding, refuses };
        returns(context, seat, aux, &said);
        let said = PackagePayload { incarnation: who, key_spec: spec, commitments };
        returns(context, seat, aux, &said);
        returns(context, seat, aux, &SharePayload { incarnation: who, package, share });
    }

    #[test]
    fn what_repairs_a_session_returns(
        (context, seat, aux) in (hash(), 1u16..=5, uniform32(any::<u8>())),
        (who, package, held) in (incarnation(), hash(), vec(held(), 0..=64)),
        (round, first_turn) in (any::<u32>(), any::<u32>()),
        convicted in vec(any::<u8>(), 0..=125),
    ) {
        returns(context, seat, aux, &OfferPayload { incarnation: who, package });
        returns(context, seat, aux, &AdvancePayload { incarnation: who, round });
        let said = PullPayload { incarnation: who, round, convicted, first_turn, held };
        returns(context, seat, aux, &said);
    }

    #[test]
    fn what_is_said_while_making_a_key_returns(
        (context, seat, aux) in (hash(), 1u16..=5, uniform32(any::<u8>())),
        commitment in vec(bytes::<33>(), 0..9),
        (proof_of_knowledge, possession) in (bytes::<64>(), bytes::<64>()),
        ephemeral in bytes::<33>(),
        (bodies, sealed) in (vec(hash(), 0..9), vec(bytes::<48>(), 0..9)),
        (transcript, roster, group_public) in (hash(), hash(), vec(any::<u8>(), 0..300)),
        (threshold, share_epoch) in (any::<u16>(), any::<u32>()),
    ) {
        let said = Round1Payload { commitment, proof_of_knowledge, ephemeral, possession };
        returns(context, seat, aux, &said);
        returns(context, seat, aux, &EchoPayload { bodies });
        returns(context, seat, aux, &Round2Payload { sealed });
        let said = ConfirmPayload { transcript, roster, threshold, share_epoch, group_public };
        returns(context, seat, aux, &said);
    }

    #[test]
    fn a_finished_signature_returns(
        (head, message, key_spec) in (hash(), uniform32(any::<u8>()), key_spec()),
        signature in bytes::<64>(),
    ) {
        let said = FinalSignature { head, message: Message(message), key_spec, signature };
        let bytes = said.to_bytes();
        prop_assert_eq!(FinalSignature::parse(&bytes), Ok(said));
    }
}
