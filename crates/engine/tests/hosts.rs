//! What an engine does for a host that makes keys and names sessions itself: adopt, and approve under a name.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_engine::{
    Adopt, ApproveSession, Code, Engine, Log, LogError, PolicyReason, Rejection, Staged,
};
use hardfrost_frost::dkg::{deal, AwaitShares, Contribution, OpenShares, Seat};
use hardfrost_frost::{KeyShare, Region};
use hardfrost_primitives::{Hash32, KeyGroup, KeySpec, Message, SessionId};
use hardfrost_spend::{SpendPlan, UnsignedPsbt};

mod support;

use support::pair::{engine, rng};
use support::{at, code, durable, member, psbt, Bench, Scripted, APPROVAL_LIFE};

const CEREMONY: Hash32 = Hash32([3; 32]);

/// The shares of a 2-of-2 key that a host made; another seed, another key.
fn shares(seed: u16) -> Vec<KeyShare> {
    let seat = |number| Seat {
        ceremony: CEREMONY,
        member: member(number),
        threshold: 2,
        count: 2,
    };
    let dealt: Vec<_> = [1, 2]
        .map(|n| deal(seat(n), &Region::new().unwrap(), &mut rng(seed + n)).unwrap())
        .into();
    let shown: Vec<Contribution> = dealt
        .iter()
        .map(|(_, shown)| Contribution {
            commitment: shown.commitment.clone(),
            proof_of_knowledge: shown.proof_of_knowledge,
        })
        .collect();
    let (mut waiting, mut sent): (Vec<AwaitShares>, Vec<OpenShares>) = Default::default();
    for (place, (dealing, _)) in dealt.into_iter().enumerate() {
        let other = member(2 - u16::try_from(place).unwrap());
        let others = BTreeMap::from([(other, shown[1 - place].clone())]);
        let (await_shares, shares) = dealing.dangerous_shares(&others).unwrap();
        waiting.push(await_shares);
        sent.push(shares);
    }
    let mut held = Vec::new();
    for (place, waiting) in waiting.into_iter().enumerate() {
        let us = member(u16::try_from(place).unwrap() + 1);
        let other = member(2 - u16::try_from(place).unwrap());
        let incoming = OpenShares::from([(other, sent[1 - place][&us].clone())]);
        held.push(waiting.dangerous_take(&incoming).unwrap());
    }
    held
}

fn adopt(share: KeyShare) -> Adopt {
    Adopt {
        ceremony: CEREMONY,
        certificate: share.group().hash(),
        file: b"made by a host".to_vec(),
        share,
    }
}

fn again(share: &KeyShare) -> KeyShare {
    let bytes = share.dangerous_to_bytes();
    let region = Region::new().unwrap();
    KeyShare::from_bytes(share.member(), &bytes, Arc::clone(share.group()), &region).unwrap()
}

fn refusal(engine: &mut Engine, log: &mut impl Log, request: Adopt) -> (Code, bool) {
    let not = engine.adopt(log, request).unwrap_err();
    (not.rejection.code(), not.share.is_some())
}

#[test]
fn an_adopted_share_signs_and_is_there_after_a_restart() {
    let mut log = Scripted::default();
    let mut engine = engine();
    let shares = shares(10);
    let first = again(&shares[0]);
    for share in shares {
        engine.adopt(&mut log, adopt(share)).unwrap();
    }
    let group = Arc::clone(first.group());
    let before = log.replay().unwrap().len();
    engine.adopt(&mut log, adopt(first)).unwrap();
    assert_eq!(
        log.replay().unwrap().len(),
        before,
        "the same again is no record"
    );
    assert_eq!(
        (before, engine.share_epoch(group.key_group())),
        (4, Some(0))
    );
    let records = log.replay().unwrap();
    let again = Engine::recover(Default::default(), Default::default(), &records).unwrap();
    assert_eq!(again.held_keys(), engine.held_keys());
    assert_eq!(again.ceremony_group(&CEREMONY), Some(group.key_group()));
    assert_eq!(again.ceremony_group(&Hash32([4; 32])), None);
    let snapshot = engine.snapshot(at(1)).unwrap();
    let compacted = Engine::recover(Default::default(), Default::default(), &snapshot).unwrap();
    assert_eq!(compacted.held_keys(), engine.held_keys());
}

#[test]
fn what_is_known_otherwise_is_a_conflict_and_the_share_comes_back() {
    let mut log = Scripted::default();
    let mut engine = engine();
    let share = shares(10).remove(0);
    let (second, third) = (again(&share), again(&share));
    engine.adopt(&mut log, adopt(share)).unwrap();
    let conflict = (Code::SessionConflict, true);
    let other_key = adopt(shares(20).remove(0));
    assert_eq!(refusal(&mut engine, &mut log, other_key), conflict);
    let other_name = Adopt {
        ceremony: Hash32([4; 32]),
        ..adopt(second)
    };
    assert_eq!(refusal(&mut engine, &mut log, other_name), conflict);
    let other_certificate = Adopt {
        certificate: Hash32([5; 32]),
        ..adopt(third)
    };
    assert_eq!(refusal(&mut engine, &mut log, other_certificate), conflict);
    let no_file = Adopt {
        file: Vec::new(),
        ..adopt(shares(10).remove(1))
    };
    let invalid = (Code::ValidationError, true);
    assert_eq!(refusal(&mut engine, &mut log, no_file), invalid);
}

#[test]
fn e04_a_share_that_was_not_written_comes_back_and_one_that_may_be_faults_the_engine() {
    let mut engine = engine();
    let share = shares(10).remove(0);
    let group: KeyGroup = share.group().key_group().clone();
    let mut full = Scripted::failing(LogError::NotWritten);
    let not = engine.adopt(&mut full, adopt(share)).unwrap_err();
    assert_eq!(not.rejection.code(), Code::CapacityExceeded);
    assert_eq!(engine.share_epoch(&group), None);
    let share = not.share.unwrap();
    let mut broken = Scripted::failing(LogError::Unknown);
    let gone = (Code::StorageFault, false);
    assert_eq!(refusal(&mut engine, &mut broken, adopt(share)), gone);
    let after = adopt(shares(10).remove(1));
    assert_eq!(
        refusal(&mut engine, &mut broken, after),
        (Code::StorageFault, true)
    );
}

/// A bench's first node, and a request to approve its transaction under a host's name.
fn named(session: &str) -> (Bench, ApproveSession) {
    let bench = Bench::new(2, 2);
    let public = Arc::clone(&bench.group.public);
    let bytes = psbt(&public, 300_000);
    let plan = SpendPlan::new(&UnsignedPsbt::parse(&bytes).unwrap(), &public).unwrap();
    let request = ApproveSession {
        key_group: public.key_group().clone(),
        session: SessionId::new(session).unwrap(),
        psbt: bytes,
        message: plan.inputs()[0].message,
        key_spec: plan.inputs()[0].key_spec.clone(),
        suite: bench.signing.suite,
        life: APPROVAL_LIFE,
    };
    (bench, request)
}

#[test]
fn b01_only_a_message_of_the_transaction_is_approved_under_a_hosts_name() {
    let (mut bench, request) = named("the-hosts-name");
    let node = bench.node(1);
    let unbound = Rejection::SigningPolicy(PolicyReason::MessageNotBoundToApproval);
    let other_message = ApproveSession {
        message: Message([7; 32]),
        ..request.clone()
    };
    let root = hardfrost_primitives::Taproot::Root(Hash32([1; 32]));
    let other_key = ApproveSession {
        key_spec: KeySpec::new(Vec::new(), root).unwrap(),
        ..request.clone()
    };
    for wrong in [other_message, other_key] {
        assert_eq!(
            node.engine.approve_session(at(0), wrong).err(),
            Some(unbound.clone())
        );
    }
    let staged = node.engine.approve_session(at(0), request.clone()).unwrap();
    let approval = node
        .engine
        .release_approval(durable(staged, &mut node.log))
        .unwrap();
    assert_eq!(approval.inputs[0].session, request.session);
    let groups = node.engine.groups_of_session(&request.session);
    assert!(groups.into_iter().eq([request.key_group.clone()]));
    node.restart();
    let groups = node.engine.groups_of_session(&request.session);
    assert!(groups.contains(&request.key_group));
    // The session is that message's for good; the same again extends it.
    let other = ApproveSession {
        psbt: psbt(&bench.group.public, 400_000),
        ..request.clone()
    };
    let bytes = UnsignedPsbt::parse(&other.psbt).unwrap();
    let plan = SpendPlan::new(&bytes, &bench.group.public).unwrap();
    let other = ApproveSession {
        message: plan.inputs()[0].message,
        ..other
    };
    let node = bench.node(1);
    let conflict = code(node.engine.approve_session(at(0), other));
    assert_eq!(conflict, Some(Code::SessionConflict));
    assert!(node.engine.approve_session(at(1), request).is_ok());
}

/// Two approvals at once: a session has one message from the decision on, not only when it is written.
#[test]
fn b01_a_session_is_approved_for_one_message_also_while_that_is_being_written() {
    let (mut bench, request) = named("the-hosts-name");
    let bytes = psbt(&bench.group.public, 400_000);
    let plan = UnsignedPsbt::parse(&bytes).unwrap();
    let plan = SpendPlan::new(&plan, &bench.group.public).unwrap();
    let other = ApproveSession {
        message: plan.inputs()[0].message,
        psbt: bytes,
        ..request.clone()
    };
    let node = bench.node(1);
    let staged = node.engine.approve_session(at(0), request).unwrap();
    let conflict = code(node.engine.approve_session(at(0), other.clone()));
    assert_eq!(conflict, Some(Code::SessionConflict));
    let mut refusing = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut refusing);
    node.engine.withdraw_approval(not.err().unwrap());
    assert!(node.engine.approve_session(at(0), other).is_ok());
}
