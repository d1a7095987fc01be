//! Drawing nonces and summing commitments.

use secp256k1::PublicKey;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{array, bytes, contribution, file, member, number, rows};
use crate::bip445::{draw, AggregateNonce, Bound};
use crate::points::secret_times_g;
use crate::Commitments;

pub(super) fn commitments(pair: &Value) -> Option<Commitments> {
    let pair: [u8; 66] = array(pair);
    let (hiding, binding) = pair.split_at(33);
    Commitments::from_bytes(hiding.try_into().unwrap(), binding.try_into().unwrap()).ok()
}

#[test]
fn every_published_pair_of_nonces_is_drawn() {
    let file = file("nonce_gen");
    for case in rows(&file, "valid_tests") {
        let given = |name: &str| Some(&case[name]).filter(|value| !value.is_null());
        let share = given("secshare").map(|share| Zeroizing::new(array(share)));
        let message = given("msg").map(bytes);
        let extra = given("extra_in").map(bytes).unwrap_or_default();
        let bound = Bound {
            share: share.as_ref(),
            signer: given("signer_id").map(|id| member(id).unwrap()),
            verifying_share: given("pubshare").map(array),
            key: given("thresh_pk_xonly").map(array),
            message: message.as_deref(),
            extra: &extra,
        };
        let drawn = draw(&Zeroizing::new(array(&case["rand"])), &bound);
        let secrets: Vec<u8> = drawn.iter().flat_map(|k| k.to_bytes()).collect();
        let points = drawn.iter().map(|k| secret_times_g(k).unwrap());
        let points: Vec<u8> = points
            .flat_map(|point: PublicKey| point.serialize())
            .collect();
        let comment = &case["comment"];
        assert_eq!(secrets, bytes(&case["expected"][0]), "{comment}");
        assert_eq!(points, bytes(&case["expected"][1]), "{comment}");
    }
    assert_eq!(rows(&file, "valid_tests").len(), 6);
}

/// The sum of what everybody sent, or whose contribution is no commitment.
fn summed(file: &Value, case: &Value) -> Result<[u8; 66], Value> {
    let mut pairs = Vec::new();
    for (position, index) in rows(case, "pubnonce_indices").iter().enumerate() {
        let pair = commitments(&file["pubnonces"][number(index)]);
        pairs.push(pair.ok_or_else(|| contribution(Some(position), "pubnonce"))?);
    }
    Ok(AggregateNonce::of(pairs.iter()).to_bytes())
}

#[test]
fn commitments_sum_to_the_published_aggregate_or_their_author_is_named() {
    let file = file("nonce_agg");
    for case in rows(&file, "valid_tests") {
        assert_eq!(summed(&file, case).unwrap()[..], bytes(&case["expected"]));
    }
    for case in rows(&file, "error_tests") {
        assert_eq!(summed(&file, case).unwrap_err(), case["error"], "{case}");
    }
    let counts = ["valid_tests", "error_tests"].map(|tests| rows(&file, tests).len());
    assert_eq!(counts, [2, 3]);
}
