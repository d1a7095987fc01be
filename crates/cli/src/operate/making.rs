//! A key generation under way, for people: whose part is awaited, until when, and how to go on.

use hardfrost_api::local::{CeremonyView, NodeView};

use super::Way;
use crate::story::{listed, print_line};
use crate::terminal::wrapped;
use crate::utc::utc;

/// More than so many are not named one by one.
const NAMED_MAX: usize = 6;

/// Those that are shown so. One whose key is pending is told with the keys: there is nothing to end any more.
pub fn all(node: &NodeView) -> impl Iterator<Item = &CeremonyView> {
    let all = node.ceremonies.iter();
    all.filter(|one| one.pending.is_none())
}

/// Whether a key may come without anybody's doing.
pub fn is_under_way(node: &NodeView) -> bool {
    let mut pending = node.federations.iter().flat_map(|all| &all.pending);
    pending.next().is_some() || !node.ceremonies.is_empty()
}

/// Prints what there is to know of one.
pub fn show(way: &Way, node: &NodeView, one: &CeremonyView) {
    let (t, n) = (one.threshold, one.members);
    print_line(&format!(
        "A key is being made, of which any {t} of {n} members will sign."
    ));
    let until = utc(one.deadline);
    let line = format!("   {}{}, until {until}", one.step, awaited(node, one));
    print_line(&wrapped(&hardfrost_spend::printable(&line), 6));
    print_line("   Who has not joined yet does, at the own node, with:");
    print_line(&format!(
        "      hardfrost key create -t {t} --join {}",
        one.code
    ));
    print_line("   This node's part in it is ended with:");
    print_line(&format!("      {}", way.command("key cancel")));
}

fn awaited(node: &NodeView, one: &CeremonyView) -> String {
    if one.awaited.is_empty() {
        return String::new();
    }
    if one.awaited.len() > NAMED_MAX {
        return format!(" of {}", listed(&one.awaited));
    }
    let federations = node
        .federations
        .iter()
        .filter(|all| all.roster == one.roster);
    let peers: Vec<_> = federations.flat_map(|all| &all.peers).collect();
    let named = |member: &u16| {
        let mut peers = peers.iter();
        let peer = peers.find(|peer| peer.seats.contains(member));
        peer.map_or_else(
            || format!("member {member}"),
            |peer| format!("member {member} ({})", peer.operator),
        )
    };
    let all: Vec<String> = one.awaited.iter().map(named).collect();
    match all.as_slice() {
        [first @ .., last] if !first.is_empty() => {
            format!(" of {} and {last}", first.join(", "))
        }
        _ => format!(" of {}", all.join("")),
    }
}
