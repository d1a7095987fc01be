#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A node whose engine is a process of its own, which goes and comes back.

mod shell;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::process::Signal;
use shell::{alone, hardfrost, refused, said, Node};

const SERVE: &str =
    "engine serve --store alice/engine --key-file alice/engine.key --socket run/engine.sock";

/// An operator whose configuration names a socket in the place of the engine's store.
fn apart() -> tempfile::TempDir {
    let folder = alone();
    let here = folder.path();
    fs::DirBuilder::new()
        .mode(0o700)
        .create(here.join("run"))
        .unwrap();
    let file = here.join("alice/node.toml");
    let whole = fs::read_to_string(&file).unwrap();
    let here_or_there = whole.replace(
        "store = \"engine\"\nkey_file = \"engine.key\"",
        "socket = \"../run/engine.sock\"",
    );
    assert_ne!(here_or_there, whole);
    fs::write(&file, here_or_there).unwrap();
    folder
}

fn stop(program: Node) {
    program.signal(Signal::TERM);
    assert_eq!(program.end().0, Some(0));
}

fn kill(program: Node) {
    program.signal(Signal::KILL);
    assert_eq!(program.end().0, None);
}

/// Starts the engine again; the node finds it without a hand.
fn again(here: &Path) -> Node {
    let engine = Node::program(here, SERVE);
    while !hardfrost(here, "key list --node alice").status.success() {}
    engine
}

fn sign(here: &Path) {
    said(here, "psbt sample --node alice --out spend.psbt");
    said(
        here,
        "psbt sign --node alice spend.psbt --yes --out signed.psbt",
    );
    said(here, "psbt finalize signed.psbt");
}

#[test]
fn a_node_signs_with_an_engine_of_another_process_and_again_after_that_was_killed() {
    let folder = apart();
    let here = folder.path();
    let error = refused(here, "node run --node alice", 1);
    assert!(error.contains("hardfrost engine serve"), "{error}");
    let engine = Node::program(here, SERVE);
    let node = Node::run(here);
    said(here, "key create --node alice -t 2");
    sign(here);
    let status = said(here, "node status --node alice");
    assert!(status.contains("engine.sock"), "{status}");
    kill(engine);
    // Gone: whoever asks is told so, or that the line is broken; nothing else.
    let away = hardfrost(here, "key list --node alice");
    assert_eq!(away.status.code(), Some(1));
    let engine = Node::program(here, SERVE);
    // The node finds it without a hand, as another incarnation.
    while !hardfrost(here, "key list --node alice").status.success() {}
    sign(here);
    // Stopped in order, it goes the same way.
    stop(engine);
    let engine = again(here);
    sign(here);
    stop(node);
    stop(engine);
    let checked = said(here, "store check alice/engine --key-file alice/engine.key");
    assert!(checked.contains("0 sealed files verify."), "{checked}");
}

#[test]
fn a_node_whose_engine_is_away_still_says_what_it_knows() {
    let folder = apart();
    let here = folder.path();
    let engine = Node::program(here, SERVE);
    let check = "node run --node alice --check --json";
    let sound = said(here, check);
    assert!(sound.contains(r#""engine":"sound","keys":0"#), "{sound}");
    let node = Node::run(here);
    let busy = said(here, check);
    assert!(busy.contains("serves a node already"), "{busy}");
    stop(engine);
    // In the moment in which it goes the line may break.
    let status = loop {
        let output = hardfrost(here, "node status --node alice");
        let status = String::from_utf8(output.stdout).unwrap();
        if status.contains("              away") {
            break status;
        }
    };
    let flat = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("start it again (hardfrost engine serve)"),
        "{flat}"
    );
    assert!(!flat.contains("key create"), "not known: {flat}");
    let error = refused(here, "key list --node alice", 1);
    assert!(error.contains("engine.sock is away"), "{error}");
    said(here, "session list --node alice");
    let error = refused(here, check, 1);
    assert!(error.contains("hardfrost engine serve"), "{error}");
    stop(node);
}

/// Another engine in its place has other keys and other records: the node does not mix what it knows with them.
#[test]
fn an_engine_with_another_store_is_not_taken_for_the_one_that_went() {
    let folder = apart();
    let here = folder.path();
    said(here, "init bob --name bob --listen 127.0.0.1:1");
    let engine = Node::program(here, SERVE);
    let node = Node::run(here);
    said(here, "key create --node alice -t 2");
    kill(engine);
    let other = Node::program(here, &SERVE.replace("alice/", "bob/"));
    while !told(here).contains("has another store") {}
    refused(here, "key list --node alice", 1);
    kill(other);
    let engine = again(here);
    sign(here);
    stop(node);
    stop(engine);
}

/// It is there, and silent: whoever asks the node is told so, and the node goes on when the engine does.
#[test]
fn a_node_whose_engine_says_nothing_says_so() {
    let folder = apart();
    let here = folder.path();
    let engine = Node::program(here, SERVE);
    let node = Node::run(here);
    said(here, "key create --node alice -t 2");
    engine.signal(Signal::STOP);
    let status = said(here, "node status --node alice --json");
    assert!(status.contains("the engine does not answer"), "{status}");
    let error = refused(here, "key list --node alice", 1);
    assert!(error.contains("the engine does not answer"), "{error}");
    engine.signal(Signal::CONT);
    sign(here);
    stop(node);
    stop(engine);
}

/// An older copy of the same store lacks what came after it: approvals, nonces, keys.
#[test]
fn an_engine_whose_store_went_back_is_not_taken_for_the_one_that_went() {
    let folder = apart();
    let here = folder.path();
    let engine = Node::program(here, SERVE);
    stop(engine);
    let copied = std::process::Command::new("cp")
        .args(["-a", "alice/engine", "older"])
        .current_dir(here)
        .status();
    assert!(copied.unwrap().success());
    let mut engine = Node::program(here, SERVE);
    let node = Node::run(here);
    // Each start is another generation of it; the node goes along.
    for _ in 0..2 {
        kill(engine);
        engine = again(here);
    }
    said(here, "key create --node alice -t 2");
    kill(engine);
    let older = Node::program(here, &SERVE.replace("alice/engine ", "older "));
    while !told(here).contains("went back") {
        refused(here, "key list --node alice", 1);
    }
    kill(older);
    let engine = again(here);
    sign(here);
    stop(node);
    stop(engine);
}

/// What the node says of itself, whatever that is.
fn told(here: &Path) -> String {
    let output = hardfrost(here, "node status --node alice --json");
    String::from_utf8(output.stdout).unwrap()
}
