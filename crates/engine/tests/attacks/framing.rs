//! Coordinators: packages made to burn a nonce, to frame a member or to sign something else.

use hardfrost_engine::{Code, Rejection, SigningPackage, Verdict, VerifyShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Message, Taproot};

use crate::support::{at, code, member, open, Bench, SUITE};

type Spoil = fn(&mut SigningPackage);

/// Everything that a package may get wrong, for members 1 and 2 of an attempt that leaves member 4 out.
const SPOILT: [(&str, Spoil); 11] = [
    ("another message", |p| p.message = Message([7; 32])),
    ("too few", |p| p.commitments.truncate(1)),
    ("none", |p| p.commitments.clear()),
    ("too many", |p| p.commitments.push(of(p, 3))),
    ("a member twice, instead of another", |p| {
        p.commitments[1] = p.commitments[0]
    }),
    ("a member twice, beside the others", |p| {
        p.commitments.push(p.commitments[0])
    }),
    ("a member that is not included", |p| {
        p.commitments[1].member = member(4)
    }),
    ("a member of no group", |p| {
        p.commitments[1].member = member(9)
    }),
    ("not its addressee", |p| p.commitments[0].member = member(3)),
    ("the identity", |p| p.commitments[1].hiding = [0; 33]),
    ("bytes that are no point", |p| {
        p.commitments[1].binding = [0xff; 33]
    }),
];

/// The second entry under another member's name.
fn of(package: &SigningPackage, number: u16) -> hardfrost_engine::MemberCommitments {
    let mut entry = package.commitments[1];
    entry.member = member(number);
    entry
}

/// Opens attempt 1 without member 4 at members 1 and 2, draws, and returns the honest package.
fn without_four(bench: &mut Bench) -> (AttemptContext, SigningPackage) {
    let context = bench.signing.context_without(1, &[4]);
    let mut commitments = Vec::new();
    for seat in [1, 2] {
        let key = bench.signing.key_in(&context, seat);
        let node = bench.node(seat);
        node.engine
            .open(at(0), open(context.clone(), seat))
            .unwrap();
        let points = node.engine.round1(at(0), &key, &mut node.rng).unwrap();
        commitments.push(hardfrost_engine::MemberCommitments {
            member: member(seat),
            hiding: points.hiding(),
            binding: points.binding(),
        });
    }
    (context, bench.signing.package(commitments))
}

fn round2(
    bench: &mut Bench,
    context: &AttemptContext,
    package: SigningPackage,
) -> Result<hardfrost_frost::SignatureShare, Rejection> {
    let key = bench.signing.key_in(context, 1);
    let node = bench.node(1);
    let request = hardfrost_engine::Round2 { key, package };
    let staged = node.engine.round2(at(0), request)?;
    let done = crate::support::durable(staged, &mut node.log);
    node.engine.release(done)
}

#[test]
fn e14_a_bad_package_burns_nothing_and_a_good_one_still_signs() {
    let mut bench = Bench::new(2, 4);
    let (context, good) = without_four(&mut bench);
    for (what, spoil) in SPOILT {
        let mut package = good.clone();
        spoil(&mut package);
        let refused = code(round2(&mut bench, &context, package));
        assert_eq!(refused, Some(Code::ValidationError), "{what}");
    }
    assert_eq!(bench.node(1).records(4), 0);
    round2(&mut bench, &context, good).unwrap();
}

#[test]
fn e15_a_replaced_own_commitment_is_seen_before_signing() {
    let mut bench = Bench::new(2, 3);
    let all = bench.package(1, &[1, 2, 3]).commitments;
    let (ours, theirs) = (all[0], all[1]);
    let mut hiding = ours;
    hiding.hiding = all[2].hiding;
    let mut binding = ours;
    binding.binding = all[2].binding;
    let mut swapped = ours;
    (swapped.hiding, swapped.binding) = (ours.binding, ours.hiding);
    for forged in [hiding, binding, swapped] {
        let package = bench.signing.package(vec![forged, theirs]);
        let refused = code(bench.round2(at(0), (1, 1), &package));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    let good = bench.signing.package(vec![ours, theirs]);
    bench.round2(at(0), (1, 1), &good).unwrap();
}

#[test]
fn e21_a_package_under_another_key_spec_is_refused_and_burns_nothing() {
    let mut bench = Bench::new(2, 3);
    let good = bench.package(1, &[1, 2]);
    let child = vec![ChildIndex::new(0).unwrap()];
    let others = [
        KeySpec::new(vec![], Taproot::KeyPathOnly).unwrap(),
        KeySpec::new(vec![], Taproot::Root(Hash32([3; 32]))).unwrap(),
        KeySpec::new(child, Taproot::Untweaked).unwrap(),
    ];
    for key_spec in others {
        let package = SigningPackage {
            key_spec,
            ..good.clone()
        };
        let refused = code(bench.round2(at(0), (1, 1), &package));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    bench.shares(1, &good);
}

#[test]
fn e22_what_is_signed_is_what_open_bound() {
    let mut bench = Bench::new(2, 3);
    let good = bench.package(1, &[1, 2]);
    let other = bench.group.approve(2_000_000);
    assert_ne!(other.message, bench.signing.message);
    let package = SigningPackage {
        message: other.message,
        ..good.clone()
    };
    let refused = code(bench.round2(at(0), (1, 1), &package));
    assert_eq!(refused, Some(Code::ValidationError));
    let share = bench.round2(at(0), (1, 1), &good).unwrap();
    let verdict = |bench: &mut Bench, package: &SigningPackage| {
        let question = VerifyShare {
            key_group: bench.signing.public.key_group().clone(),
            session: None,
            key_spec: KeySpec::group_key(),
            suite: SUITE,
            package: package.clone(),
            member: member(1),
            share: share.0.to_vec(),
        };
        bench.node(2).engine.verify_share(&question)
    };
    assert_eq!(verdict(&mut bench, &good), Verdict::Valid);
    assert_eq!(verdict(&mut bench, &package), Verdict::Invalid);
}
