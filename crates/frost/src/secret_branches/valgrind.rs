//! Runs a victim under valgrind and reads what valgrind says of it.
#![allow(
    clippy::disallowed_methods,
    reason = "this drives another process and tells it by a file when to go on"
)]

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Where a value lies.
pub(super) fn place<T>(value: &T) -> Range<usize> {
    let start = std::ptr::from_ref(value).addr();
    start..start + size_of::<T>()
}

/// A victim says where secrets lie and waits until they are poisoned and the file named on standard input is there. It
/// must not block: valgrind takes these orders only while a thread runs.
pub(super) fn poisoned(secrets: &[Range<usize>]) {
    let mut go = String::new();
    std::io::stdin().read_line(&mut go).unwrap();
    println!();
    for secret in secrets {
        println!("secret {:#x} {}", secret.start, secret.len());
    }
    println!("ready");
    std::io::stdout().flush().unwrap();
    while !Path::new(go.trim_end()).exists() {}
}

/// A place where something depends on a secret.
#[derive(Debug)]
#[allow(dead_code, reason = "shown when a test fails")]
pub(super) struct Complaint {
    what: String,
    /// From the innermost function on.
    stack: Vec<String>,
}

impl Complaint {
    /// Whether one of these functions looks itself, or somebody looks at a public point to write it down.
    fn excused(&self, looking: &[&str]) -> bool {
        let itself = |frame: &String| looking.iter().any(|name| frame.contains(name));
        self.stack.first().is_some_and(itself)
            || self
                .stack
                .iter()
                .any(|frame| frame.contains("ec_pubkey_serialize"))
    }
}

/// What valgrind complains of in a victim beside what the `excused` functions look at; `None` without valgrind.
pub(super) fn complaints(victim: &str, excused: &[&str]) -> Option<Vec<Complaint>> {
    let found = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !found("valgrind") || !found("vgdb") {
        eprintln!("valgrind is not installed: nothing was checked");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let prefix = format!("--vgdb-prefix={}", folder.path().join("pipe").display());
    let go = folder.path().join("go");
    let mut running = Command::new("valgrind")
        .args(["--quiet", "--vgdb=yes", "--num-callers=30", &prefix])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("secret_branches::{victim}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let poisoned = poison(&mut running, &prefix, &go);
    assert!(poisoned > 0, "{victim} says where its secrets lie");
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let said = String::from_utf8_lossy(&done.stderr);
    let found = read(&said).into_iter();
    Some(found.filter(|found| !found.excused(excused)).collect())
}

/// Passes on where the secrets lie, and lets the victim go on. How many there were.
fn poison(running: &mut Child, prefix: &str, go: &Path) -> usize {
    let pid = format!("--pid={}", running.id());
    let mut input = running.stdin.take().unwrap();
    writeln!(input, "{}", go.display()).unwrap();
    let mut poisoned = 0;
    for line in BufReader::new(running.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((address, bytes)) = line.strip_prefix("secret ").and_then(|l| l.split_once(' '))
        {
            let order = ["make_memory", "undefined", address, bytes];
            let done = Command::new("vgdb")
                .args([&pid, prefix])
                .args(order)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
            poisoned += 1;
        }
        if line == "ready" {
            std::fs::write(go, []).unwrap();
        }
    }
    poisoned
}

/// Each complaint is a line that says what, then the stack.
fn read(said: &str) -> Vec<Complaint> {
    let lines: Vec<&str> = said.lines().collect();
    let complaint = |(at, what): (usize, &&str)| {
        let stack = lines.iter().skip(at + 1);
        let stack = stack.take_while(|l| l.contains("  at 0x") || l.contains("  by 0x"));
        what.contains("uninitialised").then(|| Complaint {
            what: (*what).to_owned(),
            stack: stack.map(|frame| (*frame).to_owned()).collect(),
        })
    };
    lines.iter().enumerate().filter_map(complaint).collect()
}
