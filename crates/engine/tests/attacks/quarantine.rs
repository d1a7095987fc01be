//! Members that are kept out.

use hardfrost_engine::{serve, Code, Command, Reply, Ticket, Unquarantine};
use hardfrost_frost::SignatureShare;
use hardfrost_primitives::Hash32;

use crate::support::{at, code, member, reason, Bench, Node};

const KEPT_OUT: Option<Code> = Some(Code::QuarantinePolicyRejected);

#[test]
fn e25_a_cosigner_that_is_quarantined_after_round1_gets_no_share_beside_it() {
    let mut bench = Bench::new(3, 5);
    let package = bench.package(1, &[1, 2, 4]);
    for whom in [2, 4] {
        bench.quarantine(at(0), 1, whom);
        let refused = code(bench.round2(at(0), (1, 1), &package));
        assert_eq!(refused, KEPT_OUT, "member {whom}");
        bench.unquarantine(at(0), 1, whom);
    }
    assert_eq!(bench.node(1).records(4), 0);
    // Somebody who was not chosen does no harm.
    bench.quarantine(at(0), 1, 5);
    bench.shares(1, &package);
}

#[test]
fn e24_when_the_gate_clears_the_same_attempt_completes() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let standing = bench.quarantine(at(0), 1, 2);
    assert!(standing.quarantined);
    for _ in 0..3 {
        assert_eq!(code(bench.round2(at(1), (1, 1), &package)), KEPT_OUT);
    }
    assert_eq!(bench.round1(at(1), 1, 1), Ok(package.commitments[0]));
    let standing = bench.unquarantine(at(2), 1, 2);
    assert!(!standing.quarantined && standing.reason.is_none());
    let shares = bench.shares(1, &package);
    let request = bench.aggregate_request((1, 1), &package, &shares);
    bench.aggregate(1, request).unwrap();
}

#[test]
fn e24_a_quarantined_seat_of_ours_does_not_open() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    bench.quarantine(at(0), 1, 1);
    assert_eq!(code(bench.open(at(0), 2, 1)), KEPT_OUT);
    assert_eq!(code(bench.round2(at(0), (1, 1), &package)), KEPT_OUT);
    bench.node(1).restart();
    assert_eq!(code(bench.open(at(0), 2, 1)), KEPT_OUT);
    // Others may open beside it: only Round2 looks at who is chosen.
    bench.unquarantine(at(0), 1, 1);
    bench.quarantine(at(0), 1, 3);
    assert_eq!(bench.open(at(0), 2, 1), Ok(false));
}

/// The quarantine and the share in one batch: the gate is closed as soon as that is decided.
#[test]
fn e25_no_share_slips_through_while_a_quarantine_is_being_written() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let quarantine = Command::Quarantine(bench.quarantine_request(2));
    let share = Command::Round2(bench.signing.round2(1, 1, &package));
    let commands = (0..).map(Ticket).zip([quarantine, share]).collect();
    let Node {
        engine, log, rng, ..
    } = bench.node(1);
    for (ticket, reply) in serve(engine, log, at(0), rng, commands) {
        match (ticket, reply) {
            (Ticket(0), Reply::Changed(_)) => {}
            (_, Reply::Rejected(rejection)) => assert_eq!(Some(rejection.code()), KEPT_OUT),
            (_, other) => panic!("{other:?}"),
        }
    }
}

/// Let in and kept out again in one batch: the last word counts, whatever is known while both are on their way.
#[test]
fn e25_the_last_word_of_a_batch_counts() {
    let mut bench = Bench::new(2, 3);
    bench.quarantine(at(0), 1, 2);
    let again = bench.quarantine_request(2);
    let lift = Unquarantine {
        key_group: again.key_group.clone(),
        member: member(2),
    };
    let key_group = again.key_group.clone();
    let commands = [Command::Unquarantine(lift), Command::Quarantine(again)];
    let commands = (0..).map(Ticket).zip(commands).collect();
    let Node {
        engine, log, rng, ..
    } = bench.node(1);
    for (_, reply) in serve(engine, log, at(0), rng, commands) {
        assert!(matches!(reply, Reply::Changed(_)), "{reply:?}");
    }
    let stands = |bench: &mut Bench| {
        let engine = &bench.node(1).engine;
        engine.quarantine_status(&key_group, member(2)).quarantined
    };
    assert!(stands(&mut bench));
    bench.node(1).restart();
    assert!(stands(&mut bench));
}

#[test]
fn an_allow_list_overrides_word_and_proof() {
    let mut bench = Bench::new(2, 3);
    bench.quarantine(at(0), 1, 2);
    bench.convict(at(0), 1, (2, 7));
    let package = bench.package(1, &[1, 2]);
    assert_eq!(code(bench.round2(at(0), (1, 1), &package)), KEPT_OUT);
    let key_group = bench.signing.public.key_group().clone();
    let engine = &mut bench.node(1).engine;
    engine.allow([(key_group.clone(), member(2))].into());
    let standing = engine.quarantine_status(&key_group, member(2));
    assert!(standing.quarantined && standing.allowlisted);
    bench.shares(1, &package);
    // It is configuration, not a record.
    bench.node(1).restart();
    let engine = &bench.node(1).engine;
    let standing = engine.quarantine_status(&key_group, member(2));
    assert!(standing.quarantined && !standing.allowlisted);
    assert_eq!(
        standing.reason,
        Some(reason("does not answer the telephone"))
    );
    assert_eq!(standing.evidence, Some(Hash32([7; 32])));
}

/// Members hear of a proof at different times. Whoever refused its share for it would owe that share, and with t honest
/// members left nobody could finish: see docs/adr, convicts are not chosen.
#[test]
fn a_proof_keeps_its_member_out_and_not_those_beside_it() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    bench.convict(at(0), 1, (2, 7));
    bench.shares(1, &package);
    // Our own seat.
    let package = bench.package(2, &[1, 2]);
    bench.convict(at(0), 1, (1, 7));
    assert_eq!(code(bench.open(at(0), 3, 1)), KEPT_OUT);
    assert_eq!(code(bench.round2(at(0), (2, 1), &package)), KEPT_OUT);
    bench.node(1).restart();
    assert_eq!(code(bench.open(at(0), 3, 1)), KEPT_OUT);
    let lifted = bench.unquarantine(at(0), 1, 1);
    assert!(!lifted.quarantined);
    assert_eq!(lifted.evidence, Some(Hash32([7; 32])));
    let package = bench.package(3, &[1, 2]);
    bench.shares(3, &package);
}

#[test]
fn a_proof_stays_and_its_quarantine_can_be_lifted_once() {
    let mut bench = Bench::new(2, 3);
    assert!(bench.convict(at(0), 1, (3, 7)).quarantined);
    // A second proof adds nothing while the first holds.
    assert_eq!(
        bench.convict(at(0), 1, (3, 8)).evidence,
        Some(Hash32([7; 32]))
    );
    assert!(!bench.unquarantine(at(0), 1, 3).quarantined);
    // The same proof is old news; another one is not.
    assert!(!bench.convict(at(0), 1, (3, 7)).quarantined);
    assert!(bench.convict(at(0), 1, (3, 8)).quarantined);
    assert_eq!(bench.node(1).records(8), 2);
    bench.node(1).restart();
    let convictions = bench.node(1).engine.convictions();
    let [conviction] = &convictions[..] else {
        panic!("{convictions:?}")
    };
    assert_eq!(conviction.member, member(3));
    assert_eq!(conviction.proof, vec![8; 100]);
}

#[test]
fn e44_proofs_and_names_are_bounded() {
    let mut bench = Bench::new(2, 3);
    for length in [0, (2 << 20) + 1] {
        let mut request = bench.convict_request(2, 7);
        request.proof = vec![1; length];
        let refused = bench.node(1).change(|e| e.convict(at(0), request));
        assert_eq!(code(refused), Some(Code::ValidationError));
    }
    for whom in [4, 258] {
        let request = bench.convict_request(whom, 7);
        let refused = bench.node(1).change(|e| e.convict(at(0), request));
        assert_eq!(code(refused), Some(Code::ValidationError));
        let request = bench.quarantine_request(whom);
        let refused = bench.node(1).change(|e| e.quarantine(at(0), request));
        assert_eq!(code(refused), Some(Code::ValidationError));
    }
    let long = "x".repeat(257);
    for bad in ["", " ", "two\nlines", "trailing ", &long] {
        assert!(hardfrost_engine::Reason::new(bad).is_err());
    }
    assert!(hardfrost_engine::Reason::new(&long[..256]).is_ok());
}

/// Candidates are where to look. Nothing follows from them by itself.
fn nobody_is_kept_out_for(bad: &[u16]) {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let mut shares = bench.shares(1, &package);
    for whom in bad {
        shares.insert(member(*whom), SignatureShare([1; 32]));
    }
    let request = bench.aggregate_request((1, 1), &package, &shares);
    let refused = code(bench.aggregate(1, request));
    assert_eq!(refused, Some(Code::InvalidSignatureShare));
    let key_group = bench.signing.public.key_group().clone();
    let engine = &bench.node(1).engine;
    let kept_out = |whom: &u16| {
        let standing = engine.quarantine_status(&key_group, member(*whom));
        standing.quarantined
    };
    assert!(![1, 2, 3].iter().any(kept_out));
    assert!(engine.convictions().is_empty());
    bench.sign(2, &[1, 2]);
}

#[test]
fn e29_a_candidate_is_not_convicted() {
    nobody_is_kept_out_for(&[2]);
}

#[test]
fn e38_where_all_are_candidates_nobody_is_convicted() {
    nobody_is_kept_out_for(&[1, 2]);
}
