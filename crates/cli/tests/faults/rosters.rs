//! An operator who was removed, or who has not noticed that the roster changed.

use hardfrost_api::local::NodeView;

use crate::federation::{Federation, Site};

fn refused(view: &NodeView, why: &str) -> u64 {
    let found = view.refused.iter().find(|(reason, _)| reason == why);
    found.map_or(0, |(_, count)| *count)
}

#[test]
fn n07_a_removed_operators_node_gets_in_nowhere() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    federation.sign(&[0, 1, 4]);
    let old = federation.status(0).federations[0].roster.clone();
    let left = [0, 1, 2, 3];
    let without = federation.roster_of(&left);
    for number in left {
        federation.kill(number);
        federation.give_roster(number, &without);
    }
    // Member 4 is still in it and does not know.
    (0..3).for_each(|number| federation.restart(number));
    federation.give_roster(3, &federation.roster_of(&[0, 1, 2, 3, 4]));
    federation.restart(3);
    for number in 0..3 {
        let view = federation.watch(number, |view| {
            refused(view, "stranger") > 0 && refused(view, "another roster") > 0
        });
        assert_ne!(view.federations[0].roster, old);
        assert!(view.federations[0]
            .peers
            .iter()
            .all(|peer| peer.operator != "n5"));
    }
    // It waits for member 4, whom nobody lets in.
    let begun = federation.begin_key(0, 3);
    assert_eq!(begun.state, "waiting");
    federation.kill(3);
    federation.give_roster(3, &without);
    federation.restart(3);
    federation.join_key(&begun, &left);
    federation.sign(&[0, 1, 3]);
    let removed = federation.status(4);
    assert_eq!(removed.federations[0].roster, old);
    let links = removed.federations[0].peers.iter().map(|peer| &peer.link);
    assert!(links.into_iter().all(|link| link == "none"), "{removed:?}");
}
