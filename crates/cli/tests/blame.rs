//! Evidence files as a stranger judges them: offline, with the binary and the group's public files only.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn hardfrost(dir: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.current_dir(dir);
    command.args(arguments.split_whitespace()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with a demonstration in which one member cheated so, and the path of the evidence against it.
fn cheated(cheat_kind: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let demo = format!("demo --in-process --json --cheat 1 --cheat-kind {cheat_kind}");
    let output = hardfrost(dir.path(), &demo);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let evidence = report["culprits"][0]["evidence"].as_str().unwrap();
    (dir, evidence.to_owned())
}

const TRUSTED: &str =
    "--certificate hardfrost-demo/certificate.bin --roster hardfrost-demo/roster.toml";

fn refused(dir: &Path, arguments: &str) -> String {
    let output = hardfrost(dir, &format!("blame verify {arguments}"));
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
    assert_eq!(said, "", "{arguments}");
    text(&output.stderr)
}

#[test]
fn every_kind_of_proof_convicts_offline_by_the_groups_own_files() {
    for (cheat_kind, kind, words) in [
        ("bad-share", "invalid-share", "does not fit"),
        ("double-share", "double-share", "two different shares"),
        (
            "double-commit",
            "double-commitments",
            "two different commitments",
        ),
        ("double-package", "double-package", "two packages"),
        ("bad-package", "malformed-package", "a package that is none"),
    ] {
        let (dir, evidence) = cheated(cheat_kind);
        let judge = format!("blame verify {evidence} {TRUSTED}");
        let output = hardfrost(dir.path(), &judge);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(
            said.contains("Convicts member ") && said.contains(words),
            "{said}"
        );
        assert!(!said.contains("file itself brings"), "{said}");
        let output = hardfrost(dir.path(), &format!("{judge} --json"));
        let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(judged["kind"], kind);
        assert_eq!(judged["trusted"], true);
    }
}

#[test]
fn without_the_groups_files_the_verdict_holds_only_within_what_the_file_brings() {
    let (dir, evidence) = cheated("bad-share");
    let said = text(&hardfrost(dir.path(), &format!("blame verify {evidence}")).stdout);
    assert!(said.contains("Convicts member 1 (operator-1)"), "{said}");
    assert!(said.contains("within the roster"), "{said}");
    assert!(said.contains("that the file itself brings"), "{said}");
    let output = hardfrost(dir.path(), &format!("blame verify {evidence} --json"));
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
    let roster = judged["roster"].as_str().unwrap();
    assert!(said.contains(roster));
    let expected = serde_json::json!({
        "convicts": true,
        "member": 1,
        "operator": "operator-1",
        "kind": "invalid-share",
        "roster": roster,
        "trusted": false,
    });
    assert_eq!(judged, expected);
}

#[test]
fn a_tampered_file_convicts_nobody() {
    let (dir, evidence) = cheated("bad-share");
    let good = fs::read(dir.path().join(&evidence)).unwrap();
    let genuine = hardfrost(dir.path(), &format!("blame verify {evidence} {TRUSTED}")).stdout;
    let mut caught = 0;
    for at in (0..good.len()).step_by(50) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(dir.path().join("bad.bin"), &bad).unwrap();
        refused(dir.path(), "bad.bin");
        // The copies of roster and certificate inside are not looked at by whoever brings his own.
        let output = hardfrost(dir.path(), &format!("blame verify bad.bin {TRUSTED}"));
        match output.status.code() {
            Some(0) => assert_eq!(output.stdout, genuine, "byte {at}"),
            code => {
                assert_eq!(code, Some(1), "byte {at}");
                caught += 1;
            }
        }
    }
    assert!(caught > 10, "the proof itself was never hit");
    fs::write(dir.path().join("bad.bin"), &good[..good.len() - 1]).unwrap();
    refused(dir.path(), "bad.bin");
}

#[test]
fn another_groups_roster_and_certificate_convict_nobody() {
    let (dir, evidence) = cheated("bad-share");
    let (other, _) = cheated("bad-share");
    let foreign = other.path().join("hardfrost-demo");
    let foreign = foreign.display();
    let own = "hardfrost-demo";
    for (certificate, roster) in [
        (format!("{foreign}"), format!("{foreign}")),
        (format!("{foreign}"), own.to_owned()),
        (own.to_owned(), format!("{foreign}")),
    ] {
        let files =
            format!("--certificate {certificate}/certificate.bin --roster {roster}/roster.toml");
        refused(dir.path(), &format!("{evidence} {files}"));
    }
}

#[test]
fn what_is_no_evidence_file_is_refused() {
    let (dir, evidence) = cheated("bad-share");
    fs::write(dir.path().join("empty.bin"), "").unwrap();
    for file in [
        "empty.bin",
        "hardfrost-demo/roster.toml",
        "hardfrost-demo/certificate.bin",
    ] {
        let error = refused(dir.path(), file);
        assert!(error.contains(file), "{error}");
    }
    refused(dir.path(), "absent.bin");
    let half = format!("blame verify {evidence} --roster hardfrost-demo/roster.toml");
    assert_eq!(hardfrost(dir.path(), &half).status.code(), Some(2));
}
