//! The ways to a key, and what goes wrong on them.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hardfrost_store::{
    CommandFault, KeyCommand, KeyError, KeyProvider, Passphrase, PathFault, PathProblem, Store,
    StoreError,
};

use crate::support::{append, mode, record, write_private, Shelf};

const DEADLINE: Duration = Duration::from_secs(20);

fn shell(script: &str, deadline: Duration) -> KeyProvider {
    KeyProvider::Command(KeyCommand {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        deadline,
    })
}

/// A command that does not do its part opens nothing, and changes nothing.
fn fault(script: &str, deadline: Duration) -> CommandFault {
    let shelf = Shelf::holding(&["one"]);
    let before = shelf.files();
    let refused = Store::open(&shelf.dir, &shell(script, deadline)).err();
    assert_eq!(shelf.files(), before);
    let refused = refused.expect("the store opened");
    let StoreError::Provider(KeyError::Command { fault, .. }) = refused else {
        panic!("{refused}");
    };
    fault
}

fn is_alive(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// The process whose id the script wrote is gone, or will be: a kill is delivered when it is scheduled.
fn is_gone(pid_file: &Path) -> bool {
    let process = fs::read_to_string(pid_file).unwrap();
    let end = Instant::now() + DEADLINE;
    while is_alive(&process) {
        if Instant::now() > end {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn every_provider_opens_what_it_made() {
    let hex = "0f".repeat(32);
    let shelf = Shelf::empty();
    write_private(&shelf.path().join("credential"), hex.as_bytes());
    let words = || Passphrase::new(b"correct horse".to_vec().into()).unwrap();
    let providers: [&dyn Fn() -> KeyProvider; 3] = [
        &|| shell(&format!("echo {hex}"), DEADLINE),
        &|| KeyProvider::SystemdCreds {
            directory: shelf.path().to_owned(),
            name: "credential".to_owned(),
        },
        &|| KeyProvider::Passphrase(words()),
    ];
    for provider in providers {
        let shelf = Shelf::empty();
        Store::create(&shelf.dir, &provider()).unwrap();
        let store = Store::open(&shelf.dir, &provider()).unwrap().store;
        append(&store, &[record("one")]);
        store.close().unwrap();
        let opened = Store::open(&shelf.dir, &provider()).unwrap();
        assert_eq!(opened.records.len(), 1);
    }
}

#[test]
fn a_key_file_is_made_once_and_opens_what_it_made() {
    let shelf = Shelf::empty();
    let path = shelf.path().join("fresh");
    let provider = KeyProvider::make_key_file(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.len(), 64);
    assert!(matches!(
        KeyProvider::make_key_file(&path),
        Err(KeyError::Disk(_))
    ));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    Store::create(&shelf.dir, &provider).unwrap();
    drop(Store::open(&shelf.dir, &provider).unwrap());
    let other = KeyProvider::make_key_file(&shelf.path().join("other")).unwrap();
    assert!(matches!(
        Store::open(&shelf.dir, &other),
        Err(StoreError::WrongKey)
    ));
}

#[test]
fn p11_a_passphrase_file_that_others_may_read_is_refused() {
    let shelf = Shelf::empty();
    let path = shelf.path().join("words");
    write_private(&path, b"correct horse\n");
    Store::create(
        &shelf.dir,
        &KeyProvider::Passphrase(Passphrase::new(b"correct horse".to_vec().into()).unwrap()),
    )
    .unwrap();
    let provider = KeyProvider::Passphrase(Passphrase::read(&path).unwrap());
    drop(Store::open(&shelf.dir, &provider).unwrap());
    mode(&path, 0o644);
    assert!(matches!(Passphrase::read(&path), Err(KeyError::Refused(_))));
    write_private(&path, b"\n");
    assert!(matches!(
        Passphrase::read(&path),
        Err(KeyError::PassphraseLength(_))
    ));
    write_private(&path, &[b'a'; Passphrase::BYTES_MAX + 1]);
    assert!(matches!(
        Passphrase::read(&path),
        Err(KeyError::PassphraseLength(_))
    ));
}

/// A pipe that somebody else put there would have us wait, or take that user's words.
#[test]
fn p11_a_passphrase_from_a_pipe_or_a_device_of_another_user_is_refused() {
    let shelf = Shelf::empty();
    let path = shelf.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let mut speaker = Command::new("/bin/sh")
        .args(["-c", "printf 'correct horse' > \"$0\""])
        .arg(&path)
        .spawn()
        .unwrap();
    let ours = Passphrase::read(&path);
    assert!(speaker.wait().unwrap().success());
    assert!(ours.is_ok());
    // Only root gives a pipe away, and only to others does a device belong to another.
    let theirs = match chown(&path, Some(65_534), None) {
        Ok(()) => path,
        Err(_) => "/dev/zero".into(),
    };
    let mut speaker = Command::new("/bin/sh")
        .args(["-c", "printf 'correct horse' > \"$0\""])
        .arg(&theirs)
        .spawn()
        .unwrap();
    let refused = Passphrase::read(&theirs);
    speaker.kill().unwrap();
    speaker.wait().unwrap();
    assert!(
        matches!(
            refused,
            Err(KeyError::Refused(PathFault {
                problem: PathProblem::Owner(_),
                ..
            }))
        ),
        "{refused:?}"
    );
}

#[test]
fn p04_another_passphrase_is_a_wrong_key() {
    let words = |text: &str| {
        KeyProvider::Passphrase(Passphrase::new(text.as_bytes().to_vec().into()).unwrap())
    };
    let shelf = Shelf::empty();
    Store::create(&shelf.dir, &words("right")).unwrap();
    let wrong = Store::open(&shelf.dir, &words("wrong"));
    assert!(matches!(wrong, Err(StoreError::WrongKey)));
    let key = Store::open(&shelf.dir, &shelf.provider());
    assert!(matches!(key, Err(StoreError::OtherKindOfKey { .. })));
    assert!(Passphrase::new(Vec::new().into()).is_err());
    assert!(Passphrase::new(vec![b'a'; Passphrase::BYTES_MAX + 1].into()).is_err());
}

#[test]
fn p11_a_key_file_that_others_may_read_or_that_is_a_link_is_refused() {
    let shelf = Shelf::holding(&["one"]);
    let problem = |error| {
        let StoreError::Provider(KeyError::Refused(PathFault { problem, .. })) = error else {
            panic!("{error}");
        };
        problem
    };
    for bits in [0o640, 0o604, 0o620, 0o602, 0o644] {
        mode(&shelf.key, bits);
        assert_eq!(problem(shelf.error()), PathProblem::TooWide(bits));
    }
    mode(&shelf.key, 0o400);
    assert_eq!(shelf.texts(), ["one"]);
    let moved = shelf.path().join("moved");
    fs::rename(&shelf.key, &moved).unwrap();
    symlink(&moved, &shelf.key).unwrap();
    assert_eq!(problem(shelf.error()), PathProblem::Symlink);
    fs::remove_file(&shelf.key).unwrap();
    fs::create_dir(&shelf.key).unwrap();
    mode(&shelf.key, 0o700);
    assert_eq!(problem(shelf.error()), PathProblem::NotAFile);
}

#[test]
fn p11_a_credential_is_read_where_it_lies_and_only_there() {
    let shelf = Shelf::holding(&["one"]);
    let credentials = shelf.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let open = |name: &str| {
        let provider = KeyProvider::SystemdCreds {
            directory: credentials.clone(),
            name: name.to_owned(),
        };
        Store::open(&shelf.dir, &provider).map(|opened| opened.records.len())
    };
    for name in ["../key", "", ".", "..", "/etc/passwd", "a/b", "store/"] {
        let refused = open(name);
        assert!(
            matches!(refused, Err(StoreError::Provider(KeyError::CredentialName))),
            "{name:?}"
        );
    }
    fs::copy(&shelf.key, credentials.join("store")).unwrap();
    // systemd gives the service its right by an access list, which shows as the group's.
    mode(&credentials.join("store"), 0o440);
    assert_eq!(open("store").unwrap(), 1);
    mode(&credentials.join("store"), 0o444);
    assert!(matches!(
        open("store"),
        Err(StoreError::Provider(KeyError::Refused(_)))
    ));
}

#[test]
fn p04_a_key_file_that_holds_no_key_is_no_wrong_key() {
    let shelf = Shelf::holding(&["one"]);
    for text in [
        "",
        "5a",
        &"5a".repeat(33),
        &format!("{}\n\n", "5a".repeat(32)),
        &"zz".repeat(32),
    ] {
        write_private(&shelf.key, text.as_bytes());
        let refused = shelf.error();
        assert!(
            matches!(refused, StoreError::Provider(KeyError::NotAKey(_))),
            "{text:?}: {refused}"
        );
    }
}

/// An open store is the resolved key.
#[test]
fn e05_a_provider_that_fails_once_the_store_is_open_strands_nothing() {
    let shelf = Shelf::holding(&["one"]);
    let store = shelf.open().store;
    let key = fs::read(&shelf.key).unwrap();
    fs::remove_file(&shelf.key).unwrap();
    append(&store, &[record("two")]);
    let copy = Shelf::empty();
    store.close().unwrap();
    write_private(&shelf.key, &key);
    drop(copy);
    assert_eq!(shelf.texts(), ["one", "two"]);
}

#[test]
fn e45_a_command_that_hangs_is_stopped_with_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}; wait", pid.display());
    let start = Instant::now();
    let fault = fault(&script, Duration::from_millis(500));
    assert!(matches!(fault, CommandFault::Deadline(_)), "{fault}");
    assert!(start.elapsed() < DEADLINE);
    assert!(is_gone(&pid));
}

#[test]
fn e45_a_command_that_floods_is_stopped() {
    for script in ["yes", "yes >&2"] {
        let fault = fault(script, DEADLINE);
        assert!(matches!(fault, CommandFault::Flood), "{script}: {fault}");
    }
}

/// Neither pipe fills up while the other is read.
#[test]
fn e45_complaints_beside_a_key_do_not_stop_it() {
    let shelf = Shelf::holding(&["one"]);
    let key = fs::read_to_string(&shelf.key).unwrap();
    let script = format!("head -c 500000 /dev/zero >&2; echo {key}; head -c 500000 /dev/zero >&2");
    let opened = Store::open(&shelf.dir, &shell(&script, DEADLINE)).unwrap();
    assert_eq!(opened.records.len(), 1);
}

#[test]
fn e45_a_command_that_leaves_children_gives_its_key_and_leaves_none() {
    let shelf = Shelf::holding(&["one"]);
    let pid = shelf.path().join("pid");
    let key = fs::read_to_string(&shelf.key).unwrap();
    // The child keeps both pipes open.
    let script = format!("sleep 1000 & echo $! > {}; echo {key}", pid.display());
    let start = Instant::now();
    let opened = Store::open(&shelf.dir, &shell(&script, DEADLINE)).unwrap();
    assert_eq!(opened.records.len(), 1);
    assert!(start.elapsed() < DEADLINE);
    assert!(is_gone(&pid));
}

#[test]
fn e45_a_command_that_fails_or_prints_no_key_opens_nothing() {
    let key = "5a".repeat(32);
    let failed = fault(&format!("echo {key}; exit 3"), DEADLINE);
    assert!(matches!(failed, CommandFault::Exit(status) if status.code() == Some(3)));
    let killed = fault(&format!("echo {key}; kill -9 $$"), DEADLINE);
    assert!(matches!(killed, CommandFault::Exit(_)));
    for script in ["true", "echo 5a", &format!("printf ' {key}'")] {
        let fault = fault(script, DEADLINE);
        assert!(matches!(fault, CommandFault::NotAKey), "{script}: {fault}");
    }
    let shelf = Shelf::holding(&["one"]);
    let provider = KeyProvider::Command(KeyCommand {
        program: shelf.path().join("nothing").into(),
        arguments: Vec::new(),
        deadline: DEADLINE,
    });
    let refused = Store::open(&shelf.dir, &provider).err().unwrap();
    assert!(refused.to_string().contains("does not start"), "{refused}");
}

#[test]
fn e45_what_a_command_printed_is_in_no_error() {
    let half = "5a".repeat(31);
    for script in [
        format!("echo {half}"),
        format!("echo {half}; exit 1"),
        format!("echo {half} >&2; exit 1"),
    ] {
        let fault = fault(&script, DEADLINE);
        let (shown, debugged) = (fault.to_string(), format!("{fault:?}"));
        assert!(!shown.contains("5a5a") && !debugged.contains("5a5a"));
    }
}
