//! Names, contexts and limits.

use std::time::Duration;

use hardfrost_engine::{Abort, AttemptKey, Code, Engine, RecoverError, Rejection};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, KeyGroup, Limits, Message};

use crate::support::{approve, at, code, member, open, psbt, Bench, Group};

#[test]
fn e06_names_in_capitals_meet_the_marker() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    bench.round2(at(0), (1, 1), &package).unwrap();
    let plain = bench.signing.key(1, 1);
    let shout = |text: String| text.to_uppercase();
    let loud = AttemptKey {
        key_group: shout(plain.key_group.to_string()).parse().unwrap(),
        attempt: shout(plain.attempt.to_string()).parse().unwrap(),
        ..plain
    };
    let mut context = bench.signing.context(1);
    context.key_group = loud.key_group.clone();
    context.message = shout(context.message.to_string())
        .parse::<Message>()
        .unwrap();
    let mut request = open(context, 1);
    request.ids.attempt = loud.attempt;
    request.ids.fingerprint = shout(request.ids.fingerprint.to_string()).parse().unwrap();
    let node = bench.node(1);
    let reopened = code(node.engine.open(at(0), request));
    assert_eq!(reopened, Some(Code::ConsumedNonceReplay));
    let redrawn = code(node.engine.round1(at(0), &loud, &mut node.rng));
    assert_eq!(redrawn, Some(Code::ConsumedNonceReplay));
    let round2 = hardfrost_engine::Round2 { key: loud, package };
    let again = code(node.engine.round2(at(0), round2));
    assert_eq!(again, Some(Code::ConsumedNonceReplay));
}

type Change = fn(&mut AttemptContext);

/// Contexts of attempt 1 that are valid by themselves and differ from the one that everybody is included in.
const OTHERS: [(&str, Change); 3] = [
    ("another roster, under the same attempt id", |c| {
        c.roster = Hash32([0x41; 32])
    }),
    ("a member excluded", |c| {
        c.included.remove(&member(3));
        c.excluded.insert(member(3));
    }),
    ("a member parked", |c| {
        c.included.remove(&member(3));
        c.parked.insert(member(3));
    }),
];

#[test]
fn e47_one_attempt_number_has_one_context() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let conflicts = |bench: &mut Bench| {
        for (what, change) in OTHERS {
            let mut context = bench.signing.context(1);
            change(&mut context);
            let refused = code(bench.node(1).engine.open(at(0), open(context, 1)));
            assert_eq!(refused, Some(Code::SessionConflict), "{what}");
        }
    };
    conflicts(&mut bench);
    assert_eq!(bench.round1(at(0), 1, 1), Ok(package.commitments[0]));
    let key = bench.signing.key(1, 1);
    let abort = Abort {
        key_group: key.key_group,
        session: key.session,
        attempt: None,
        member: None,
    };
    assert_eq!(bench.node(1).engine.abort(at(0), &abort), Ok(true));
    conflicts(&mut bench);
    assert_eq!(bench.open(at(0), 1, 1), Ok(false));
    // The next number is free to have any of them.
    let mut context = bench.signing.context(2);
    OTHERS[1].1(&mut context);
    bench.node(1).engine.open(at(0), open(context, 1)).unwrap();
}

#[test]
fn e47_the_second_seat_of_an_engine_opens_the_same_context_or_none() {
    let seats = [vec![1, 2], vec![3]];
    let mut bench = Bench::of(Group::seated(2, &seats, Limits::default()));
    bench.open(at(0), 1, 1).unwrap();
    let mut context = bench.signing.context(1);
    OTHERS[0].1(&mut context);
    let refused = code(bench.node(2).engine.open(at(0), open(context, 2)));
    assert_eq!(refused, Some(Code::SessionConflict));
    assert_eq!(bench.open(at(0), 1, 2), Ok(false));
}

#[test]
fn e47_a_share_epoch_that_is_not_the_active_one_conflicts() {
    let mut bench = Bench::new(2, 3);
    let mut epoch = bench.signing.context(1);
    epoch.share_epoch = 1;
    let mut public = bench.signing.context(1);
    public.group_public = Hash32([0; 32]);
    for context in [epoch, public] {
        let refused = code(bench.node(1).engine.open(at(0), open(context, 1)));
        assert_eq!(refused, Some(Code::SessionConflict));
    }
}

/// One session fits. Every refused Open before must have left it free.
#[test]
fn e41_a_refused_open_leaves_no_session() {
    let limits = Limits {
        sessions_max: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let other = bench.group.approve(2_000_000);
    let engine = &mut bench.group.node(1).engine;
    let mut unapproved = other.context(1);
    unapproved.message = Message([1; 32]);
    let mut phantom = other.context(1);
    phantom.included.insert(member(4));
    let mut ids = open(other.context(1), 1);
    ids.ids.coordinator = member(4);
    let mut life = open(other.context(1), 1);
    life.life = Duration::ZERO;
    let unheld = open(other.context(1), 2);
    let refused = [open(unapproved, 1), open(phantom, 1), ids, life, unheld];
    for request in refused {
        assert!(engine.open(at(0), request).is_err());
        assert_eq!(engine.live_attempts(), 0);
    }
    bench.open(at(0), 1, 1).unwrap();
    // Only a session without live attempts makes room for the next.
    let engine = &mut bench.group.node(1).engine;
    let full = code(engine.open(at(0), other.open(1, 1)));
    assert_eq!(full, Some(Code::CapacityExceeded));
    let package = bench.package(1, &[1, 2]);
    bench.round2(at(0), (1, 1), &package).unwrap();
    let engine = &mut bench.group.node(1).engine;
    engine.open(at(0), other.open(1, 1)).unwrap();
}

#[test]
fn e44_limits_out_of_range_are_refused_at_the_start() {
    let default = Limits::default();
    let changes: [fn(&mut Limits); 12] = [
        |l| l.members_max = 1,
        |l| l.members_max = 1001,
        |l| l.live_attempts_max = 0,
        |l| l.live_attempts_max = usize::MAX,
        |l| l.sessions_max = 0,
        |l| l.sessions_max = usize::MAX,
        |l| l.window = 0,
        |l| l.window = 2049,
        |l| l.markers_per_seat_max = 0,
        |l| l.markers_per_seat_max = usize::MAX,
        |l| l.life_max = Duration::ZERO,
        |l| l.life_max = Duration::MAX,
    ];
    for (place, change) in changes.iter().enumerate() {
        let mut limits = default;
        change(&mut limits);
        let refused = Engine::recover(limits, [].into(), &[]).err();
        assert!(
            matches!(refused, Some(RecoverError::Limits(_))),
            "case {place}"
        );
    }
    assert!(Engine::recover(default, [].into(), &[]).is_ok());
}

#[test]
fn e44_live_attempts_lives_and_markers_are_bounded() {
    let limits = Limits {
        live_attempts_max: 2,
        window: 2,
        markers_per_seat_max: 3,
        life_max: Duration::from_secs(3600),
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let other = bench.group.approve(2_000_000);
    let mut long = bench.signing.open(1, 1);
    long.life = Duration::from_secs(3601);
    let refused = code(bench.node(1).engine.open(at(0), long));
    assert_eq!(refused, Some(Code::ValidationError));
    let artifact = hardfrost_engine::Artifact::Psbt(psbt(&bench.group.public, 1_000_000));
    for seconds in [0, 3601] {
        let mut request = approve(&bench.group.public, artifact.clone());
        request.life = Duration::from_secs(seconds);
        let refused = code(bench.node(1).approve(at(0), request));
        assert_eq!(refused, Some(Code::ValidationError));
    }
    bench.open(at(0), 1, 1).unwrap();
    bench.open(at(0), 2, 1).unwrap();
    let elsewhere = bench.node(1).engine.open(at(0), other.open(1, 1));
    assert_eq!(code(elsewhere), Some(Code::CapacityExceeded));
    assert_eq!(bench.open(at(0), 2, 1), Ok(true));
    for number in 1..=3 {
        bench.sign(number, &[1, 2]);
    }
    assert_eq!(code(bench.open(at(0), 4, 1)), Some(Code::CapacityExceeded));
}

#[test]
fn e44_at_the_limit_of_attempts_the_open_ones_still_work() {
    let limits = Limits {
        markers_per_seat_max: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let package = bench.package(1, &[1, 2]);
    assert_eq!(bench.open(at(0), 1, 1), Ok(true));
    assert_eq!(code(bench.open(at(0), 2, 1)), Some(Code::CapacityExceeded));
    bench.shares(1, &package);
}

/// Two inputs of ours make two sessions. They fit together, with attempts for each, or the approval is refused whole.
#[test]
fn e44_a_batch_of_sessions_fits_whole_or_is_refused() {
    let mut group = Group::new(2, 3);
    let mut two = bitcoin::Psbt::deserialize(&psbt(&group.public, 1_000_000)).unwrap();
    let other = bitcoin::Psbt::deserialize(&psbt(&group.public, 2_000_000)).unwrap();
    two.inputs.extend(other.inputs);
    two.unsigned_tx.input.extend(other.unsigned_tx.input);
    let artifact = hardfrost_engine::Artifact::Psbt(two.serialize());
    let request = approve(&group.public, artifact);
    let records = hardfrost_engine::Log::replay(&mut group.node(1).log).unwrap();
    let asked = |limits: Limits| {
        let mut engine = Engine::recover(limits, [].into(), &records).unwrap();
        code(engine.approve(at(0), request.clone()))
    };
    let fits = Limits {
        sessions_max: 2,
        live_attempts_max: 128,
        ..Limits::default()
    };
    assert_eq!(asked(fits), None);
    let full = Some(Code::CapacityExceeded);
    let one = Limits {
        sessions_max: 1,
        ..fits
    };
    assert_eq!(asked(one), full);
    let few = Limits {
        live_attempts_max: 127,
        ..fits
    };
    assert_eq!(asked(few), full);
    let narrow = Limits { window: 63, ..few };
    assert_eq!(asked(narrow), None);
}

/// A package's points are decoded only when their number is right: a long list costs nothing.
#[test]
fn e44_a_long_package_is_refused_by_its_length() {
    let mut bench = Bench::new(2, 3);
    let good = bench.package(1, &[1, 2]);
    let mut long = good.clone();
    let mut garbage = good.commitments[1];
    garbage.hiding = [0xff; 33];
    long.commitments.splice(0..0, vec![garbage; 1000]);
    let refused = bench.round2(at(0), (1, 1), &long);
    let Err(Rejection::Validation(why)) = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("1002"), "{why}");
    bench.shares(1, &good);
}

#[test]
fn e44_no_key_of_an_unknown_group() {
    let mut bench = Bench::new(2, 3);
    let nobody: KeyGroup = format!("02{}", "11".repeat(32)).parse().unwrap();
    let mut context = bench.signing.context(1);
    context.key_group = nobody;
    let refused = code(bench.node(1).engine.open(at(0), open(context.clone(), 1)));
    assert_eq!(refused, Some(Code::DkgNotReady));
    let derived = code(bench.node(1).engine.derive_attempt_context(&context));
    assert_eq!(derived, Some(Code::DkgNotReady));
}
