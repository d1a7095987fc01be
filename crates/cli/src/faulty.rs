//! Which members do not do their part in the demonstration.

use std::collections::BTreeSet;

use anyhow::Context;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::derive::{session_id, ElectionSeed};
use hardfrost_primitives::{Member, RequestId, Suite};
use hardfrost_roast::Turns;
use hardfrost_spend::OurInput;

use crate::cheat::CheatKind;
use crate::cluster::Faults;

/// Picks `cheats` members that will get to cheat: for a coordinator's kind those whose turns come first, else those
/// whose commitments come first. The silent ones are the last of the others.
///
/// # Errors
/// More faulty members than there are.
pub fn pick(
    (silent, cheats, kind): (u16, u16, CheatKind),
    group: &GroupPublic,
    input: &OurInput,
    (suite, request): (Suite, &RequestId),
) -> anyhow::Result<Faults> {
    let members: BTreeSet<Member> = group.members().collect();
    let order: Vec<Member> = if kind.is_coordinators() {
        coordinators(group, input, (suite, request)).context("attempt numbers do not run out")?
    } else {
        members.iter().copied().collect()
    };
    let cheating: BTreeSet<Member> = order.into_iter().take(usize::from(cheats)).collect();
    let quiet = members.iter().rev().filter(|m| !cheating.contains(m));
    Ok(Faults {
        silent: quiet.take(usize::from(silent)).copied().collect(),
        cheats: cheating.into_iter().map(|member| (member, kind)).collect(),
    })
}

/// That a group which stays can still sign when all that now cheat are convicted: convictions stay too.
///
/// # Errors
/// It could never sign again; says why.
pub fn bearable(
    faults: &Faults,
    convicted: &BTreeSet<Member>,
    group: &GroupPublic,
) -> Result<(), String> {
    let cheats = faults.cheats.iter().filter(|(_, kind)| kind.convicts());
    let cheats: BTreeSet<Member> = cheats.map(|(member, _)| *member).collect();
    if cheats.is_empty() {
        return Ok(());
    }
    let out = convicted.union(&cheats).count();
    let left = usize::from(group.count()).saturating_sub(out);
    remaining(left, group.threshold())
        .map_err(|why| format!("{why} (convicted already: {})", convicted.len()))
}

/// That those who are left are enough.
///
/// # Errors
/// They are not.
pub fn remaining(left: usize, threshold: u16) -> Result<(), String> {
    if left >= usize::from(threshold) {
        return Ok(());
    }
    Err(format!(
        "--cheat with --keep: convictions stay, {left} members would be left, {threshold} must \
         sign: the group could never sign again"
    ))
}

/// The members in the order of their first turns.
fn coordinators(
    group: &GroupPublic,
    input: &OurInput,
    (suite, request): (Suite, &RequestId),
) -> Option<Vec<Member>> {
    let key_group = group.key_group();
    let session = session_id(key_group, &input.message, &input.key_spec, suite, request);
    let seed = ElectionSeed::derive(key_group, &session, &input.message);
    let members: BTreeSet<Member> = group.members().collect();
    let mut turns = Turns::new(seed, members.clone());
    (0..u32::from(group.count()))
        .map(|turn| {
            let number = turns.number(turn)?;
            hardfrost_primitives::derive::coordinator(seed, number, &members)
        })
        .collect()
}
