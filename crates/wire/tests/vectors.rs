//! D10 against vectors that were made without this code.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use hardfrost_primitives::{Hash32, Member, Suite};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Head, Incarnation, Operator, OperatorKey, Payload, Roster,
    SharePayload, Sizes,
};
use serde_json::Value;

fn envelopes() -> Vec<Value> {
    let file = "../../vectors/hardfrost/envelopes.json";
    let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file["envelopes"].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn member(value: &Value) -> Member {
    Member::from_u64(value.as_u64().unwrap()).unwrap()
}

/// One operator with every seat up to the author's.
fn roster(key: &OperatorKey, author: Member) -> Roster {
    let operator = Operator {
        name: "author".into(),
        key: key.public(),
        seats: Member::all(author.number()).collect::<BTreeSet<_>>(),
    };
    Roster::new(Suite::Tr, vec![operator]).unwrap()
}

fn check<P: Payload + PartialEq + std::fmt::Debug>(case: &Value, payload: &P) {
    let key = OperatorKey::new(&array(&case["secret_key"]), array(&case["aux"])).unwrap();
    assert_eq!(key.public().to_string(), case["public_key"]);
    assert_eq!(P::KIND.tag().unwrap(), case["tag"]);
    assert_eq!(u64::from(P::KIND.number()), case["kind"]);
    assert_eq!(
        hex::encode(borsh::to_vec(payload).unwrap()),
        case["payload"]
    );

    let author = member(&case["author"]);
    let context = Hash32(array(&case["context"]));
    let signed = Frame::sign(Head { context, author }, payload, &key);
    assert_eq!(hex::encode(signed.as_bytes()), case["frame"]);
    assert_eq!(signed.body_hash().to_string(), case["body_hash"]);

    let (threshold, count) = (2, author.number());
    let parsed = Frame::parse(bytes(&case["frame"]), Sizes { threshold, count }).unwrap();
    assert_eq!(parsed.head(), Head { context, author });
    let verified = parsed.verify(&roster(&key, author)).unwrap();
    assert_eq!(verified.payload::<P>().as_ref(), Ok(payload));
}

#[test]
fn d10_a_commitments_frame() {
    let case = &envelopes()[0];
    let refuses = case["refuses"].as_array().unwrap();
    let payload = CommitmentsPayload {
        incarnation: Incarnation(array(&case["incarnation"])),
        hiding: array(&case["hiding"]),
        binding: array(&case["binding"]),
        refuses: refuses.iter().map(member).collect(),
    };
    check(case, &payload);
}

#[test]
fn d10_a_share_frame() {
    let case = &envelopes()[1];
    let payload = SharePayload {
        incarnation: Incarnation(array(&case["incarnation"])),
        package: Hash32(array(&case["package"])),
        share: array(&case["share"]),
    };
    check(case, &payload);
}

/// The parts of a vector are parts of its whole, so that a reader may trust each.
#[test]
fn d10_the_digest_is_of_the_tag_between_zeros_and_the_body() {
    let cases = envelopes();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let (tag, body) = (case["tag"].as_str().unwrap(), bytes(&case["body"]));
        let signed = [&[0], tag.as_bytes(), &[0], &body[..]].concat();
        assert_eq!(Hash32::of(&signed).to_string(), case["digest"]);
        assert!(bytes(&case["frame"]).ends_with(&bytes(&case["signature"])));
    }
}
