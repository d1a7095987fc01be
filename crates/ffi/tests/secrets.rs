//! No reply of a whole life holds a share, a nonce or a key, but for part 2's, whose exception is documented.
//!
//! A secret here is a scalar whose point somebody has seen: a share and its verifying share, a nonce and its
//! commitment, a coefficient and its commitment, the key itself. So every 32 bytes that a reply holds, as hex or as
//! they are, are taken as a scalar, and its point must be none of those. Nobody has to know a secret to look for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod host;

use std::collections::BTreeSet;

use hardfrost_ffi::Call;
use host::{Host, Refused};
use secp256k1::{PublicKey, Scalar, SecretKey, SECP256K1};
use serde_json::json;

/// x coordinates of points.
type Points = BTreeSet<[u8; 32]>;

fn x(point: &PublicKey) -> [u8; 32] {
    point.x_only_public_key().0.serialize()
}

/// Every hex text in the bytes, decoded.
fn hex_texts(reply: &[u8]) -> Vec<Vec<u8>> {
    let texts = reply.split(|byte| !byte.is_ascii_hexdigit());
    let even = texts.map(|text| &text[..text.len() / 2 * 2]);
    even.filter_map(|text| hex::decode(text).ok()).collect()
}

/// Every compressed point in the bytes.
fn points(reply: &[u8]) -> Vec<PublicKey> {
    let texts = hex_texts(reply);
    let windows = texts.iter().flat_map(|bytes| bytes.windows(33));
    windows
        .filter_map(|bytes| PublicKey::from_slice(bytes).ok())
        .collect()
}

/// Whether any 32 bytes of the reply are the scalar of one of the points.
fn holds_a_secret(reply: &[u8], known: &Points) -> bool {
    let texts = hex_texts(reply);
    let inside = texts.iter().flat_map(|bytes| bytes.windows(32));
    let mut windows = inside.chain(reply.windows(32));
    windows.any(|bytes| {
        let secret = SecretKey::from_slice(bytes).ok();
        secret.is_some_and(|secret| known.contains(&x(&secret.public_key(SECP256K1))))
    })
}

/// A whole life, refusals included. In part 2 the shares come out: `sealed` is the other way.
fn life(sealed: bool) -> Host {
    let host = Host::new();
    let key = if sealed {
        host.make_sealed_key("wallet", 2, 3)
    } else {
        host.make_key("wallet", 2, 3)
    };
    let signing = host.approve(&key, "spend", 100_000);
    let package = host.packed(&key, &signing, &[1, 3]);
    let mut shares = host.shares(&signing, &[1, 3], &package);
    let good = shares[0].clone();
    shares[0]["data_hex"] = "00".repeat(32).into();
    host.aggregate(&signing, &package, &shares).unwrap_err();
    shares[0] = good;
    host.aggregate(&signing, &package, &shares).unwrap();
    host.round2(&signing, 1, &package).unwrap_err();
    host.bytes(Call::HardeningMetrics, None);
    host.bytes(Call::Version, None);
    host.ask(Call::QuarantineStatus, &json!({"operator_identifier": 1}))
        .unwrap();
    let request = json!({"session_id": "wallet", "reason": "a drill"});
    host.ask(Call::TriggerEmergencyRekey, &request).unwrap();
    let refused: Refused = host.open(&key, &signing, 2).unwrap_err();
    assert_eq!(refused.code(), "lifecycle_policy_rejected");
    let host = host.restart();
    host.open(&key, &signing, 2).unwrap_err();
    host
}

/// All points of all replies, and the shares of each dealer's polynomial at each member: what part 2 sends.
fn known(replies: &[(Call, Vec<u8>)]) -> Points {
    let mut known: Points = replies
        .iter()
        .flat_map(|(_, reply)| points(reply))
        .map(|p| x(&p))
        .collect();
    for (_, reply) in replies.iter().filter(|(call, _)| *call == Call::DkgPart1) {
        let reply: serde_json::Value = serde_json::from_slice(reply).unwrap();
        let package = hex::decode(reply["package"]["package_hex"].as_str().unwrap()).unwrap();
        let point = |at: usize| PublicKey::from_slice(&package[6 + 33 * at..][..33]).unwrap();
        for member in 1u8..=3 {
            let mut number = [0; 32];
            number[31] = member;
            let slope = point(1).mul_tweak(SECP256K1, &Scalar::from_be_bytes(number).unwrap());
            known.insert(x(&point(0).combine(&slope.unwrap()).unwrap()));
        }
    }
    known
}

#[test]
fn f04_no_reply_but_part_2s_holds_a_secret() {
    let host = life(false);
    let replies = host.replies.into_inner().unwrap();
    let known = known(&replies);
    assert!(known.len() > 20, "the points of the life were not found");
    for call in Call::ALL {
        let of_call = replies.iter().filter(|(of, _)| *of == call);
        let leaks = of_call
            .filter(|(_, reply)| holds_a_secret(reply, &known))
            .count();
        // All three of part 2's hold shares: a test that found none there could find none anywhere.
        let expected = if call == Call::DkgPart2 { 3 } else { 0 };
        assert_eq!(leaks, expected, "{}", call.as_str());
    }
}

#[test]
fn f04_a_life_with_sealed_shares_shows_no_secret_at_all() {
    let host = life(true);
    let replies = host.replies.into_inner().unwrap();
    let known = known(&replies);
    let called: BTreeSet<Call> = replies.iter().map(|(call, _)| *call).collect();
    assert!(called.contains(&Call::DkgPart2Sealed) && !called.contains(&Call::DkgPart2));
    for (call, reply) in &replies {
        assert!(!holds_a_secret(reply, &known), "{}", call.as_str());
    }
}

/// A key in the place of its file's name, or as the command: a slip that a host would log.
#[test]
fn f04_a_key_in_the_wrong_field_does_not_come_back() {
    let key = "5b".repeat(32);
    for provider in ["file", "command"] {
        let host = Host::unconfigured();
        let mut config = host.config();
        config["state_key_provider"] = provider.into();
        if provider == "command" {
            config.as_object_mut().unwrap().remove("state_key_file");
            config["state_key_command"] = json!([key]);
        } else {
            config["state_key_file"] = key.as_str().into();
        }
        let refused = host.ask(Call::InitSignerConfig, &config).unwrap_err();
        assert_eq!(refused.code(), "key_provider_unavailable", "{provider}");
        assert!(!refused.0.to_string().contains("5b5b"), "{provider}");
    }
}
