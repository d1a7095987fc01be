//! The process under test, and its parent's hold on it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use hardfrost_engine::{Aggregate, Command as Ask, MemberCommitments, Reply, Staged};
use hardfrost_locked::{scrubbed, Protection, Region};
use hardfrost_primitives::Hash32;
use hardfrost_store::{Opened, Writer};

use crate::image::{Form, Image};
use crate::member;
use crate::operator::{now, Operator};
use crate::secrets::{Known, Place};
use crate::signing::{open, Signing};

const SATS: u64 = 50_000;

/// Opens an attempt at a seat and draws its nonces from known randomness.
fn draw(
    operator: &mut Operator<Writer>,
    (signing, number, seat): (&Signing, u32, u16),
    block: u64,
) -> MemberCommitments {
    let request = open(signing.context(number), seat);
    operator.ask(Ask::Open(request)).unwrap();
    let key = signing.key(number, seat);
    let drawn = operator
        .engine
        .round1(now(), &key, &mut Known(block))
        .unwrap();
    let (hiding, binding) = (drawn.hiding(), drawn.binding());
    println!("{}", hex::encode([hiding, binding].concat()));
    MemberCommitments {
        member: member(seat),
        hiding,
        binding,
    }
}

fn pause() {
    let mut line = String::new();
    assert_ne!(std::io::stdin().lock().read_line(&mut line).unwrap(), 0);
}

/// A panic while nonces have left their place and have no record yet.
fn interrupt(operator: &mut Operator<Writer>, signing: &Signing, drawn: Vec<MemberCommitments>) {
    let round2 = signing.round2(4, 1, &signing.package(drawn));
    let panics = AssertUnwindSafe(|| {
        let staged = operator.engine.round2(now(), round2);
        assert!(staged.is_err(), "a panic, on purpose");
    });
    assert!(catch_unwind(panics).is_err());
}

/// An ignored test, run by itself, with its folder on standard input.
#[test]
#[ignore = "the process under test of the others"]
fn signs() {
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    if line.is_empty() {
        return;
    }
    // Past every buffer, so that a share that is shown is in none.
    let mut raw = OpenOptions::new().write(true).open("/dev/stdout").unwrap();
    let (protection, folder) = line.trim_end().split_at(1);
    let region = Region::protected(match protection {
        "s" => Protection::Secret,
        _ => Protection::Locked,
    });
    let Opened { store, records } = Place::new(Path::new(folder)).open();
    let mut operator = Operator::within(region.unwrap(), &records, store.writer(), drop);
    drop(records);
    let public = operator.engine.held_keys().remove(0).public;
    let signing = operator.approve(&public, SATS).unwrap();
    let commitments = vec![
        draw(&mut operator, (&signing, 1, 1), 0),
        draw(&mut operator, (&signing, 1, 2), 1),
    ];
    let later = draw(&mut operator, (&signing, 2, 1), 2);
    draw(&mut operator, (&signing, 3, 1), 3);
    let interrupted = vec![
        draw(&mut operator, (&signing, 4, 1), 4),
        draw_silently(&mut operator, (&signing, 4)),
    ];
    let planted = Hash32::of(b"planted").0;
    let _planted: Vec<Vec<u8>> = Form::ALL.iter().map(|form| form.of(&planted)).collect();
    raw.write_all(&planted).unwrap();
    pause();
    sign(&mut operator, &signing, commitments);
    println!("signed");
    pause();
    operator.abort(&signing, 3).unwrap();
    interrupt(&mut operator, &signing, interrupted);
    println!("ended");
    pause();
    let theirs = draw_silently(&mut operator, (&signing, 2));
    share_to(&mut raw, &mut operator, &signing, vec![later, theirs]);
    pause();
    drop(operator);
    store.close().unwrap();
    println!("closed");
    pause();
}

/// The other seat's part of an attempt, from the system's randomness.
fn draw_silently(
    operator: &mut Operator<Writer>,
    (signing, number): (&Signing, u32),
) -> MemberCommitments {
    let request = open(signing.context(number), 2);
    operator.ask(Ask::Open(request)).unwrap();
    let reply = operator.ask(Ask::Round1(signing.key(number, 2))).unwrap();
    let Reply::Committed(drawn) = reply else {
        panic!("{reply:?}");
    };
    MemberCommitments {
        member: member(2),
        hiding: drawn.hiding(),
        binding: drawn.binding(),
    }
}

/// A whole signature, the way a node makes it.
fn sign(operator: &mut Operator<Writer>, signing: &Signing, drawn: Vec<MemberCommitments>) {
    let package = signing.package(drawn);
    let mut shares = BTreeMap::new();
    for seat in [1, 2] {
        let reply = operator
            .ask(Ask::Round2(signing.round2(1, seat, &package)))
            .unwrap();
        let Reply::Share(share) = reply else {
            panic!("{reply:?}");
        };
        shares.insert(member(seat), share);
    }
    let aggregate = Aggregate {
        key: signing.key(1, 1),
        package,
        shares,
    };
    let reply = operator.ask(Ask::Aggregate(aggregate)).unwrap();
    let Reply::Signed(signature) = reply else {
        panic!("{reply:?}");
    };
    assert!(signing.is_signed_by(&signature));
}

/// One share, given away at once and kept by nobody but, perhaps, the engine.
fn share_to(
    out: &mut File,
    operator: &mut Operator<Writer>,
    signing: &Signing,
    drawn: Vec<MemberCommitments>,
) {
    let package = signing.package(drawn);
    scrubbed(|| {
        let round2 = signing.round2(2, 1, &package);
        let staged = operator.engine.round2(now(), round2).unwrap();
        let committed = Staged::commit_all(vec![staged], &mut operator.log);
        let done = committed.ok().unwrap().remove(0);
        let share = operator.engine.release(done).unwrap();
        out.write_all(&share.0).unwrap();
    });
}

pub struct Signer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Signer {
    /// `protection` is how the engine's memory is to be protected: the letter s, or another.
    pub fn start(protection: char, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
            .arg("process::signs")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut signer = Self { child, output };
        while signer.line() != "ready" {}
        signer.say(&format!("{protection}{}", folder.display()));
        signer
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub fn go_on(&mut self) {
        self.say("");
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended");
        line.trim_end().to_owned()
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.output.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn image(&self) -> Image {
        Image::of(self.child.id())
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
