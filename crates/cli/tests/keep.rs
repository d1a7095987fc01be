//! A group that is kept: it signs again after a restart, signs what others bring, and shows no secret.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::str::FromStr;

use bitcoin::base64::prelude::{Engine as _, BASE64_STANDARD};
use bitcoin::consensus::encode::{deserialize_hex, serialize};
use bitcoin::{
    absolute, transaction, Address, Amount, OutPoint, Psbt, ScriptBuf, Sequence, Transaction, TxIn,
    TxOut, Txid, Witness,
};
use bitcoinconsensus::{verify_with_flags, Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT};
use hardfrost_store::{FileName, KeyProvider, Opened, Report, Store, StoreDir};
use serde_json::Value;
use tempfile::TempDir;

fn hardfrost(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hardfrost"));
    command.current_dir(dir).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn keep_json(dir: &Path, arguments: &[&str]) -> Value {
    let keep = ["demo", "--json", "--keep", "group"];
    let output = hardfrost(dir, &[&keep, arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a refusal says.
fn refused(dir: &Path, arguments: &[&str], code: i32) -> String {
    let output = hardfrost(dir, &[&["demo"], arguments].concat());
    let error = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    error
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder in which a 2-of-3 group is kept, and what making it said.
fn kept() -> (TempDir, Value) {
    let dir = tempfile::tempdir().unwrap();
    let report = keep_json(dir.path(), &["-t", "2", "-n", "3"]);
    assert_eq!(report["verified"], true);
    (dir, report)
}

const NODES: [&str; 3] = ["alice", "bob", "carol"];

/// A node has two stores: `identity` and `engine`.
fn place(dir: &Path, node: &str, store: &str) -> (StoreDir, KeyProvider) {
    let folder = dir.join("group").join(node);
    let key = KeyProvider::File(folder.join(format!("{store}.key")));
    (StoreDir::new(folder.join(store)), key)
}

fn check(dir: &Path, node: &str) -> Report {
    let (store, key) = place(dir, node, "engine");
    let report = Store::check(&store, &key).unwrap();
    assert_eq!(report.damages, []);
    report
}

/// The PSBT of a wallet that watches an address and knows nothing else: it spends coins there, to somebody else.
fn wallet_psbt(address: &str, sats: u64) -> (Psbt, TxOut) {
    let address = Address::from_str(address).unwrap().assume_checked();
    let coin = TxOut {
        value: Amount::from_sat(sats),
        script_pubkey: address.script_pubkey(),
    };
    let unsigned = Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            // Each value is another coin.
            previous_output: OutPoint::new(
                Txid::from_str(&"ab".repeat(32)).unwrap(),
                u32::try_from(sats).unwrap(),
            ),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::from_sat(sats - 500),
            script_pubkey: ScriptBuf::from_bytes([&[0, 20][..], &[7; 20]].concat()),
        }],
    };
    let mut psbt = Psbt::from_unsigned_tx(unsigned).unwrap();
    psbt.inputs[0].witness_utxo = Some(coin.clone());
    (psbt, coin)
}

fn consensus_accepts(transaction: &Transaction, coin: &TxOut) -> bool {
    let script = coin.script_pubkey.as_bytes();
    let spent = [Utxo {
        script_pubkey: script.as_ptr(),
        script_pubkey_len: script.len() as u32,
        value: coin.value.to_sat() as i64,
    }];
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    let bytes = serialize(transaction);
    verify_with_flags(script, coin.value.to_sat(), &bytes, Some(&spent), 0, flags).is_ok()
}

#[test]
fn a_kept_group_signs_again_with_the_same_key() {
    let (dir, first) = kept();
    let before = check(dir.path(), "alice");
    let second = keep_json(dir.path(), &[]);
    assert_eq!(second["verified"], true);
    assert_eq!(first["group_key"], second["group_key"]);
    assert_eq!(first["address"], second["address"]);
    // The same spend, signed in a session of its own.
    assert_eq!(first["txid"], second["txid"]);
    assert_ne!(first["transaction"], second["transaction"]);
    let after = check(dir.path(), "alice");
    assert_eq!(before.id, after.id);
    assert!(after.generation > before.generation);
    assert!(after.last > before.last);
    let certificate = |name: &str| fs::read(dir.path().join(name).join("certificate.bin")).unwrap();
    assert_eq!(certificate("group"), certificate("hardfrost-demo"));
}

#[test]
fn p11_what_is_kept_is_private() {
    let (dir, _) = kept();
    let mode = |name: &str| {
        let found = fs::metadata(dir.path().join("group").join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    for folder in ["", "alice", "carol/engine", "bob/identity"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in [
        "engine.key",
        "engine/records.db",
        "identity.key",
        "identity/operator.sealed",
        "node.log",
    ] {
        assert_eq!(mode(&format!("bob/{file}")), 0o600, "{file}");
    }
    for file in ["roster.toml", "certificate.bin"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn a_wallet_that_knows_only_the_address_gets_its_transaction_signed() {
    let (dir, report) = kept();
    let address = report["address"].as_str().unwrap();
    for (sats, name) in [(50_000, "binary"), (60_000, "text")] {
        let (psbt, coin) = wallet_psbt(address, sats);
        let bytes = match name {
            "binary" => psbt.serialize(),
            _ => format!("{}\n", BASE64_STANDARD.encode(psbt.serialize())).into_bytes(),
        };
        fs::write(dir.path().join(name), bytes).unwrap();
        let signed = keep_json(dir.path(), &["--psbt", name, "--out", "signed"]);
        assert_eq!(signed["verified"], true);
        assert_eq!(signed["group_key"], report["group_key"]);
        let out = |name: &str| dir.path().join("signed").join(name);
        let spending = fs::read_to_string(out("spending.hex")).unwrap();
        let spending: Transaction = deserialize_hex(&spending).unwrap();
        assert_eq!(
            spending.compute_txid(),
            psbt.unsigned_tx.compute_txid(),
            "another transaction"
        );
        assert!(consensus_accepts(&spending, &coin));
        let after = Psbt::deserialize(&fs::read(out("spend.after.psbt")).unwrap()).unwrap();
        let signature = after.inputs[0].tap_key_sig.unwrap();
        assert_eq!(spending.input[0].witness.to_vec(), [signature.to_vec()]);
        assert!(!out("funding.hex").exists());
    }
}

/// What was approved a moment ago still counts: the same coin is not promised to another transaction.
#[test]
fn a_coin_is_not_spent_by_a_second_transaction() {
    let (dir, report) = kept();
    let (psbt, _) = wallet_psbt(report["address"].as_str().unwrap(), 50_000);
    let mut other = psbt.clone();
    other.unsigned_tx.output[0].value -= Amount::from_sat(1);
    for (name, psbt) in [("first", &psbt), ("other", &other)] {
        fs::write(dir.path().join(name), psbt.serialize()).unwrap();
    }
    let first = |out| ["--psbt", "first", "--out", out];
    assert_eq!(keep_json(dir.path(), &first("one"))["verified"], true);
    let other = ["--keep", "group", "--psbt", "other", "--out", "two"];
    let why = refused(dir.path(), &other, 1);
    assert!(why.contains("coin_spent_by_another_approval"), "{why}");
    let again = keep_json(dir.path(), &first("three"));
    assert_eq!(again["verified"], true, "the same again");
}

/// Another's input in the same transaction stays as it was: it is theirs to sign.
#[test]
fn an_input_of_somebody_else_is_left_to_them() {
    let (dir, report) = kept();
    let (mut psbt, _) = wallet_psbt(report["address"].as_str().unwrap(), 50_000);
    let mut theirs = psbt.unsigned_tx.input[0].clone();
    theirs.previous_output.vout = 8;
    psbt.unsigned_tx.input.push(theirs);
    let mut coin = psbt.inputs[0].clone();
    coin.witness_utxo.as_mut().unwrap().script_pubkey =
        ScriptBuf::from_bytes([&[0, 20][..], &[3; 20]].concat());
    psbt.inputs.push(coin);
    fs::write(dir.path().join("both"), psbt.serialize()).unwrap();
    let signed = keep_json(dir.path(), &["--psbt", "both"]);
    assert_eq!(signed["verified"], true);
    let out = dir.path().join("hardfrost-demo");
    let after = Psbt::deserialize(&fs::read(out.join("spend.after.psbt")).unwrap()).unwrap();
    assert!(after.inputs[0].tap_key_sig.is_some());
    assert_eq!(after.inputs[1], psbt.inputs[1]);
    assert!(!out.join("spending.hex").exists());
}

#[test]
fn b03_what_is_no_psbt_or_asks_nothing_of_the_group_is_refused_before_anything_is_signed() {
    let (dir, report) = kept();
    let stranger = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6";
    let (psbt, _) = wallet_psbt(stranger, 50_000);
    let good = wallet_psbt(report["address"].as_str().unwrap(), 50_000).0;
    let good = good.serialize();
    let result = fs::read(dir.path().join("hardfrost-demo/demo.json")).unwrap();
    let records: Vec<u64> = NODES.map(|node| check(dir.path(), node).last).to_vec();
    for (bytes, says) in [
        (&b"not a psbt"[..], "is no PSBT"),
        (&good[..good.len() - 9], "is no PSBT"),
        (b"", "is empty"),
        (&psbt.serialize(), "this PSBT is not signed"),
    ] {
        fs::write(dir.path().join("bad"), bytes).unwrap();
        let refused = hardfrost(dir.path(), &["demo", "--keep", "group", "--psbt", "bad"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
    }
    let after: Vec<u64> = NODES.map(|node| check(dir.path(), node).last).to_vec();
    assert_eq!(records, after, "something was approved or signed");
    let untouched = fs::read(dir.path().join("hardfrost-demo/demo.json")).unwrap();
    assert_eq!(result, untouched);
}

/// Everything secret that is kept: the stores' keys, the operators' and transports' keys, the key shares.
fn secrets(dir: &Path) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    for (node, store) in NODES
        .iter()
        .flat_map(|node| [(node, "engine"), (node, "identity")])
    {
        let (place, key) = place(dir, node, store);
        let file = dir.join("group").join(node).join(format!("{store}.key"));
        secrets.push(hex::decode(fs::read_to_string(file).unwrap().trim()).unwrap());
        let Opened {
            store: open,
            records,
        } = Store::open(&place, &key).unwrap();
        if store == "identity" {
            for name in ["operator", "transport"] {
                let file = open.file(FileName::new(name).unwrap());
                secrets.push(file.read().unwrap().to_vec());
            }
        } else {
            // Ceremony, epoch, transcript, seat; then the share.
            let pending = records.iter().find(|record| record.kind() == 1).unwrap();
            secrets.push(pending.as_bytes()[70..102].to_vec());
        }
    }
    assert_eq!(secrets.len(), 15);
    secrets
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_secret_is_in_any_output_or_lies_anywhere_unsealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    for arguments in [
        &["demo", "--keep", "group", "-t", "2", "-n", "3"][..],
        &["demo", "--keep", "group", "--cheat", "1"],
        &["demo", "--keep", "group", "--json"],
        &["demo", "--keep", "group", "-n", "4"],
    ] {
        let output = hardfrost(dir.path(), arguments);
        said.extend(output.stdout);
        said.extend(output.stderr);
    }
    let mut places = vec![("the output".to_owned(), said)];
    for file in files(dir.path()) {
        if file.extension().is_none_or(|kind| kind != "key") {
            places.push((file.display().to_string(), fs::read(&file).unwrap()));
        }
    }
    assert!(places.len() > 15);
    for secret in secrets(dir.path()) {
        assert_eq!(secret.len(), 32);
        let text = hex::encode(&secret).into_bytes();
        for (place, bytes) in &places {
            let shows = |what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
            assert!(!shows(&secret) && !shows(&text), "a secret in {place}");
        }
    }
}

#[test]
fn another_group_is_not_made_where_one_is_kept_and_nothing_of_others_is_touched() {
    let (dir, _) = kept();
    for other in [["-t", "3"], ["-n", "4"], ["--suite", "tr"]] {
        let refused = hardfrost(
            dir.path(),
            &[&["demo", "--keep", "group"], &other[..]].concat(),
        );
        assert_eq!(refused.status.code(), Some(2), "{other:?}");
        assert!(stderr(&refused).contains("the kept group is 2 of 3"));
    }
    let foreign = dir.path().join("mine");
    fs::create_dir(&foreign).unwrap();
    set_mode(&foreign, 0o755);
    fs::write(foreign.join("precious"), "precious").unwrap();
    let refused = hardfrost(dir.path(), &["demo", "--keep", "mine"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("is not empty"));
    assert_eq!(files(&foreign), [foreign.join("precious")]);
    let absent = ["demo", "--keep", "absent", "--psbt", "mine/precious"];
    assert_ne!(hardfrost(dir.path(), &absent).status.code(), Some(0));
    assert!(!dir.path().join("absent").exists());
}

#[test]
fn p01_a_store_of_another_node_is_refused() {
    let (dir, _) = kept();
    let path = |name: &str| dir.path().join("group").join(name);
    let swap = |one: &str, other: &str| {
        fs::rename(path(one), path("aside")).unwrap();
        fs::rename(path(other), path(one)).unwrap();
        fs::rename(path("aside"), path(other)).unwrap();
    };
    for (one, other, says) in [
        ("alice/engine", "bob/engine", "this key does not open"),
        ("alice", "bob", "is not the one that roster.toml names"),
        (
            "alice/identity/operator.sealed",
            "bob/identity/operator.sealed",
            "belongs to another store",
        ),
    ] {
        swap(one, other);
        let refused = hardfrost(dir.path(), &["demo", "--keep", "group"]);
        assert_eq!(refused.status.code(), Some(1), "{one}");
        assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
        swap(one, other);
    }
    assert_eq!(keep_json(dir.path(), &[])["verified"], true);
}

/// An old copy knows less and holds no nonce: it signs with fresh ones, and its generation tells on it.
#[test]
fn e09_p08_a_node_that_was_put_back_from_an_old_copy_signs_and_shows_it() {
    let (dir, report) = kept();
    let node = dir.path().join("group/alice");
    let old: Vec<(PathBuf, Vec<u8>)> = files(&node)
        .into_iter()
        .map(|file| (file.clone(), fs::read(file).unwrap()))
        .collect();
    keep_json(dir.path(), &[]);
    let seen = check(dir.path(), "alice").generation;
    for (file, bytes) in old {
        fs::write(file, bytes).unwrap();
    }
    assert!(check(dir.path(), "alice").generation < seen);
    let again = keep_json(dir.path(), &[]);
    assert_eq!(again["verified"], true);
    assert_eq!(again["group_key"], report["group_key"]);
}

/// The same operators with engines that know nothing: an old copy, or a disk that lost them.
fn forget_the_key(dir: &Path) {
    for node in NODES {
        let (place, key) = place(dir, node, "engine");
        fs::remove_dir_all(place.path()).unwrap();
        Store::create(&place, &key).unwrap();
    }
}

#[test]
fn p08_stores_that_came_back_empty_get_no_second_key() {
    let (dir, _) = kept();
    let certificate = dir.path().join("group/certificate.bin");
    let before = fs::read(&certificate).unwrap();
    forget_the_key(dir.path());
    let says = refused(dir.path(), &["--keep", "group", "-t", "2", "-n", "3"], 1);
    assert!(says.contains("a key was certified here"), "{says}");
    assert_eq!(fs::read(&certificate).unwrap(), before);
    assert_eq!(check(dir.path(), "alice").last, 0, "a key was begun");
    // A making that stopped before there was a key is none that was certified: it may go on.
    fs::remove_file(&certificate).unwrap();
    keep_json(dir.path(), &["-t", "2", "-n", "3"]);
    assert_ne!(fs::read(&certificate).unwrap(), before);
}

#[test]
fn a_certificate_is_never_replaced_and_what_a_link_leads_to_is_never_written() {
    let (dir, _) = kept();
    let certificate = dir.path().join("group/certificate.bin");
    let right = fs::read(&certificate).unwrap();
    let elsewhere = dir.path().join("elsewhere");
    for (others, link) in [(&b"another"[..], false), (b"", false), (b"precious", true)] {
        fs::remove_file(&certificate).unwrap();
        fs::write(if link { &elsewhere } else { &certificate }, others).unwrap();
        if link {
            symlink(&elsewhere, &certificate).unwrap();
        }
        let says = refused(dir.path(), &["--keep", "group"], 1);
        assert!(says.contains("is not the proof of the key"), "{says}");
        assert_eq!(fs::read(&certificate).unwrap(), others);
    }
    // Moved away it is written anew, over what an interrupted writing left and through no link that somebody put there.
    fs::remove_file(&certificate).unwrap();
    symlink(&elsewhere, dir.path().join("group/certificate.bin.new")).unwrap();
    keep_json(dir.path(), &[]);
    assert_eq!(fs::read(&certificate).unwrap(), right);
    assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    assert!(!dir.path().join("group/certificate.bin.new").exists());
}

#[test]
fn cheats_that_would_end_a_kept_group_for_good_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let fresh = ["--keep", "group", "-t", "2", "-n", "3", "--cheat", "2"];
    let says = refused(dir, &fresh, 2);
    assert!(says.contains("could never sign again"), "{says}");
    assert!(!dir.join("group").exists());
    // What is never proven convicts nobody; the session ends unsigned, the group does not.
    refused(dir, &[&fresh, &["--cheat-kind", "stall"][..]].concat(), 1);
    let convicting = keep_json(dir, &["--cheat", "1"]);
    assert_eq!(convicting["culprits"][0]["member"], 1);
    let before = fs::read(dir.join("hardfrost-demo/demo.json")).unwrap();
    // The coordinator that is drawn to cheat now is the convict, or one too many.
    let another = ["demo", "--keep", "group", "--cheat", "1"];
    let another = [&another[..], &["--cheat-kind", "bad-package", "--out", "o"]].concat();
    let refusal = (0..60)
        .map(|_| hardfrost(dir, &another))
        .find(|output| output.status.code() != Some(0));
    let refusal = refusal.expect("the same coordinator 60 times");
    assert_eq!(refusal.status.code(), Some(2), "{}", stderr(&refusal));
    assert!(stderr(&refusal).contains("convicted already: 1"));
    assert_eq!(
        fs::read(dir.join("hardfrost-demo/demo.json")).unwrap(),
        before
    );
    assert_eq!(keep_json(dir, &[])["verified"], true);
}

#[test]
fn p11_a_folder_that_others_reach_or_that_a_link_leads_to_is_not_taken() {
    let (dir, _) = kept();
    let dir = dir.path();
    let group = dir.join("group");
    for (place, mode) in [("group", 0o750), ("group", 0o707), ("group/bob", 0o710)] {
        set_mode(&dir.join(place), mode);
        let says = refused(dir, &["--keep", "group"], 1);
        assert!(says.contains(&format!("(mode {mode:o})")), "{says}");
        set_mode(&dir.join(place), 0o700);
    }
    symlink(&group, dir.join("link")).unwrap();
    for link in ["link", "link/", "link/."] {
        let says = refused(dir, &["--keep", link], 1);
        assert!(says.contains("is a symbolic link"), "{says}");
    }
    fs::rename(group.join("carol"), dir.join("aside")).unwrap();
    symlink(dir.join("aside"), group.join("carol")).unwrap();
    let says = refused(dir, &["--keep", "group"], 1);
    assert!(says.contains("is a symbolic link"), "{says}");
    fs::remove_file(group.join("carol")).unwrap();
    fs::rename(dir.join("aside"), group.join("carol")).unwrap();
    assert_eq!(keep_json(dir, &[])["verified"], true);

    let empty = dir.join("empty");
    fs::create_dir(&empty).unwrap();
    set_mode(&empty, 0o777);
    symlink(&empty, dir.join("to-empty")).unwrap();
    for (name, problem) in [("empty", "(mode 777)"), ("to-empty/", "symbolic link")] {
        let says = refused(dir, &["--keep", name, "-t", "2", "-n", "3"], 1);
        assert!(says.contains(problem), "{says}");
        assert_eq!(files(&empty), [] as [PathBuf; 0]);
    }
}

#[test]
fn the_public_files_are_never_put_where_a_group_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("there")).unwrap();
    set_mode(&dir.join("there"), 0o700);
    symlink("there", dir.join("link")).unwrap();
    for (keep, out) in [
        ("new", "new"),
        ("new", "./new/."),
        ("new", "absent/../new"),
        ("there", "link"),
        ("there/new", "link/new"),
        ("new", "new/out"),
        ("link/../new/alice", "new"),
        ("hardfrost-demo", "hardfrost-demo"),
    ] {
        let says = refused(dir, &["--keep", keep, "--out", out], 2);
        assert!(says.contains("a folder of its own"), "{keep} {out}: {says}");
    }
    assert_eq!(files(dir), [] as [PathBuf; 0]);
    assert_eq!(fs::read_dir(dir).unwrap().count(), 2);
    // A name that only begins alike is another folder.
    keep_json(dir, &["-t", "2", "-n", "3", "--out", "group-out"]);
    assert!(dir.join("group/roster.toml").exists());
}
