//! Key material: what a group is made of must be shares of its key.

use hardfrost_primitives::{Member, Suite};
use secp256k1::PublicKey;
use serde_json::Value;

use super::{array, file, number, rows, value_error};
use crate::key_material::{check, Inconsistent};
use crate::points::parse;

const INCORRECT: &str = "The provided key material is incorrect: the public shares do not";

fn judged(group: &Value, case: &Value) -> Result<(), Value> {
    let (t, indices) = (number(&case["t"]), rows(case, "pubshare_indices"));
    let n = indices.len();
    if t < 1 || t > n {
        return Err(value_error("The threshold must be 1 <= t <= n."));
    }
    if n > usize::from(Suite::Bip445.members_max()) {
        let message = "The number of participants must be n <= 128.";
        return Err(value_error(message));
    }
    let key = parse(&array(&case["thresh_pk"]));
    let key = key.ok_or_else(|| value_error("The thresh_pk is not a valid point."))?;
    let mut shares: Vec<(Member, PublicKey)> = Vec::new();
    for (position, member) in Member::all(u16::try_from(n).unwrap()).enumerate() {
        let index = &indices[position];
        if index.is_null() {
            continue;
        }
        let share = parse(&array(&group["pubshares"][number(index)]));
        let message = format!("The pubshare at index {position} is not a valid point.");
        shares.push((member, share.ok_or_else(|| value_error(&message))?));
    }
    if shares.len() < t {
        return Err(value_error("At least t pubshares must be present."));
    }
    check(u16::try_from(t).unwrap(), &shares, &key).map_err(|inconsistent| match inconsistent {
        Inconsistent::NotOnePolynomial => {
            value_error(&format!("{INCORRECT} lie on a single polynomial."))
        }
        Inconsistent::Infinity => {
            value_error("The threshold public key must not be the point at infinity.")
        }
        Inconsistent::OtherKey => {
            value_error(&format!("{INCORRECT} match the threshold public key."))
        }
    })
}

#[test]
fn key_material_is_taken_or_refused_as_published() {
    let file = file("threshold_info");
    let (mut taken, mut refused) = (0, 0);
    for group in rows(&file, "test_groups") {
        for case in rows(group, "valid_tests") {
            assert_eq!(judged(group, case), Ok(()), "{case}");
            taken += 1;
        }
        for case in rows(group, "error_tests") {
            assert_eq!(judged(group, case), Err(case["error"].clone()), "{case}");
            refused += 1;
        }
    }
    assert_eq!((taken, refused), (9, 31));
}
