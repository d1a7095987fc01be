//! What operators hand to each other, as releases have written it.

use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_primitives::{Suite, UnixTime};
use hardfrost_wire::{OperatorKey, Roster};

use crate::card::{Card, Contact};
use crate::code;
use crate::kept;
use crate::roster_file::RosterFile;
use bytes::{held_to, Specimen};

#[path = "../../../vectors/frames/recorded.rs"]
mod bytes;

const FILE: &str = "node.txt";

fn card(name: &str, secret: u8, seats: u16) -> Card {
    let key = OperatorKey::new(&[secret; 32], [0; 32]).unwrap();
    let addresses = vec![format!("{name}.example:7400"), "[2001:db8::1]:7400".into()];
    Card {
        name: name.into(),
        key: key.public(),
        seats,
        contact: Contact::certified(&key, [secret; 32], addresses),
    }
}

fn roster(suite: Suite) -> RosterFile {
    let cards = [card("alice", 3, 1), card("bob", 4, 2), card("carol", 5, 1)];
    RosterFile::of_cards(suite, &cards).unwrap()
}

fn text(name: &str, text: String, reads: impl Fn(&str) -> Option<bool> + 'static) -> Specimen {
    Specimen::new(name, text, move |bytes| {
        let text = std::str::from_utf8(bytes).ok();
        text.and_then(&reads).unwrap_or(false)
    })
}

fn roster_file(name: &str, file: RosterFile) -> Specimen {
    text(name, file.to_toml(), move |text| {
        Some(RosterFile::from_toml(text).ok()? == file)
    })
}

fn terms(roster: &Roster) -> Descriptor {
    Descriptor {
        kind: CeremonyKind::Generate,
        roster: roster.hash(),
        threshold: 3,
        count: 4,
        salt: [9; 32],
        deadline: UnixTime(1_800_000_000),
    }
}

/// In the file that its head names.
fn kept_terms() -> Specimen {
    let terms = terms(&roster(Suite::Bip445).roster);
    text("terms", kept::text(&terms), move |text| {
        let name = kept::file_name(&terms);
        Some(kept::read(name.as_ref(), text.as_bytes())? == terms)
    })
}

fn ceremony_code() -> Specimen {
    let roster = roster(Suite::Bip445).roster;
    let terms = terms(&roster);
    text("code", code::encode(&terms), move |text| {
        Some(code::decode(text, [&roster].into_iter()).ok()? == terms)
    })
}

fn specimens() -> Vec<Specimen> {
    let alice = card("alice", 3, 1);
    vec![
        text("card", alice.to_toml(), move |text| {
            Some(Card::from_toml(text).ok()? == alice)
        }),
        roster_file("roster/bip445", roster(Suite::Bip445)),
        roster_file("roster/tr", roster(Suite::Tr)),
        roster_file(
            "roster/unreached",
            RosterFile::unreached(roster(Suite::Tr).roster),
        ),
        ceremony_code(),
        kept_terms(),
    ]
}

#[test]
fn operators_hand_over_what_was_recorded() {
    held_to(FILE, &specimens());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    bytes::add(FILE, &specimens());
}
