//! The wallet vectors of BIP 341: a key split among members has the published output key and signs for it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod dealt;

use std::sync::Arc;

use dealt::{bytes, session, split, vectors, Task, SUITES};
use hardfrost_frost::{aggregate, DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::{Hash32, KeySpec, Message, Suite, Taproot};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde_json::Value;

fn wallet_vectors() -> Value {
    serde_json::from_str(&vectors("bip341/wallet-test-vectors.json")).unwrap()
}

fn spec(root: &Value) -> KeySpec {
    let taproot = if root.is_null() {
        Taproot::KeyPathOnly
    } else {
        Taproot::Root(Hash32(bytes(root)))
    };
    KeySpec::new(Vec::new(), taproot).unwrap()
}

#[test]
fn every_key_path_input_is_signed_by_the_members_of_its_split_key() {
    SUITES.into_iter().for_each(every_input_under);
}

fn every_input_under(suite: Suite) {
    let file = wallet_vectors();
    let inputs = file["keyPathSpending"][0]["inputSpending"]
        .as_array()
        .unwrap();
    assert_eq!(inputs.len(), 7);
    let mut rng = ChaCha20Rng::seed_from_u64(341);
    for (input, (threshold, count)) in inputs.iter().zip([(2, 3), (3, 5)].into_iter().cycle()) {
        let (given, between) = (&input["given"], &input["intermediary"]);
        let secret = bytes(&given["internalPrivkey"]);
        let dealt = split(&secret, (threshold, count), &mut rng);
        let internal: [u8; 32] = bytes(&between["internalPubkey"]);
        assert_eq!(dealt.group.verifying_key()[1..], internal);

        let spec = spec(&given["merkleRoot"]);
        let message = Message(bytes(&between["sigHash"]));
        let who: Vec<u16> = (count - threshold + 1..=count).collect();
        let task = Task {
            suite,
            spec,
            message,
        };
        let session = session(&dealt.shares, &who, &task, &mut rng);
        let output = session.package.group().output_key();
        let tweaked =
            bitcoin::secp256k1::SecretKey::from_slice(&bytes::<32>(&between["tweakedPrivkey"]));
        let tweaked = tweaked.unwrap().public_key(bitcoin::secp256k1::SECP256K1);
        assert_eq!(output, tweaked.x_only_public_key().0.serialize());

        let signature = aggregate(&session.package, &session.shares).unwrap();
        assert!(signature.verifies(&message, &output));
        let witness = hex::decode(input["expected"]["witness"][0].as_str().unwrap()).unwrap();
        let published = Signature(witness[..64].try_into().unwrap());
        assert!(published.verifies(&message, &output));
    }
}

#[test]
fn every_output_key_is_the_published_one() {
    let file = wallet_vectors();
    let cases = file["scriptPubKey"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let mut key = [2; 33];
        key[1..].copy_from_slice(&bytes::<32>(&case["given"]["internalPubkey"]));
        // Nobody knows this key's secret; the verifying shares play no part in the output key.
        let group = Arc::new(GroupPublic::dangerous_dealt(key, 2, &[key, key]).unwrap());
        let spec = spec(&case["intermediary"]["merkleRoot"]);
        let output = DerivedGroup::new(group, spec).unwrap().output_key();
        assert_eq!(output, bytes::<32>(&case["intermediary"]["tweakedPubkey"]));
        assert_eq!(
            format!("5120{}", hex::encode(output)),
            case["expected"]["scriptPubKey"].as_str().unwrap()
        );
    }
}
