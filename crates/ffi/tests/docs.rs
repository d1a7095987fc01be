//! docs/c-abi.md describes every function and every code, and its examples are requests and replies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hardfrost_ffi::{Call, ErrorCode, Library};
use serde_json::Value;

const PARTS: [&str; 5] = ["Purpose", "Request", "Reply", "Errors", "Example"];

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/c-abi.md");
    fs::read_to_string(path).unwrap()
}

/// What stands under each function's heading.
fn sections(document: &str) -> BTreeMap<&str, &str> {
    let sections = document.split("\n### frost_tbtc_").skip(1);
    sections
        .map(|text| {
            let (name, rest) = text.split_once('\n').unwrap();
            (name, rest.split("\n## ").next().unwrap())
        })
        .collect()
}

fn examples(section: &str) -> Vec<&str> {
    let blocks = section.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap())
        .collect()
}

#[test]
fn every_function_has_its_five_parts() {
    let document = document();
    let sections = sections(&document);
    let mut names: Vec<&str> = Call::ALL.iter().map(|call| call.as_str()).collect();
    names.push("free_buffer");
    names.sort_unstable();
    assert!(sections.keys().copied().eq(names));
    for (name, section) in sections {
        let places: Vec<usize> = PARTS
            .iter()
            .map(|part| {
                section
                    .find(&format!("**{part}.**"))
                    .unwrap_or_else(|| panic!("{name}: {part}"))
            })
            .collect();
        assert!(places.is_sorted(), "{name}");
    }
}

#[test]
fn every_code_is_listed_with_its_class() {
    let document = document();
    for code in ErrorCode::all() {
        let row = format!("\n| `{}` | {} |", code.as_str(), code.recovery().as_str());
        assert!(document.contains(&row), "{row}");
    }
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .count();
    assert_eq!(rows, ErrorCode::all().count());
}

/// Hex is shortened in the examples, so they are read and not carried out: a library that is not configured does just
/// that.
#[test]
fn the_examples_are_read() {
    let document = document();
    let sections = sections(&document);
    for call in Call::ALL {
        let examples = examples(sections[call.as_str()]);
        if !call.takes_request() {
            continue;
        }
        let [request, reply] = examples[..] else {
            panic!("{}: a request and a reply", call.as_str());
        };
        let _: Value = serde_json::from_str(reply).unwrap();
        // Nothing of this test is to be written where an operator's store would be.
        let request = request.replace("/var/lib/hardfrost", "/nonexistent");
        let answer = Library::new().call(call, Some(request.as_bytes()));
        let said: Value = serde_json::from_slice(&answer.reply).unwrap();
        let expected = match call {
            Call::InitSignerConfig => "storage_fault",
            Call::NewSigningPackage => {
                assert!(answer.ok);
                continue;
            }
            Call::Version
            | Call::AbiVersion
            | Call::DkgPart1
            | Call::DkgPart2
            | Call::DkgPart2Sealed
            | Call::DkgPart3
            | Call::PersistDistributedDkgKeyPackage
            | Call::BuildTaprootTx
            | Call::DeriveInteractiveAttemptContext
            | Call::InteractiveSessionOpen
            | Call::InteractiveSessionRound1
            | Call::InteractiveSessionRound2
            | Call::InteractiveSessionAbort
            | Call::InteractiveAggregate
            | Call::VerifySignatureShare
            | Call::TriggerEmergencyRekey
            | Call::QuarantineStatus
            | Call::HardeningMetrics => "signer_not_configured",
        };
        assert_eq!(said["code"], expected, "{}: {said}", call.as_str());
    }
}
