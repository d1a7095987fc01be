//! The roster as a TOML file.

use hardfrost_wire::Roster;
use serde::Serialize;

#[derive(Serialize)]
struct File {
    suite: String,
    hash: String,
    operator: Vec<Operator>,
}

#[derive(Serialize)]
struct Operator {
    name: String,
    key: String,
    seats: Vec<u16>,
}

/// The file's text.
///
/// # Errors
/// None in practice: every field is plain text or a number.
pub fn to_toml(roster: &Roster) -> anyhow::Result<String> {
    let operators = roster.operators().iter().map(|operator| Operator {
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
