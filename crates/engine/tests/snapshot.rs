#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A log that is written anew from a snapshot says what the whole log says, after any history.

use hardfrost_engine::{serve, Code, Command, EncodedRecord, Engine, FinalizeSession, Log};
use hardfrost_engine::{MemoryLog, Quarantined, SigningPackage, Ticket};
use hardfrost_primitives::{KeyGroup, Limits};
use proptest::prelude::*;

mod support;

use support::{at, code, durable, member, Bench, Group, Node, Signing, RAW_TAG};

/// What happens at the process of seats 1 and 2.
#[derive(Clone, Debug)]
enum Step {
    /// Round2 of an attempt.
    Sign(usize, u32, u16),
    /// A whole attempt, completed here.
    Complete(usize, u32),
    Approve(usize),
    Rekey(Option<usize>),
    Finalize(usize),
    Quarantine(u16),
    Unquarantine(u16),
    Convict(u16, u8),
    Restart,
    /// The log is written anew.
    Compact,
}

/// Two keys with two sessions each; the second key is not used by the first two sessions.
const SESSIONS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let session = 0..SESSIONS;
    let (number, seat, whom) = (1u32..4, 1u16..3, 1u16..4);
    prop_oneof![
        6 => (session.clone(), number.clone(), seat).prop_map(|(s, n, m)| Step::Sign(s, n, m)),
        4 => (session.clone(), number).prop_map(|(s, n)| Step::Complete(s, n)),
        2 => session.clone().prop_map(Step::Approve),
        1 => proptest::option::of(session.clone()).prop_map(Step::Rekey),
        2 => session.prop_map(Step::Finalize),
        2 => whom.clone().prop_map(Step::Quarantine),
        2 => whom.clone().prop_map(Step::Unquarantine),
        2 => (whom, 1u8..4).prop_map(|(m, e)| Step::Convict(m, e)),
        1 => Just(Step::Restart),
        1 => Just(Step::Compact),
    ]
}

struct History {
    bench: Bench,
    sessions: Vec<Signing>,
}

impl History {
    /// Nothing is approved at seats 1 and 2 yet, but everything at seat 3.
    fn new() -> Self {
        let seats = [vec![1, 2], vec![3]];
        let mut group = Group::seated(2, &seats, Limits::default());
        let keys = [group.public.clone(), group.make_another_key()];
        let unapproved = group.node(1).log.replay().unwrap();
        let sessions: Vec<Signing> = (0..SESSIONS)
            .map(|index| group.approve_raw(&keys[index / 2], &[index as u8]))
            .collect();
        let node = group.node(1);
        node.log = MemoryLog::default();
        node.log.append_durably(&unapproved).unwrap();
        node.restart();
        let signing = sessions[0].clone();
        let bench = Bench { group, signing };
        Self { bench, sessions }
    }

    /// Does what can be done; what is refused is refused.
    fn step(&mut self, step: &Step) {
        let bench = &mut self.bench;
        match step {
            Step::Sign(session, number, seat) => {
                bench.signing = self.sessions[*session].clone();
                let _ = sign(bench, *number, *seat);
            }
            Step::Complete(session, number) => {
                bench.signing = self.sessions[*session].clone();
                let _ = complete(bench, *number);
            }
            Step::Approve(session) => {
                let public = self.sessions[*session].public.clone();
                let artifact = hardfrost_engine::Artifact::Tagged {
                    tag: RAW_TAG.to_owned(),
                    data: vec![*session as u8],
                    key_spec: hardfrost_primitives::KeySpec::group_key(),
                };
                let request = support::approve(&public, artifact);
                let _ = bench.node(1).approve(at(0), request);
            }
            Step::Rekey(session) => {
                bench.signing = self.sessions[session.unwrap_or(2)].clone();
                let session = session.map(|index| self.sessions[index].session.clone());
                bench.rekey(at(1), 1, session);
            }
            Step::Finalize(session) => {
                bench.signing = self.sessions[*session].clone();
                let _ = bench.finalize(at(1), 1);
            }
            Step::Quarantine(whom) => drop(bench.quarantine(at(2), 1, *whom)),
            Step::Unquarantine(whom) => drop(bench.unquarantine(at(3), 1, *whom)),
            Step::Convict(whom, evidence) => drop(bench.convict(at(4), 1, (*whom, *evidence))),
            Step::Restart => bench.node(1).restart(),
            Step::Compact => {
                let node = bench.node(1);
                let records = node.engine.snapshot(at(5)).unwrap();
                node.log = MemoryLog::default();
                node.log.append_durably(&records).unwrap();
            }
        }
    }
}

fn sign(bench: &mut Bench, number: u32, seat: u16) -> Result<(), hardfrost_engine::Rejection> {
    bench.open(at(0), number, seat)?;
    let ours = bench.round1(at(0), number, seat)?;
    bench.open(at(0), number, 3)?;
    let theirs = bench.round1(at(0), number, 3)?;
    let package = bench.signing.package(vec![ours, theirs]);
    bench.round2(at(0), (number, seat), &package).map(drop)
}

fn complete(bench: &mut Bench, number: u32) -> Result<(), hardfrost_engine::Rejection> {
    let mut commitments = Vec::new();
    for seat in [1, 3] {
        bench.open(at(0), number, seat)?;
        commitments.push(bench.round1(at(0), number, seat)?);
    }
    let package: SigningPackage = bench.signing.package(commitments);
    let mut shares = std::collections::BTreeMap::new();
    for seat in [1, 3] {
        let share = bench.round2(at(0), (number, seat), &package)?;
        shares.insert(member(seat), share);
    }
    let request = bench.aggregate_request((number, 1), &package, &shares);
    bench.aggregate(1, request).map(drop)
}

/// Everything a recovered engine can be asked about the past.
#[derive(Debug, PartialEq)]
struct Answers {
    keys: Vec<hardfrost_engine::HeldKey>,
    convictions: Vec<hardfrost_engine::Conviction>,
    standing: Vec<Quarantined>,
    words: Vec<hardfrost_engine::OperatorWord>,
    opens: Vec<Option<Code>>,
    again: Vec<Option<Code>>,
    ends: Vec<String>,
}

fn answers(history: &History, mut engine: Engine) -> Answers {
    let mut groups: Vec<KeyGroup> = Vec::new();
    for signing in &history.sessions {
        groups.push(signing.public.key_group().clone());
    }
    let standing = groups.iter().flat_map(|group| {
        let engine = &engine;
        (1..=3).map(move |whom| engine.quarantine_status(group, member(whom)))
    });
    let standing = standing.collect();
    let (keys, convictions) = (engine.held_keys(), engine.convictions());
    let words = engine.operator_words();
    let (mut opens, mut again, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for signing in &history.sessions {
        for (number, seat) in (1..5).flat_map(|number| [(number, 1), (number, 2)]) {
            let opened = engine.open(at(6), signing.open(number, seat));
            opens.push(code(opened));
            // A marker whose attempt nobody opened in this process answers too.
            let key = signing.key(number, seat);
            again.push(code(engine.round1(at(6), &key, &mut support::pair::rng(9))));
        }
    }
    for signing in &history.sessions {
        let request = FinalizeSession {
            key_group: signing.public.key_group().clone(),
            session: signing.session.clone(),
        };
        let command = vec![(Ticket(1), Command::FinalizeSession(request))];
        let mut log = MemoryLog::default();
        let mut rng = support::pair::rng(9);
        ends.push(format!(
            "{:?}",
            serve(&mut engine, &mut log, at(6), &mut rng, command)
        ));
    }
    Answers {
        keys,
        convictions,
        standing,
        words,
        opens,
        again,
        ends,
    }
}

fn recover(records: &[EncodedRecord]) -> Engine {
    Engine::recover(Limits::default(), [RAW_TAG.to_owned()].into(), records).unwrap()
}

fn bytes(records: &[EncodedRecord]) -> Vec<(u8, Vec<u8>)> {
    let plain = |record: &EncodedRecord| (record.kind(), record.as_bytes().to_vec());
    records.iter().map(plain).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_snapshot_answers_as_the_whole_log_does(steps in prop::collection::vec(step(), 0..24)) {
        let mut history = History::new();
        steps.iter().for_each(|step| history.step(step));
        let node = history.bench.node(1);
        let all = node.log.replay().unwrap();
        let live = node.engine.snapshot(at(5)).unwrap();
        let folded = recover(&all).snapshot(at(5)).unwrap();
        // Live code and recovery know the same, and a snapshot of a snapshot is the same bytes.
        prop_assert_eq!(bytes(&live), bytes(&folded));
        let twice = recover(&folded).snapshot(at(5)).unwrap();
        prop_assert_eq!(bytes(&folded), bytes(&twice));
        prop_assert!(folded.len() <= all.len());
        prop_assert_eq!(answers(&history, recover(&all)), answers(&history, recover(&folded)));
    }
}

#[test]
fn a_pending_share_is_in_the_snapshot() {
    let mut pair = support::pair::Pair::dealt();
    let open = pair.sealed();
    let mut log = MemoryLog::default();
    let engine = &mut pair.engines[0];
    let staged = engine.dkg_open(open).unwrap();
    let pending = durable(staged, &mut log);
    engine.release_pending_key(pending).unwrap();
    let records = engine.snapshot(at(0)).unwrap();
    assert_eq!(bytes(&records), bytes(&log.replay().unwrap()));
}

/// What is decided and not yet settled is in no snapshot, so there is none.
#[test]
fn no_snapshot_while_a_record_is_under_way() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let Node { engine, log, .. } = bench.node(1);
    let staged = engine.round2(at(0), request).unwrap();
    assert_eq!(code(engine.snapshot(at(0))), Some(Code::CapacityExceeded));
    let committed = durable(staged, log);
    assert_eq!(code(engine.snapshot(at(0))), Some(Code::CapacityExceeded));
    engine.release(committed).unwrap();
    let kinds = engine.snapshot(at(0)).unwrap();
    let kinds: Vec<u8> = kinds.iter().map(EncodedRecord::kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4]);
}

#[test]
fn an_approval_is_forgotten_a_month_after_its_end() {
    let mut bench = Bench::new(2, 3);
    let end = support::APPROVAL_LIFE.as_secs();
    let month = 30 * 24 * 3600;
    let approvals = |bench: &mut Bench, seconds: u64| {
        let records = bench.node(1).engine.snapshot(at(seconds)).unwrap();
        records.iter().filter(|record| record.kind() == 3).count()
    };
    assert_eq!(approvals(&mut bench, 0), 1);
    assert_eq!(approvals(&mut bench, end + month - 1), 1);
    assert_eq!(approvals(&mut bench, end + month), 0);
}
