#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! `hardfrost store`: what it prints, what it refuses, and its exit codes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hardfrost_engine::{EncodedRecord, Log};
use hardfrost_store::{FileName, KeyProvider, Opened, Store, StoreDir};
use rustix::fs::OFlags;
use rustix::pty::{grantpt, openpt, ptsname, unlockpt, OpenptFlags};
use rustix::termios::{tcgetattr, LocalModes};
use serde_json::{json, Value};
use tempfile::TempDir;

fn hardfrost(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hardfrost"))
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn printed(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn provider(folder: &Path, name: &str) -> KeyProvider {
    KeyProvider::File(folder.join(name))
}

fn open(folder: &Path, key: &str) -> Opened {
    Store::open(&StoreDir::new(folder.join("store")), &provider(folder, key)).unwrap()
}

/// A folder with a key and a store of three records, opened once and closed.
fn shelf() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    KeyProvider::make_key_file(&folder.path().join("key")).unwrap();
    let dir = StoreDir::new(folder.path().join("store"));
    Store::create(&dir, &provider(folder.path(), "key")).unwrap();
    let store = open(folder.path(), "key").store;
    let records = [1, 2, 2].map(|kind| EncodedRecord::new(kind, vec![kind].into()));
    store.writer().append_durably(&records).unwrap();
    let name = FileName::new("operator").unwrap();
    store.file(name).create(b"secret").unwrap();
    store.close().unwrap();
    folder
}

#[test]
fn status_says_what_the_store_is() {
    let folder = shelf();
    let folder = folder.path();
    let said = printed(&hardfrost(folder, "store status store --key-file key"));
    for line in [
        "generation   1",
        "records      3 (numbers 1 to 3)",
        "schema       2",
        "opened by    a key",
        "sealed file  operator",
    ] {
        assert!(said.lines().any(|found| found == line), "{line}: {said}");
    }
    drop(open(folder, "key"));
    let said = printed(&hardfrost(
        folder,
        "store status store --key-file key --json",
    ));
    let status: Value = serde_json::from_str(&said).unwrap();
    let expected = json!({
        "store": status["store"],
        "generation": 2,
        "records": 3,
        "first": 1,
        "last": 3,
        "schema": 2,
        "opened_by": "key",
        "sealed_files": ["operator"],
        "sound": true,
    });
    assert_eq!(status, expected);
    assert_eq!(status["store"].as_str().unwrap().len(), 32);
}

#[test]
fn check_names_the_damage() {
    let folder = shelf();
    let folder = folder.path();
    let said = printed(&hardfrost(folder, "store check store --key-file key"));
    assert_eq!(said, "3 records and 1 sealed file verify.\n");
    fs::write(folder.join("store/operator.sealed"), "none").unwrap();
    let output = hardfrost(folder, "store check store --key-file key");
    assert!(refused(&output).contains("damaged"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("operator.sealed does not verify"), "{said}");
    let output = hardfrost(folder, "store check store --key-file key --json");
    refused(&output);
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(checked["sound"], false);
    assert_eq!(checked["damages"].as_array().unwrap().len(), 1);
    assert!(refused(&hardfrost(folder, "store status store --key-file key")).contains("check"));
}

/// What a node that was killed left, with one bit of its first transaction flipped on the disk.
#[test]
fn check_names_a_damaged_write_ahead_log() {
    let folder = shelf();
    let folder = folder.path();
    let opened = open(folder, "key");
    let record = EncodedRecord::new(1, b"acknowledged".to_vec().into());
    opened.store.writer().append_durably(&[record]).unwrap();
    let [database, log] =
        ["records.db", "records.db-wal"].map(|name| folder.join("store").join(name));
    let left = [&database, &log].map(|path| fs::read(path).unwrap());
    drop(opened);
    let [whole, mut bad] = left;
    bad[100] ^= 1;
    fs::write(&database, whole).unwrap();
    fs::write(&log, &bad).unwrap();
    let output = hardfrost(folder, "store check store --key-file key");
    assert!(refused(&output).contains("damaged"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("frame 1 of "), "{said}");
    assert!(said.contains("records.db-wal does not verify"), "{said}");
    assert!(fs::read(&log).unwrap() == bad);
}

#[test]
fn p06_a_store_that_is_open_names_its_holder() {
    let folder = shelf();
    let folder = folder.path();
    let opened = open(folder, "key");
    for action in ["status", "check", "rotate-key --make-key-file new"] {
        let (action, more) = action.split_once(' ').unwrap_or((action, ""));
        let output = hardfrost(
            folder,
            &format!("store {action} store --key-file key {more}"),
        );
        let error = refused(&output);
        let holder = format!("process {}", std::process::id());
        assert!(error.contains(&holder), "{error}");
    }
    drop(opened);
}

#[test]
fn rotate_key_goes_over_to_a_fresh_key_file() {
    let folder = shelf();
    let folder = folder.path();
    let arguments = "store rotate-key store --key-file key --make-key-file new --json";
    let said = printed(&hardfrost(folder, arguments));
    assert_eq!(said, "{\"rotated\":true}\n");
    let mode = fs::metadata(folder.join("new"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = refused(&hardfrost(folder, "store check store --key-file key"));
    assert!(
        error.contains("this key does not open the store"),
        "{error}"
    );
    assert_eq!(open(folder, "new").records.len(), 3);
    // The file is there by now: nothing is overwritten, nothing is changed.
    let arguments = "store rotate-key store --key-file new --make-key-file key";
    refused(&hardfrost(folder, arguments));
    assert_eq!(open(folder, "new").records.len(), 3);
}

#[test]
fn a_passphrase_comes_from_a_file_or_a_descriptor() {
    let folder = shelf();
    let folder = folder.path();
    let mut options = fs::OpenOptions::new();
    let mut words = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join("words"))
        .unwrap();
    words.write_all(b"correct horse\n").unwrap();
    let arguments = "store rotate-key store --key-file key --new-passphrase-file words";
    printed(&hardfrost(folder, arguments));
    let script = "printf 'correct horse' | \"$0\" store status store --passphrase-file /dev/stdin";
    let output = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_hardfrost")])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(printed(&output).contains("opened by    a passphrase"));
    let error = refused(&hardfrost(folder, "store status store --key-file key"));
    assert!(
        error.contains("opened by a passphrase, not by a key"),
        "{error}"
    );
}

#[test]
fn a_key_comes_from_a_command_or_a_credential() {
    let folder = shelf();
    let folder = folder.path();
    let output = Command::new(env!("CARGO_BIN_EXE_hardfrost"))
        .current_dir(folder)
        .args(["store", "check", "store", "--key-command", "cat key"])
        .output()
        .unwrap();
    printed(&output);
    let output = Command::new(env!("CARGO_BIN_EXE_hardfrost"))
        .current_dir(folder)
        .args(["store", "check", "store", "--credential", "key"])
        .env("CREDENTIALS_DIRECTORY", folder)
        .output()
        .unwrap();
    printed(&output);
    let error = refused(&hardfrost(folder, "store check store --key-command false"));
    assert!(error.contains("run it by hand"), "{error}");
}

#[test]
fn a_passphrase_is_not_asked_for_where_there_is_no_terminal() {
    let folder = shelf();
    let output = Command::new("setsid")
        .args([
            env!("CARGO_BIN_EXE_hardfrost"),
            "store",
            "status",
            "store",
            "--passphrase",
        ])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(refused(&output).contains("terminal"));
}

#[test]
fn ctrl_c_at_the_question_leaves_the_terminal_as_it_was() {
    let folder = shelf();
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let flags = OFlags::NOCTTY.bits().cast_signed();
    let mut options = OpenOptions::new();
    let terminal = options.read(true).write(true).custom_flags(flags);
    let terminal = terminal.open(name).unwrap();
    let shows = || {
        let modes = tcgetattr(&terminal).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ISIG)
    };
    assert!(shows());
    let mut child = Command::new("setsid")
        .args(["--ctty", env!("CARGO_BIN_EXE_hardfrost")])
        .args(["store", "status", "store", "--passphrase"])
        .current_dir(folder.path())
        .stdin(terminal.try_clone().unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ours = File::from(ours);
    let mut asked = [0; "Passphrase".len()];
    ours.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"Passphrase");
    assert!(!shows());
    ours.write_all(b"half a passphr\x03").unwrap();
    let status = child.wait().unwrap();
    assert!(shows(), "what is typed stays hidden");
    let mut error = String::new();
    child.stderr.unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(
        (status.code(), error.trim()),
        (Some(1), "error: interrupted")
    );
}

#[test]
fn usage_is_exit_code_2() {
    let folder = shelf();
    let folder = folder.path();
    for arguments in [
        "store",
        "store status",
        "store status store",
        "store status store --key-file key --passphrase",
        "store rotate-key store --key-file key",
        "store status store --credential name",
    ] {
        let output = hardfrost(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
    }
}
