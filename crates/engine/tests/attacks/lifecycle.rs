//! The kill switch.

use hardfrost_engine::{
    serve, Changed, Code, Command, Decision, LifecycleReason, LogError, Rejection, Rekeyed, Reply,
    Staged, Ticket,
};

use crate::support::{at, code, durable, reason, Bench, Node, Scripted};

const KILLED: Option<Code> = Some(Code::LifecyclePolicyRejected);

/// Open, a new attempt's Open, and Round2 of one that is drawn.
fn refusals(bench: &mut Bench, package: &hardfrost_engine::SigningPackage) -> [Option<Code>; 3] {
    [
        code(bench.open(at(9), 1, 1)),
        code(bench.open(at(9), 2, 1)),
        code(bench.round2(at(9), (1, 1), package)),
    ]
}

#[test]
fn e26_the_kill_switch_blocks_what_is_bound_and_what_is_not() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.approve(2_000_000);
    let package = bench.package(1, &[1, 2]);
    bench.rekey(at(5), 1, None);
    // Live nonces are gone with it.
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    let gone = Some(Code::SessionNotFound);
    assert_eq!(refusals(&mut bench, &package), [KILLED, KILLED, gone]);
    // A session that nobody had opened, and a new approval.
    let engine = &mut bench.group.node(1).engine;
    let unbound = engine.open(at(9), other.open(1, 1));
    let reason = LifecycleReason::EmergencyRekeyRequired;
    assert_eq!(unbound, Err(Rejection::Lifecycle(reason)));
    let artifact = crate::support::psbt(&bench.group.public, 3_000_000);
    let artifact = hardfrost_engine::Artifact::Psbt(artifact);
    let request = crate::support::approve(&bench.group.public, artifact);
    assert_eq!(code(bench.node(1).approve(at(9), request)), KILLED);
    // It outlives the process.
    bench.node(1).restart();
    assert_eq!(code(bench.open(at(9), 1, 1)), KILLED);
    assert_eq!(bench.node(1).records(4), 0);
    // The others have not heard of it and still may.
    bench.sign(3, &[2, 3]);
}

#[test]
fn e26_the_kill_switch_of_one_session_leaves_the_others() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.approve(2_000_000);
    let package = bench.package(1, &[1, 2]);
    let session = bench.signing.session.clone();
    bench.rekey(at(5), 1, Some(session));
    let gone = Some(Code::SessionNotFound);
    assert_eq!(refusals(&mut bench, &package), [KILLED, KILLED, gone]);
    bench.signing = other;
    bench.sign(1, &[1, 2]);
}

#[test]
fn e26_another_key_still_signs() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.make_another_key();
    bench.rekey(at(5), 1, None);
    assert_eq!(code(bench.open(at(9), 1, 1)), KILLED);
    bench.signing = bench.group.approve_raw(&other, b"the coins move");
    bench.sign(1, &[1, 2]);
}

#[test]
fn a_repeated_kill_switch_reports_the_first_and_writes_nothing() {
    let mut bench = Bench::new(2, 3);
    let first = Rekeyed {
        at: at(5).utc,
        reason: reason("a laptop was stolen"),
    };
    assert_eq!(bench.rekey(at(5), 1, None), Changed::Rekeyed(first.clone()));
    for restart in [false, true] {
        if restart {
            bench.node(1).restart();
        }
        let again = bench.rekey_request(None, "another reason");
        let changed = bench.node(1).change(|e| e.emergency_rekey(at(8), again));
        assert_eq!(changed, Ok(Changed::Rekeyed(first.clone())));
    }
    assert_eq!(bench.node(1).records(6), 1);
}

/// Two calls race: both are staged before either is durable. The first wins for both.
#[test]
fn racing_kill_switches_agree_on_the_first() {
    let mut bench = Bench::new(2, 3);
    let requests = ["first", "second"].map(|why| bench.rekey_request(None, why));
    let commands = requests.map(Command::EmergencyRekey);
    let commands = (0..).map(Ticket).zip(commands).collect();
    let Node {
        engine, log, rng, ..
    } = bench.node(1);
    for (_, reply) in serve(engine, log, at(5), rng, commands) {
        let Reply::Changed(Changed::Rekeyed(rekeyed)) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(rekeyed.reason, reason("first"));
    }
    bench.node(1).restart();
    let again = bench.rekey(at(9), 1, None);
    let Changed::Rekeyed(first) = again else {
        panic!("{again:?}")
    };
    assert_eq!(first.reason, reason("first"));
}

/// One batch: the switch, then a share. Nothing of the batch is durable when the share is asked for.
#[test]
fn e26_no_share_slips_through_while_the_switch_is_being_written() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let switch = Command::EmergencyRekey(bench.rekey_request(None, "now"));
    let share = Command::Round2(bench.signing.round2(1, 1, &package));
    let open = Command::Open(bench.signing.open(2, 1));
    let commands = [switch, share, open];
    let commands = (0..).map(Ticket).zip(commands).collect();
    let Node {
        engine, log, rng, ..
    } = bench.node(1);
    let mut replies = serve(engine, log, at(5), rng, commands);
    replies.sort_by_key(|(ticket, _)| *ticket);
    assert!(matches!(replies[0].1, Reply::Changed(_)), "{replies:?}");
    for (_, reply) in &replies[1..] {
        let Reply::Rejected(rejection) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(Some(rejection.code()), KILLED);
    }
    assert_eq!(bench.node(1).records(4), 0);
}

/// A share is under way to the log when the switch becomes durable. It does not leave any more.
#[test]
fn e26_a_share_under_way_does_not_outlive_the_switch() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let staged = bench.node(1).engine.round2(at(0), request).unwrap();
    bench.rekey(at(1), 1, None);
    let Node { engine, log, .. } = bench.node(1);
    let refused = code(engine.release(durable(staged, log)));
    assert_eq!(refused, KILLED);
    assert_eq!(engine.live_attempts(), 0);
    bench.node(1).restart();
    assert_eq!(code(bench.open(at(9), 1, 1)), KILLED);
}

#[test]
fn a_switch_that_was_not_written_is_not_set() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.rekey_request(None, "now");
    let engine = &mut bench.node(1).engine;
    let Decision::New(staged) = engine.emergency_rekey(at(0), request).unwrap() else {
        panic!("nothing was set before")
    };
    assert_eq!(code(bench.round2(at(0), (1, 1), &package)), KILLED);
    let mut failing = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut failing)
        .err()
        .unwrap();
    bench.node(1).engine.withdraw_change(not);
    bench.shares(1, &package);
}

#[test]
fn a_switch_needs_a_key() {
    let mut bench = Bench::new(2, 3);
    let mut request = bench.rekey_request(None, "now");
    request.key_group = format!("02{}", "11".repeat(32)).parse().unwrap();
    let refused = bench.node(1).change(|e| e.emergency_rekey(at(0), request));
    assert_eq!(code(refused), Some(Code::DkgNotReady));
}
