//! Contexts: thresholds, phantoms, coordinators and ids that are not derived.

use std::collections::BTreeSet;

use hardfrost_engine::Code;
use hardfrost_primitives::derive::{attempt_id, transcript_digest, AttemptContext};
use hardfrost_primitives::{Hash32, Member, Suite};

use crate::support::{at, code, ids, member, open, Bench, SUITE};

/// Opens a changed context with ids that fit it.
fn opened(bench: &mut Bench, change: impl Fn(&mut AttemptContext)) -> Option<Code> {
    let mut context = bench.signing.context(1);
    change(&mut context);
    let request = open(context, 1);
    let refused = code(bench.node(1).engine.open(at(0), request));
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    refused
}

#[test]
fn e16_the_threshold_is_the_keys_own() {
    let mut bench = Bench::new(3, 4);
    for threshold in [0, 1, 2, 4, u16::MAX] {
        let refused = opened(&mut bench, |context| context.threshold = threshold);
        assert_eq!(refused, Some(Code::ValidationError), "{threshold}");
    }
    bench.sign(1, &[1, 2, 3]);
}

#[test]
fn e17_every_included_member_holds_a_verifying_share() {
    let mut bench = Bench::new(2, 3);
    // As many seats as the group has, so that only the names can give the phantoms away.
    let refused = opened(&mut bench, |context| {
        context.included.remove(&member(3));
        context.included.insert(member(4));
    });
    assert_eq!(refused, Some(Code::ValidationError));
    let refused = opened(&mut bench, |context| {
        context.included.remove(&member(2));
        context.included.remove(&member(3));
        context.included.extend([member(259), member(u16::MAX)]);
    });
    assert_eq!(refused, Some(Code::ValidationError));
    bench.sign(1, &[1, 2]);
}

#[test]
fn e18_nobody_appoints_itself_coordinator() {
    let mut bench = Bench::new(2, 3);
    let context = bench.signing.context(1);
    let elected = context.coordinator().unwrap();
    for usurper in Member::all(3).filter(|m| *m != elected) {
        let mut request = open(context.clone(), 1);
        request.ids.coordinator = usurper;
        let claimed = code(bench.node(1).engine.open(at(0), request.clone()));
        assert_eq!(claimed, Some(Code::ValidationError));
        // The same claim with an attempt id that fits it.
        let digest = transcript_digest(&context.message);
        let fingerprint = context.fingerprint();
        request.ids.attempt = attempt_id(&context.session, digest, 1, usurper, fingerprint);
        let consistent = code(bench.node(1).engine.open(at(0), request));
        assert_eq!(consistent, Some(Code::ValidationError));
    }
    bench.sign(1, &[1, 2]);
}

#[test]
fn e19_an_id_over_the_wrong_digest_or_number_is_not_this_attempts() {
    let mut bench = Bench::new(2, 3);
    let context = bench.signing.context(1);
    let election = Hash32(context.message.0);
    let transcript = transcript_digest(&context.message);
    for (digest, number) in [(election, 1), (transcript, 0), (transcript, 2)] {
        let mut request = open(context.clone(), 1);
        let coordinator = request.ids.coordinator;
        let fingerprint = context.fingerprint();
        request.ids.attempt =
            attempt_id(&context.session, digest, number, coordinator, fingerprint);
        let refused = code(bench.node(1).engine.open(at(0), request));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    let mut other = open(context, 1);
    other.ids.fingerprint = ids(&bench.signing.context_without(1, &[3])).fingerprint;
    let refused = code(bench.node(1).engine.open(at(0), other));
    assert_eq!(refused, Some(Code::ValidationError));
    let refused = opened(&mut bench, |context| context.attempt_number = 0);
    assert_eq!(refused, Some(Code::ValidationError));
}

/// Every way to put the members 1..=4 into the three sets, into several or into none.
fn arrangements() -> Vec<[BTreeSet<Member>; 3]> {
    let mut all = Vec::new();
    for code in 0..8_u32.pow(4) {
        let set = |bit: u32| {
            let inside = |m: &Member| code >> (3 * (u32::from(m.number()) - 1) + bit) & 1 == 1;
            Member::all(4).filter(inside).collect()
        };
        all.push([set(0), set(1), set(2)]);
    }
    all
}

/// A good context but for its sets, and each of the other parts wrong in turn.
fn variants(good: &AttemptContext) -> Vec<AttemptContext> {
    let changes: [fn(&mut AttemptContext); 7] = [
        |_| {},
        |c| c.attempt_number = u32::MAX,
        |c| c.attempt_number = 0,
        |c| c.threshold = 1,
        |c| c.threshold = 3,
        |c| c.share_epoch = 1,
        |c| c.group_public = Hash32([0; 32]),
    ];
    let changed = changes.iter().map(|change| {
        let mut context = good.clone();
        change(&mut context);
        context
    });
    changed.collect()
}

#[test]
fn e20_open_takes_what_derive_returns_and_refuses_what_derive_refuses() {
    let mut bench = Bench::new(2, 3);
    let base = bench.signing.context(1);
    let (mut accepted, mut refused) = (0, 0);
    for context in variants(&base) {
        for [included, excluded, parked] in arrangements() {
            let context = AttemptContext {
                included,
                excluded,
                parked,
                ..context.clone()
            };
            let seat = context.included.first().map_or(1, |m| m.number());
            let seat = seat.min(3);
            let node = bench.node(seat);
            let derived = node.engine.derive_attempt_context(&context);
            let opened = node.engine.open(at(0), open(context.clone(), seat));
            match derived {
                Ok((derived, identifiers)) => {
                    accepted += 1;
                    assert_eq!(
                        opened.map(|o| o.attempt),
                        Ok(derived.attempt),
                        "{context:?}"
                    );
                    let members: Vec<Member> = identifiers.iter().map(|(m, _)| *m).collect();
                    assert!(context.included.iter().eq(&members));
                    node.restart();
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(opened, Err(error), "{context:?}");
                    assert_eq!(node.engine.live_attempts(), 0);
                }
            }
        }
    }
    // At least two of three included, the third in one of three sets, for the two numbers that exist.
    assert_eq!((accepted, refused), (2 * 7, 7 * 4096 - 2 * 7));
}

/// The suite is what the operator approved, as the roster has it: a context that names another one is refused before
/// a nonce is drawn, although everything else in it fits and the session is the approved one.
#[test]
fn e47_a_session_approved_for_one_suite_opens_under_no_other() {
    let mut bench = Bench::new(2, 3);
    let refused = opened(&mut bench, |context| context.suite = Suite::Tr);
    assert_eq!(SUITE, Suite::Bip445);
    assert_eq!(refused, Some(Code::SigningPolicyRejected));
    bench.sign(1, &[1, 2]);
}
