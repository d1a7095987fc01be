//! Holds this release to the bytes that it and earlier ones were recorded to write. A test module of each crate that owns
//! some of them; nothing else uses it.
//!
//! A line of a file is a name, a space, and the bytes: in hexadecimal, or where they are text behind a quotation mark, with
//! `\n` for an end of line and `\\` for a backslash.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "it is part of tests: a test may panic, and write files"
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

type Reads = dyn Fn(&[u8]) -> bool;

/// One value that travels or stays.
pub struct Specimen {
    name: String,
    bytes: Vec<u8>,
    reads: Box<Reads>,
}

impl Specimen {
    /// `bytes` is how this release writes the value; `reads` says whether these bytes are read as that very value.
    pub fn new(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        reads: impl Fn(&[u8]) -> bool + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            reads: Box::new(reads),
        }
    }
}

fn place(file: &str) -> PathBuf {
    let folder = env!("CARGO_MANIFEST_DIR");
    PathBuf::from(folder)
        .join("../../vectors/frames")
        .join(file)
}

fn to_line(bytes: &[u8]) -> String {
    let text = |byte: &u8| *byte == b'\n' || (b' '..=b'~').contains(byte);
    if !bytes.is_empty() && bytes.iter().all(text) {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        return format!("\"{}", text.replace('\\', "\\\\").replace('\n', "\\n"));
    }
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").unwrap();
    }
    hex
}

fn of_line(line: &str) -> Vec<u8> {
    if let Some(text) = line.strip_prefix('"') {
        let parts = text.split("\\\\").map(|part| part.replace("\\n", "\n"));
        return parts.collect::<Vec<_>>().join("\\").into_bytes();
    }
    let pairs = line.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// What the file holds, by name.
pub fn recorded(file: &str) -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(place(file)).unwrap_or_default();
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let (name, bytes) = line.split_once(' ').unwrap();
        let twice = all.insert(name.to_owned(), of_line(bytes));
        assert!(twice.is_none(), "{name} is recorded twice");
    }
    all
}

/// What was recorded reads as it did, is written as it was, and reads as nothing else with any byte changed.
pub fn held_to(file: &str, specimens: &[Specimen]) {
    let mut recorded = recorded(file);
    for Specimen { name, bytes, reads } in specimens {
        let before = recorded.remove(name);
        let before = before.unwrap_or_else(|| panic!("{name} is not recorded: `just record`"));
        assert!(reads(&before), "{name} does not read as it did");
        assert_eq!(to_line(bytes), to_line(&before), "{name}");
        for at in 0..before.len() {
            let mut changed = before.clone();
            changed[at] ^= 1;
            assert!(!reads(&changed), "{name} with byte {at} changed");
        }
    }
    let forgotten: Vec<_> = recorded.keys().collect();
    assert!(forgotten.is_empty(), "no specimen of {forgotten:?} is left");
}

/// Adds what is not recorded yet. What is there stays as it is.
pub fn add(file: &str, specimens: &[Specimen]) {
    let known = recorded(file);
    let mut text = fs::read_to_string(place(file)).unwrap_or_default();
    for Specimen { name, bytes, .. } in specimens {
        if !known.contains_key(name) {
            writeln!(text, "{name} {}", to_line(bytes)).unwrap();
        }
    }
    fs::write(place(file), text).unwrap();
}
