//! Somebody has the files and not the key.

use std::fs;

use hardfrost_store::Damage;

use crate::support::{append, record, texts, Shelf};

fn three() -> Shelf {
    Shelf::holding(&["one", "two", "three"])
}

#[test]
fn p01_an_edited_record_is_named() {
    let shelf = three();
    let length = shelf.blob("records 2", "sealed").len();
    for at in 0..length {
        shelf.change("records 2", "sealed", |bytes| bytes[at] ^= 1);
        assert_eq!(shelf.damage(), Damage::Record(2), "byte {at}");
        shelf.change("records 2", "sealed", |bytes| bytes[at] ^= 1);
    }
    for cut in 0..length {
        let shelf = shelf.copy();
        shelf.change("records 2", "sealed", |bytes| bytes.truncate(cut));
        assert_eq!(shelf.damage(), Damage::Record(2), "{cut} bytes");
    }
    shelf.sql("UPDATE records SET kind = 8 WHERE sequence = 2");
    assert_eq!(shelf.damage(), Damage::Record(2));
    shelf.sql("UPDATE records SET kind = 7 WHERE sequence = 2");
    assert_eq!(shelf.texts(), ["one", "two", "three"]);
}

#[test]
fn p01_swapped_records_are_named() {
    let shelf = three();
    let second = shelf.blob("records 2", "sealed");
    let third = shelf.blob("records 3", "sealed");
    shelf.change("records 2", "sealed", |bytes| bytes.clone_from(&third));
    shelf.change("records 3", "sealed", |bytes| bytes.clone_from(&second));
    assert_eq!(shelf.damage(), Damage::Record(2));
}

#[test]
fn p01_a_dropped_record_is_named_the_last_one_too() {
    for gone in 1..=3 {
        let shelf = three();
        shelf.sql(&format!("DELETE FROM records WHERE sequence = {gone}"));
        assert_eq!(shelf.damage(), Damage::Missing(gone));
    }
    let shelf = three();
    shelf.sql("DELETE FROM records");
    assert_eq!(shelf.damage(), Damage::Missing(1));
}

#[test]
fn p01_a_duplicated_record_is_named() {
    let shelf = three();
    shelf.sql("INSERT INTO records SELECT 4, kind, sealed FROM records WHERE sequence = 3");
    assert_eq!(shelf.damage(), Damage::Extra(4));
    let shelf = three();
    shelf.sql("INSERT INTO records SELECT 0, kind, sealed FROM records WHERE sequence = 1");
    assert_eq!(shelf.damage(), Damage::Extra(0));
    let shelf = three();
    shelf.sql("INSERT INTO records SELECT -1, kind, sealed FROM records WHERE sequence = 1");
    assert!(matches!(shelf.damage(), Damage::Extra(_)));
}

#[test]
fn p01_what_comes_from_another_store_under_the_same_key_is_named() {
    let (shelf, other) = (three(), three());
    for (table, column, damage) in [
        ("records 1", "sealed", Damage::Record(1)),
        ("head", "sealed", Damage::Head),
        // The whole header fits itself; what is sealed beside it was another store's.
        ("header", "bytes", Damage::Head),
    ] {
        let shelf = shelf.copy();
        let foreign = other.blob(table, column);
        shelf.change(table, column, |bytes| bytes.clone_from(&foreign));
        assert_eq!(shelf.damage(), damage, "{table}");
    }
}

/// An older copy that went on by itself holds genuine records under the same numbers.
#[test]
fn p01_a_record_of_a_copy_that_went_on_by_itself_is_noticed() {
    let (left, right) = {
        let shelf = three();
        let copy = shelf.copy();
        (shelf, copy)
    };
    for (shelf, text) in [(&left, "left"), (&right, "right")] {
        let store = shelf.open().store;
        append(&store, &[record(text)]);
        store.close().unwrap();
    }
    let foreign = right.blob("records 4", "sealed");
    left.change("records 4", "sealed", |bytes| bytes.clone_from(&foreign));
    assert_eq!(left.damage(), Damage::Chain);
}

#[test]
fn p01_a_damaged_header_or_head_is_damage_and_no_wrong_key() {
    let shelf = three();
    for at in 0..shelf.blob("header", "bytes").len() {
        shelf.change("header", "bytes", |bytes| bytes[at] ^= 1);
        assert_eq!(shelf.damage(), Damage::Header, "byte {at}");
        shelf.change("header", "bytes", |bytes| bytes[at] ^= 1);
    }
    for at in 0..shelf.blob("head", "sealed").len() {
        shelf.change("head", "sealed", |bytes| bytes[at] ^= 1);
        assert_eq!(shelf.damage(), Damage::Head, "byte {at}");
        shelf.change("head", "sealed", |bytes| bytes[at] ^= 1);
    }
    assert_eq!(shelf.texts(), ["one", "two", "three"]);
}

#[test]
fn p01_other_tables_are_not_ours() {
    for sql in [
        "DELETE FROM head",
        "DELETE FROM header",
        "DROP TABLE records",
        "CREATE TABLE more (a)",
        "CREATE TRIGGER late AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "PRAGMA application_id = 1",
        "PRAGMA journal_mode = DELETE",
    ] {
        let shelf = three();
        shelf.sql(sql);
        assert_eq!(shelf.damage(), Damage::Layout, "{sql}");
    }
}

/// Wherever a bit of the file flips, the store says so, or the bit meant nothing.
#[test]
fn p01_no_flipped_bit_of_the_file_changes_what_is_read() {
    let shelf = three();
    let good = fs::read(shelf.dir.records()).unwrap();
    let mut noticed = 0;
    for at in (0..good.len()).step_by(53) {
        let copy = shelf.copy();
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(copy.dir.records(), bad).unwrap();
        match copy.try_open() {
            Ok(opened) => assert_eq!(texts(&opened.records), ["one", "two", "three"], "byte {at}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > 5, "nothing that matters was hit");
}

#[test]
fn p01_a_shortened_file_is_damaged() {
    let shelf = three();
    let good = fs::read(shelf.dir.records()).unwrap();
    for cut in (1..good.len()).step_by(1024) {
        let copy = shelf.copy();
        fs::write(copy.dir.records(), &good[..cut]).unwrap();
        shelf_is_damaged(&copy, cut);
    }
}

fn shelf_is_damaged(shelf: &Shelf, cut: usize) {
    let before = shelf.files();
    let _damage = shelf.damage();
    let mut after = shelf.files();
    after.remove(&shelf.dir.write_ahead_log());
    let mut before = before;
    before.remove(&shelf.dir.write_ahead_log());
    assert_eq!(before, after, "{cut} bytes: something was changed");
}
