//! What is read of a frame before its signature, and the one frame that has none.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;

use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Message, Taproot};
use hardfrost_wire::{FinalSignature, Frame, FrameError, Incarnation, Kind, Sizes};
use people::{body, envelope, frame, member, roster, signed_kinds, SIZES};

/// The limits as they are written down, for t of n.
fn limits(t: usize, n: usize) -> [(Kind, usize); 15] {
    let f = n - t;
    [
        (Kind::Commitments, 256 + 2 * f),
        (Kind::Package, 512 + (256 + 2 * f) * t),
        (Kind::Share, 512),
        (Kind::Offer, 256),
        (Kind::Advance, 256),
        (Kind::Evidence, 2 * (512 + (256 + 2 * f) * t) + 4096 + 8 * n),
        (Kind::Signature, 512),
        (Kind::Pull, 1024 + 64 * n.div_ceil(4)),
        (Kind::DkgRound1, 512 + 33 * t),
        (Kind::DkgEcho, 256 + 32 * n),
        (Kind::DkgRound2, 256 + 48 * n),
        (Kind::DkgConfirm, 512 + 33 * n),
        (Kind::DkgPull, 256 + n.div_ceil(2)),
        (Kind::Standing, 512),
        (Kind::StandingPull, 256),
    ]
}

#[test]
fn each_kind_has_its_limit_and_a_frame_at_the_limit_parses() {
    for (threshold, count) in [(3, 5), (67, 100), (86, 128), (667, 1000)] {
        let sizes = Sizes { threshold, count };
        for (kind, limit) in limits(threshold.into(), count.into()) {
            assert_eq!(kind.frame_bytes_max(sizes), limit, "{kind:?}");
            if kind.tag().is_none() {
                continue;
            }
            // 1 for the kind, 4 for the length, 34 for the head, 64 for the signature.
            let largest = envelope(kind, 1, &vec![7; limit - 103]);
            assert_eq!(largest.len(), limit);
            assert!(Frame::parse(largest, sizes).is_ok(), "{kind:?}");
            let above = envelope(kind, 1, &vec![7; limit - 102]);
            let actual = limit + 1;
            let refused = FrameError::TooLarge { kind, actual };
            assert_eq!(Frame::parse(above, sizes), Err(refused));
        }
    }
}

#[test]
fn the_size_is_judged_before_the_layout() {
    let actual = 513;
    let mut bytes = vec![0xff; actual];
    bytes[0] = Kind::Share.number();
    let kind = Kind::Share;
    let refused = FrameError::TooLarge { kind, actual };
    assert_eq!(Frame::parse(bytes.clone(), SIZES), Err(refused));
    bytes.pop();
    assert_eq!(Frame::parse(bytes, SIZES), Err(FrameError::Layout));
}

#[test]
fn what_is_no_signed_kind_is_unknown() {
    let known = [2, 3, 4, 6, 7, 10, 16, 17, 18, 20, 22, 24, 25];
    assert!(signed_kinds().map(|(kind, _)| kind.number()).eq(known));
    for number in 0..=u8::MAX {
        let parsed = Frame::parse(frame(number, &body(1, &[]), &[0; 64]), SIZES);
        if known.contains(&number) {
            assert_eq!(parsed.unwrap().kind().number(), number);
        } else {
            assert_eq!(parsed, Err(FrameError::UnknownKind(number)));
        }
    }
}

#[test]
fn lengths_add_up() {
    let good = envelope(Kind::Share, 1, &[]);
    assert!(Frame::parse(good.clone(), SIZES).is_ok());
    for len in [0u32, 33, 35, u32::MAX] {
        let mut bytes = good.clone();
        bytes[1..5].copy_from_slice(&len.to_be_bytes());
        assert_eq!(Frame::parse(bytes, SIZES), Err(FrameError::Layout), "{len}");
    }
    // A body shorter than its head, with a length that says so.
    let headless = frame(Kind::Share.number(), &body(1, &[])[..33], &[0; 64]);
    assert_eq!(Frame::parse(headless, SIZES), Err(FrameError::Layout));
    assert_eq!(Frame::parse(Vec::new(), SIZES), Err(FrameError::Layout));
}

#[test]
fn an_author_holds_a_seat() {
    let nobody = envelope(Kind::Share, 1, &[]);
    let mut zero = nobody.clone();
    zero[5 + 32..5 + 34].copy_from_slice(&[0, 0]);
    assert_eq!(Frame::parse(zero, SIZES), Err(FrameError::NoSuchAuthor));
    for stranger in [6, 259, u16::MAX] {
        let parsed = Frame::parse(envelope(Kind::Share, stranger, &[]), SIZES).unwrap();
        assert_eq!(parsed.head().author, member(stranger));
        assert_eq!(
            parsed.verify(&roster()).unwrap_err(),
            FrameError::NoSuchAuthor
        );
    }
}

/// 16 bytes after the head in what is said while signing; nothing of the kind in a key generation.
#[test]
fn every_signing_message_begins_with_its_authors_incarnation() {
    let signing = [2, 3, 4, 6, 7, 10];
    let payload: Vec<u8> = (1..=17).collect();
    let first: [u8; 16] = payload[..16].try_into().unwrap();
    for (kind, _) in signed_kinds() {
        let said = |payload: &[u8]| {
            let frame = Frame::parse(envelope(kind, 1, payload), SIZES).unwrap();
            frame.verify(&roster()).unwrap().incarnation()
        };
        let expected = signing
            .contains(&kind.number())
            .then_some(Incarnation(first));
        assert_eq!(said(&payload), expected, "{kind:?}");
        assert_eq!(said(&payload[..16]), expected, "{kind:?}");
        assert_eq!(said(&payload[..15]), None, "{kind:?}");
        assert_eq!(said(&[]), None, "{kind:?}");
    }
}

fn finished() -> FinalSignature {
    let path = [1, 7].map(|index| ChildIndex::new(index).unwrap());
    FinalSignature {
        head: Hash32([0x11; 32]),
        message: Message([0x22; 32]),
        key_spec: KeySpec::new(path.into(), Taproot::Root(Hash32([0x44; 32]))).unwrap(),
        signature: [0x33; 64],
    }
}

#[test]
fn a_finished_signature_has_one_layout() {
    let expected = [
        "09",
        &"11".repeat(32),
        &"22".repeat(32),
        "02000000010000000702",
        &"44".repeat(32),
        &"33".repeat(64),
    ];
    let bytes = finished().to_bytes();
    assert_eq!(hex::encode(&bytes), expected.concat());
    assert_eq!(FinalSignature::parse(&bytes), Ok(finished()));
    for cut in 0..bytes.len() {
        assert_eq!(
            FinalSignature::parse(&bytes[..cut]),
            Err(FrameError::Layout),
            "{cut}"
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(FinalSignature::parse(&longer), Err(FrameError::Layout));
    let mut hardened = bytes.clone();
    hardened[1 + 32 + 32 + 1] = 0x80;
    assert_eq!(FinalSignature::parse(&hardened), Err(FrameError::Layout));
}

#[test]
fn a_finished_signature_is_no_envelope_and_an_envelope_is_none() {
    let bytes = finished().to_bytes();
    assert_eq!(Frame::parse(bytes, SIZES), Err(FrameError::UnknownKind(9)));
    for (kind, _) in signed_kinds() {
        let bytes = envelope(kind, 1, &[7; 64]);
        let refused = FrameError::UnknownKind(kind.number());
        assert_eq!(FinalSignature::parse(&bytes), Err(refused));
    }
}
