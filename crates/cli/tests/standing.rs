//! `hardfrost store kill-switch` and `quarantine`: what an operator orders holds at the next start.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn hardfrost(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.current_dir(dir).args(arguments).output().unwrap()
}

fn refused(output: &Output, code: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{error}");
    error
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A folder in which a 2-of-3 group is kept, and its key.
fn kept() -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let demo = ["demo", "--json", "--keep", "group", "-t", "2", "-n", "3"];
    let report = json(&hardfrost(dir.path(), &demo));
    let key = report["group_key"].as_str().unwrap().to_owned();
    (dir, key)
}

/// An order to the store of a node.
fn store(dir: &Path, node: &str, order: &[&str]) -> Output {
    let (action, rest) = order.split_first().unwrap();
    let place = format!("group/{node}/engine");
    let key = format!("group/{node}/engine.key");
    let named = ["store", action, &place, "--key-file", &key];
    hardfrost(dir, &[&named, rest].concat())
}

#[test]
fn e26_a_kill_switch_from_the_command_line_holds_at_the_next_start() {
    let (dir, key) = kept();
    let dir = dir.path();
    let plain = ["kill-switch", "--reason", "stolen"];
    let meant = refused(&store(dir, "bob", &plain), 2);
    assert!(meant.contains("--for-good"), "{meant}");
    let set = [&plain[..], &["--for-good", "--json"]].concat();
    let first = json(&store(dir, "bob", &set));
    assert_eq!(
        (&first["group"], &first["reason"]),
        (&Value::from(key), &Value::from("stolen"))
    );
    let other = ["kill-switch", "--reason", "lost", "--for-good", "--json"];
    assert_eq!(
        json(&store(dir, "bob", &other)),
        first,
        "a repeat reports the first"
    );
    let demo = hardfrost(dir, &["demo", "--json", "--keep", "group"]);
    let why = refused(&demo, 1);
    assert!(why.contains("emergency_rekey_required"), "{why}");
}

#[test]
fn e25_a_quarantine_from_the_command_line_is_lifted_again() {
    let (dir, _) = kept();
    let dir = dir.path();
    let order = [
        "quarantine",
        "--member",
        "3",
        "--reason",
        "silent",
        "--json",
    ];
    let standing = json(&store(dir, "alice", &order));
    assert_eq!(
        (&standing["member"], &standing["quarantined"]),
        (&Value::from(3), &Value::from(true))
    );
    let lift = ["quarantine", "--member", "3", "--lift", "--json"];
    assert_eq!(json(&store(dir, "alice", &lift))["quarantined"], false);
    let demo = hardfrost(dir, &["demo", "--json", "--keep", "group"]);
    assert_eq!(json(&demo)["verified"], true);
}

#[test]
fn an_order_that_means_nothing_changes_nothing() {
    let (dir, _) = kept();
    let dir = dir.path();
    let nobody = ["quarantine", "--member", "9", "--reason", "silent"];
    assert!(refused(&store(dir, "alice", &nobody), 1).contains("no member 9"));
    let zero = ["quarantine", "--member", "0", "--reason", "silent"];
    refused(&store(dir, "alice", &zero), 1);
    let lines = ["quarantine", "--member", "3", "--reason", "a\nb"];
    refused(&store(dir, "alice", &lines), 2);
    refused(&store(dir, "alice", &["quarantine", "--member", "3"]), 2);
    let other = format!("02{}", "11".repeat(32));
    let foreign = [
        "kill-switch",
        "--reason",
        "x",
        "--for-good",
        "--group",
        &other,
    ];
    refused(&store(dir, "alice", &foreign), 1);
    let demo = hardfrost(dir, &["demo", "--json", "--keep", "group"]);
    assert_eq!(json(&demo)["verified"], true);
}
