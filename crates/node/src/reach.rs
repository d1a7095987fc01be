//! Whether a node can sign, and if not, what is missing, for people.

use std::collections::BTreeSet;

use hardfrost_api::local::{ReadyView, UnplacedView};
use hardfrost_engine::Status;

use crate::core::Core;

/// A group's reach: whether enough of its members can be reached.
struct GroupReach {
    key: String,
    threshold: u16,
    members: usize,
}

/// Whom a node reaches, beside what only its engine knows.
pub struct Reach {
    groups: Vec<GroupReach>,
    /// In a roster without a key every member can be reached.
    can_make_keys: bool,
    unplaced: BTreeSet<UnplacedView>,
}

impl Reach {
    /// Of this node, now.
    pub fn of(core: &Core) -> Self {
        let mut groups = Vec::new();
        let mut can_make_keys = true;
        for federation in core.federations() {
            let members = federation.reachable();
            let seat = federation.seats().first();
            let mut held = seat.into_iter().flat_map(|seat| seat.groups()).peekable();
            if held.peek().is_none() {
                can_make_keys &= members >= usize::from(federation.roster().count());
            }
            groups.extend(held.map(|group| GroupReach {
                key: group.to_string(),
                threshold: seat.and_then(|seat| seat.threshold_of(group)).unwrap_or(0),
                members,
            }));
        }
        Self {
            groups,
            can_make_keys,
            unplaced: core.unplaced.clone(),
        }
    }

    /// Whether the node can sign, by what its engine says too.
    pub fn ready(&self, status: &Status) -> ReadyView {
        let mut missing = Vec::new();
        if status.faulted {
            missing.push("the engine's disk failed: start it again".to_owned());
        }
        if status.keys.is_empty() {
            missing.push("no key is held yet".to_owned());
        }
        missing.extend(self.unplaced.iter().map(unplaced));
        for key in &status.keys {
            if let Some(stopped) = &key.rekeyed {
                let (key, reason) = (&key.key_group, stopped.reason.as_str());
                missing.push(format!("key {key} is stopped for good: {reason}"));
            }
        }
        let short = |group: &&GroupReach| group.members < usize::from(group.threshold);
        missing.extend(self.groups.iter().filter(short).map(|group| {
            let (key, members, threshold) = (&group.key, group.members, group.threshold);
            format!("key {key}: {members} of the {threshold} members that must sign can be reached")
        }));
        ReadyView {
            ready: missing.is_empty(),
            connected: self.can_make_keys && !self.groups.iter().any(|group| short(&group)),
            missing,
        }
    }
}

/// Which roster a key lacks, and what to do.
pub fn unplaced(key: &UnplacedView) -> String {
    let UnplacedView { key_group, roster } = key;
    format!(
        "key {key_group} signs nothing here: its roster, with the hash {roster}, is not one of \
         this node's; put that file into the node's folder, name it in node.toml under rosters, \
         and start the node again"
    )
}
