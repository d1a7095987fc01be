//! r11 to r14: what an envelope proves, and what cannot be done with one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;

use std::collections::BTreeSet;

use hardfrost_primitives::Hash32;
use hardfrost_wire::{CommitmentsPayload, Frame, FrameError, Incarnation, Kind, SharePayload};
use people::{
    body, envelope, frame, head, key, key_with, member, roster, signature, signed_kinds, SIZES,
};

fn share() -> SharePayload {
    SharePayload {
        incarnation: Incarnation([1; 16]),
        package: Hash32([2; 32]),
        share: [3; 32],
    }
}

fn verified(bytes: Vec<u8>) -> Result<Vec<u8>, FrameError> {
    let frame = Frame::parse(bytes, SIZES)?.verify(&roster())?;
    Ok(frame.as_bytes().to_vec())
}

#[test]
fn r11_an_envelope_without_its_signature_does_not_parse() {
    let good = envelope(Kind::Share, 1, &[7; 80]);
    assert_eq!(verified(good.clone()), Ok(good.clone()));
    for missing in 1..=64 {
        let cut = good[..good.len() - missing].to_vec();
        assert_eq!(
            Frame::parse(cut, SIZES),
            Err(FrameError::Layout),
            "{missing} bytes missing"
        );
    }
    let longer = [&good[..], &[0]].concat();
    assert_eq!(Frame::parse(longer, SIZES), Err(FrameError::Layout));
}

#[test]
fn r11_bytes_that_are_no_signature_of_the_author_do_not_verify() {
    let body = body(1, &[7; 80]);
    let signed = [b"\0hardfrost/share/v1\0", &body[..]].concat();
    let by_another = signature(2, &signed);
    for wrong in [[0; 64], [0xff; 64], by_another] {
        let bytes = frame(Kind::Share.number(), &body, &wrong);
        assert_eq!(verified(bytes), Err(FrameError::Signature));
    }
    // Without its signature, but with a length that lets the body's own end stand in its place.
    let shorter = frame(
        Kind::Share.number(),
        &body[..body.len() - 64],
        &body[body.len() - 64..],
    );
    assert_eq!(verified(shorter), Err(FrameError::Signature));
    let good = frame(Kind::Share.number(), &body, &signature(1, &signed));
    assert!(verified(good).is_ok());
}

#[test]
fn r12_the_signature_of_one_kind_serves_no_other() {
    for (signed, _) in signed_kinds() {
        let good = envelope(signed, 1, &[7; 20]);
        for (claimed, _) in signed_kinds() {
            let mut bytes = good.clone();
            bytes[0] = claimed.number();
            let expected = if claimed == signed {
                Ok(bytes.clone())
            } else {
                Err(FrameError::Signature)
            };
            assert_eq!(verified(bytes), expected, "{signed:?} as {claimed:?}");
        }
    }
}

#[test]
fn r12_a_tag_stands_between_zeros() {
    let body = body(1, &[7; 20]);
    for (kind, tag) in signed_kinds() {
        let tag = tag.as_bytes();
        let spellings = [
            (true, [&[0], tag, &[0], &body[..]].concat()),
            (false, [tag, &[0], &body[..]].concat()),
            (false, [&[0], tag, &body[..]].concat()),
            (false, [tag, &body[..]].concat()),
            (false, body.clone()),
        ];
        for (good, signed) in spellings {
            let bytes = frame(kind.number(), &body, &signature(1, &signed));
            assert_eq!(
                verified(bytes).is_ok(),
                good,
                "{kind:?}: {}",
                hex::encode(signed)
            );
        }
    }
}

#[test]
fn r12_every_kind_has_a_tag_and_a_number_of_its_own() {
    let tags: BTreeSet<&str> = signed_kinds().map(|(_, tag)| tag).collect();
    let numbers: BTreeSet<u8> = Kind::ALL.into_iter().map(Kind::number).collect();
    assert_eq!(tags.len(), signed_kinds().count());
    assert_eq!(numbers.len(), Kind::ALL.len());
    // No tag begins another: else body bytes could complete one.
    for tag in &tags {
        assert!(
            tags.iter()
                .all(|other| other == tag || !other.starts_with(tag)),
            "{tag}"
        );
    }
    assert!(tags.iter().all(|tag| tag.is_ascii() && !tag.contains('\0')));
}

#[test]
fn r13_a_frame_is_the_bytes_that_came() {
    let made = Frame::sign(head(1), &share(), &key(1));
    let bytes = made.as_bytes().to_vec();
    let parsed = Frame::parse(bytes.clone(), SIZES).unwrap();
    assert_eq!(parsed.as_bytes(), bytes);
    assert_eq!(
        parsed.verify(&roster()).unwrap().into_inner().as_bytes(),
        bytes
    );
}

#[test]
fn r13_a_payload_that_would_encode_otherwise_keeps_its_bytes_and_its_identity() {
    let canonical = borsh::to_vec(&share()).unwrap();
    let trailing = [&canonical[..], &[0]].concat();
    let bytes = envelope(Kind::Share, 1, &trailing);
    let parsed = Frame::parse(bytes.clone(), SIZES).unwrap();
    // The author did sign this, so it verifies, under an identity of its own; what it says is nothing.
    let verified = parsed.verify(&roster()).unwrap();
    assert_eq!(verified.as_bytes(), bytes);
    assert_eq!(verified.body_hash(), Hash32::of(&body(1, &trailing)));
    assert_ne!(verified.body_hash(), Hash32::of(&body(1, &canonical)));
    assert_eq!(verified.payload::<SharePayload>(), Err(FrameError::Payload));
}

#[test]
fn r13_what_a_relayer_appends_is_not_signed() {
    let good = Frame::sign(head(1), &share(), &key(1)).as_bytes().to_vec();
    let canonical = borsh::to_vec(&share()).unwrap();
    let appended = body(1, &[&canonical[..], &[0]].concat());
    let forged = frame(Kind::Share.number(), &appended, &good[good.len() - 64..]);
    assert_eq!(verified(forged), Err(FrameError::Signature));
}

#[test]
fn r13_a_payload_is_read_only_as_its_own_kind() {
    let verified = Frame::sign(head(1), &share(), &key(1))
        .verify(&roster())
        .unwrap();
    assert_eq!(verified.payload(), Ok(share()));
    assert_eq!(
        verified.payload::<CommitmentsPayload>(),
        Err(FrameError::Payload)
    );
}

#[test]
fn r14_two_signatures_of_one_body_are_one_statement() {
    let frames = [[1; 32], [2; 32]].map(|aux| Frame::sign(head(1), &share(), &key_with(1, aux)));
    let [first, second] = &frames;
    assert_ne!(first.as_bytes(), second.as_bytes());
    assert_eq!(first.body_hash(), second.body_hash());
    let other = SharePayload {
        share: [4; 32],
        ..share()
    };
    let other = Frame::sign(head(1), &other, &key(1));
    assert_ne!(first.body_hash(), other.body_hash());
    assert!(frames
        .into_iter()
        .all(|frame| frame.verify(&roster()).is_ok()));
    let by_two = Frame::sign(head(2), &share(), &key(2));
    assert_ne!(by_two.body_hash(), other.body_hash());
    assert_eq!(by_two.head().author, member(2));
}
