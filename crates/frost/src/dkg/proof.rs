//! The proof that a dealer knows its constant term (FROST key generation, step 1.2; the challenge and the encoding are
//! the FROST library's).

use frost_core::Ciphersuite;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use hardfrost_primitives::Member;
use k256::elliptic_curve::Field;
use k256::Scalar;
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use crate::identifier::identifier;
use crate::points::{combination, parse, scalar, secret_times_g, signed};

fn challenge(member: Member, constant: &PublicKey, nonce: &[u8; 33]) -> Scalar {
    let id = identifier(member).serialize();
    let preimage = [&id[..], &constant.serialize(), nonce].concat();
    Secp256K1Sha256TR::HDKG(&preimage).expect("the suite defines the hash of key generation")
}

/// x(R) ‖ k + c·a, where R = k·G has even Y.
pub(super) fn prove(
    member: Member,
    secret: &Scalar,
    constant: &PublicKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> [u8; 64] {
    loop {
        let mut nonce = Zeroizing::new(Scalar::random(&mut *rng));
        let Some(point) = secret_times_g(&nonce) else {
            continue;
        };
        let mut point = point.serialize();
        let [sign, x @ ..] = &mut point;
        if *sign == 3 {
            *sign = 2;
            *nonce = signed(true, *nonce);
        }
        let mut proof = [0; 64];
        let (first, second) = proof.split_at_mut(32);
        first.copy_from_slice(x);
        let answer = *nonce + challenge(member, constant, &point) * secret;
        second.copy_from_slice(&answer.to_bytes());
        return proof;
    }
}

/// Whether R = μ·G − c·φ.
pub(super) fn proven(member: Member, constant: &PublicKey, proof: &[u8; 64]) -> bool {
    let (x, answer) = proof.split_at(32);
    let mut nonce = [2; 33];
    let [_, place @ ..] = &mut nonce;
    place.copy_from_slice(x);
    let answer = answer.try_into().ok().and_then(scalar);
    let (Some(point), Some(answer)) = (parse(&nonce), answer) else {
        return false;
    };
    let challenge = challenge(member, constant, &nonce);
    combination(&answer, &-challenge, constant) == Some(point)
}
