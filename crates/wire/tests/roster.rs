//! A roster is refused unless everybody reads it alike, and its hash covers all of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod people;

use hardfrost_primitives::{Hash32, Suite, MEMBERS_MAX};
use hardfrost_wire::{Operator, OperatorIndex, OperatorPublic, Roster, RosterError};
use people::{member, operator, public};

fn refused(operators: Vec<Operator>) -> RosterError {
    Roster::new(Suite::Tr, operators).unwrap_err()
}

fn two() -> Vec<Operator> {
    vec![operator(1, &[1, 3]), operator(2, &[2])]
}

fn named(name: &str) -> Vec<Operator> {
    let name = name.to_owned();
    vec![Operator {
        name,
        ..operator(1, &[1])
    }]
}

#[test]
fn a_roster_has_seats_and_not_too_many() {
    assert_eq!(refused(Vec::new()), RosterError::Size);
    let all: Vec<u16> = (1..=MEMBERS_MAX).collect();
    let full = Roster::new(Suite::Tr, vec![operator(1, &all)]).unwrap();
    assert_eq!(full.count(), MEMBERS_MAX);
    let too_many: Vec<u16> = (1..=MEMBERS_MAX + 1).collect();
    assert_eq!(refused(vec![operator(1, &too_many)]), RosterError::Size);
}

#[test]
fn every_seat_is_held_once_and_none_is_missing() {
    let twice = vec![operator(1, &[1, 2]), operator(2, &[2])];
    assert_eq!(refused(twice), RosterError::Seats(member(2)));
    let gap = vec![operator(1, &[1]), operator(2, &[3])];
    assert_eq!(refused(gap), RosterError::Seats(member(3)));
    assert_eq!(
        refused(vec![operator(1, &[2])]),
        RosterError::Seats(member(2))
    );
}

#[test]
fn an_operator_has_a_seat_and_a_printable_name() {
    let seatless = vec![operator(1, &[1]), operator(2, &[])];
    assert_eq!(
        refused(seatless),
        RosterError::Operator("operator-2".into())
    );
    let long = "x".repeat(65);
    for name in ["", " a", "a\n", "a\u{1b}[2J", "\u{85}a", &long] {
        let shown = name.escape_debug().to_string();
        assert_eq!(
            refused(named(name)),
            RosterError::Operator(shown),
            "{name:?}"
        );
    }
    for name in ["a b", "Zoë", &"ü".repeat(64)] {
        assert!(Roster::new(Suite::Tr, named(name)).is_ok(), "{name:?}");
    }
}

#[test]
fn an_operator_has_a_key_and_nobody_else_has_it() {
    let shared = Operator {
        key: public(1),
        ..operator(2, &[2])
    };
    let refusal = RosterError::Key("operator-2".into());
    assert_eq!(refused(vec![operator(1, &[1]), shared]), refusal);
    // x = 5 is on no point of the curve; the field's order is no coordinate at all.
    let mut five = [0; 32];
    five[31] = 5;
    for bytes in [[0; 32], five, [0xff; 32]] {
        let key = OperatorPublic(bytes);
        let keyless = Operator {
            key,
            ..operator(1, &[1])
        };
        assert_eq!(
            refused(vec![keyless]),
            RosterError::Key("operator-1".into())
        );
    }
}

#[test]
fn a_seat_speaks_with_its_operators_key() {
    let roster = Roster::new(Suite::Tr, two()).unwrap();
    assert_eq!(roster.count(), 3);
    assert_eq!(roster.key_of(member(3)), Some(&public(1)));
    assert_eq!(roster.key_of(member(2)), Some(&public(2)));
    assert_eq!(roster.operator_of(member(2)), Some(OperatorIndex(1)));
    assert_eq!(roster.key_of(member(4)), None);
}

#[test]
fn the_order_of_operators_does_not_matter() {
    let ours = Roster::new(Suite::Tr, two()).unwrap();
    let theirs = Roster::new(Suite::Tr, two().into_iter().rev().collect()).unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(ours.hash(), theirs.hash());
}

/// BIP 445 is proven for small groups only; nobody makes a key that could not sign.
#[test]
fn a_roster_has_no_more_seats_than_its_suite_signs_for() {
    let of = |suite, count: u16| {
        let seats: Vec<u16> = (1..=count).collect();
        Roster::new(suite, vec![operator(1, &seats)])
    };
    let largest = of(Suite::Bip445, 128).unwrap();
    assert_eq!(Roster::from_bytes(&largest.to_bytes()), Ok(largest));
    let too_large = RosterError::SuiteSize(Suite::Bip445);
    assert_eq!(of(Suite::Bip445, 129), Err(too_large));
    assert!(of(Suite::Tr, 129).is_ok());
}

#[test]
fn the_hash_covers_every_field() {
    let hash = |suite, operators| Roster::new(suite, operators).unwrap().hash();
    let ours = hash(Suite::Tr, two());
    let mut other_name = two();
    other_name[1].name = "operator-7".into();
    let mut other_key = two();
    other_key[0].key = public(7);
    let mut one_more_seat = two();
    one_more_seat[1].seats.insert(member(4));
    let seats_moved = vec![operator(1, &[1]), operator(2, &[2, 3])];
    assert_ne!(hash(Suite::Bip445, two()), ours);
    for other in [other_name, other_key, one_more_seat, seats_moved] {
        assert_ne!(hash(Suite::Tr, other.clone()), ours, "{other:?}");
    }
}

/// From the documented layout, by hand.
#[test]
fn the_hash_is_of_the_documented_layout() {
    let framed = |text: &str| {
        let len = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&len[..], text.as_bytes()].concat()
    };
    let preimage = [
        framed("hardfrost/roster/v1"),
        vec![Suite::Tr.number(), 0, 2],
        framed("operator-1"),
        public(1).0.to_vec(),
        vec![0, 2, 0, 1, 0, 3],
        framed("operator-2"),
        public(2).0.to_vec(),
        vec![0, 1, 0, 2],
    ];
    let roster = Roster::new(Suite::Tr, two()).unwrap();
    assert_eq!(roster.hash(), Hash32::of(&preimage.concat()));
}

#[test]
fn a_roster_reads_back() {
    let all: Vec<u16> = (1..=MEMBERS_MAX).collect();
    for operators in [two(), named("ü"), vec![operator(1, &all)]] {
        let roster = Roster::new(Suite::Tr, operators).unwrap();
        let bytes = roster.to_bytes();
        assert_eq!(Hash32::of(&bytes), roster.hash());
        assert_eq!(Roster::from_bytes(&bytes), Ok(roster));
    }
}

#[test]
fn a_changed_byte_is_refused_or_makes_another_roster() {
    let ours = Roster::new(Suite::Tr, two()).unwrap();
    let bytes = ours.to_bytes();
    for place in 0..bytes.len() {
        for change in 1..=u8::MAX {
            let mut other = bytes.clone();
            other[place] ^= change;
            if let Ok(read) = Roster::from_bytes(&other) {
                assert_ne!(read.hash(), ours.hash(), "byte {place} ^ {change}");
                assert_eq!(read.to_bytes(), other);
            }
        }
    }
}

#[test]
fn a_roster_has_one_encoding() {
    let bytes = Roster::new(Suite::Tr, two()).unwrap().to_bytes();
    let refused = |bytes: &[u8]| assert_eq!(Roster::from_bytes(bytes), Err(RosterError::Layout));
    (0..bytes.len()).for_each(|len| refused(&bytes[..len]));
    refused(&[&bytes[..], &[0]].concat());
    let framed = |text: &str| {
        let len = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&len[..], text.as_bytes()].concat()
    };
    let one = [framed("operator-1"), public(1).0.to_vec()].concat();
    let other = [framed("operator-2"), public(2).0.to_vec()].concat();
    let start = [
        framed("hardfrost/roster/v1"),
        vec![Suite::Tr.number(), 0, 2],
    ]
    .concat();
    let (odd, even) = ([0, 2, 0, 1, 0, 3], [0, 1, 0, 2]);
    let whole = |parts: [&[u8]; 5]| parts.concat();
    assert_eq!(whole([&start, &one, &odd, &other, &even]), bytes);
    // Operators or seats in another order, a seat twice.
    refused(&whole([&start, &other, &even, &one, &odd]));
    refused(&whole([&start, &one, &[0, 2, 0, 3, 0, 1], &other, &even]));
    refused(&whole([
        &start,
        &one,
        &[0, 3, 0, 1, 0, 3, 0, 3],
        &other,
        &even,
    ]));
}
