//! A demonstration's nodes are processes: cheats among them are caught, and none outlives it, however it ends.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::event::{poll, PollFd, PollFlags, Timespec};
use rustix::process::{kill_process, pidfd_open, Pid, PidfdFlags, Signal};
use serde_json::Value;
use tempfile::TempDir;

/// Far longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    // Folders that are removed at the end are made here.
    command.current_dir(dir).env("TMPDIR", dir.join("scratch"));
    command.args(arguments);
    command
}

fn hardfrost(dir: &Path, arguments: &[&str]) -> Output {
    command(dir, arguments).output().unwrap()
}

fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("scratch")).unwrap();
    dir
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn demo_json(dir: &Path, arguments: &[&str]) -> Value {
    let output = hardfrost(dir, &[&["demo", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries.map(|it| name(it).into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs a group in which members cheat so, and has a stranger judge every proof.
fn convicted(sizes: &[&str], cheat_kind: &str, proven: &str) -> usize {
    let dir = folder();
    let cheat = ["--cheat-kind", cheat_kind];
    let report = demo_json(dir.path(), &[sizes, &cheat].concat());
    assert_eq!(report["verified"], true, "{cheat_kind}");
    let culprits = report["culprits"].as_array().unwrap();
    for culprit in culprits {
        assert_eq!(culprit["kind"], proven);
        let judged = hardfrost(
            dir.path(),
            &[
                "blame",
                "verify",
                culprit["evidence"].as_str().unwrap(),
                "--certificate",
                "hardfrost-demo/certificate.bin",
                "--roster",
                "hardfrost-demo/roster.toml",
                "--json",
            ],
        );
        let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
        assert_eq!(
            (&judged["member"], &judged["trusted"]),
            (&culprit["member"], &Value::from(true))
        );
    }
    assert_eq!(names(&dir.path().join("scratch")), [] as [&str; 0]);
    culprits.len()
}

const FIVE: [&str; 6] = ["-t", "3", "-n", "5", "--cheat", "1"];

#[test]
fn a_cheat_among_five_processes_is_named_whatever_it_does() {
    for (cheat_kind, proven) in [
        ("bad-share", "invalid-share"),
        ("double-share", "double-share"),
        ("double-commit", "double-commitments"),
    ] {
        assert_eq!(convicted(&FIVE, cheat_kind, proven), 1, "{cheat_kind}");
    }
    // A coordinator whose turn passes before it has shown its packages to anybody has not cheated yet.
    for (cheat_kind, proven) in [
        ("double-package", "double-package"),
        ("bad-package", "malformed-package"),
    ] {
        let mut runs = (0..5).map(|_| convicted(&FIVE, cheat_kind, proven));
        assert!(runs.any(|culprits| culprits == 1), "{cheat_kind}");
    }
    for unproven in ["stall", "withhold"] {
        assert_eq!(convicted(&FIVE, unproven, "nothing"), 0, "{unproven}");
    }
}

#[test]
fn two_cheats_and_a_silent_one_among_ten_processes_do_not_stop_seven() {
    let ten = ["-t", "7", "-n", "10", "--silent", "1", "--cheat", "2"];
    assert!(convicted(&ten, "double-share", "double-share") > 0);
}

/// A demonstration that waits for members that never answer: it is at work until somebody ends it.
struct Waiting {
    demo: Child,
    nodes: Vec<OwnedFd>,
    dir: TempDir,
}

impl Waiting {
    fn start(arguments: &[&str]) -> Self {
        let dir = folder();
        let hopeless = ["demo", "-t", "3", "-n", "3", "--silent", "2"];
        let mut command = command(dir.path(), &[&hopeless, arguments].concat());
        let mut demo = command.stdout(Stdio::piped()).spawn().unwrap();
        let story = BufReader::new(demo.stdout.take().unwrap());
        let mut lines = story.lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("   from here on, silent")));
        // Whoever is killed by now is a process all the same until it is waited for.
        let nodes = children(demo.id()).map(|id| pidfd_open(id, PidfdFlags::empty()));
        let nodes: Vec<OwnedFd> = nodes.flatten().collect();
        assert!(!nodes.is_empty());
        Self { demo, nodes, dir }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.demo), signal).unwrap();
    }

    /// Its exit code, once no node is left.
    fn ended(&mut self) -> Option<i32> {
        let status = self.demo.wait().unwrap();
        for node in &self.nodes {
            let mut ends = [PollFd::new(node, PollFlags::IN)];
            let ended = poll(&mut ends, Some(&PATIENCE)).unwrap();
            assert_eq!(ended, 1, "a node outlives the demonstration");
        }
        status.code()
    }
}

/// The processes that this one has started.
fn children(of: u32) -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").unwrap();
    let stats =
        entries.filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("stat")).ok());
    stats.filter_map(move |stat| {
        // Number, name in brackets, state, parent.
        let (number, rest) = stat.split_once(' ')?;
        let parent = rest.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        let ours = parent == of.to_string();
        ours.then(|| Pid::from_raw(number.parse().unwrap()).unwrap())
    })
}

#[test]
fn who_ends_a_demonstration_early_ends_its_nodes_and_leaves_no_folder() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut waiting = Waiting::start(&[]);
        waiting.signal(signal);
        assert_eq!(waiting.ended(), Some(1));
        assert_eq!(names(&waiting.dir.path().join("scratch")), [] as [&str; 0]);
    }
}

#[test]
fn nodes_end_though_their_demonstration_is_killed_and_start_again_as_they_are() {
    let mut waiting = Waiting::start(&["--keep", "group"]);
    waiting.signal(Signal::KILL);
    assert_eq!(waiting.ended(), None);
    // What it had begun to write is its own as well.
    let report = demo_json(waiting.dir.path(), &["--keep", "group"]);
    assert_eq!(report["verified"], true);
}

#[test]
fn a_demonstration_that_fails_leaves_no_node_and_no_folder() {
    let dir = folder();
    let failed = hardfrost(dir.path(), &["demo", "-t", "2", "-n", "2", "--silent", "1"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        stderr(&failed).contains("infeasible: 1 of 2"),
        "{}",
        stderr(&failed)
    );
    assert_eq!(names(&dir.path().join("scratch")), [] as [&str; 0]);
}

/// A node of a kept group, started by hand.
struct ByHand(Child);

impl ByHand {
    fn start(dir: &Path, node: &str) -> Self {
        let mut run = command(dir, &["node", "run", "--attached", "--node", node]);
        run.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = run.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = log.any(|line| line.unwrap().starts_with("hardfrost node is ready"));
        assert!(ready, "{node} did not start");
        Self(child)
    }

    /// Lets go of it; its exit code.
    fn stop(mut self) -> Option<i32> {
        drop(self.0.stdin.take());
        self.0.wait().unwrap().code()
    }
}

#[test]
fn a_kept_group_is_a_federation_that_is_started_by_hand() {
    let dir = folder();
    let dir = dir.path();
    let report = demo_json(dir, &["--keep", "group", "-t", "2", "-n", "3"]);
    assert_eq!(
        names(&dir.join("group")),
        ["alice", "bob", "carol", "certificate.bin", "roster.toml"]
    );
    let alice = ByHand::start(dir, "group/alice");
    let address = hardfrost(dir, &["address", "--node", "group/alice"]);
    let address = String::from_utf8(address.stdout).unwrap();
    assert_eq!(address.trim(), report["address"]);
    let refused = hardfrost(dir, &["demo", "--keep", "group"]);
    assert_eq!(refused.status.code(), Some(1));
    let why = stderr(&refused);
    assert!(why.contains("alice's node runs already"), "{why}");
    let bob = ByHand::start(dir, "group/bob");
    let sample = ["psbt", "sample", "--node", "group/bob", "--out", "a.psbt"];
    let approve = ["psbt", "approve", "--node", "group/bob", "--yes", "a.psbt"];
    let sign = ["psbt", "sign", "--node", "group/alice", "--yes", "a.psbt"];
    for step in [
        &sample[..],
        &approve,
        &[&sign[..], &["--out", "b.psbt"]].concat(),
    ] {
        let done = hardfrost(dir, step);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    }
    let last = hardfrost(dir, &["psbt", "finalize", "b.psbt"]);
    assert_eq!(last.status.code(), Some(0), "{}", stderr(&last));
    assert_eq!((alice.stop(), bob.stop()), (Some(0), Some(0)));
}

#[test]
fn a_node_that_does_not_start_says_why() {
    let dir = folder();
    let dir = dir.path();
    demo_json(dir, &["--keep", "group", "-t", "2", "-n", "3"]);
    let file = dir.join("group/bob/node.toml");
    let good = fs::read_to_string(&file).unwrap();
    let listen = good.split('"').nth(1).unwrap();
    let taken = TcpListener::bind(listen).unwrap();
    let refused = hardfrost(dir, &["demo", "--keep", "group"]);
    assert_eq!(refused.status.code(), Some(1));
    let why = stderr(&refused);
    assert!(why.contains("bob's node is not there"), "{why}");
    assert!(why.contains(&format!("cannot listen at {listen}")), "{why}");
    drop(taken);
    fs::write(&file, good.replacen("listen", "lisetn", 1)).unwrap();
    let refused = hardfrost(dir, &["demo", "--keep", "group"]);
    let why = stderr(&refused);
    assert!(
        why.contains("bob/node.toml") && why.contains("lisetn"),
        "{why}"
    );
    fs::write(&file, &good).unwrap();
    let roster = dir.join("group/carol/roster.toml");
    let other: PathBuf = dir.join("other/alice/roster.toml");
    demo_json(dir, &["--keep", "other", "-t", "2", "-n", "3"]);
    fs::copy(other, roster).unwrap();
    let refused = hardfrost(dir, &["demo", "--keep", "group"]);
    let why = stderr(&refused);
    assert!(why.contains("carol's node is not there"), "{why}");
    assert!(why.contains("has no seat in the roster"), "{why}");
}
