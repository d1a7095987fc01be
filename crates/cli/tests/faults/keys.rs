//! The key of a node's state is taken away while the node runs.

use std::fs;

use crate::federation::{Federation, Site};

#[test]
fn a_node_goes_on_without_the_key_of_its_state_and_does_not_start_without_it() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    for name in ["engine.key", "identity.key"] {
        let key = federation.folder(4).join(name);
        let away = federation.table().join("away.key");
        fs::rename(&key, &away).unwrap();
        federation.sign(&[0, 1, 4]);
        federation.kill(4);
        let refused = federation.start_refused(4);
        assert!(refused.contains(key.to_str().unwrap()), "{refused}");
        federation.sign(&[0, 1, 2]);
        fs::rename(&away, &key).unwrap();
        federation.restart(4);
        federation.sign(&[0, 1, 4]);
    }
}
