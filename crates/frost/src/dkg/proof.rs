//! The proof that a dealer knows its constant term (FROST key generation, step 1.2; the challenge and the encoding are
//! the FROST library's).

use frost_core::Ciphersuite;
use frost_secp256k1_tr::Secp256K1Sha256TR;
use hardfrost_primitives::{Hash32, Member};
use k256::Scalar;
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;

use crate::combination::combination;
use crate::identifier::identifier;
use crate::points::{parse, random, scalar, secret_times_g, signed, to_k256};
use crate::products::sum_of_products;

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
        let mut nonce = random(rng);
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

/// A dealer's proof, read: R + c·φ = μ·G.
struct Equation {
    constant: PublicKey,
    nonce: PublicKey,
    challenge: Scalar,
    answer: Scalar,
}

/// Who proves to know the secret of which constant term, and the proof.
pub(super) type Proof<'a> = (Member, &'a PublicKey, &'a [u8; 64]);

impl Equation {
    fn read(&(member, constant, proof): &Proof<'_>) -> Option<Self> {
        let (x, answer) = proof.split_at(32);
        let mut nonce = [2; 33];
        let [_, place @ ..] = &mut nonce;
        place.copy_from_slice(x);
        Some(Self {
            constant: *constant,
            nonce: parse(&nonce)?,
            challenge: challenge(member, constant, &nonce),
            answer: scalar(answer.try_into().ok()?)?,
        })
    }

    fn holds(&self) -> bool {
        let claimed = (-self.challenge, &self.constant);
        combination(&self.answer, &[claimed]) == to_k256(&self.nonce)
    }
}

/// Whether the equations hold, asked of one sum of them. Each counts with a factor of 128 bits that is hashed from all
/// proofs, so that errors cannot be chosen to cancel: whoever changes one proof changes every factor.
fn all_hold(proofs: &[Proof<'_>], equations: &[Equation]) -> bool {
    let mut seed = Vec::with_capacity(proofs.len() * 99);
    for (member, constant, proof) in proofs {
        seed.extend_from_slice(&member.to_be_bytes());
        seed.extend_from_slice(&constant.serialize());
        seed.extend_from_slice(&proof[..]);
    }
    let seed = Hash32::tagged("hardfrost/dkg-proofs", &seed);
    let factor = |which: u16| {
        let preimage = [&seed.0[..], &which.to_be_bytes()].concat();
        let hash = Hash32::tagged("hardfrost/dkg-proofs", &preimage);
        let half = hash.0.first_chunk().expect("a hash has 32 bytes");
        Scalar::from(u128::from_be_bytes(*half))
    };
    let (mut terms, mut answers) = (Vec::with_capacity(2 * equations.len()), Scalar::ZERO);
    for (equation, which) in equations.iter().zip(0u16..) {
        let factor = factor(which);
        terms.push((factor, &equation.nonce));
        terms.push((factor * equation.challenge, &equation.constant));
        answers += factor * equation.answer;
    }
    sum_of_products(std::iter::empty(), &terms) == combination(&answers, &[])
}

/// The first dealer that does not prove to know its constant term.
pub(super) fn first_unproven(proofs: &[Proof<'_>]) -> Option<Member> {
    let equations: Option<Vec<Equation>> = proofs.iter().map(Equation::read).collect();
    if equations.is_some_and(|equations| all_hold(proofs, &equations)) {
        return None;
    }
    let proven = |proof| Equation::read(proof).is_some_and(|equation| equation.holds());
    let unproven = proofs.iter().find(|proof| !proven(proof));
    unproven.map(|(member, ..)| *member)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::elliptic_curve::Field;
    use rand_chacha::rand_core::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    type Owned = (Member, PublicKey, [u8; 64]);

    fn proofs(count: u16) -> Vec<Owned> {
        let mut rng = ChaCha20Rng::seed_from_u64(count.into());
        let prove = |member| {
            let secret = Scalar::random(&mut rng);
            let constant = secret_times_g(&secret).unwrap();
            (
                member,
                constant,
                prove(member, &secret, &constant, &mut rng),
            )
        };
        Member::all(count).map(prove).collect()
    }

    fn named(proofs: &[Owned]) -> Option<u16> {
        let proofs: Vec<Proof<'_>> = proofs.iter().map(|(m, c, p)| (*m, c, p)).collect();
        first_unproven(&proofs).map(Member::number)
    }

    fn answer(proof: &Owned) -> Scalar {
        scalar(proof.2[32..].try_into().unwrap()).unwrap()
    }

    #[test]
    fn the_first_bad_proof_is_named_whatever_is_wrong_with_it() {
        for count in [1, 2, 40] {
            assert_eq!(named(&proofs(count)), None);
        }
        for (at, bits) in [(0, 1), (31, 4), (32, 255), (40, 2), (63, 1)] {
            let mut proofs = proofs(40);
            for (_, _, proof) in proofs.iter_mut().skip(16) {
                proof[at] ^= bits;
            }
            assert_eq!(named(&proofs), Some(17), "{at}");
            let (two, three) = (proofs[1].2, proofs[2].2);
            (proofs[1].2, proofs[2].2) = (three, two);
            assert_eq!(named(&proofs), Some(2));
        }
        let mut proofs = proofs(3);
        proofs[2].2[32..].fill(0xff);
        assert_eq!(named(&proofs), Some(3));
    }

    /// Without factors the two errors would cancel in the sum.
    #[test]
    fn errors_that_cancel_are_seen() {
        let mut proofs = proofs(5);
        let off = Scalar::from(7u64);
        let (one, other) = (answer(&proofs[3]) + off, answer(&proofs[4]) - off);
        proofs[3].2[32..].copy_from_slice(&one.to_bytes());
        proofs[4].2[32..].copy_from_slice(&other.to_bytes());
        assert_eq!(named(&proofs), Some(4));
    }
}
