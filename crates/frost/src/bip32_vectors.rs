//! Public derivation against the vectors of BIP 32: every step that is not hardened, parent to child.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::str::FromStr;

use bitcoin::bip32::{ChildNumber, Xpub};
use hardfrost_primitives::{ChildIndex, KeySpec, Taproot};
use k256::elliptic_curve::group::GroupEncoding;
use k256::ProjectivePoint;
use serde_json::Value;

use crate::tweak::{chain_code, child_tweak, derive};

fn chains() -> Vec<Vec<Xpub>> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../vectors/bip32-json/bip32_test_vectors.json"
    );
    let file: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let xpub = |row: &Value| Xpub::from_str(row[1].as_str().unwrap()).unwrap();
    let chain = |rows: &Value| rows.as_array().unwrap().iter().map(xpub).collect();
    file.as_object().unwrap().values().map(chain).collect()
}

fn child(key: &[u8; 33], chain_code: &[u8; 32], index: ChildIndex) -> ([u8; 33], [u8; 32]) {
    let (tweak, next) = child_tweak(key, chain_code, index).unwrap();
    let parent = ProjectivePoint::from_bytes(key.into()).unwrap();
    let child = parent + ProjectivePoint::GENERATOR * tweak;
    (child.to_affine().to_bytes().into(), next)
}

#[test]
fn every_public_step_of_bip_32_gives_the_published_child() {
    let mut steps = 0;
    for chain in chains() {
        for pair in chain.windows(2) {
            let (parent, expected) = (&pair[0], &pair[1]);
            let ChildNumber::Normal { index } = expected.child_number else {
                continue;
            };
            let index = ChildIndex::new(index).unwrap();
            let (key, code) = child(
                &parent.public_key.serialize(),
                parent.chain_code.as_bytes(),
                index,
            );
            assert_eq!(key, expected.public_key.serialize());
            assert_eq!(&code, expected.chain_code.as_bytes());
            steps += 1;
        }
    }
    assert_eq!(steps, 6);
}

/// The whole walk of D9 against another implementation of BIP 32: only the chain code at its head is our own.
#[test]
fn a_path_leads_where_an_extended_public_key_leads() {
    let root = chains()[0][0];
    let head = root.public_key.x_only_public_key().0;
    let head = head.public_key(bitcoin::secp256k1::Parity::Even);
    let xpub = Xpub {
        public_key: head,
        chain_code: chain_code(&head.serialize()).into(),
        ..root
    };
    for path in [vec![0], vec![1, 44], vec![0x7fff_ffff, 0, 7, 1, 2, 3, 4, 5]] {
        let steps: Vec<ChildNumber> = path
            .iter()
            .map(|i| ChildNumber::from_normal_idx(*i).unwrap())
            .collect();
        let secp = bitcoin::secp256k1::SECP256K1;
        let leads_to = xpub.derive_pub(secp, &steps).unwrap().public_key;
        let path = path.into_iter().map(|i| ChildIndex::new(i).unwrap());
        let spec = KeySpec::new(path.collect(), Taproot::Untweaked).unwrap();
        let point = ProjectivePoint::from_bytes(&head.serialize().into()).unwrap();
        let key = derive(point, &spec).unwrap().compressed();
        assert_eq!(key[1..], leads_to.x_only_public_key().0.serialize());
    }
}
