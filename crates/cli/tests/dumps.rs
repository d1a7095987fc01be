#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! The program leaves no core dump, and lets nobody of its own user look into it.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Nobody in particular.
const OTHER_USER: u32 = 65_534;

/// A shell that sets a limit and becomes the program; root gives up its rights, as a service would.
fn limited(limit: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{limit} 2>/dev/null; exec \"$@\""), "sh"])
        .arg(env!("CARGO_BIN_EXE_hardfrost"))
        .args(arguments);
    if rustix::process::geteuid().is_root() {
        command.uid(OTHER_USER);
    }
    command
}

#[test]
fn e13_nothing_starts_where_no_memory_can_be_locked() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let demo = ["demo", "-t", "2", "-n", "2"];
    let refused = limited("ulimit -l 0", &demo)
        .current_dir(folder.path())
        .output();
    let refused = refused.unwrap();
    let why = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{why}");
    assert!(
        why.contains("locks no memory") && why.contains("ulimit -l"),
        "{why}"
    );
    // With the limit as it is, it is not that which stops it.
    let done = limited("true", &demo)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let why = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{why}");
}

/// A program that waits for a roster that nobody writes, so it is past its beginning.
struct Waiting {
    child: Child,
    _folder: TempDir,
}

impl Waiting {
    /// Started by a shell that allows core dumps.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let pipe = folder.path().join("pipe");
        let made = Command::new("mkfifo")
            .args(["-m", "666"])
            .arg(&pipe)
            .status();
        assert!(made.unwrap().success());
        let show = ["psbt", "show", "-", "--certificate", "none", "--roster"];
        let mut command = limited("ulimit -c unlimited", &show);
        command
            .arg(&pipe)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Self {
            child: command.spawn().unwrap(),
            _folder: folder,
        }
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.child.id())
    }

    /// Once the kernel says that it waits for a pipe, it has begun.
    fn until_it_reads(&mut self) {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut why = String::new();
                let errors = self.child.stderr.take();
                errors.unwrap().read_to_string(&mut why).unwrap();
                panic!("it ended, {status}: {why}");
            }
            let ours = fs::read_to_string(self.file("cmdline")).unwrap();
            let status = fs::read_to_string(self.file("status")).unwrap();
            if !ours.starts_with("sh") && status.contains("State:\tS") {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn e13_the_program_leaves_no_core_dump_and_is_not_traced() {
    let mut waiting = Waiting::start();
    waiting.until_it_reads();
    let limits = fs::read_to_string(waiting.file("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
    // What the kernel thinks of a process that may not be dumped: its files are root's.
    let owner = fs::metadata(waiting.file("mem")).unwrap().uid();
    assert_eq!(owner, 0, "others of its user may look into it");
}
