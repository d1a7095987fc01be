//! The binary, as a shell calls it, and a node that runs.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use hardfrost_primitives::Hash32;
use rustix::process::{kill_process, Pid, Signal};
use tempfile::TempDir;

pub fn hardfrost(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    let words = line.split_whitespace();
    command.args(words).current_dir(folder);
    command.stdin(Stdio::null()).output().unwrap()
}

/// What a command that succeeds prints.
pub fn said(folder: &Path, line: &str) -> String {
    let output = hardfrost(folder, line);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that fails with this exit code.
pub fn refused(folder: &Path, line: &str, code: i32) -> String {
    let output = hardfrost(folder, line);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{line}: {error}");
    error
}

/// An operator alone with its roster, who listens where no other test does: all of 127/8 is this machine.
pub fn alone() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().as_os_str().as_encoded_bytes();
    let Hash32([high, low, port, ..]) = Hash32::of(name);
    let at = format!("127.{high}.{low}.77:{}", 7000 + u16::from(port));
    let here = folder.path();
    said(
        here,
        &format!("init alice --name alice --seats 2 --listen {at}"),
    );
    let roster = said(here, "roster new alice/card.toml");
    fs::write(here.join("alice/roster.toml"), roster).unwrap();
    folder
}

pub struct Node {
    child: Child,
    log: BufReader<PipeReader>,
}

impl Node {
    /// Runs until it says that it is ready.
    pub fn run(folder: &Path) -> Self {
        Self::program(folder, "node run --node alice")
    }

    /// Runs another program of ours until it says so.
    pub fn program(folder: &Path, line: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
        command.args(line.split_whitespace()).current_dir(folder);
        // What it says comes from both.
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        drop(command);
        let mut log = BufReader::new(reader);
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
        }
        Self { child, log }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Its exit code, and the rest of its log.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}
