#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A process holds a value; its parent searches all of its memory.

mod image;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use hardfrost_locked::{scrubbed, Protection, Region};
use image::{Form, Image};

/// Neither is ever in this file's text as bytes.
fn value(which: u8) -> [u8; 32] {
    std::array::from_fn(|at| {
        (at as u8)
            .wrapping_mul(167)
            .wrapping_add(which)
            .rotate_left(3)
            ^ which
    })
}

/// The process under test: an ignored test, run by itself. It reads the protection and a value, and tells where it is.
#[test]
#[ignore = "the process under test of the others"]
fn holds() {
    println!("\nready");
    let mut input = OpenOptions::new().read(true).open("/dev/stdin").unwrap();
    let mut protection = [0];
    if input.read(&mut protection).unwrap() == 0 {
        return;
    }
    let region = match protection[0] {
        b's' => Region::protected(Protection::Secret),
        _ => Region::protected(Protection::Locked),
    };
    let region = region.unwrap();
    let slot = scrubbed(|| {
        let mut value = [0; 32];
        input.read_exact(&mut value).unwrap();
        region.hold(&value).unwrap()
    });
    let mut planted = [0; 32];
    input.read_exact(&mut planted).unwrap();
    let planted: Vec<Vec<u8>> = Form::ALL.iter().map(|form| form.of(&planted)).collect();
    println!("{:?}", region.addresses());
    let mut go = [0];
    input.read_exact(&mut go).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        scrubbed(|| {
            let mut copy = [0; 32];
            slot.read(&mut copy);
            assert_eq!(copy, planted[0][..], "a panic, on purpose");
        });
    }));
    assert!(panicked.is_err());
    drop(slot);
    println!("dropped");
    input.read_exact(&mut go).unwrap();
}

struct Holder {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Holder {
    fn new(protection: u8) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
            .arg("holds")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut holder = Self { child, output };
        while holder.line() != "ready" {}
        let said = [&[protection][..], &value(1), &value(2)].concat();
        holder.say(&said);
        holder
    }

    fn say(&mut self, bytes: &[u8]) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended");
        line.trim_end().to_owned()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn addresses(line: &str) -> Vec<std::ops::Range<usize>> {
    let plain = line.trim_matches(['[', ']']);
    let range = |text: &str| {
        let (start, end) = text.split_once("..").unwrap();
        start.parse().unwrap()..end.parse().unwrap()
    };
    plain.split(", ").map(range).collect()
}

#[test]
fn e13_a_value_is_found_in_its_locked_region_and_nowhere_else() {
    let mut holder = Holder::new(b'l');
    let region = addresses(&holder.line());
    let image = Image::of(holder.child.id());
    let held = image.find(&[("held", value(1))]);
    assert!(!held.is_empty(), "the search does not find what is there");
    for hit in &held {
        let inside = region.iter().any(|range| range.contains(&hit.address));
        assert!(inside && hit.locked, "{hit:?}");
    }
    let planted = image.find(&[("planted", value(2))]);
    for form in Form::ALL {
        let found = planted.iter().any(|hit| hit.form == form);
        assert!(found, "a value planted as {form:?} is not found");
    }
    holder.say(b"g");
    assert_eq!(holder.line(), "dropped");
    let after = Image::of(holder.child.id()).find(&[("held", value(1))]);
    assert_eq!(after, [], "after a panic and a drop");
}

#[test]
fn e13_where_the_kernel_can_hide_memory_nobody_finds_the_value() {
    if Region::protected(Protection::Secret).is_err() {
        println!("skipped: this kernel has no memfd_secret");
        return;
    }
    let mut holder = Holder::new(b's');
    holder.line();
    let image = Image::of(holder.child.id());
    assert_eq!(image.find(&[("held", value(1))]), []);
    assert!(!image.find(&[("planted", value(2))]).is_empty());
    assert!(image
        .unreadable
        .iter()
        .any(|name| name.contains("secretmem")));
    holder.say(b"g");
    assert_eq!(holder.line(), "dropped");
    let after = Image::of(holder.child.id()).find(&[("held", value(1))]);
    assert_eq!(after, []);
}
