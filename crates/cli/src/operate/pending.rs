//! Keys that are pending at a node: it has done its part, and waits for what the others confirm.

use hardfrost_api::local::{FederationView, NodeView, PendingView};

use super::table::numbers;
use crate::story::{listed, print_line};
use crate::terminal::wrapped;

fn state(view: &PendingView) -> String {
    format!("pending: waits for {}", listed(&view.awaited))
}

/// As rows of the list of keys.
pub fn rows(node: &NodeView) -> Vec<Vec<String>> {
    let row = |suite: &str, view: &PendingView| {
        vec![
            view.key_group.clone(),
            format!("{} of {}", view.threshold, view.members),
            numbers(&view.seats),
            suite.to_owned(),
            state(view),
        ]
    };
    let all = node.federations.iter();
    let rows = all.flat_map(|all| all.pending.iter().map(|view| row(&all.suite, view)));
    rows.collect()
}

/// As lines of a node's status.
pub fn tell(view: &FederationView) {
    for pending in &view.pending {
        let line = format!("   key {}, {}", pending.key_group, state(pending));
        print_line(&wrapped(&line, 6));
    }
}
