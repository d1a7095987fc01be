//! The library's published signing session through our own `commit`, `sign` and `verify_share`, byte for byte. It
//! stands here because its message has 4 bytes: no package from [`CheckedPackage::new`] can hold that.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use frost_secp256k1_tr::keys::{SigningShare, VerifyingShare};
use hardfrost_primitives::{KeySpec, Member, Message, Suite};
use rand_core::{CryptoRng, RngCore};
use serde_json::Value;
use zeroize::Zeroizing;

use super::CheckedPackage;
use crate::points::scalar;
use crate::{
    sign, tr, verify_share, DerivedGroup, DerivedShare, GroupPublic, KeyShare, Region,
    ShareVerdict, SignatureShare, SigningNonces,
};

/// Hands out the published randomness.
struct Published(VecDeque<[u8; 32]>);

impl RngCore for Published {
    fn next_u32(&mut self) -> u32 {
        panic!("a nonce is drawn as 32 bytes")
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a nonce is drawn as 32 bytes")
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.pop_front().unwrap());
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Published {}

fn file() -> Value {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/frost-secp256k1-tr/vectors.json"
    );
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    let bytes = hex::decode(value.as_str().unwrap()).unwrap();
    bytes.try_into().unwrap()
}

fn member_of(value: &Value) -> Member {
    Member::from_u64(value["identifier"].as_u64().unwrap()).unwrap()
}

fn shares(inputs: &Value) -> Vec<KeyShare> {
    let rows = inputs["participant_shares"].as_array().unwrap();
    let secret = |row: &Value| Zeroizing::new(bytes::<32>(&row["participant_share"]));
    let public = |row: &Value| {
        let share = SigningShare::deserialize(secret(row).as_slice()).unwrap();
        let share = VerifyingShare::from(share).serialize().unwrap();
        share.try_into().unwrap()
    };
    let verifying: Vec<[u8; 33]> = rows.iter().map(public).collect();
    let key = bytes(&inputs["verifying_key_key"]);
    let group = Arc::new(GroupPublic::dangerous_dealt(key, 2, &verifying).unwrap());
    let region = Region::new().unwrap();
    let share = |row| KeyShare::from_bytes(member_of(row), &secret(row), group.clone(), &region);
    rows.iter().map(|row| share(row).unwrap()).collect()
}

/// Round one with the published randomness; the commitments are the published ones.
fn commit(share: &KeyShare, row: &Value) -> SigningNonces {
    let drawn = [
        bytes(&row["hiding_nonce_randomness"]),
        bytes(&row["binding_nonce_randomness"]),
    ];
    let nonces = share
        .commit(Suite::Tr, &mut Published(drawn.into()))
        .unwrap();
    let made = nonces.commitments();
    assert_eq!(made.hiding(), bytes(&row["hiding_nonce_commitment"]));
    assert_eq!(made.binding(), bytes(&row["binding_nonce_commitment"]));
    nonces
}

#[test]
fn the_published_session_is_reproduced_byte_for_byte() {
    let file = file();
    let shares = shares(&file["inputs"]);
    let group = DerivedGroup::new(shares[0].group().clone(), KeySpec::group_key());
    let group = Arc::new(group.unwrap());
    let rounds = file["round_one_outputs"]["outputs"].as_array().unwrap();
    let committed = rounds.iter().map(|row| {
        let share = shares.iter().find(|s| s.member() == member_of(row));
        (member_of(row), commit(share.unwrap(), row))
    });
    let mut committed: BTreeMap<Member, SigningNonces> = committed.collect();
    let commitments: BTreeMap<_, _> = committed
        .iter()
        .map(|(m, nonces)| (*m, nonces.commitments()))
        .collect();
    let message = hex::decode(file["inputs"]["message"].as_str().unwrap()).unwrap();
    let signers: Vec<Member> = commitments.keys().copied().collect();
    let lambdas = group.public().lambdas(&signers);
    let package = CheckedPackage {
        suite: Suite::Tr,
        session: tr::session(&commitments, lambdas, *group.key(), &message),
        group: group.clone(),
        message: Message([0; 32]),
        commitments,
    };
    let mut decoded = Vec::new();
    for row in file["round_two_outputs"]["outputs"].as_array().unwrap() {
        let m = member_of(row);
        let share = shares.iter().find(|s| s.member() == m).unwrap();
        let share = DerivedShare::new(share, group.clone()).unwrap();
        let made = sign(&share, committed.remove(&m).unwrap(), &package).unwrap();
        assert_eq!(made, SignatureShare(bytes(&row["sig_share"])));
        assert_eq!(verify_share(&package, m, &made), ShareVerdict::Valid);
        decoded.push(scalar(made.0).unwrap());
    }
    let signature = package.session().signature(decoded.iter());
    assert_eq!(signature, bytes(&file["final_output"]["sig"]));
}
