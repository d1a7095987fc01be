//! The roster as a TOML file.

use std::collections::BTreeSet;

use anyhow::{ensure, Context};
use hardfrost_primitives::{members_ascending, Hash32, Member, Suite};
use hardfrost_wire::{Operator, OperatorPublic, Roster};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    suite: String,
    hash: String,
    operator: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    key: String,
    seats: Vec<u16>,
}

/// The file's text.
///
/// # Errors
/// None in practice: every field is plain text or a number.
pub fn to_toml(roster: &Roster) -> anyhow::Result<String> {
    let operators = roster.operators().iter().map(|operator| Entry {
        name: operator.name.clone(),
        key: operator.key.to_string(),
        seats: operator.seats.iter().map(|seat| seat.number()).collect(),
    });
    let file = File {
        suite: roster.suite().to_string(),
        hash: roster.hash().to_string(),
        operator: operators.collect(),
    };
    Ok(toml::to_string(&file)?)
}

/// Reads a roster; the hash it states must be its own.
///
/// # Errors
/// Says which key of the file is wrong.
pub fn from_toml(text: &str) -> anyhow::Result<Roster> {
    let file: File = toml::from_str(text)?;
    let suite: Suite = file.suite.parse().context("suite")?;
    let operators: anyhow::Result<Vec<Operator>> = file.operator.iter().map(operator).collect();
    let roster = Roster::new(suite, operators?)?;
    let stated: Hash32 = file.hash.parse().context("hash")?;
    ensure!(
        stated == roster.hash(),
        "hash: the file was edited; its own hash is {}",
        roster.hash()
    );
    Ok(roster)
}

fn operator(entry: &Entry) -> anyhow::Result<Operator> {
    let name = entry.name.escape_debug();
    let key: Hash32 = entry
        .key
        .parse()
        .with_context(|| format!("operator {name}: key"))?;
    let seats: Result<Vec<Member>, _> = entry.seats.iter().map(|seat| Member::new(*seat)).collect();
    let seats: BTreeSet<Member> = seats
        .and_then(members_ascending)
        .with_context(|| format!("operator {name}: seats"))?;
    Ok(Operator {
        name: entry.name.clone(),
        key: OperatorPublic(key.0),
        seats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        let key = OperatorPublic([
            0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87,
            0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b,
            0x16, 0xf8, 0x17, 0x98,
        ]);
        let seats = Member::all(3).collect();
        Roster::new(
            Suite::Tr,
            vec![Operator {
                name: "alone".into(),
                key,
                seats,
            }],
        )
        .unwrap()
    }

    #[test]
    fn a_roster_reads_back_as_it_was() {
        let text = to_toml(&roster()).unwrap();
        assert_eq!(from_toml(&text).unwrap(), roster());
    }

    #[test]
    fn an_edited_roster_is_refused_by_its_own_hash() {
        let text = to_toml(&roster()).unwrap();
        for edited in [
            text.replace("alone", "somebody"),
            text.replace("seats = [1, 2, 3]", "seats = [1, 2]"),
            text.replace("suite = \"tr\"", "suite = \"other\""),
            text.replace("name", "nickname"),
        ] {
            assert_ne!(edited, text);
            assert!(from_toml(&edited).is_err(), "{edited}");
        }
    }
}
