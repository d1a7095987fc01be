#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! An engine answers as a naive reference does, whatever is asked in whatever order, over restarts, clones and old logs
//! put back; and no nonce pair makes two shares. `just model` walks further.

#[path = "model/reference.rs"]
mod reference;
#[path = "model/step.rs"]
mod step;
mod support;
#[path = "model/walk.rs"]
mod walk;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_engine_answers_as_the_reference_does(steps in step::steps(200)) {
        let mut walk = walk::Walk::new(1);
        for (which, step) in &steps {
            walk.step(*which, step);
        }
    }
}

/// A walk that never meets a rule shows nothing of it. Always the same walks.
#[test]
fn the_walks_meet_every_rule() {
    let mut runner = TestRunner::deterministic();
    let (mut met, mut shares) = (BTreeSet::new(), 0);
    for seed in 0..16 {
        let steps = step::steps(400).new_tree(&mut runner).unwrap().current();
        let mut walk = walk::Walk::new(seed);
        steps
            .iter()
            .for_each(|(which, step)| walk.step(*which, step));
        met.extend(walk.answers.keys().copied());
        shares += walk.shares();
    }
    let expected = BTreeSet::from([
        "attempt_already_aggregated",
        "attempt_superseded",
        "capacity_exceeded",
        "consumed_nonce_replay",
        "done",
        "lifecycle_policy_rejected",
        "quarantine_policy_rejected",
        "round1_not_started",
        "session_conflict",
        "session_finalized",
        "session_not_found",
        "signing_policy_rejected",
        "storage_fault",
        "validation_error",
    ]);
    assert_eq!(met, expected);
    assert!(shares > 100, "{shares}");
}
