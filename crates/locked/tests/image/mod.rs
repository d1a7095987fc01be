//! What another process has in its memory, and whether a secret is in it: whole or in parts, in every order in which
//! our libraries keep a scalar or a hash.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// How 32 bytes may lie in memory. A hit is any eight bytes of a form, so a spilled register is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// As it is written down, and as bytes of any encoding.
    BigEndian,
    /// Also the four limbs of 64 bits or eight of 32 in which `k256` and libsecp256k1 keep a scalar on this machine,
    /// in whichever order the limbs stand.
    LittleEndian,
    /// The words of 32 bits in which SHA-256 has its state and its message.
    HashWords,
    /// Five limbs of 52 bits.
    Limbs52,
    /// Ten limbs of 26 bits.
    Limbs26,
    /// Text.
    Hex,
}

impl Form {
    pub const ALL: [Self; 6] = [
        Self::BigEndian,
        Self::LittleEndian,
        Self::HashWords,
        Self::Limbs52,
        Self::Limbs26,
        Self::Hex,
    ];

    /// The value in this form.
    pub fn of(self, value: &[u8; 32]) -> Vec<u8> {
        match self {
            Self::BigEndian => value.to_vec(),
            Self::LittleEndian => value.iter().rev().copied().collect(),
            Self::HashWords => value.chunks(4).flat_map(reversed).collect(),
            Self::Limbs52 => limbs(value, 52)
                .into_iter()
                .flat_map(u64::to_le_bytes)
                .collect(),
            Self::Limbs26 => limbs(value, 26)
                .into_iter()
                .flat_map(|limb| u32::try_from(limb).unwrap().to_le_bytes())
                .collect(),
            Self::Hex => hex(value).into_bytes(),
        }
    }

    /// How long a piece must be to be no chance.
    fn piece(self) -> usize {
        match self {
            Self::Hex => 16,
            Self::BigEndian
            | Self::LittleEndian
            | Self::HashWords
            | Self::Limbs52
            | Self::Limbs26 => 8,
        }
    }
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Limbs of so many bits, the lowest first.
fn limbs(value: &[u8; 32], bits: usize) -> Vec<u64> {
    let bit = |which: usize| u64::from(value[31 - which / 8] >> (which % 8) & 1);
    let limb = |from: usize| {
        let to = (from + bits).min(256);
        (from..to).fold(0, |limb, which| limb | bit(which) << (which - from))
    };
    (0..256).step_by(bits).map(limb).collect()
}

/// Memory of one mapping.
struct Part {
    range: Range<usize>,
    name: String,
    /// Neither swapped, nor dumped, nor inherited by a fork.
    locked: bool,
    bytes: Vec<u8>,
}

/// A process as its parent sees it.
pub struct Image {
    parts: Vec<Part>,
    /// Mappings that even a debugger may not read.
    pub unreadable: Vec<String>,
}

/// A piece of a secret that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub what: String,
    pub form: Form,
    pub address: usize,
    pub mapping: String,
    pub locked: bool,
}

struct Mapping {
    range: Range<usize>,
    writable: bool,
    name: String,
    flags: Vec<String>,
}

fn mappings(process: u32) -> Vec<Mapping> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps")).unwrap();
    let mut found: Vec<Mapping> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let flags = flags.split_whitespace().map(str::to_owned);
            found.last_mut().unwrap().flags = flags.collect();
        } else if let Some((start, end)) = first.split_once('-') {
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            found.push(Mapping {
                range: number(start)..number(end),
                writable: words.next().unwrap().starts_with("rw"),
                name: words.skip(3).collect::<Vec<_>>().join(" "),
                flags: Vec::new(),
            });
        }
    }
    found
}

impl Image {
    /// All that a process may write to and can be read: no secret of a run lies in its code. This one must be allowed
    /// to trace it.
    pub fn of(process: u32) -> Self {
        let memory = OpenOptions::new()
            .read(true)
            .open(format!("/proc/{process}/mem"))
            .unwrap();
        let mut image = Self {
            parts: Vec::new(),
            unreadable: Vec::new(),
        };
        for mapping in mappings(process).into_iter().filter(|m| m.writable) {
            let mut bytes = vec![0; mapping.range.len()];
            let start = mapping.range.start as u64;
            if memory.read_exact_at(&mut bytes, start).is_err() {
                image.unreadable.push(mapping.name);
                continue;
            }
            let flag = |flag: &str| mapping.flags.iter().any(|given| given == flag);
            image.parts.push(Part {
                locked: flag("lo") && flag("dd") && flag("dc"),
                range: mapping.range,
                name: mapping.name,
                bytes,
            });
        }
        image
    }

    /// Every piece of these secrets, in every form.
    pub fn find(&self, secrets: &[(&str, [u8; 32])]) -> Vec<Hit> {
        let needles = Needles::new(secrets);
        let mut hits = Vec::new();
        for part in &self.parts {
            for (offset, needle) in needles.in_bytes(&part.bytes) {
                hits.push(Hit {
                    what: needle.what.clone(),
                    form: needle.form,
                    address: part.range.start + offset,
                    mapping: part.name.clone(),
                    locked: part.locked,
                });
            }
        }
        hits
    }

    /// The same, but for what lies in locked memory.
    pub fn find_unlocked(&self, secrets: &[(&str, [u8; 32])]) -> Vec<Hit> {
        let mut hits = self.find(secrets);
        hits.retain(|hit| !hit.locked);
        hits
    }
}

const PAGE: usize = 4096;
const EMPTY: [u8; PAGE] = [0; PAGE];
const LONGEST_NEEDLE: usize = 16;

struct Needle {
    what: String,
    form: Form,
    bytes: Vec<u8>,
}

struct Needles {
    /// By their first eight bytes.
    all: BTreeMap<u64, Vec<Needle>>,
    /// Whether anything begins with these two bytes.
    begins: Vec<bool>,
}

impl Needles {
    fn new(secrets: &[(&str, [u8; 32])]) -> Self {
        let mut all: BTreeMap<u64, Vec<Needle>> = BTreeMap::new();
        let mut begins = vec![false; 1 << 16];
        for (what, value) in secrets {
            for form in Form::ALL {
                for bytes in form.of(value).chunks_exact(form.piece()) {
                    let first: [u8; 8] = bytes[..8].try_into().unwrap();
                    begins[usize::from(u16::from_le_bytes([first[0], first[1]]))] = true;
                    let key = u64::from_le_bytes(first);
                    all.entry(key).or_default().push(Needle {
                        what: (*what).to_owned(),
                        form,
                        bytes: bytes.to_vec(),
                    });
                }
            }
        }
        Self { all, begins }
    }

    /// Where each begins. Most pages are empty, and of an empty one only the end can begin something.
    fn in_bytes<'a>(&'a self, bytes: &'a [u8]) -> Vec<(usize, &'a Needle)> {
        let mut found = Vec::new();
        for (page, start) in bytes.chunks(PAGE).zip((0..).step_by(PAGE)) {
            let first = if page == &EMPTY[..page.len()] {
                page.len().saturating_sub(LONGEST_NEEDLE)
            } else {
                0
            };
            for offset in start + first..start + page.len() {
                let Some(window) = bytes.get(offset..offset + 8) else {
                    break;
                };
                if !self.begins[usize::from(u16::from_le_bytes([window[0], window[1]]))] {
                    continue;
                }
                let key = u64::from_le_bytes(window.try_into().unwrap());
                let here = self.all.get(&key).into_iter().flatten();
                let here = here.filter(|needle| bytes[offset..].starts_with(&needle.bytes));
                found.extend(here.map(|needle| (offset, needle)));
            }
        }
        found
    }
}
