//! The binary as a person runs it: results, files, exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Psbt, Transaction};
use serde_json::Value;

fn hardfrost(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.current_dir(dir).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn demo_json(dir: &Path, arguments: &[&str]) -> Value {
    let output = hardfrost(dir, &[&["demo", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn transaction(path: &Path) -> Transaction {
    deserialize_hex(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Bip445 is what the other tests sign with.
#[test]
fn the_suite_that_other_hosts_speak_is_there_for_the_asking() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["-t", "2", "-n", "3", "--suite", "tr", "--cheat", "1"];
    let report = demo_json(dir.path(), &arguments);
    assert_eq!(report["verified"], true);
    assert_eq!(report["culprits"][0]["kind"], "invalid-share");
    let roster =
        |name: &str| fs::read_to_string(dir.path().join(name).join("roster.toml")).unwrap();
    assert!(roster("hardfrost-demo").contains("suite = \"tr\""));
    demo_json(dir.path(), &["-t", "2", "-n", "3", "--out", "default"]);
    assert!(roster("default").contains("suite = \"bip445\""));
    let unknown = hardfrost(dir.path(), &["demo", "--suite", "musig"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("tr or bip445"),
        "{}",
        stderr(&unknown)
    );
}

#[test]
fn the_report_has_its_stable_fields_and_says_verified() {
    let dir = tempfile::tempdir().unwrap();
    let report = demo_json(dir.path(), &["-t", "2", "-n", "3"]);
    let fields: Vec<&String> = report.as_object().unwrap().keys().collect();
    let stable = [
        "address",
        "attempts",
        "culprits",
        "group_key",
        "inputs_left",
        "transaction",
        "txid",
        "verified",
    ];
    assert_eq!(fields, stable);
    assert_eq!(report["verified"], true);
    assert_eq!(report["culprits"], serde_json::json!([]));
    let attempt = &report["attempts"][0];
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["chosen"].as_array().unwrap().len(), 2);
    assert_eq!(attempt["owing"], serde_json::json!([]));
    assert!((1..=3).contains(&attempt["coordinator"].as_u64().unwrap()));
    assert!(attempt["millis"].is_u64());
}

#[test]
fn the_files_tell_the_story_again_without_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let report = demo_json(dir.path(), &["--out", "here"]);
    let out = dir.path().join("here");
    let (funding, spending) = (
        transaction(&out.join("funding.hex")),
        transaction(&out.join("spending.hex")),
    );
    assert_eq!(
        spending.compute_txid().to_string(),
        report["txid"].as_str().unwrap()
    );
    assert_eq!(
        spending.input[0].previous_output.txid,
        funding.compute_txid()
    );
    let after = Psbt::deserialize(&fs::read(out.join("spend.after.psbt")).unwrap()).unwrap();
    let signature = after.inputs[0].tap_key_sig.unwrap();
    assert_eq!(spending.input[0].witness.to_vec(), vec![signature.to_vec()]);
    let before = Psbt::deserialize(&fs::read(out.join("spend.before.psbt")).unwrap()).unwrap();
    assert_eq!(before.inputs[0].tap_key_sig, None);
    assert_eq!(before.unsigned_tx, after.unsigned_tx);
}

#[test]
fn a_second_demo_takes_the_same_folder_and_a_foreign_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = demo_json(dir.path(), &["-t", "2", "-n", "2"]);
    let second = demo_json(dir.path(), &["-t", "2", "-n", "2"]);
    assert_ne!(first["group_key"], second["group_key"]);
    let foreign = dir.path().join("mine");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("roster.toml"), "precious").unwrap();
    let refused = hardfrost(dir.path(), &["demo", "--out", "mine"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("holds other files"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(
        fs::read_to_string(foreign.join("roster.toml")).unwrap(),
        "precious"
    );
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn wrong_usage_is_exit_code_2_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (["-t", "6", "-n", "5"], "more members would have to sign"),
        (["-t", "1", "-n", "5"], "at least 2 members must sign"),
        (["-t", "3", "-n", "129"], "2 to 128 members"),
        (["-t", "2", "-n", "1"], "2 to 128 members"),
        (["-t", "x", "-n", "5"], "invalid value 'x'"),
    ] {
        let output = hardfrost(dir.path(), &[&["demo"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

fn show(dir: &Path, psbt: &str, extra: &[&str]) -> Output {
    let files = [
        "--certificate",
        "hardfrost-demo/certificate.bin",
        "--roster",
        "hardfrost-demo/roster.toml",
    ];
    hardfrost(dir, &[&["psbt", "show", psbt], &files[..], extra].concat())
}

#[test]
fn psbt_show_explains_what_the_group_is_asked_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let report = demo_json(dir.path(), &["-t", "2", "-n", "2"]);
    let shown = show(dir.path(), "hardfrost-demo/spend.before.psbt", &["--json"]);
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["group_key"], report["group_key"]);
    assert_eq!(shown["txid"], report["txid"]);
    assert_eq!(shown["inputs_to_sign"].as_array().unwrap().len(), 1);
    let words = show(dir.path(), "hardfrost-demo/spend.before.psbt", &[]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("change, back to us"), "{words}");
}

#[test]
fn b03_an_unreadable_psbt_is_refused_alone() {
    let dir = tempfile::tempdir().unwrap();
    demo_json(dir.path(), &["-t", "2", "-n", "2"]);
    let good = fs::read(dir.path().join("hardfrost-demo/spend.before.psbt")).unwrap();
    let cut = &good[..good.len() - 7];
    for bytes in [&b""[..], b"not a psbt", cut] {
        fs::write(dir.path().join("bad.psbt"), bytes).unwrap();
        let refused = show(dir.path(), "bad.psbt", &[]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            stderr(&refused).contains("bad.psbt"),
            "{}",
            stderr(&refused)
        );
        assert_eq!(fs::read(dir.path().join("bad.psbt")).unwrap(), bytes);
    }
    assert_eq!(show(dir.path(), "absent.psbt", &[]).status.code(), Some(1));
}
