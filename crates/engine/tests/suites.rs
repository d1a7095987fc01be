//! One key signs under both suites; what is approved for one is signed under no other.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use hardfrost_engine::{Approve, Artifact, Code, Verdict, VerifyShare};
use hardfrost_primitives::{Limits, SessionId, Suite};
use support::{approve, at, code, psbt, Bench, Group, Signing};

const SUITES: [Suite; 2] = [Suite::Tr, Suite::Bip445];

fn approval(group: &Group, suite: Suite) -> Approve {
    let artifact = Artifact::Psbt(psbt(&group.public, 1_000_000));
    Approve {
        suite,
        ..approve(&group.public, artifact)
    }
}

/// Every process approves the same transaction for `suite`.
fn approved(group: &mut Group, suite: Suite) -> Signing {
    let request = approval(group, suite);
    let nodes = group.nodes.iter_mut();
    let signings = nodes.map(|node| node.approve(at(0), request.clone()).unwrap());
    signings.last().unwrap()
}

#[test]
fn the_same_key_signs_the_same_message_under_both_suites() {
    let mut bench = Bench::new(2, 3);
    let mut sessions: Vec<SessionId> = Vec::new();
    for suite in SUITES {
        bench.signing = approved(&mut bench.group, suite);
        bench.sign(1, &[1, 3]);
        sessions.push(bench.signing.session.clone());
        // What the markers remember of the suite, a restarted engine remembers.
        bench.node(1).restart();
        let repeated = bench.signing.open(1, 1);
        let again = code(bench.node(1).engine.open(at(0), repeated));
        assert_eq!(again, Some(Code::ConsumedNonceReplay));
    }
    assert_ne!(sessions[0], sessions[1]);
}

#[test]
fn a_share_is_judged_by_the_suite_that_was_approved() {
    let mut bench = Bench::new(2, 3);
    for suite in SUITES {
        bench.signing = approved(&mut bench.group, suite);
        let package = bench.package(1, &[1, 2]);
        let share = bench.round2(at(0), (1, 2), &package).unwrap();
        for asked in SUITES {
            let question = |session| VerifyShare {
                key_group: bench.signing.public.key_group().clone(),
                session,
                key_spec: bench.signing.key_spec.clone(),
                suite: asked,
                package: package.clone(),
                member: package.commitments[1].member,
                share: share.0.to_vec(),
            };
            let named = question(Some(bench.signing.session.clone()));
            let unnamed = question(None);
            let engine = &mut bench.node(1).engine;
            let judged = (engine.verify_share(&named), engine.verify_share(&unnamed));
            let expected = if asked == suite {
                (Verdict::Valid, Verdict::Valid)
            } else {
                (Verdict::Indeterminate, Verdict::Invalid)
            };
            assert_eq!(judged, expected, "made under {suite}, judged under {asked}");
        }
    }
}

/// Nobody gets a share of a key that its suite will never sign for.
#[test]
fn a_group_beyond_the_suite_is_refused_at_approval_and_in_every_context() {
    let limits = Limits {
        members_max: 129,
        ..Limits::default()
    };
    let mut group = Group::with(2, 129, limits);
    let request = approval(&group, Suite::Bip445);
    let refused = code(group.nodes[0].engine.approve(at(0), request));
    assert_eq!(refused, Some(Code::ValidationError));
    let signing = approved(&mut group, Suite::Tr);
    let mut context = signing.context(1);
    let engine = &group.nodes[0].engine;
    assert!(engine.derive_attempt_context(&context).is_ok());
    context.suite = Suite::Bip445;
    let refused = code(engine.derive_attempt_context(&context));
    assert_eq!(refused, Some(Code::ValidationError));
}
