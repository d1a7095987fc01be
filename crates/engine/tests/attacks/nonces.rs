//! Secret nonces: they never leave, they sign once, and a crash loses them.

use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use hardfrost_engine::{serve, Aggregate, Code, Command, Log, Reply, Ticket};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Limits};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

use crate::support::{at, code, durable, member, Bench, Node};

/// The nonces that BIP 445's NonceGen makes of 32 random bytes for seat 1 with this signing share.
fn nonces(rng: &mut ChaCha20Rng, public: &GroupPublic, signing_share: &[u8]) -> [SecretKey; 2] {
    let mut random = [0; 32];
    rng.fill_bytes(&mut random);
    let mask = Hash32::tagged("BIP0445/aux", &random).0;
    let masked: Vec<u8> = mask.iter().zip(signing_share).map(|(a, b)| a ^ b).collect();
    let share = public.verifying_shares()[0];
    let known = [
        &masked[..],
        &[4, 0, 0, 0, 0, 33],
        &share,
        &[32],
        &public.verifying_key()[1..],
        &[0, 0, 0, 0, 0],
    ];
    [0, 1].map(|which| {
        let preimage = [&known.concat()[..], &[which]].concat();
        let hash = Hash32::tagged("BIP0445/nonce", &preimage);
        SecretKey::from_slice(&hash.0).unwrap()
    })
}

/// Every way in which bytes show up in a Debug text or a record: raw, hex, a list of numbers.
fn shows(place: &[u8], secret: &SecretKey) -> bool {
    let raw = secret.secret_bytes();
    let hex = Hash32(raw).to_string();
    let list = format!("{raw:?}");
    let inner = list.trim_matches(['[', ']']).as_bytes();
    let holds = |needle: &[u8]| place.windows(needle.len()).any(|window| window == needle);
    holds(&raw) || holds(hex.as_bytes()) || holds(inner)
}

fn ask(node: &mut Node, command: Command) -> Reply {
    let Node {
        engine, log, rng, ..
    } = node;
    let replies = serve(engine, log, at(0), rng, vec![(Ticket(1), command)]);
    replies.into_iter().next().unwrap().1
}

/// The test works out the real nonces from the seed of its generator and the share in the engine's own record, proves
/// against the commitments that it has them, and then looks for them in everything that comes out in a life.
#[test]
fn e01_nonces_are_in_no_reply_and_in_no_record() {
    let mut bench = Bench::new(2, 3);
    let others = bench.package(1, &[2]).commitments;
    let (open, key) = (bench.signing.open(1, 1), bench.signing.key(1, 1));
    let records = bench.node(1).log.replay().unwrap();
    let pending = records.iter().find(|r| r.kind() == 1).unwrap();
    let signing_share = pending.as_bytes()[70..102].to_vec();
    let mut replies = vec![ask(bench.node(1), Command::Open(open))];
    let mut twin = bench.node(1).rng.clone();
    let secrets = nonces(&mut twin, &bench.signing.public, &signing_share);
    let drawn = ask(bench.node(1), Command::Round1(key.clone()));
    let Reply::Committed(shown) = &drawn else {
        panic!("{drawn:?}")
    };
    let curve = Secp256k1::new();
    let points = secrets.map(|secret| PublicKey::from_secret_key(&curve, &secret).serialize());
    assert_eq!(points, [shown.hiding(), shown.binding()]);
    let (hiding, binding) = (shown.hiding(), shown.binding());
    let own = hardfrost_engine::MemberCommitments {
        member: member(1),
        hiding,
        binding,
    };
    let package = bench.signing.package(vec![own, others[0]]);
    replies.push(drawn);
    let round2 = bench.signing.round2(1, 1, &package);
    let mut bad = round2.clone();
    bad.package.commitments.pop();
    replies.push(ask(bench.node(1), Command::Round2(bad)));
    let share = ask(bench.node(1), Command::Round2(round2.clone()));
    replies.push(ask(bench.node(1), Command::Round2(round2)));
    let Reply::Share(ours) = share else {
        panic!("{share:?}")
    };
    let theirs = bench.round2(at(0), (1, 2), &package).unwrap();
    let shares = [(member(1), ours), (member(2), theirs)].into();
    let sum = Aggregate {
        key,
        package,
        shares,
    };
    replies.extend([share, ask(bench.node(1), Command::Aggregate(sum))]);
    assert!(matches!(replies.last(), Some(Reply::Signed(_))));
    let records = bench.node(1).log.replay().unwrap();
    for secret in &secrets {
        for reply in &replies {
            assert!(!shows(format!("{reply:?}").as_bytes(), secret), "{reply:?}");
        }
        for record in &records {
            let kind = record.kind();
            assert!(!shows(record.as_bytes(), secret), "record of kind {kind}");
        }
    }
}

#[test]
fn e01_commitments_stay_the_same_until_they_are_spent() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    for _ in 0..3 {
        assert_eq!(bench.round1(at(0), 1, 1), Ok(package.commitments[0]));
    }
    assert_eq!(bench.open(at(0), 1, 1), Ok(true));
    assert_eq!(bench.round1(at(0), 1, 1), Ok(package.commitments[0]));
    bench.round2(at(0), (1, 1), &package).unwrap();
    let again = code(bench.round1(at(0), 1, 1));
    assert_eq!(again, Some(Code::ConsumedNonceReplay));
}

#[test]
fn e02_the_first_of_two_valid_packages_spends_the_nonces() {
    let mut bench = Bench::new(2, 3);
    let all = bench.package(1, &[1, 2, 3]).commitments;
    let first = bench.signing.package(vec![all[0], all[1]]);
    let second = bench.signing.package(vec![all[0], all[2]]);
    bench.round2(at(0), (1, 1), &first).unwrap();
    for package in [&second, &first] {
        let refused = code(bench.round2(at(0), (1, 1), package));
        assert_eq!(refused, Some(Code::ConsumedNonceReplay));
    }
    let reopened = code(bench.open(at(0), 1, 1));
    assert_eq!(reopened, Some(Code::ConsumedNonceReplay));
    assert_eq!(bench.node(1).records(4), 1);
    // The others' nonces are their own business: the second package's other signer still signs.
    bench.round2(at(0), (1, 3), &second).unwrap();
}

#[test]
fn e02_a_share_under_way_spends_the_nonces_already() {
    let mut bench = Bench::new(2, 3);
    let all = bench.package(1, &[1, 2, 3]).commitments;
    let first = bench.signing.package(vec![all[0], all[1]]);
    let second = bench.signing.package(vec![all[0], all[2]]);
    let request = bench.signing.round2(1, 1, &first);
    let again = bench.signing.round2(1, 1, &second);
    let Node { engine, log, .. } = bench.node(1);
    let staged = engine.round2(at(0), request).unwrap();
    let refused = code(engine.round2(at(0), again.clone()));
    assert_eq!(refused, Some(Code::ConsumedNonceReplay));
    let committed = durable(staged, log);
    let refused = code(engine.round2(at(0), again));
    assert_eq!(refused, Some(Code::ConsumedNonceReplay));
    engine.release(committed).unwrap();
    let round1 = code(bench.round1(at(0), 1, 1));
    assert_eq!(round1, Some(Code::ConsumedNonceReplay));
}

#[test]
fn e02_dropping_a_share_under_way_destroys_its_nonces() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let engine = &mut bench.node(1).engine;
    drop(engine.round2(at(0), request.clone()).unwrap());
    let refused = code(engine.round2(at(0), request));
    assert_eq!(refused, Some(Code::ConsumedNonceReplay));
    let round1 = code(bench.round1(at(0), 1, 1));
    assert_eq!(round1, Some(Code::ConsumedNonceReplay));
    assert_eq!(bench.node(1).records(4), 0);
    bench.sign(2, &[1, 2]);
}

/// Whoever drops a decision loses the attempt, and not the slot.
#[test]
fn e40_a_share_that_is_dropped_on_its_way_frees_its_slot() {
    let limits = Limits {
        live_attempts_max: 1,
        window: 1,
        ..Limits::default()
    };
    let mut bench = Bench::with(2, 3, limits);
    let package = bench.package(1, &[1, 2]);
    let request = bench.signing.round2(1, 1, &package);
    let Node { engine, .. } = bench.node(1);
    drop(engine.round2(at(0), request).unwrap());
    assert_eq!(
        code(bench.open(at(0), 1, 1)),
        Some(Code::ConsumedNonceReplay)
    );
    assert_eq!(bench.node(1).engine.live_attempts(), 0);
    // The same where the record did reach the log and nobody told the engine: the log must still read.
    let package = bench.package(2, &[1, 2]);
    let request = bench.signing.round2(2, 1, &package);
    let Node { engine, log, .. } = bench.node(1);
    drop(durable(engine.round2(at(0), request).unwrap(), log));
    assert_eq!(
        code(bench.open(at(0), 2, 1)),
        Some(Code::ConsumedNonceReplay)
    );
    bench.sign(3, &[1, 2]);
    bench.node(1).restart();
    assert_eq!(bench.open(at(0), 1, 1), Ok(false));
    assert_eq!(
        code(bench.open(at(0), 2, 1)),
        Some(Code::ConsumedNonceReplay)
    );
}

#[test]
fn e10_nonces_end_at_the_deadline_whichever_call_comes_next() {
    let signed =
        |bench: &mut Bench| code(bench.round2(at(0), (1, 1), &bench.signing.package(vec![])));
    let calls: [fn(&mut Bench) -> Option<Code>; 4] = [
        |bench| {
            let package = bench.signing.package(vec![]);
            code(bench.round2(at(600), (1, 1), &package))
        },
        |bench| code(bench.round1(at(600), 1, 1)),
        |bench| code(bench.open(at(600), 2, 1)),
        |bench| {
            let key = bench.signing.key(1, 1);
            let abort = hardfrost_engine::Abort {
                key_group: key.key_group,
                session: hardfrost_primitives::SessionId::new("another").unwrap(),
                attempt: None,
                member: None,
            };
            assert_eq!(bench.node(1).engine.abort(at(600), &abort), Ok(false));
            Some(Code::SessionNotFound)
        },
    ];
    let mut bench = Bench::new(2, 3);
    for call in calls {
        bench.node(1).restart();
        bench.package(1, &[1]);
        // Refused traffic just before the end does not put the end off.
        assert_eq!(signed(&mut bench), Some(Code::ValidationError));
        let late = code(bench.round2(at(599), (1, 1), &bench.signing.package(vec![])));
        assert_eq!(late, Some(Code::ValidationError));
        assert_eq!(bench.node(1).engine.live_attempts(), 1);
        assert_eq!(call(&mut bench), Some(Code::SessionNotFound));
        assert_eq!(bench.node(1).engine.live_attempts(), 0);
    }
}

#[test]
fn e09_a_cloned_log_holds_no_nonce_and_makes_no_second_share() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    // The copy is taken while the nonces are live, and used after the original has signed.
    let mut clone = Bench::new(2, 3);
    clone.group.node(1).log = std::mem::take(&mut bench.node(1).log);
    clone.group.node(1).restart();
    clone.group.node(1).rng = ChaCha20Rng::from_seed([0xc1; 32]);
    let original = bench.round2(at(0), (1, 1), &package).unwrap();
    let unknown = code(clone.round2(at(0), (1, 1), &package));
    assert_eq!(unknown, Some(Code::SessionNotFound));
    clone.open(at(0), 1, 1).unwrap();
    let fresh = clone.round1(at(0), 1, 1).unwrap();
    assert_ne!(fresh, package.commitments[0]);
    let refused = code(clone.round2(at(0), (1, 1), &package));
    assert_eq!(refused, Some(Code::ValidationError));
    let other = clone.signing.package(vec![fresh, package.commitments[1]]);
    let second = clone.round2(at(0), (1, 1), &other).unwrap();
    assert_ne!(original, second);
}
