//! What a request can carry, and that no path goes around the gates.

use hardfrost_engine::{Abort, Aggregate, Code, Engine, Open, Rejection, Round2};
use hardfrost_engine::{AttemptKey, MemberCommitments, SigningPackage};
use hardfrost_primitives::Limits;

use crate::support::{at, code, Bench};

/// The fields of every signing request, all of them: names, public points and shares. A field that could carry a key
/// would not compile here.
#[test]
fn e08_no_request_can_bring_a_key() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let shares = bench.shares(1, &package);
    let aggregate = bench.aggregate_request((1, 1), &package, &shares);
    let Open {
        member: _,
        context,
        ids: _,
        life: _,
    } = bench.signing.open(2, 1);
    let Round2 { key, package } = bench.signing.round2(2, 1, &package);
    let AttemptKey {
        key_group: _,
        session: _,
        attempt: _,
        member: _,
    } = key.clone();
    let SigningPackage {
        message: _,
        key_spec: _,
        commitments,
    } = package.clone();
    let MemberCommitments {
        member: _,
        hiding: _,
        binding: _,
    } = commitments[0];
    let Aggregate {
        key: _,
        package: _,
        shares: _,
    } = aggregate.clone();
    // So an engine without the group's key does nothing with any of them.
    let mut empty = Engine::recover(Limits::default(), [].into(), &[]).unwrap();
    let mut rng = crate::support::pair::rng(1);
    let abort = Abort {
        key_group: key.key_group.clone(),
        session: key.session.clone(),
        attempt: None,
        member: None,
    };
    let refused = [
        code(empty.derive_attempt_context(&context)),
        code(empty.open(at(0), bench.signing.open(2, 1))),
        code(empty.round1(at(0), &key, &mut rng)),
        code(empty.round2(at(0), Round2 { key, package })),
        code(empty.aggregate(aggregate)),
    ];
    let (unready, unknown) = (Some(Code::DkgNotReady), Some(Code::SessionNotFound));
    assert_eq!(refused, [unready, unready, unready, unknown, unready]);
    assert_eq!(empty.abort(at(0), &abort), Ok(false));
}

/// Each gate, closed before the attempt is opened, and closed after its nonces are drawn: the same refusal, word for
/// word.
#[test]
fn e23_open_meets_every_gate_that_round2_meets() {
    type Close = fn(&mut Bench);
    let closes: [(&str, Close); 4] = [
        ("the switch of the session", |bench| {
            let session = bench.signing.session.clone();
            drop(bench.rekey(at(0), 2, Some(session)));
        }),
        ("the operator's word", |bench| {
            drop(bench.quarantine(at(0), 2, 2))
        }),
        ("a proof", |bench| drop(bench.convict(at(0), 2, (2, 1)))),
        ("the end of the approval", |_| {}),
    ];
    for (what, close) in closes {
        // Both seats of the package live in the second engine: one is open, the other is not yet.
        let seats = [vec![1], vec![2, 3]];
        let group = crate::support::Group::seated(2, &seats, Limits::default());
        let mut bench = Bench::of(group);
        let artifact = crate::support::psbt(&bench.group.public, 1_000_000);
        let artifact = hardfrost_engine::Artifact::Psbt(artifact);
        let mut short = crate::support::approve(&bench.group.public, artifact);
        short.life = std::time::Duration::from_secs(60);
        bench.node(2).approve(at(0), short).unwrap();
        let package = bench.package(1, &[2, 3]);
        close(&mut bench);
        let late = if what == "the end of the approval" {
            60
        } else {
            1
        };
        let open = bench.open(at(late), 2, 2);
        let round2 = bench.round2(at(late), (1, 2), &package);
        let killed = matches!(open, Err(Rejection::Lifecycle(_)));
        let refused = open.map(drop).unwrap_err();
        // The switch has wiped what was live; what it wipes, Round2 does not find.
        let expected = if killed {
            Rejection::SessionNotFound
        } else {
            refused.clone()
        };
        assert!(refused.reason_code().is_some(), "{what}: {refused:?}");
        assert_eq!(round2.map(drop), Err(expected), "{what}");
    }
}
