//! A disk, or somebody without the key, changes the write-ahead log of a store that was not closed.

use std::fs;
use std::ops::Range;
use std::path::Path;

use hardfrost_store::{Damage, Store, StoreError};

use crate::support::{append, copy_private, record, texts, write_private, Shelf};

const HEADER: usize = 32;
const FRAME: usize = 24 + 4096;
const COMMITS: usize = 20;

/// What was left behind by a process that was killed: a log of more than twenty transactions.
struct Killed {
    shelf: Shelf,
    database: Vec<u8>,
    log: Vec<u8>,
    texts: Vec<String>,
}

impl Killed {
    /// The last transactions find the database at a size of `pages`, if that is given.
    fn new(pages: Option<u32>) -> Self {
        let live = Shelf::new();
        let store = live.open().store;
        let mut texts = Vec::new();
        let sizes = || {
            let log = fs::read(live.dir.write_ahead_log()).unwrap();
            ends(&log).into_iter().map(|(_, size)| size).rev()
        };
        while texts.len() < COMMITS
            || pages.is_some_and(|pages| !sizes().take(2).eq([pages, pages]))
        {
            let text = format!("{} {}", texts.len(), "x".repeat(300));
            append(&store, &[record(&text)]);
            texts.push(text);
            assert!(texts.len() < 100, "the database is never of that size");
        }
        let shelf = live.copy();
        drop(store);
        Self {
            database: fs::read(shelf.dir.records()).unwrap(),
            log: fs::read(shelf.dir.write_ahead_log()).unwrap(),
            shelf,
            texts,
        }
    }

    /// Frames of the last transaction, counted from 0.
    fn last(&self) -> Range<usize> {
        match ends(&self.log)[..] {
            [.., (before, _), (last, _)] => before + 1..last + 1,
            _ => panic!("not two transactions"),
        }
    }

    /// What opening makes of this log. Where it is refused, nothing was written.
    fn with(&self, log: &[u8]) -> Result<Vec<String>, Damage> {
        let dir = &self.shelf.dir;
        write_private(&dir.records(), &self.database);
        write_private(&dir.write_ahead_log(), log);
        match self.shelf.try_open() {
            Ok(opened) => Ok(texts(&opened.records)),
            Err(StoreError::Corrupt(damage)) => {
                assert!(fs::read(dir.records()).unwrap() == self.database);
                assert!(fs::read(dir.write_ahead_log()).unwrap() == log);
                Err(damage)
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn flipped(&self, bit: usize) -> Vec<u8> {
        let mut log = self.log.clone();
        log[bit / 8] ^= 1 << (bit % 8);
        log
    }
}

/// Frames with which transactions end, and the size of the database then, in pages.
fn ends(log: &[u8]) -> Vec<(usize, u32)> {
    let sizes = log[HEADER..]
        .chunks(FRAME)
        .map(|frame| u32::from_be_bytes(frame[4..8].try_into().unwrap()));
    sizes.enumerate().filter(|(_, size)| *size != 0).collect()
}

/// Every bit of the header and of each frame's header near the end, and many of the rest. In the last transaction's
/// own frames a flipped bit cannot be told from a write that was cut off before anybody was answered: there, and only
/// there, that one transaction may be gone.
#[test]
fn p01_no_flipped_bit_of_the_write_ahead_log_makes_the_store_forget() {
    let killed = Killed::new(None);
    let all = &killed.texts[..];
    assert_eq!(killed.with(&killed.log).unwrap(), all);
    let last = killed.last();
    let header_of = |frame: usize| {
        let start = HEADER + frame * FRAME;
        8 * start..8 * (start + 24)
    };
    let near_the_end = (last.start.saturating_sub(3)..last.end).flat_map(header_of);
    let bits = (0..8 * HEADER)
        .chain(near_the_end)
        .chain((8 * HEADER..8 * killed.log.len()).step_by(5003));
    let (mut noticed, mut cut) = (0, 0);
    for bit in bits {
        let at = bit / 8;
        let frame = at.checked_sub(HEADER).map(|at| at / FRAME);
        match (killed.with(&killed.flipped(bit)), frame) {
            (Ok(found), _) if found == all => {}
            (Ok(found), Some(frame)) if last.contains(&frame) => {
                assert_eq!(found, all[..all.len() - 1], "bit {bit}");
                cut += 1;
            }
            (Ok(found), _) => panic!("bit {bit} made it forget: {} are left", found.len()),
            (Err(Damage::LogHeader(_)), None) => noticed += 1,
            (Err(Damage::LogFrame { frame, .. }), Some(hit)) => {
                assert_eq!(frame, hit as u64 + 1, "bit {bit}");
                noticed += 1;
            }
            (Err(other), _) => panic!("bit {bit}: {other}"),
        }
    }
    assert!(noticed > 500 && cut > 50, "{noticed} noticed, {cut} cut");
}

/// A transaction ends with a frame that says so by a number which is not zero: a power of two is one bit away from it.
#[test]
fn p01_no_flipped_bit_hides_where_a_transaction_ends() {
    let killed = Killed::new(Some(8));
    let frame = killed.last().start - 1;
    let mark = HEADER + frame * FRAME + 4;
    assert_eq!(killed.log[mark..mark + 4], [0, 0, 0, 8]);
    let found = killed.with(&killed.flipped(8 * (mark + 3) + 3));
    let path = killed.shelf.dir.write_ahead_log();
    let frame = frame as u64 + 1;
    assert_eq!(found, Err(Damage::LogFrame { path, frame }));
}

#[test]
fn p01_a_rotation_does_not_build_upon_a_damaged_log_either() {
    let killed = Killed::new(None);
    let dir = &killed.shelf.dir;
    let log = killed.flipped(8 * (HEADER + FRAME) - 1);
    write_private(&dir.write_ahead_log(), &log);
    let new = killed.shelf.path().join("new");
    write_private(&new, "77".repeat(32).as_bytes());
    let refused = Store::rotate_key(
        dir,
        &killed.shelf.provider(),
        &hardfrost_store::KeyProvider::File(new),
    );
    assert!(
        matches!(refused, Err(StoreError::Corrupt(Damage::LogFrame { .. }))),
        "{refused:?}"
    );
    assert!(fs::read(dir.write_ahead_log()).unwrap() == log);
    assert!(fs::read(dir.records()).unwrap() == killed.database);
}

/// Whatever else is wrong is listed too.
#[test]
fn p01_a_check_lists_a_damaged_log_and_changes_nothing() {
    let killed = Killed::new(None);
    let path = killed.shelf.dir.write_ahead_log();
    for (bit, damage) in [
        (0, Damage::LogHeader(path.clone())),
        (
            8 * (HEADER + FRAME) - 1,
            Damage::LogFrame {
                path: path.clone(),
                frame: 1,
            },
        ),
    ] {
        write_private(&path, &killed.flipped(bit));
        let before = killed.shelf.files();
        let report = Store::check(&killed.shelf.dir, &killed.shelf.provider()).unwrap();
        assert_eq!(report.damages, [damage]);
        assert_eq!(killed.shelf.files(), before);
    }
}

/// Copying with a gap, a bad sector: more than a bit.
#[test]
fn p01_a_hole_in_the_log_is_noticed() {
    let killed = Killed::new(None);
    let last = HEADER + killed.last().start * FRAME;
    for sector in 1..last / 512 {
        let mut log = killed.log.clone();
        let hole = sector * 512..(sector + 1) * 512;
        log[hole].fill(0);
        if log == killed.log {
            continue;
        }
        let found = killed.with(&log);
        // Where the last but one ends, and that it does, may be what is gone.
        let end = last - FRAME;
        let hides_the_end = sector * 512 < end + 24 && (sector + 1) * 512 > end;
        assert!(
            hides_the_end || matches!(found, Err(Damage::LogFrame { .. })),
            "sector {sector}: {found:?}"
        );
    }
}

/// Only what a store has acknowledged since its last checkpoint is in its log: a long life empties it again and again,
/// and never begins it anew over old frames.
#[test]
fn p02_a_log_is_emptied_and_never_begun_again_over_an_older_one() {
    let shelf = Shelf::new();
    let store = shelf.open().store;
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let (mut before, mut emptied) = (0, 0);
    let mut count = 0;
    while emptied < 2 {
        append(&store, &[record(&"x".repeat(500_000))]);
        // The pages are moved after the answer.
        store.position().unwrap();
        count += 1;
        let now = size(&shelf.dir.write_ahead_log());
        emptied += usize::from(now < before);
        before = now;
        assert!(count < 100, "it is never emptied");
    }
    append(&store, &[record("last")]);
    let copy = shelf.copy();
    drop(store);
    let log = fs::read(copy.dir.write_ahead_log()).unwrap();
    let salts = &log[16..24];
    assert!(log[HEADER..]
        .chunks(FRAME)
        .all(|frame| &frame[8..16] == salts));
    assert_eq!(copy.texts().len(), count + 1);
    // A header that is torn is not behind it.
    for cut in [1, HEADER / 2, HEADER] {
        copy_private(&shelf.dir.records(), &copy.dir.records());
        write_private(&copy.dir.write_ahead_log(), &log[..cut]);
        assert_eq!(copy.texts().len(), count + 1, "{cut} bytes");
    }
}
