//! Every code that a host may meet, provoked through the boundary.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use hardfrost_engine::{Command, Engine, FinalizeSession, Quarantine, Reason, Reply, Ticket};
use hardfrost_ffi::{Call, ErrorCode, RecoveryClass};
use hardfrost_primitives::{Limits, Member, Monotonic, Now, SessionId, UnixTime};
use hardfrost_store::{KeyProvider, Opened, Store, StoreDir};
use host::{build, Host, Key, Refused};
use rand_core::OsRng;
use serde_json::{json, Value};

/// Another program of the operator's works on the store while no library has it open.
fn meanwhile(host: &Host, command: Command) {
    let dir = StoreDir::new(host.path("state"));
    let Opened { store, records } =
        Store::open(&dir, &KeyProvider::File(host.path("key"))).unwrap();
    let mut engine = Engine::recover(Limits::default(), BTreeSet::new(), &records).unwrap();
    let now = Now {
        mono: Monotonic::after_start(std::time::Duration::ZERO),
        utc: UnixTime(1),
    };
    let commands = vec![(Ticket(0), command)];
    let replies =
        hardfrost_engine::serve(&mut engine, &mut store.writer(), now, &mut OsRng, commands);
    assert!(matches!(replies[0].1, Reply::Changed(_)), "{replies:?}");
}

fn ready() -> (Host, Key) {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 2);
    (host, key)
}

fn requests_that_do_not_fit() -> Vec<Refused> {
    let (host, key) = ready();
    let unknown = Key {
        group: format!("02{}", "11".repeat(32)),
        ..key.clone()
    };
    let signing = host.approve(&key, "spend", 100_000);
    let other = build("spend", &format!("5120{}", &key.group[2..]), 90_000);
    vec![
        Host::unconfigured()
            .raw(Call::HardeningMetrics, None)
            .map(|_| ())
            .err(),
        host.ask(Call::DkgPart1, &json!({})).err(),
        host.ask(Call::BuildTaprootTx, &other).err(),
        host.round1(&signing, 1).err(),
        host.derive(&unknown, "spend", &signing.message, 1).err(),
        host.open(
            &key,
            &host.signing(&key, "unexplained", &signing.message, 1),
            1,
        )
        .err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn attempts_in_another_state() -> Vec<Refused> {
    let (host, key) = ready();
    let first = host.approve(&key, "spend", 100_000);
    let second = host.signing(&key, "spend", &first.message, 2);
    host.open(&key, &second, 1).unwrap();
    let mut found = vec![host.open(&key, &first, 1).unwrap_err()];
    let package = host.packed(&key, &second, &[1, 2]);
    let third = host.signing(&key, "spend", &first.message, 3);
    host.open(&key, &third, 1).unwrap();
    found.push(host.round2(&third, 1, &package).unwrap_err());
    let signing = host.signing(&key, "spend", &first.message, 4);
    let package = host.packed(&key, &signing, &[1, 2]);
    let mut shares = host.shares(&signing, &[1, 2], &package);
    found.push(host.round2(&signing, 1, &package).unwrap_err());
    let good = shares[1].clone();
    shares[1]["data_hex"] = "01".repeat(32).into();
    let bad = host.aggregate(&signing, &package, &shares).unwrap_err();
    assert_eq!(bad.0["candidate_culprits"], json!([2]));
    found.push(bad);
    shares[1] = good;
    host.aggregate(&signing, &package, &shares).unwrap();
    found.push(host.aggregate(&signing, &package, &shares).unwrap_err());
    found
}

fn closed_gates_and_limits() -> Vec<Refused> {
    let host = Host::with(json!({"max_live_interactive_sessions": 1}));
    let key = host.make_key("wallet", 2, 2);
    let signing = host.approve(&key, "spend", 100_000);
    host.open(&key, &signing, 1).unwrap();
    let mut found = vec![host.open(&key, &signing, 2).unwrap_err()];
    let group: hardfrost_primitives::KeyGroup = key.group.parse().unwrap();
    let host = host.dead();
    let kept_out = Quarantine {
        key_group: group.clone(),
        member: Member::new(2).unwrap(),
        reason: Reason::new("a drill").unwrap(),
    };
    meanwhile(&host, Command::Quarantine(kept_out));
    let over = FinalizeSession {
        key_group: group,
        session: SessionId::new("spend").unwrap(),
    };
    meanwhile(&host, Command::FinalizeSession(over));
    host.ask(Call::InitSignerConfig, &host.config()).unwrap();
    found.push(host.open(&key, &signing, 1).unwrap_err());
    let other = host.approve(&key, "other", 100_000);
    let kept_out = host.open(&key, &other, 2).unwrap_err();
    assert_eq!(kept_out.0["candidate_culprits"], json!([2]));
    found.push(kept_out);
    let standing = |seat: u16| {
        host.ask(
            Call::QuarantineStatus,
            &json!({"operator_identifier": seat}),
        )
    };
    assert_eq!(
        standing(2).unwrap(),
        json!({"quarantined": true, "allowlisted": false})
    );
    assert_eq!(
        standing(1).unwrap(),
        json!({"quarantined": false, "allowlisted": false})
    );
    let rekey = |reason: &str| {
        let request = json!({"session_id": "wallet", "reason": reason});
        host.ask(Call::TriggerEmergencyRekey, &request).unwrap()
    };
    assert_eq!(
        rekey("stolen laptop"),
        rekey("another reason: the first stays")
    );
    found.push(host.open(&key, &other, 1).unwrap_err());
    found
}

fn stores_that_do_not_open() -> Vec<Refused> {
    let host = ready().0.dead();
    let config = host.config();
    let open = |config: &Value| host.ask(Call::InitSignerConfig, config).unwrap_err();
    let mut found = vec![host
        .ask(
            Call::DkgPart1,
            &json!({
                "participant_identifier": 1, "max_signers": 2, "min_signers": 2,
            }),
        )
        .unwrap_err()];
    let mut elsewhere = config.clone();
    elsewhere["state_key_file"] = json!(host.path("no-key"));
    found.push(open(&elsewhere));
    let records = host.path("state").join("records.db");
    let mut bytes = fs::read(&records).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].iter_mut().for_each(|byte| *byte ^= 0xff);
    fs::write(&records, bytes).unwrap();
    found.push(open(&config));
    found
}

/// A broken invariant of ours is not to be provoked by any request. `guard` tests what a panic becomes.
const UNREACHABLE: &str = "internal_error";

#[test]
fn every_code_is_provoked_and_says_what_its_class_is() {
    let all = [
        requests_that_do_not_fit(),
        attempts_in_another_state(),
        closed_gates_and_limits(),
        stores_that_do_not_open(),
    ];
    let found: BTreeMap<String, Value> = all
        .into_iter()
        .flatten()
        .map(|refused| (refused.code().to_owned(), refused.0))
        .collect();
    let listed: BTreeSet<&str> = ErrorCode::all().map(ErrorCode::as_str).collect();
    let mut provoked: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    assert!(provoked.insert(UNREACHABLE));
    assert_eq!(provoked, listed);
    for code in ErrorCode::all().filter(|code| code.as_str() != UNREACHABLE) {
        let envelope = &found[code.as_str()];
        assert_eq!(envelope["recovery_class"], code.recovery().as_str());
        assert!(!envelope["message"].as_str().unwrap().is_empty());
    }
}

#[test]
fn f05_a_replay_is_known_by_its_code_and_not_by_its_text() {
    let names: Vec<(&str, &str)> = ErrorCode::all()
        .map(|code| (code.as_str(), code.recovery().as_str()))
        .collect();
    let (again, gone) = (
        RecoveryClass::Recoverable.as_str(),
        RecoveryClass::Terminal.as_str(),
    );
    let expected = [
        ("validation_error", again),
        ("session_conflict", again),
        ("session_not_found", gone),
        ("dkg_not_ready", again),
        ("sign_round_not_started", again),
        ("consumed_nonce_replay", again),
        ("attempt_superseded", again),
        ("interactive_attempt_already_aggregated", again),
        ("aggregate_share_verification_failed", again),
        ("signing_policy_rejected", again),
        ("quarantine_policy_rejected", again),
        ("lifecycle_policy_rejected", again),
        ("session_finalized", gone),
        ("capacity_exceeded", again),
        ("storage_fault", gone),
        ("internal_error", gone),
        ("key_provider_unavailable", again),
        ("signer_not_configured", again),
    ];
    assert_eq!(names, expected);
    // Whoever decides by the code alone decides rightly, in this process and in the next one.
    let (host, key) = ready();
    let signing = host.approve(&key, "spend", 100_000);
    let package = host.packed(&key, &signing, &[1, 2]);
    host.shares(&signing, &[1, 2], &package);
    let live = host.round2(&signing, 1, &package).unwrap_err();
    let host = host.restart();
    let later = host.round2(&signing, 1, &package).unwrap_err();
    for replay in [live, later] {
        let Value::Object(mut envelope) = replay.0 else {
            panic!("no envelope")
        };
        envelope.remove("message");
        let silent = json!({"code": "consumed_nonce_replay", "recovery_class": "recoverable"});
        assert_eq!(Value::Object(envelope), silent);
    }
}
