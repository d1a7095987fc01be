//! The PSBTs that BIP 174, 370 and 371 publish: the valid ones are read and written back, the invalid ones refused.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod wallet;

use bitcoin::base64::prelude::{Engine as _, BASE64_STANDARD};
use hardfrost_spend::{PsbtError, SpendPlan, UnsignedPsbt};
use serde_json::Value;
use wallet::{vectors, wallet};

/// Description and base64 text of every case of one kind.
fn cases(bip: &str, kind: &str) -> Vec<(String, String)> {
    let file: Value = vectors(&format!("psbt-json/bip{bip}_test_vectors.json"));
    let text = |case: &Value, field: &str| case[field].as_str().unwrap().to_owned();
    let cases = file[kind].as_array().unwrap().iter();
    cases
        .map(|case| (text(case, "description"), text(case, "encoded psbt")))
        .collect()
}

#[test]
fn valid_psbts_are_read_and_keep_their_meaning() {
    let cases = [cases("174", "valid psbts"), cases("371", "valid psbts")].concat();
    assert_eq!(cases.len(), 16);
    let group = wallet().group;
    for (description, text) in cases {
        let psbt = UnsignedPsbt::parse(text.as_bytes()).expect(&description);
        let binary = BASE64_STANDARD.decode(&text).unwrap();
        for same in [binary, psbt.to_bytes(), format!("{text}\r\n").into_bytes()] {
            let same = UnsignedPsbt::parse(&same).expect(&description);
            assert_eq!(same, psbt, "{description}");
            assert_eq!(
                (same.hash(), same.to_base64()),
                (psbt.hash(), psbt.to_base64())
            );
        }
        // None of them spends from us, and most are not even complete.
        assert!(SpendPlan::new(&psbt, &group).is_err(), "{description}");
    }
}

#[test]
fn invalid_psbts_are_refused_with_a_reason() {
    let cases = [cases("174", "invalid psbts"), cases("371", "invalid psbts")].concat();
    assert_eq!(cases.len(), 31);
    for (description, text) in cases {
        let error = UnsignedPsbt::parse(text.as_bytes()).expect_err(&description);
        assert!(!error.to_string().is_empty());
        let binary = BASE64_STANDARD.decode(&text).unwrap();
        assert!(UnsignedPsbt::parse(&binary).is_err(), "{description}");
    }
}

#[test]
fn psbts_of_version_2_are_named_as_such() {
    let cases = [cases("370", "valid psbts"), cases("370", "lock time psbts")].concat();
    assert_eq!(cases.len(), 24);
    for (description, text) in cases {
        let read = UnsignedPsbt::parse(text.as_bytes());
        assert_eq!(read, Err(PsbtError::Version), "{description}");
    }
    assert!(PsbtError::Version
        .to_string()
        .contains("version 2 is not read yet"));
    for (description, text) in cases_of_mixed_versions() {
        let error = UnsignedPsbt::parse(text.as_bytes()).expect_err(&description);
        let fits = matches!(error, PsbtError::Version | PsbtError::FieldOfVersion2(_));
        assert!(fits, "{description}: {error}");
    }
}

fn cases_of_mixed_versions() -> Vec<(String, String)> {
    let cases = cases("370", "invalid psbts");
    assert_eq!(cases.len(), 24);
    cases
}
