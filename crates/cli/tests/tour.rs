//! The README's tour, typed word for word. What is indented in that section is a command; what is framed is not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::Transaction;

const TITLE: &str = "## A group in ten minutes\n";
/// The README's own ports, which may be taken where this runs.
const PORTS: [&str; 3] = ["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"];

/// The section's commands, one a line, but for those that build the program and make it known to the shell.
fn commands() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(readme).unwrap();
    let section = text.split_once(TITLE).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let mut framed = false;
    let mut typed = Vec::new();
    for line in section.lines() {
        framed ^= line.starts_with("```");
        let command = line.strip_prefix("    ").filter(|_| !framed);
        typed.extend(command.map(str::to_owned));
    }
    let begin = typed.iter().position(|line| line.starts_with("mkdir "));
    let built = typed.drain(..begin.unwrap());
    assert_eq!(built.count(), 2, "to build, and to be found");
    typed
}

/// As many ports that are free now.
fn free() -> [SocketAddr; 3] {
    let listen = PORTS.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listen.map(|held| held.local_addr().unwrap())
}

#[test]
fn the_tour_of_the_readme_is_true_word_for_word() {
    let mut script = commands().join("\n");
    for (port, free) in PORTS.iter().zip(free()) {
        assert!(script.contains(port));
        script = script.replace(port, &free.to_string());
    }
    // Whatever fails, no node stays.
    let begin = "set -euo pipefail\ntrap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT\n";
    let end = "\nwait\n";
    let dir = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_hardfrost"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut bash = Command::new("bash");
    bash.current_dir(dir.path()).env("PATH", path);
    bash.arg("-c").arg(format!("{begin}{script}{end}"));
    let done = bash.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let error = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}\n{error}");
    for word in [
        "signed by all members",
        "change, back to us",
        "state     signed",
        "bcrt1p",
    ] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
    for name in ["transaction.hex", "second.hex"] {
        let hex = fs::read_to_string(dir.path().join("tour").join(name)).unwrap();
        let signed: Transaction = deserialize_hex(hex.trim()).unwrap();
        assert_eq!(signed.input[0].witness.len(), 1, "{name}");
    }
}
