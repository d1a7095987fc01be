//! The demonstration's result as one JSON object. Field names are stable.

use std::collections::BTreeSet;

use hardfrost_primitives::Member;
use hardfrost_seat::SessionReport;
use serde::Serialize;

/// What `hardfrost demo --json` prints.
#[derive(Serialize)]
pub struct Report {
    /// 33 bytes, hex.
    pub group_key: String,
    /// Regtest, bech32m.
    pub address: String,
    /// Of the spending transaction.
    pub txid: String,
    /// The spending transaction, hex.
    pub transaction: String,
    /// Consensus accepts our inputs of the transaction and refuses its corrupted twin.
    pub verified: bool,
    /// Inputs that are for others to sign; where there are any, the transaction is not complete.
    pub inputs_left: Vec<usize>,
    /// All attempts of all sessions.
    pub attempts: Vec<Attempt>,
    /// Members convicted by evidence.
    pub culprits: Vec<Culprit>,
}

/// One attempt.
#[derive(Serialize)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// Who coordinated.
    pub coordinator: u16,
    /// Whom the package chose.
    pub chosen: Vec<u16>,
    /// Chosen members that did not deliver a valid share.
    pub owing: Vec<u16>,
    /// From the attempt's start to its end.
    pub millis: u64,
}

/// A convicted member.
#[derive(Clone, Serialize)]
pub struct Culprit {
    /// Who.
    pub member: u16,
    /// Of what.
    pub kind: String,
    /// The proof's file.
    pub evidence: String,
}

fn numbers(members: &BTreeSet<Member>) -> Vec<u16> {
    members.iter().map(|m| m.number()).collect()
}

/// The attempts of these sessions, all of them.
pub fn attempts(sessions: &[SessionReport]) -> Vec<Attempt> {
    let all = sessions.iter().flat_map(|session| &session.attempts);
    all.map(|attempt| Attempt {
        number: attempt.number,
        coordinator: attempt.coordinator.number(),
        chosen: numbers(&attempt.chosen),
        owing: numbers(&attempt.owing),
        millis: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
    })
    .collect()
}

/// Members that committed in no attempt of any session.
pub fn missing(sessions: &[SessionReport], count: u16) -> Vec<u16> {
    let attempts = sessions.iter().flat_map(|session| &session.attempts);
    let here: BTreeSet<Member> = attempts
        .flat_map(|attempt| attempt.committed.iter().copied())
        .collect();
    Member::all(count)
        .filter(|m| !here.contains(m))
        .map(Member::number)
        .collect()
}

/// Members that were chosen in some attempt and did not deliver a valid share for it.
pub fn owing(sessions: &[SessionReport]) -> Vec<u16> {
    let attempts = sessions.iter().flat_map(|session| &session.attempts);
    let owing: BTreeSet<Member> = attempts
        .flat_map(|attempt| attempt.owing.iter().copied())
        .collect();
    numbers(&owing)
}
