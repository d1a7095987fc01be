//! Partial signatures: made, judged and summed.

use hardfrost_primitives::{Member, Message};
use k256::Scalar;
use secp256k1::PublicKey;
use serde_json::Value;
use zeroize::Zeroizing;

use super::nonces::commitments;
use super::{
    aggregate_nonce, array, bytes, contribution, file, member, number, picked, rows, tweaked,
    value_error, Signers,
};
use crate::bip445::AggregateNonce;
use crate::nonces::NoncePair;
use crate::points::{scalar, secret_times_g};
use crate::session::Session;
use crate::{Commitments, Signature};

/// One signer of a case with what it must know.
struct Ready {
    signers: Signers,
    session: Session,
    member: Member,
    share: Scalar,
    nonces: (NoncePair, Commitments),
}

fn secret_nonces(bytes: [u8; 64]) -> Result<(NoncePair, Commitments), Value> {
    let half = |half: &[u8]| scalar(half.try_into().unwrap()).unwrap();
    let (hiding, binding) = bytes.split_at(32);
    let pair = Zeroizing::new([half(hiding), half(binding)]);
    NoncePair::of(&pair).ok_or_else(|| {
        let half = match pair[0] == Scalar::ZERO {
            true => "first",
            false => "second",
        };
        value_error(&format!("The {half} half of secnonce is out of range."))
    })
}

impl Ready {
    fn read(group: &Value, case: &Value) -> Result<Self, Value> {
        let signers = Signers::read(group, case)?;
        let key = tweaked(group, case)?;
        let nonce = aggregate_nonce(&bytes(&case["aggnonce"]));
        let nonce = nonce.ok_or_else(|| contribution(None, "aggnonce"))?;
        let session = signers.session(&nonce, key, case);
        let nonces = &group["secnonces"][number(&case["secnonce_index"])];
        let nonces = secret_nonces(array(nonces))?;
        let share = scalar(array(&group["secshares"][number(&case["secshare_index"])])).unwrap();
        let public = secret_times_g(&share);
        let public = public.ok_or_else(|| value_error("The secshare is out of range."))?;
        let own = member(&case["signer_id"]);
        let position = signers.members.iter().position(|m| Some(*m) == own);
        let position =
            position.ok_or_else(|| value_error("The signer's id is missing from the ids list."))?;
        if signers
            .shares
            .as_ref()
            .is_some_and(|shares| shares[position] != public)
        {
            let message = "The signer's pubshare does not match its entry in the pubshares list.";
            return Err(value_error(message));
        }
        Ok(Self {
            member: signers.members[position],
            signers,
            session,
            share,
            nonces,
        })
    }

    /// The share; whoever knows the commitments and the verifying share finds it good.
    fn sign(&self, group: &Value, case: &Value) -> [u8; 32] {
        let (pair, own) = &self.nonces;
        let made = self.session.share(self.member, &self.share, pair);
        let made = made.unwrap();
        if let Some(indices) = case["pubnonce_indices"].as_array() {
            let pairs = picked(group, "pubnonces", &case["pubnonce_indices"]);
            let pairs: Vec<Commitments> =
                pairs.into_iter().map(|p| commitments(p).unwrap()).collect();
            assert_eq!(indices.len(), self.signers.members.len());
            let sum = AggregateNonce::of(pairs.iter()).to_bytes();
            assert_eq!(sum[..], bytes(&case["aggnonce"]), "{case}");
        }
        let public = secret_times_g(&self.share).unwrap();
        assert!(
            self.session.holds(self.member, own, &public, &made),
            "{case}"
        );
        made.to_bytes().into()
    }
}

fn signed(name: &str, errors: &str) -> (usize, usize) {
    let (mut made, mut refused) = (0, 0);
    for group in rows(&file(name), "test_groups") {
        for case in rows(group, "valid_tests") {
            let ready = Ready::read(group, case).unwrap();
            assert_eq!(
                ready.sign(group, case)[..],
                bytes(&case["expected"]),
                "{case}"
            );
            made += 1;
        }
        for case in rows(group, errors) {
            let error = Ready::read(group, case).map(|_| ()).unwrap_err();
            assert_eq!(error, case["error"], "{case}");
            refused += 1;
        }
    }
    (made, refused)
}

#[test]
fn every_published_share_is_made_and_every_bad_session_refused() {
    assert_eq!(signed("sign_verify", "sign_error_tests"), (26, 61));
}

#[test]
fn every_published_chain_of_tweaks_signs_and_every_bad_one_is_refused() {
    assert_eq!(signed("tweak", "error_tests"), (20, 12));
}

/// What a verifier says of the share, or whose contribution keeps it from saying anything.
fn judged(group: &Value, case: &Value) -> Result<bool, Value> {
    let mut pairs = Vec::new();
    let listed = picked(group, "pubnonces", &case["pubnonce_indices"]);
    for (index, pair) in listed.into_iter().enumerate() {
        pairs.push(commitments(pair).ok_or_else(|| contribution(Some(index), "pubnonce"))?);
    }
    let signers = Signers::read(group, case)?;
    let nonce = AggregateNonce::of(pairs.iter());
    let session = signers.session(&nonce, tweaked(group, case)?, case);
    let index = number(&case["signer_index"]);
    let shares: &[PublicKey] = signers.shares.as_ref().unwrap();
    let share = scalar(array(&case["psig"]));
    Ok(share.is_some_and(|share| {
        session.holds(
            signers.members[index],
            &pairs[index],
            &shares[index],
            &share,
        )
    }))
}

#[test]
fn every_published_bad_share_is_found_and_nobody_else_blamed() {
    let (mut bad, mut open) = (0, 0);
    for group in rows(&file("sign_verify"), "test_groups") {
        for case in rows(group, "verify_fail_tests") {
            assert_eq!(judged(group, case), Ok(false), "{case}");
            bad += 1;
        }
        for case in rows(group, "verify_error_tests") {
            assert_eq!(judged(group, case), Err(case["error"].clone()), "{case}");
            open += 1;
        }
    }
    assert_eq!((bad, open), (12, 9));
}

fn summed(group: &Value, case: &Value) -> Result<[u8; 64], Value> {
    let signers = Signers::read(group, case)?;
    let nonce = aggregate_nonce(&bytes(&case["aggnonce"])).unwrap();
    let key = tweaked(group, case)?;
    let session = signers.session(&nonce, key, case);
    let shares = rows(case, "psigs");
    if shares.len() != signers.members.len() {
        let message = "The psigs and ids lists must have the same length.";
        return Err(value_error(message));
    }
    let mut decoded = Vec::new();
    for (index, share) in shares.iter().enumerate() {
        decoded.push(scalar(array(share)).ok_or_else(|| contribution(Some(index), "psig"))?);
    }
    let signature = session.signature(decoded.iter());
    let message = Message(array(&case["msg"]));
    assert!(Signature(signature).verifies(&message, &key.x), "{case}");
    Ok(signature)
}

#[test]
fn every_published_signature_is_summed_and_every_bad_share_named() {
    let (mut made, mut refused) = (0, 0);
    for group in rows(&file("sig_agg"), "test_groups") {
        for case in rows(group, "valid_tests") {
            assert_eq!(
                summed(group, case).unwrap()[..],
                bytes(&case["expected"]),
                "{case}"
            );
            made += 1;
        }
        for case in rows(group, "error_tests") {
            assert_eq!(summed(group, case).unwrap_err(), case["error"], "{case}");
            refused += 1;
        }
    }
    assert_eq!((made, refused), (19, 9));
}
