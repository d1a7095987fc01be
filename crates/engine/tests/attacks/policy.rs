//! The operator's limits: judged at the approval, and again at Open and at Round2 by the limits of that moment.

use hardfrost_engine::{
    Approve, Artifact, Changed, Decision, Engine, InstallPolicy, Log, LogError, PolicyReason,
    Rejection, Staged,
};
use hardfrost_primitives::{Hash32, Limits};
use hardfrost_spend::{
    funding_transaction, script_pubkey, spending_psbt, Amount, Payment, Policy, PolicyLimit,
    ScriptBuf,
};

use crate::support::{approve, at, Bench, Scripted, RAW_TAG};

/// The fee of every transaction here is 200.
fn fee_below(most: u64) -> Policy {
    Policy {
        fee_sats_max: Some(most),
        ..Policy::default()
    }
}

fn request(bench: &Bench, policy: Policy) -> InstallPolicy {
    InstallPolicy {
        key_group: bench.signing.public.key_group().clone(),
        policy,
    }
}

fn install(bench: &mut Bench, policy: Policy) -> Changed {
    let request = request(bench, policy);
    let node = bench.node(1);
    let changed = node.change(|engine| engine.install_policy(at(0), request));
    changed.unwrap()
}

fn reason<T>(result: Result<T, Rejection>) -> Option<PolicyReason> {
    match result.err() {
        Some(Rejection::SigningPolicy(reason)) => Some(reason),
        Some(_) | None => None,
    }
}

const FEE: Option<PolicyReason> = Some(PolicyReason::Limit(PolicyLimit::Fee));

#[test]
fn e27_an_approval_does_not_outlive_a_stricter_policy() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    install(&mut bench, fee_below(199));
    assert_eq!(reason(bench.round2(at(0), (1, 1), &package)), FEE);
    assert_eq!(reason(bench.open(at(0), 2, 1)), FEE);
    assert_eq!(bench.node(1).records(4), 0, "a closed gate burns nothing");
    install(&mut bench, fee_below(200));
    bench.round2(at(0), (1, 1), &package).unwrap();
}

#[test]
fn e27_the_stricter_policy_holds_from_the_decision_on() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = request(&bench, fee_below(199));
    let engine = &mut bench.node(1).engine;
    let Ok(Decision::New(staged)) = engine.install_policy(at(0), request) else {
        panic!("it was so before");
    };
    assert_eq!(reason(bench.round2(at(0), (1, 1), &package)), FEE);
    let not = Staged::commit_all(vec![staged], &mut Scripted::failing(LogError::NotWritten));
    bench.node(1).engine.withdraw_change(not.err().unwrap());
    bench.round2(at(0), (1, 1), &package).unwrap();
}

#[test]
fn e27_a_policy_survives_a_restart_and_a_snapshot() {
    let mut bench = Bench::new(2, 3);
    let group = bench.signing.public.key_group().clone();
    let installed = install(&mut bench, fee_below(199));
    assert_eq!(installed, Changed::Policy(fee_below(199).hash()));
    assert_eq!(install(&mut bench, fee_below(199)), installed, "a repeat");
    assert_eq!(bench.node(1).records(10), 1);
    let snapshot = bench.node(1).engine.snapshot(at(0)).unwrap();
    let again = Engine::recover(Limits::default(), [].into(), &snapshot).unwrap();
    assert_eq!(again.policy(&group), fee_below(199));
    assert_eq!(again.status().keys[0].policy, fee_below(199).hash());
    bench.node(1).restart();
    assert_eq!(reason(bench.open(at(0), 1, 1)), FEE);
    let anew = approve(&bench.signing.public, payment(&bench, 1_000_000, 9_000));
    assert_eq!(reason(bench.node(1).approve(at(0), anew)), FEE);
}

#[test]
fn e27_a_tag_that_is_not_allowed_any_more_signs_no_more() {
    let mut bench = Bench::new(2, 3);
    let public = bench.signing.public.clone();
    let greeting = bench.group.approve_raw(&public, b"hello");
    let records = bench.node(1).log.replay().unwrap();
    let mut strict = Engine::recover(Limits::default(), [].into(), &records).unwrap();
    let refused = reason(strict.open(at(0), greeting.open(1, 1)));
    assert_eq!(refused, Some(PolicyReason::RawMessageSigningDisabled));
    let tags = [RAW_TAG.to_owned()].into();
    let mut same = Engine::recover(Limits::default(), tags, &records).unwrap();
    same.open(at(0), greeting.open(1, 1)).unwrap();
}

/// The coin of `sats`, spent for a payment of `amount`.
fn payment(bench: &Bench, sats: u64, amount: u64) -> Artifact {
    let public = &bench.signing.public;
    let funding = funding_transaction(script_pubkey(public), Amount::from_sat(sats));
    let payment = Payment {
        to: ScriptBuf::from_bytes([&[0x51, 0x20][..], &[9; 32]].concat()),
        amount: Amount::from_sat(amount),
        fee: Amount::from_sat(200),
    };
    let psbt = spending_psbt(&funding, 0, public, payment).unwrap();
    Artifact::Psbt(psbt.to_bytes())
}

const SPENT: Option<PolicyReason> = Some(PolicyReason::CoinSpentByAnotherApproval);

#[test]
fn two_approvals_spend_one_coin_only_where_one_replaces_the_other() {
    let mut bench = Bench::new(2, 3);
    let first = payment(&bench, 1_000_000, 10_000);
    let other = payment(&bench, 1_000_000, 20_000);
    let public = bench.signing.public.clone();
    let (first, other) = (approve(&public, first), approve(&public, other));
    // The first was approved when the bench was set up: approving it again is no second transaction.
    bench.node(1).approve(at(0), first.clone()).unwrap();
    assert_eq!(reason(bench.node(1).approve(at(0), other.clone())), SPENT);
    let unrelated = approve(&public, payment(&bench, 3_000_000, 10_000));
    bench.node(1).approve(at(0), unrelated).unwrap();
    // Once it is over, its coin is free.
    let late = at(3600);
    drop(bench.node(1).engine.approve(late, other.clone()).unwrap());
    bench.node(1).restart();
    assert_eq!(reason(bench.node(1).approve(at(0), other.clone())), SPENT);
    let replaced = bench.node(1).engine.approve(at(0), first.clone()).unwrap();
    let log = &mut bench.node(1).log;
    let replaced = Staged::commit_all(vec![replaced], log)
        .ok()
        .unwrap()
        .remove(0);
    let artifact = bench
        .node(1)
        .engine
        .release_approval(replaced)
        .unwrap()
        .artifact;
    let wrong = Approve {
        replaces: Some(Hash32([7; 32])),
        ..other.clone()
    };
    assert_eq!(reason(bench.node(1).approve(at(0), wrong)), SPENT);
    let package = bench.package(1, &[1, 2]);
    let right = Approve {
        replaces: Some(artifact),
        ..other
    };
    bench.node(1).approve(at(0), right).unwrap();
    let gone = Some(PolicyReason::MessageNotBoundToApproval);
    assert_eq!(reason(bench.round2(at(0), (1, 1), &package)), gone);
    bench.node(1).restart();
    assert_eq!(reason(bench.open(at(0), 2, 1)), gone, "after a restart");
    assert_eq!(reason(bench.node(1).approve(at(0), first)), SPENT, "back");
}

#[test]
fn two_approvals_of_one_batch_do_not_spend_one_coin() {
    let mut bench = Bench::new(2, 3);
    let public = bench.signing.public.clone();
    let one = approve(&public, payment(&bench, 3_000_000, 10_000));
    let two = approve(&public, payment(&bench, 3_000_000, 20_000));
    let engine = &mut bench.node(1).engine;
    let staged = engine.approve(at(0), one).unwrap();
    assert_eq!(reason(engine.approve(at(0), two.clone())), SPENT);
    let not = Staged::commit_all(vec![staged], &mut Scripted::failing(LogError::NotWritten));
    engine.withdraw_approval(not.err().unwrap());
    drop(engine.approve(at(0), two).unwrap());
}
