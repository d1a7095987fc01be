//! BIP 445's published cases, all but those of deterministic signing, which is not built.
//!
//! Some cases are of groups and packages that our own types cannot hold: t = 1, more than t signers, messages of any
//! length, an aggregate nonce without its parts. So they stand here and drive what those types are made of.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod material;
mod nonces;
mod signing;

use std::sync::Arc;

use hardfrost_primitives::{members_ascending, Member, Suite};
use secp256k1::PublicKey;
use serde_json::Value;

use super::{session, AggregateNonce};
use crate::key_material::interpolated;
use crate::lagrange::coefficients;
use crate::points::{parse, to_k256};
use crate::session::Session;
use crate::tweak::{tweak, Chain, TweakedKey};

/// The standard's error object for a bad argument.
fn value_error(message: &str) -> Value {
    serde_json::json!({ "type": "ValueError", "message": message })
}

/// The standard's error object for somebody's bad contribution.
fn contribution(signer: Option<usize>, what: &str) -> Value {
    let kind = "InvalidContributionError";
    serde_json::json!({ "type": kind, "signer_index": signer, "contrib": what })
}

fn file(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/bip445/");
    let text = std::fs::read_to_string(format!("{folder}{name}_vectors.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn rows<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

/// The entries of a group's list that a case names by index.
fn picked<'a>(group: &'a Value, list: &str, indices: &Value) -> Vec<&'a Value> {
    let indices = indices.as_array().unwrap().iter();
    indices.map(|index| &group[list][number(index)]).collect()
}

/// An identifier of the standard as one of our members; `None` for one that no member can have.
fn member(id: &Value) -> Option<Member> {
    let number = id.as_u64()?.checked_add(1)?;
    Member::from_u64(number).ok()
}

/// Nobody's aggregate is ever taken, so the code has no reader for one.
fn aggregate_nonce(bytes: &[u8]) -> Option<AggregateNonce> {
    let half = |bytes: &[u8]| match bytes {
        [0, rest @ ..] if rest.iter().all(|b| *b == 0) => Some(None),
        bytes => Some(Some(parse(bytes.try_into().ok()?)?)),
    };
    let (hiding, binding) = bytes.split_at(33);
    Some(AggregateNonce {
        hiding: half(hiding)?,
        binding: half(binding)?,
    })
}

/// The tweak chain that a case describes, if any.
fn tweaked(group: &Value, case: &Value) -> Result<TweakedKey, Value> {
    let key = parse(&array(&group["thresh_pk"])).unwrap();
    let mut chain = Chain::new(to_k256(&key));
    let Some(modes) = case["is_xonly"].as_array() else {
        return Ok(chain.end());
    };
    let tweaks = picked(group, "tweaks", &case["tweak_indices"]);
    if tweaks.len() != modes.len() {
        // A list of pairs cannot say this.
        let message = "The tweaks and is_xonly lists must have the same length.";
        return Err(value_error(message));
    }
    for (bytes, x_only) in tweaks.into_iter().zip(modes) {
        if x_only.as_bool().unwrap() {
            chain = chain.even();
        }
        let tweak = tweak(array(bytes));
        let tweak = tweak.map_err(|_| value_error("The tweak value is out of range."))?;
        let infinity = "The tweaked threshold public key must not be the point at infinity.";
        chain = chain.add(tweak).map_err(|_| value_error(infinity))?;
    }
    Ok(chain.end())
}

/// Who signs, in the case's order, with the verifying shares where the case lists them.
struct Signers {
    members: Vec<Member>,
    shares: Option<Vec<PublicKey>>,
}

impl Signers {
    fn read(group: &Value, case: &Value) -> Result<Self, Value> {
        let (t, n) = (number(&group["t"]), number(&group["n"]));
        if n > usize::from(Suite::Bip445.members_max()) {
            let message = "The number of participants must be n <= 128.";
            return Err(value_error(message));
        }
        let ids = rows(case, "ids");
        if ids.len() < t || ids.len() > n {
            let message = "The number of signers must satisfy t <= u <= n.";
            return Err(value_error(message));
        }
        let mut members = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            let known = member(id).filter(|m| usize::from(m.number()) <= n);
            members.push(known.ok_or_else(|| {
                let message = format!("The id at index {index} must satisfy 0 <= id <= n - 1.");
                value_error(&message)
            })?);
        }
        let shares = Self::shares(group, case)?;
        if members_ascending(members.iter().copied()).is_err() {
            return Err(value_error("The ids list contains duplicate elements."));
        }
        if let Some(shares) = &shares {
            Self::fit(group, &members, shares)?;
        }
        Ok(Self { members, shares })
    }

    fn shares(group: &Value, case: &Value) -> Result<Option<Vec<PublicKey>>, Value> {
        if case["pubshare_indices"].is_null() {
            return Ok(None);
        }
        let mut shares = Vec::new();
        let listed = picked(group, "pubshares", &case["pubshare_indices"]);
        for (index, share) in listed.into_iter().enumerate() {
            shares.push(parse(&array(share)).ok_or_else(|| {
                value_error(&format!(
                    "The pubshare at index {index} is not a valid point."
                ))
            })?);
        }
        Ok(Some(shares))
    }

    fn fit(group: &Value, members: &[Member], shares: &[PublicKey]) -> Result<(), Value> {
        let pairs = members.iter().copied().zip(shares.iter().copied());
        let mut pairs: Vec<(Member, PublicKey)> = pairs.collect();
        pairs.sort_unstable_by_key(|(m, _)| *m);
        let Some(key) = interpolated(&pairs) else {
            let message = "The threshold public key must not be the point at infinity.";
            return Err(value_error(message));
        };
        if key.serialize()[..] != bytes(&group["thresh_pk"]) {
            return Err(value_error(
                "The provided key material is incorrect: the public shares do not match the \
                 threshold public key.",
            ));
        }
        Ok(())
    }

    fn session(&self, nonce: &AggregateNonce, key: TweakedKey, case: &Value) -> Session {
        let ascending = members_ascending(self.members.iter().copied()).unwrap();
        let message = bytes(&case["msg"]);
        let ascending: Vec<Member> = ascending.into_iter().collect();
        session(Arc::new(coefficients(&ascending)), nonce, key, &message)
    }
}
