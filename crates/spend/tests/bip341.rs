//! The wallet vectors of BIP 341: our plan asks for exactly the published digest, and the finished transaction counts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod wallet;

use std::collections::BTreeMap;

use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, Psbt, ScriptBuf, TapNodeHash, Transaction, TxOut};
use hardfrost_frost::{DerivedGroup, Signature};
use hardfrost_primitives::{Hash32, KeySpec, Message, Taproot};
use hardfrost_spend::{address, Network, SpendPlan, UnsignedPsbt};
use serde_json::Value;
use wallet::{bytes, consensus, vectors, Wallet};

fn file() -> Value {
    vectors("bip341/wallet-test-vectors.json")
}

fn transaction(hex_text: &Value) -> Transaction {
    deserialize(&hex::decode(hex_text.as_str().unwrap()).unwrap()).unwrap()
}

fn spent(case: &Value) -> Vec<TxOut> {
    let output = |utxo: &Value| TxOut {
        value: Amount::from_sat(utxo["amountSats"].as_u64().unwrap()),
        script_pubkey: ScriptBuf::from_hex(utxo["scriptPubKey"].as_str().unwrap()).unwrap(),
    };
    let utxos = case["given"]["utxosSpent"].as_array().unwrap();
    utxos.iter().map(output).collect()
}

/// The vector's transaction with every input signed as published, but that of `ours`.
fn psbt(case: &Value, ours: &Value) -> UnsignedPsbt {
    let tx = transaction(&case["given"]["rawUnsignedTx"]);
    let signed = transaction(&case["auxiliary"]["fullySignedTx"]);
    let mut psbt = Psbt::from_unsigned_tx(tx).unwrap();
    for (index, output) in spent(case).into_iter().enumerate() {
        let input = &mut psbt.inputs[index];
        input.witness_utxo = Some(output);
        if index as u64 == ours["given"]["txinIndex"].as_u64().unwrap() {
            let root = &ours["given"]["merkleRoot"];
            let hash = || TapNodeHash::from_byte_array(bytes(root));
            input.tap_merkle_root = (!root.is_null()).then(hash);
            continue;
        }
        let done = &signed.input[index];
        let script_sig = Some(done.script_sig.clone()).filter(|script| !script.is_empty());
        input.final_script_sig = script_sig;
        input.final_script_witness = Some(done.witness.clone()).filter(|w| !w.is_empty());
    }
    UnsignedPsbt::parse(&psbt.serialize()).unwrap()
}

fn spec(ours: &Value) -> KeySpec {
    let root = &ours["given"]["merkleRoot"];
    let taproot = if root.is_null() {
        Taproot::KeyPathOnly
    } else {
        Taproot::Root(Hash32(bytes(root)))
    };
    KeySpec::new(Vec::new(), taproot).unwrap()
}

#[test]
fn every_taproot_input_is_found_and_the_default_digest_is_the_published_one() {
    let file = file();
    let case = &file["keyPathSpending"][0];
    let mut with_default = 0;
    for ours in case["inputSpending"].as_array().unwrap() {
        let wallet = Wallet::split(bytes(&ours["given"]["internalPrivkey"]));
        let psbt = psbt(case, ours);
        let plan = SpendPlan::new(&psbt, &wallet.group).unwrap();
        let [input] = plan.inputs() else {
            panic!("one input is ours");
        };
        assert_eq!(
            input.index as u64,
            ours["given"]["txinIndex"].as_u64().unwrap()
        );
        assert_eq!(input.key_spec, spec(ours));
        assert_eq!(plan.fee(), Amount::from_sat(84_000_000));
        let published = Message(bytes(&ours["intermediary"]["sigHash"]));
        if ours["given"]["hashType"] == 0 {
            assert_eq!(input.message, published);
            let witness: [u8; 64] = bytes(&ours["expected"]["witness"][0]);
            let theirs = BTreeMap::from([(input.index, Signature(witness))]);
            let tx = plan
                .complete(psbt.clone(), &theirs)
                .unwrap()
                .finalize()
                .unwrap();
            assert_eq!(tx, transaction(&case["auxiliary"]["fullySignedTx"]));
            with_default += 1;
        } else {
            // The vectors sign these under other types; ours is the default one, so it must differ.
            assert_ne!(input.message, published);
        }
        let signatures = wallet.sign_all(&plan);
        let tx = plan
            .complete(psbt, &signatures)
            .unwrap()
            .finalize()
            .unwrap();
        consensus(&tx, &spent(case)).unwrap();
    }
    assert_eq!(with_default, 1);
}

#[test]
fn every_address_is_the_published_one() {
    let file = file();
    let cases = file["scriptPubKey"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let mut key = [2; 33];
        key[1..].copy_from_slice(&bytes::<32>(&case["given"]["internalPubkey"]));
        let group = hardfrost_frost::GroupPublic::dangerous_dealt(key, 2, &[key, key]).unwrap();
        let root = &case["intermediary"]["merkleRoot"];
        let taproot = match root.is_null() {
            true => Taproot::KeyPathOnly,
            false => Taproot::Root(Hash32(bytes(root))),
        };
        let spec = KeySpec::new(Vec::new(), taproot).unwrap();
        let derived = DerivedGroup::new(group.into(), spec).unwrap();
        let shown = address(&derived, Network::Bitcoin).to_string();
        assert_eq!(shown, case["expected"]["bip350Address"].as_str().unwrap());
    }
}
