//! What the FROST library publishes about itself, through our own interface. The signing session of `vectors.json` is
//! in `src/package/library_vectors.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod ceremony;
mod dealt;

use dealt::{bytes, member, vectors, Scripted};
use frost_secp256k1_tr::Identifier;
use hardfrost_frost::{Commitments, CommitmentsError, FrostIdentifier, IdentifierError};
use hardfrost_primitives::Message;
use k256::elliptic_curve::PrimeField;
use k256::{schnorr, Scalar};
use serde_json::Value;

fn file(name: &str) -> Value {
    serde_json::from_str(&vectors(&format!("frost-secp256k1-tr/{name}"))).unwrap()
}

#[test]
fn key_generation_from_the_published_polynomials_ends_in_the_published_keys() {
    let file = file("vectors_dkg.json");
    let inputs = &file["inputs"];
    let row = |number: u16| &inputs[number.to_string()];
    let polynomial = |number: u16| {
        let script = [
            bytes(&row(number)["signing_key"]),
            bytes(&row(number)["coefficient"]),
        ];
        Scripted::new(script, number.into())
    };
    let mut dealt = ceremony::Dealt::with((2, 3), polynomial);
    for (m, shown) in &mut dealt.shown {
        let row = row(m.number());
        let commitments = row["vss_commitments"].as_array().unwrap().iter();
        assert_eq!(shown.commitment, commitments.map(bytes).collect::<Vec<_>>());
        // The nonce behind the published proof is not published; the proof itself must be accepted.
        shown.proof_of_knowledge = bytes(&row["proof_of_knowledge"]);
    }
    let shares = dealt.seal().open();
    let published: [u8; 33] = bytes(&inputs["verifying_key"]);
    for share in &shares {
        let row = row(share.member().number());
        let group = share.group();
        assert_eq!(group.verifying_key()[1..], published[1..]);
        let index = usize::from(share.member().number()) - 1;
        let verifying: [u8; 33] = bytes(&row["verifying_share"]);
        assert_eq!(group.verifying_shares()[index][1..], verifying[1..]);
        let secret = Scalar::from_repr(bytes::<32>(&row["signing_share"]).into()).unwrap();
        // The library publishes the key with its tweak and odd Y; ours is the same key with even Y.
        assert_eq!(published[0], 3);
        assert_eq!(share.dangerous_to_bytes()[..], (-secret).to_bytes()[..]);
    }
}

#[test]
fn the_published_signature_is_a_bip_340_signature_of_the_published_key() {
    let file = file("vectors.json");
    let key: [u8; 33] = bytes(&file["inputs"]["verifying_key_key"]);
    let key = schnorr::VerifyingKey::from_bytes(&key[1..]).unwrap();
    let signature: [u8; 64] = bytes(&file["final_output"]["sig"]);
    let signature = schnorr::Signature::try_from(signature.as_slice()).unwrap();
    let message = hex::decode(file["inputs"]["message"].as_str().unwrap()).unwrap();
    assert!(key.verify_raw(&message, &signature).is_ok());
    assert_eq!(
        "74657374".parse::<Message>().map_err(|e| e.to_string()),
        Err("a message must be 64 hex characters long, not 8".to_owned())
    );
}

#[test]
fn d8_is_the_identifier_that_the_library_hashes() {
    let file = file("vectors.json");
    let rows = file["round_one_outputs"]["outputs"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let number = u16::try_from(row["identifier"].as_u64().unwrap()).unwrap();
        let hashed = row["binding_factor_input"].as_str().unwrap();
        let id = &hashed[hashed.len() - 64..];
        let ours = FrostIdentifier::of(member(number));
        assert_eq!(ours.to_string(), format!("\"{id}\""));
        assert_eq!(id.parse(), Ok(ours));
    }
}

/// The file named for big identifiers holds none: it is `vectors.json` again. Big ones are made here.
#[test]
fn e39_an_identifier_of_the_whole_field_names_no_member() {
    assert_eq!(file("vectors-big-identifier.json"), file("vectors.json"));
    for name in ["alice", "bob", "carol"] {
        let id = Identifier::derive(name.as_bytes()).unwrap();
        let text = hex::encode(id.serialize());
        let parsed = text.parse::<FrostIdentifier>();
        assert_eq!(parsed, Err(IdentifierError::NoMember), "{name}");
    }
    let sample = file("samples.json");
    let id = sample["identifier"].as_str().unwrap();
    assert_eq!(id.parse(), Ok(FrostIdentifier::of(member(42))));
}

#[test]
fn a_published_invalid_point_is_no_commitment() {
    let samples = file("samples.json");
    let good: [u8; 33] = bytes(&samples["element1"]);
    let text = file("elements.json")["elements"]["invalid_element"].clone();
    let bad: [u8; 33] = bytes(&text);
    assert!(Commitments::from_bytes(&good, &good).is_ok());
    let judged = |hiding, binding| Commitments::from_bytes(hiding, binding).map(|_| ());
    assert_eq!(judged(&bad, &good), Err(CommitmentsError));
    assert_eq!(judged(&good, &bad), Err(CommitmentsError));
    assert_eq!(judged(&good, &[0; 33]), Err(CommitmentsError));
}
