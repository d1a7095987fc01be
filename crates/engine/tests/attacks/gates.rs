//! What may be signed: approvals, and what they do not permit.

use std::time::Duration;

use hardfrost_engine::{Artifact, Code, Engine, PolicyReason, Rejection};
use hardfrost_frost::DerivedGroup;
use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Limits, Message, Taproot};

use crate::support::{approve, at, code, open, psbt, Bench, Group, RAW_TAG};

fn reason<T>(result: Result<T, Rejection>) -> Option<PolicyReason> {
    match result.err() {
        Some(Rejection::SigningPolicy(reason)) => Some(reason),
        Some(_) | None => None,
    }
}

const NOT_BOUND: Option<PolicyReason> = Some(PolicyReason::MessageNotBoundToApproval);

#[test]
fn b01_a_digest_without_its_transaction_is_not_signed() {
    let mut bench = Bench::new(2, 3);
    let mut bare = bench.signing.context(1);
    bare.message = Message([0x5e; 32]);
    let refused = reason(bench.node(1).engine.open(at(0), open(bare, 1)));
    assert_eq!(refused, NOT_BOUND);
    assert_eq!(
        code::<()>(Err(Rejection::SigningPolicy(refused.unwrap()))),
        { Some(Code::SigningPolicyRejected) }
    );
    let mut unknown = bench.signing.context(1);
    unknown.session = hardfrost_primitives::SessionId::new("hf-unheard-of").unwrap();
    let refused = reason(bench.node(1).engine.open(at(0), open(unknown, 1)));
    assert_eq!(refused, NOT_BOUND);
    bench.sign(1, &[1, 2]);
}

#[test]
fn b01_an_approval_permits_its_own_session_and_key_only() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.approve(2_000_000);
    let mut swapped = bench.signing.context(1);
    swapped.session = other.session.clone();
    let mut other_message = bench.signing.context(1);
    other_message.message = other.message;
    let child = vec![ChildIndex::new(3).unwrap()];
    let specs = [
        KeySpec::new(vec![], Taproot::KeyPathOnly).unwrap(),
        KeySpec::new(vec![], Taproot::Root(Hash32([1; 32]))).unwrap(),
        KeySpec::new(child, Taproot::Untweaked).unwrap(),
    ];
    let respecified = specs.map(|key_spec| {
        let mut context = bench.signing.context(1);
        context.key_spec = key_spec;
        context
    });
    for context in [swapped, other_message].into_iter().chain(respecified) {
        let refused = reason(bench.node(1).engine.open(at(0), open(context, 1)));
        assert_eq!(refused, NOT_BOUND);
    }
}

#[test]
fn b01_an_approval_of_one_key_is_none_of_another() {
    let mut bench = Bench::new(2, 3);
    let other = bench.group.make_another_key();
    let mut context = bench.signing.context(1);
    context.key_group = other.key_group().clone();
    context.group_public = other.hash();
    let refused = reason(bench.node(1).engine.open(at(0), open(context, 1)));
    assert_eq!(refused, NOT_BOUND);
    let foreign = Artifact::Psbt(psbt(&bench.group.public, 3_000_000));
    let request = approve(&other, foreign);
    let refused = code(bench.node(1).approve(at(0), request));
    assert_eq!(refused, Some(Code::ValidationError));
}

#[test]
fn b01_an_approval_that_did_not_become_durable_permits_nothing() {
    let mut group = Group::new(2, 3);
    let artifact = Artifact::Psbt(psbt(&group.public, 1_000_000));
    let request = approve(&group.public, artifact);
    let node = group.node(1);
    drop(node.engine.approve(at(0), request).unwrap());
    let elsewhere = group.approve(1_000_000);
    group.node(1).restart();
    assert_eq!(group.node(1).records(3), 1);
    let mut fresh = Group::new(2, 3);
    assert_eq!(fresh.public, group.public);
    let refused = reason(fresh.node(1).engine.open(at(0), elsewhere.open(1, 1)));
    assert_eq!(refused, NOT_BOUND);
}

fn raw(tag: &str, data: &[u8]) -> Artifact {
    Artifact::Tagged {
        tag: tag.to_owned(),
        data: data.to_vec(),
        key_spec: KeySpec::group_key(),
    }
}

#[test]
fn b05_a_raw_message_is_signed_as_a_tagged_hash_or_not_at_all() {
    let mut bench = Bench::new(2, 3);
    let public = bench.group.public.clone();
    let sighash = bench.signing.message;
    let disabled = Some(PolicyReason::RawMessageSigningDisabled);
    for tag in ["app/other", "", "TapSighash", "APP/GREETING"] {
        let request = approve(&public, raw(tag, &sighash.0));
        let refused = reason(bench.node(1).approve(at(0), request));
        assert_eq!(refused, disabled, "{tag}");
    }
    let mut bare = Engine::recover(Limits::default(), [].into(), &records(&mut bench)).unwrap();
    let request = approve(&public, raw(RAW_TAG, &sighash.0));
    let refused = reason(bare.approve(at(0), request));
    assert_eq!(refused, disabled);
    let signing = bench.group.approve_raw(&public, &sighash.0);
    assert_eq!(signing.message.0, Hash32::tagged(RAW_TAG, &sighash.0).0);
    bench.signing = signing;
    let signature = bench.sign(1, &[1, 2]);
    let group = DerivedGroup::new(public, KeySpec::group_key()).unwrap();
    assert!(!signature.verifies(&sighash, &group.output_key()));
}

/// A tag that Bitcoin hashes with stays refused even where the operator has allowed it by mistake.
#[test]
fn b05_no_configuration_makes_a_sighash_of_a_raw_message() {
    let mut bench = Bench::new(2, 3);
    let tags = ["TapSighash".to_owned()].into();
    let records = records(&mut bench);
    let mut engine = Engine::recover(Limits::default(), tags, &records).unwrap();
    let request = approve(&bench.group.public, raw("TapSighash", b"anything"));
    let refused = code(engine.approve(at(0), request));
    assert_eq!(refused, Some(Code::ValidationError));
}

fn records(bench: &mut Bench) -> Vec<hardfrost_engine::EncodedRecord> {
    hardfrost_engine::Log::replay(&mut bench.node(1).log).unwrap()
}

#[test]
fn b09_an_approval_that_ends_between_open_and_round2_stops_the_share() {
    let mut bench = Bench::new(2, 3);
    let artifact = Artifact::Psbt(psbt(&bench.group.public, 1_000_000));
    let mut short = approve(&bench.group.public, artifact);
    short.life = Duration::from_secs(60);
    bench.node(1).approve(at(0), short.clone()).unwrap();
    let package = bench.package(1, &[1, 2]);
    let ended = Some(PolicyReason::ApprovalExpired);
    for late in [60, 61, 599] {
        let refused = reason(bench.round2(at(late), (1, 1), &package));
        assert_eq!(refused, ended, "after {late} s");
        let refused = reason(bench.open(at(late), 2, 1));
        assert_eq!(refused, ended, "after {late} s");
    }
    assert_eq!(bench.node(1).records(4), 0);
    assert_eq!(bench.round1(at(61), 1, 1), Ok(package.commitments[0]));
    // e24: when the gate clears, the same attempt completes.
    bench.node(1).approve(at(61), short).unwrap();
    bench.round2(at(62), (1, 1), &package).unwrap();
}

#[test]
fn b09_the_end_of_an_approval_survives_a_restart() {
    let mut bench = Bench::new(2, 3);
    bench.node(1).restart();
    bench.open(at(3599), 1, 1).unwrap();
    bench.node(1).restart();
    let refused = reason(bench.open(at(3600), 1, 1));
    assert_eq!(refused, Some(PolicyReason::ApprovalExpired));
}

#[test]
fn b03_an_unreadable_psbt_is_refused_alone() {
    let mut bench = Bench::new(2, 3);
    let good = psbt(&bench.group.public, 1_000_000);
    let cut = good[..good.len() / 2].to_vec();
    for bytes in [vec![], b"psbt\xff".to_vec(), vec![0; 1000], cut] {
        let request = approve(&bench.group.public, Artifact::Psbt(bytes));
        let refused = code(bench.node(1).approve(at(0), request));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    bench.sign(1, &[1, 2]);
}

#[test]
fn b04_a_wider_sighash_type_is_a_policy_matter() {
    let mut bench = Bench::new(2, 3);
    let bytes = psbt(&bench.group.public, 1_000_000);
    let mut wide = bitcoin::Psbt::deserialize(&bytes).unwrap();
    for sighash in [bitcoin::TapSighashType::None, bitcoin::TapSighashType::All] {
        wide.inputs[0].sighash_type = Some(sighash.into());
        let request = approve(&bench.group.public, Artifact::Psbt(wide.serialize()));
        let refused = reason(bench.node(1).approve(at(0), request));
        assert_eq!(refused, Some(PolicyReason::SighashTypeNotAllowed));
    }
}
