//! Steps 1 and 3 of a dealer: what it shows, and what it checks before it gives anybody a share.

use std::collections::BTreeMap;

use hardfrost_locked::{scrubbed, Region};
use hardfrost_primitives::{Hash32, Member};
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;

use super::ephemeral::{possessed, Ephemeral};
use super::polynomial::SecretPolynomial;
use super::proof::{prove, proven};
use super::sealing::{Direction, SealedShare};
use super::{AwaitShares, DkgFault, Seat};
use crate::points::{parse, sum};
use crate::secret::SecretScalar;

/// What a dealer shows to everybody in step 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round1 {
    /// Commitments to the t coefficients, 33 bytes each.
    pub commitment: Vec<[u8; 33]>,
    /// Proof of knowledge of the constant term.
    pub proof_of_knowledge: [u8; 64],
    /// The ceremony's ephemeral key.
    pub ephemeral: [u8; 33],
    /// Proof of possession of the ephemeral key.
    pub possession: [u8; 64],
}

/// Our polynomial and ephemeral key, in locked memory, before the others' contributions are known. Wiped on drop.
pub struct Dealing {
    seat: Seat,
    polynomial: SecretPolynomial,
    commitment: Vec<PublicKey>,
    ephemeral: Ephemeral,
}

/// Draws our polynomial and ephemeral key into `region`.
///
/// # Errors
/// [`DkgFault::Size`], [`DkgFault::Memory`].
pub fn deal(
    seat: Seat,
    region: &Region,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Dealing, Round1), DkgFault> {
    let Seat {
        ceremony,
        member,
        threshold,
        count,
    } = seat;
    if threshold < 2 || threshold > count {
        return Err(DkgFault::Size);
    }
    scrubbed(|| {
        let (polynomial, commitment) = SecretPolynomial::draw(threshold, region, rng)?;
        let constant = commitment.first().ok_or(DkgFault::Size)?;
        let proof_of_knowledge = prove(member, &polynomial.constant(), constant, rng);
        let (ephemeral, possession) = Ephemeral::draw(&ceremony, member, region, rng)?;
        let shown = Round1 {
            commitment: commitment.iter().map(PublicKey::serialize).collect(),
            proof_of_knowledge,
            ephemeral: *ephemeral.public(),
            possession,
        };
        let dealing = Dealing {
            seat,
            polynomial,
            commitment,
            ephemeral,
        };
        Ok((dealing, shown))
    })
}

/// Parses one dealer's contribution and checks what can be checked of it alone, but for the proof of knowledge.
fn checked(seat: &Seat, from: Member, shown: &Round1) -> Result<Vec<PublicKey>, DkgFault> {
    let bad = DkgFault::Commitment(from);
    if shown.commitment.len() != usize::from(seat.threshold) {
        return Err(bad);
    }
    let commitment: Option<Vec<PublicKey>> = shown.commitment.iter().map(parse).collect();
    let commitment = commitment.ok_or(bad)?;
    if !possessed(&seat.ceremony, from, &shown.ephemeral, &shown.possession) {
        return Err(DkgFault::Possession(from));
    }
    Ok(commitment)
}

/// No two members may show one ephemeral key.
fn distinct<'a>(keys: impl Iterator<Item = (Member, &'a [u8; 33])>) -> Result<(), DkgFault> {
    let mut seen = BTreeMap::new();
    for (member, key) in keys {
        if let Some(first) = seen.insert(key, member) {
            return Err(DkgFault::CopiedEphemeral(first, member));
        }
    }
    Ok(())
}

impl Dealing {
    /// Checks all others' contributions and seals one share to each of them. Call it only when every member is known to
    /// hold the same contributions; `transcript` is their hash.
    ///
    /// # Errors
    /// See [`DkgFault`]: the first failed check, naming its author.
    pub fn seal(
        self,
        transcript: Hash32,
        others: &BTreeMap<Member, Round1>,
    ) -> Result<(AwaitShares, BTreeMap<Member, SealedShare>), DkgFault> {
        let seat = self.seat;
        let expected = Member::all(seat.count).filter(|m| *m != seat.member);
        if !others.keys().copied().eq(expected) {
            return Err(DkgFault::Incomplete);
        }
        let commitments = self.commitments(others)?;
        scrubbed(|| self.sealed(transcript, others, commitments))
    }

    fn sealed(
        self,
        transcript: Hash32,
        others: &BTreeMap<Member, Round1>,
        commitments: BTreeMap<Member, Vec<PublicKey>>,
    ) -> Result<(AwaitShares, BTreeMap<Member, SealedShare>), DkgFault> {
        let (seat, region) = (self.seat, self.ephemeral.region());
        let mut shared = BTreeMap::new();
        let mut sealed = BTreeMap::new();
        for (to, shown) in others {
            let secret = self.ephemeral.shared_x(&shown.ephemeral);
            let secret = secret.ok_or(DkgFault::Possession(*to))?;
            let share = self.polynomial.at(*to).to_bytes().into();
            let direction = Direction {
                ceremony: seat.ceremony,
                sender: seat.member,
                recipient: *to,
                transcript,
            };
            sealed.insert(
                *to,
                direction.seal(&secret, &zeroize::Zeroizing::new(share)),
            );
            shared.insert(*to, region.hold(&secret)?);
        }
        let own = SecretScalar::hold(&self.polynomial.at(seat.member), region)?;
        let waiting = AwaitShares::new(seat, transcript, own, (commitments, shared));
        Ok((waiting, sealed))
    }

    /// Everybody's commitments, our own among them, once every check has passed.
    fn commitments(
        &self,
        others: &BTreeMap<Member, Round1>,
    ) -> Result<BTreeMap<Member, Vec<PublicKey>>, DkgFault> {
        let mut commitments = BTreeMap::new();
        for (from, shown) in others {
            commitments.insert(*from, checked(&self.seat, *from, shown)?);
        }
        // After every proof of possession: whoever copied a key without its secret is named for that.
        let keys = others.iter().map(|(m, shown)| (*m, &shown.ephemeral));
        distinct(keys.chain([(self.seat.member, self.ephemeral.public())]))?;
        for (from, shown) in others {
            let constant = commitments.get(from).and_then(|c| c.first());
            let known = constant.is_some_and(|c| proven(*from, c, &shown.proof_of_knowledge));
            if !known {
                return Err(DkgFault::ProofOfKnowledge(*from));
            }
        }
        commitments.insert(self.seat.member, self.commitment.clone());
        // After every proof of knowledge: whoever cancels the sum without a secret is named for that.
        let constants = commitments.values().filter_map(|c| c.first());
        sum(constants).ok_or(DkgFault::NoKey)?;
        Ok(commitments)
    }
}
