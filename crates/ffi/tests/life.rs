//! A 2-of-3 life through the boundary's values: a key, a transaction, a signature, and no second share, ever.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod host;

use hardfrost_ffi::Call;
use host::{build, others, packages, part3, persist, text, verifies, Host, Key};
use serde_json::json;

#[test]
fn a_key_signs_and_a_replay_is_refused_before_and_after_a_restart() {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 3);
    let signing = host.approve(&key, "spend", 100_000);
    let package = host.packed(&key, &signing, &[1, 3]);
    assert_eq!(package.len(), 2 * 245);
    let shares = host.shares(&signing, &[1, 3], &package);
    let signature = host.aggregate(&signing, &package, &shares).unwrap();
    assert!(verifies(&signature, &signing.message, &key.group[2..]));

    let replayed = |host: &Host| {
        let again = host.round2(&signing, 1, &package).unwrap_err();
        assert_eq!(again.code(), "consumed_nonce_replay");
        let opened = host.open(&key, &signing, 3).unwrap_err();
        assert_eq!(opened.code(), "consumed_nonce_replay");
        let summed = host.aggregate(&signing, &package, &shares).unwrap_err();
        assert_eq!(summed.code(), "interactive_attempt_already_aggregated");
    };
    replayed(&host);
    let host = host.restart();
    replayed(&host);
    // A new attempt is another matter, and it needs no second approval.
    let again = host.signing(&key, "spend", &signing.message, 2);
    let signature = host.sign(&key, &again, &[2, 3]);
    assert!(verifies(&signature, &signing.message, &key.group[2..]));
}

/// Three hosts, a seat each, make a key with shares that are sealed inside.
fn made_among(hosts: &[Host]) -> Key {
    let ceremony = "c0".repeat(32);
    let seats = (1..=3).zip(hosts);
    let part1: Vec<_> = seats
        .map(|(seat, host)| host.part1(seat, 2, 3, Some(&ceremony)))
        .collect();
    let shown = packages(&part1);
    let part2 = |(seat, host): (usize, &Host)| {
        let request = json!({
            "secret_package_hex": part1[seat]["secret_package_hex"],
            "round1_packages": others(&shown, seat),
        });
        let wrong = host.ask(Call::DkgPart2, &request).unwrap_err();
        assert_eq!(wrong.code(), "validation_error");
        host.ask(Call::DkgPart2Sealed, &request).unwrap()
    };
    let part2: Vec<_> = hosts.iter().enumerate().map(part2).collect();
    let mut groups = Vec::new();
    for (seat, host) in hosts.iter().enumerate() {
        let request = part3(&shown, &part2, seat);
        let made = host.ask(Call::DkgPart3, &request).unwrap();
        let number = u16::try_from(seat).unwrap() + 1;
        let request = persist("wallet", (number, 2, 3), &made);
        let persisted = || host.ask(Call::PersistDistributedDkgKeyPackage, &request);
        let reply = persisted().unwrap();
        assert_eq!(persisted().unwrap(), reply);
        groups.push(text(&reply, "key_group"));
    }
    assert!(groups.iter().all(|group| *group == groups[0]));
    Key {
        group: groups.remove(0),
        threshold: 2,
        count: 3,
    }
}

#[test]
fn seats_in_three_libraries_make_and_use_one_key() {
    let hosts: Vec<Host> = (0..3).map(|_| Host::new()).collect();
    let key = made_among(&hosts);
    let mut commitments = Vec::new();
    let mut signings = Vec::new();
    for (host, seat) in [(&hosts[0], 1), (&hosts[2], 3)] {
        let signing = host.approve(&key, "spend", 100_000);
        host.open(&key, &signing, seat).unwrap();
        let data = host.round1(&signing, seat).unwrap();
        commitments.push(json!({"identifier": host::id(seat), "data_hex": data}));
        signings.push(signing);
    }
    let request = json!({"message_hex": signings[0].message, "commitments": commitments});
    let packed = hosts[1].ask(Call::NewSigningPackage, &request).unwrap();
    let package = text(&packed, "signing_package_hex");
    let first = hosts[0].shares(&signings[0], &[1], &package);
    let third = hosts[2].shares(&signings[1], &[3], &package);
    let shares = [first, third].concat();
    let signature = hosts[0].aggregate(&signings[0], &package, &shares).unwrap();
    assert!(verifies(&signature, &signings[0].message, &key.group[2..]));
}

#[test]
fn a_root_moves_the_key_and_must_be_the_outputs() {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 2);
    let root = "22".repeat(32);
    let tweaked = host::tweaked(&key.group, &root);
    let built = host.build("spend", &format!("5120{tweaked}"), 100_000);
    let message = built["taproot_key_spend_sighashes_hex"][0]
        .as_str()
        .unwrap();
    let mut signing = host.signing(&key, "spend", message, 1);
    // Without the root the transaction spends from somebody else.
    let refused = host.open(&key, &signing, 1).unwrap_err();
    assert_eq!(refused.reason(), Some("message_not_bound_to_approval"));
    signing.root = Some(String::new());
    let refused = host.open(&key, &signing, 1).unwrap_err();
    assert_eq!(refused.code(), "validation_error");
    signing.root = Some(root);
    let signature = host.sign(&key, &signing, &[1, 2]);
    assert!(verifies(&signature, message, &tweaked));
}

#[test]
fn nothing_is_opened_without_the_transaction_that_explains_it() {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 2);
    let message = "77".repeat(32);
    let signing = host.signing(&key, "spend", &message, 1);
    let refused = host.open(&key, &signing, 1).unwrap_err();
    assert_eq!(refused.code(), "signing_policy_rejected");
    assert_eq!(refused.reason(), Some("missing_policy_checked_build_tx"));
    host.approve(&key, "spend", 100_000);
    let refused = host.open(&key, &signing, 1).unwrap_err();
    assert_eq!(refused.reason(), Some("message_not_bound_to_approval"));
    // The txid is as block explorers show it: the bytes are the other way round.
    let mut turned = build("turned", &format!("5120{}", &key.group[2..]), 90_000);
    turned["inputs"][0]["txid_hex"] = format!("01{}", "00".repeat(31)).into();
    let built = host.ask(Call::BuildTaprootTx, &turned).unwrap();
    let expected = format!("0100000001{}0100000000", "00".repeat(31));
    assert!(text(&built, "tx_hex").starts_with(&expected));
    // Another transaction under the same session is not the one that was looked at.
    let other = build("spend", &format!("5120{}", &key.group[2..]), 90_000);
    let refused = host.ask(Call::BuildTaprootTx, &other).unwrap_err();
    assert_eq!(refused.code(), "session_conflict");
}

#[test]
fn an_aborted_attempt_is_opened_again_with_fresh_nonces() {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 2);
    let signing = host.approve(&key, "spend", 100_000);
    host.open(&key, &signing, 1).unwrap();
    let first = host.round1(&signing, 1).unwrap();
    assert_eq!(host.round1(&signing, 1).unwrap(), first);
    let request = json!({"session_id": "spend", "member_identifier": 1});
    let aborted = |again: bool| {
        let reply = host.ask(Call::InteractiveSessionAbort, &request).unwrap();
        assert_eq!(reply, json!({"session_id": "spend", "aborted": again}));
    };
    aborted(true);
    aborted(false);
    host.open(&key, &signing, 1).unwrap();
    assert_ne!(host.round1(&signing, 1).unwrap(), first);
}
