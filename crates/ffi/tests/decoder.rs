//! The request decoder under bytes that nobody meant as a request: what the fuzz target does, for a bounded time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use hardfrost_ffi::{Answer, Call, Library};
use proptest::prelude::*;
use serde_json::{json, Value};

#[path = "../fuzz/fuzz_targets/judge.rs"]
mod judge;

/// Bytes that look like what hosts send: our names, our punctuation, numbers, hex.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\\"",
        "null",
        "true",
        "1",
        "-1",
        "65536",
        "1e9",
        "00230f8ab3",
        "\"session_id\":",
        "\"attempt_id\":",
        "\"member_identifier\":",
        "\"message_hex\":",
        "\"identifier\":",
        "\"data_hex\":",
        "\"commitments\":[",
        "\"secret_package_hex\":",
        "\"round1_packages\":[",
        "\"state_path\":",
        "\"policy\":{",
        "\"spend\"",
        "\"0000\"",
        "\u{0}",
        "\u{fffd}",
        " ",
    ];
    let word = prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop_oneof![8 => word, 1 => noise], 0..40).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_bytes_are_answered(
        which in any::<u8>(),
        bytes in prop_oneof![pieces(), prop::collection::vec(any::<u8>(), 0..200)],
    ) {
        let mut input = vec![which];
        input.extend(bytes);
        judge::judge(&input);
    }
}

#[test]
fn the_judge_knows_a_reply_from_an_envelope() {
    let library = Library::new();
    let request = br#"{"message_hex":"00","commitments":[]}"#;
    let Answer { ok, reply } = library.call(Call::NewSigningPackage, Some(request));
    let envelope: Value = serde_json::from_slice(&reply).unwrap();
    assert!(!ok);
    assert_eq!(envelope["code"], "validation_error");
    // And with a package that is one.
    let point = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let data = format!("00230f8ab3{point}{point}");
    let request = json!({
        "message_hex": "07".repeat(32),
        "commitments": [{"identifier": 1, "data_hex": data}],
    });
    let request = request.to_string();
    assert!(
        library
            .call(Call::NewSigningPackage, Some(request.as_bytes()))
            .ok
    );
    judge::judge(&[&[15], request.as_bytes()].concat());
}
