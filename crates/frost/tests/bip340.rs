//! A signature is valid exactly when BIP 340 says so: all published rows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod dealt;

use dealt::vectors;
use hardfrost_frost::Signature;
use hardfrost_primitives::Message;
use k256::schnorr;

struct Row {
    index: String,
    key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    valid: bool,
}

fn rows() -> Vec<Row> {
    let file = vectors("bip340/test-vectors.csv");
    let row = |line: &str| {
        let field: Vec<&str> = line.split(',').collect();
        Row {
            index: field[0].to_owned(),
            key: hex::decode(field[2]).unwrap().try_into().unwrap(),
            message: hex::decode(field[4]).unwrap(),
            signature: hex::decode(field[5]).unwrap().try_into().unwrap(),
            valid: match field[6] {
                "TRUE" => true,
                "FALSE" => false,
                other => panic!("{other}"),
            },
        }
    };
    file.lines().skip(1).map(row).collect()
}

/// `Signature::verifies` takes what we sign: 32 bytes. The rows with messages of other lengths go to k256's
/// verification, whose challenge hash, point and scalar code is what the FROST library signs with.
fn verifies_of_any_length(row: &Row) -> bool {
    let key = schnorr::VerifyingKey::from_bytes(&row.key).unwrap();
    let signature = schnorr::Signature::try_from(row.signature.as_slice()).unwrap();
    key.verify_raw(&row.message, &signature).is_ok()
}

#[test]
fn all_nineteen_rows_of_bip_340_are_judged_as_published() {
    let rows = rows();
    assert_eq!(rows.len(), 19);
    let (ours, other): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|r| r.message.len() == 32);
    assert_eq!((ours.len(), other.len()), (15, 4));
    for row in &ours {
        let message = Message(row.message.as_slice().try_into().unwrap());
        let verdict = Signature(row.signature).verifies(&message, &row.key);
        assert_eq!(verdict, row.valid, "row {}", row.index);
    }
    for row in &other {
        assert_eq!(verifies_of_any_length(row), row.valid, "row {}", row.index);
    }
    assert_eq!(ours.iter().filter(|row| row.valid).count(), 5);
}
