//! What a host may send instead of a request: an envelope comes back, and never what was sent.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod host;

use std::collections::BTreeMap;

use hardfrost_ffi::{Call, Library};
use host::Host;
use serde_json::{json, Value};

/// What may look like a secret, and must not come back.
const SENTINEL: &str = "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";

fn with_request() -> impl Iterator<Item = Call> {
    Call::ALL.into_iter().filter(|call| call.takes_request())
}

/// A good request of every call that takes one.
fn good() -> (Host, BTreeMap<Call, Value>) {
    let host = Host::new();
    let sealed = host.make_sealed_key("sealed", 2, 2);
    let key = host.make_key("wallet", 2, 2);
    let signing = host.approve(&key, "spend", 100_000);
    let package = host.packed(&key, &signing, &[1, 2]);
    let shares = host.shares(&signing, &[1, 2], &package);
    let question = json!({
        "session_id": "spend", "signing_package_hex": package, "member_identifier": 1,
        "signature_share_hex": shares[0]["data_hex"],
    });
    host.ask(Call::VerifySignatureShare, &question).unwrap();
    host.aggregate(&signing, &package, &shares).unwrap();
    host.ask(
        Call::InteractiveSessionAbort,
        &json!({"session_id": "spend"}),
    )
    .unwrap();
    host.ask(Call::QuarantineStatus, &json!({"operator_identifier": 1}))
        .unwrap();
    let rekey = json!({"session_id": "sealed", "reason": "a drill"});
    host.ask(Call::TriggerEmergencyRekey, &rekey).unwrap();
    assert_ne!(sealed.group, key.group);
    let requests = std::mem::take(&mut *host.requests.lock().unwrap());
    let requests: BTreeMap<Call, Value> = requests.into_iter().collect();
    assert!(requests.keys().copied().eq(with_request()));
    (host, requests)
}

fn refused(host: &Host, call: Call, request: Option<&[u8]>) {
    let (ok, reply) = host.bytes(call, request);
    assert!(!ok, "{} took it", call.as_str());
    let envelope: Value = serde_json::from_slice(&reply).unwrap();
    assert_eq!(
        envelope["code"],
        "validation_error",
        "{} {envelope}",
        call.as_str()
    );
}

#[test]
fn f02_what_is_no_request_is_refused_by_every_call() {
    let host = Host::new();
    let nested = "[".repeat(1 << 20);
    let in_object = format!("{{\"policy\":{}", "{\"a\":".repeat(100_000));
    let texts = [
        "",
        " ",
        "{",
        "{}",
        "[]",
        "null",
        "1",
        "\"\"",
        "{}{}",
        "{\"a\":1}",
        &nested,
        &in_object,
    ];
    for call in with_request() {
        refused(&host, call, None);
        for text in texts {
            refused(&host, call, Some(text.as_bytes()));
        }
        refused(&host, call, Some(b"\xff\xfe{}"));
        refused(&host, call, Some(b"{\"session_id\":\"\xff\"}"));
    }
}

#[test]
fn a_field_more_twice_or_less_is_refused_by_every_call() {
    let (host, requests) = good();
    for (call, request) in requests {
        let text = request.to_string();
        let more = format!("{{\"{SENTINEL}\":1,{}", &text[1..]);
        refused(&host, call, Some(more.as_bytes()));
        refused(&host, call, Some(format!("{text} 1").as_bytes()));
        let (name, value) = request.as_object().unwrap().iter().next().unwrap();
        let twice = format!("{{\"{name}\":{value},{}", &text[1..]);
        refused(&host, call, Some(twice.as_bytes()));
        let nested: Vec<String> = paths(&request)
            .into_iter()
            .filter(|path| {
                request.pointer(path).unwrap().is_object() && !path.ends_with("verifying_shares")
            })
            .collect();
        for path in nested {
            let mut more = request.clone();
            more.pointer_mut(&path).unwrap()["one_more"] = json!(1);
            refused(&host, call, Some(more.to_string().as_bytes()));
        }
    }
}

#[test]
fn a_list_of_values_is_no_object() {
    let (host, mut requests) = good();
    refused(&host, Call::DkgPart1, Some(b"[1,3,2]"));
    refused(&host, Call::DkgPart1, Some(b"[1,3,2,null]"));
    refused(&host, Call::QuarantineStatus, Some(b"[1]"));
    let mut flat = |call: Call, path: &str, names: &[&str]| {
        let mut request = requests.remove(&call).unwrap();
        let object = request.pointer_mut(path).unwrap();
        *object = names.iter().map(|name| object[name].clone()).collect();
        refused(&host, call, Some(request.to_string().as_bytes()));
    };
    let context = [
        "attempt_number",
        "coordinator_identifier",
        "included_participants",
        "included_participants_fingerprint",
        "attempt_id",
    ];
    flat(Call::InteractiveSessionOpen, "/attempt_context", &context);
    let key = ["identifier", "data_hex"];
    flat(Call::PersistDistributedDkgKeyPackage, "/key_package", &key);
    flat(Call::NewSigningPackage, "/commitments/0", &key);
    flat(
        Call::BuildTaprootTx,
        "/outputs/0",
        &["script_pubkey_hex", "value_sats"],
    );
}

/// Every place in a request.
fn paths(value: &Value) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, v)| (name.clone(), v)).collect(),
        Value::Array(entries) => entries
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut all = vec![String::new()];
    for (name, value) in inside {
        let name = name.replace('~', "~0").replace('/', "~1");
        all.extend(
            paths(value)
                .into_iter()
                .map(|path| format!("/{name}{path}")),
        );
    }
    all
}

#[test]
fn f04_a_wrong_value_at_any_place_is_no_panic_and_is_not_repeated() {
    let (host, requests) = good();
    let long = "5e".repeat(5000);
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(65_536),
        json!(1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("zz"),
        json!(SENTINEL),
        json!(&SENTINEL[1..]),
        json!(format!("{SENTINEL}\u{0}")),
        json!(long),
        json!([]),
        json!({}),
        json!([[SENTINEL]]),
        json!({"identifier": SENTINEL}),
        json!(vec![1; 1001]),
    ];
    for (call, request) in requests {
        for path in paths(&request) {
            for value in &wrong {
                let mut bent = request.clone();
                *bent.pointer_mut(&path).unwrap() = value.clone();
                let (ok, reply) = host.bytes(call, Some(bent.to_string().as_bytes()));
                let text = String::from_utf8(reply).unwrap();
                assert!(!text.contains("internal_error"), "{} {bent}", call.as_str());
                // A session may bear any name; then the reply says which it was.
                assert!(
                    ok || !text.contains("5e5e5e5e"),
                    "{} {path} {text}",
                    call.as_str()
                );
            }
        }
    }
}

#[test]
fn every_call_answers_before_anything_is_configured() {
    let library = Library::new();
    for call in Call::ALL {
        let answer = library.call(call, None);
        assert_eq!(answer.ok, !call.takes_request());
        assert!(!answer.reply.is_empty());
    }
}

#[test]
fn a_configuration_stays_and_out_of_range_ones_are_refused() {
    let host = Host::new();
    let again = host.ask(Call::InitSignerConfig, &host.config()).unwrap();
    assert_eq!(again["created"], false);
    let fields = [
        ("max_sessions", json!(0)),
        ("max_sessions", json!(1_000_000)),
        ("max_live_interactive_sessions", json!(0)),
        ("interactive_session_ttl_seconds", json!(0)),
        ("interactive_session_ttl_seconds", json!(86_401)),
        ("state_path", json!("")),
        ("state_key_provider", json!("env")),
        ("state_key_provider", json!("keyring")),
        ("state_key_command", json!("/bin/true")),
        ("enforce_signing_policy_firewall", json!(false)),
        ("policy", json!({"max_fee": 1})),
        ("profile", json!(7)),
    ];
    for (name, value) in fields {
        let mut config = host.config();
        config[name] = value;
        let refused = host.ask(Call::InitSignerConfig, &config).unwrap_err();
        assert_eq!(refused.code(), "validation_error", "{name}");
    }
    let mut config = host.config();
    config["max_sessions"] = json!(7);
    let refused = host.ask(Call::InitSignerConfig, &config).unwrap_err();
    assert_eq!(refused.code(), "session_conflict");
    config = host.config();
    config["policy"] = json!({});
    host.ask(Call::InitSignerConfig, &config).unwrap();
}

#[test]
fn a_command_gives_the_key_and_the_environment_only_in_development() {
    let host = Host::unconfigured();
    let mut config = host.config();
    config.as_object_mut().unwrap().remove("state_key_file");
    config["state_key_provider"] = json!("env");
    let refused = host.ask(Call::InitSignerConfig, &config).unwrap_err();
    assert_eq!(refused.code(), "validation_error");
    config["profile"] = json!("development");
    let refused = host.ask(Call::InitSignerConfig, &config).unwrap_err();
    // The variable is not set here.
    assert_eq!(refused.code(), "key_provider_unavailable");
    config["state_key_provider"] = json!("command");
    config["state_key_command"] = json!(["/bin/cat", host.path("key")]);
    let made = host.ask(Call::InitSignerConfig, &config).unwrap();
    assert_eq!(made["created"], true);
}

#[test]
fn key_generations_that_are_left_lying_meet_a_limit_and_finished_ones_make_room() {
    let host = Host::new();
    host.make_key("first", 2, 100);
    host.make_key("second", 2, 100);
    // 200 handles of persisted shares, and room for 256 of secrets.
    let part1 = json!({"participant_identifier": 1, "max_signers": 2, "min_signers": 2});
    for _ in 0..256 {
        host.ask(Call::DkgPart1, &part1).unwrap();
    }
    let refused = host.ask(Call::DkgPart1, &part1).unwrap_err();
    assert_eq!(refused.code(), "capacity_exceeded");
}
