//! Steps 1 and 3 of a dealer: what it shows, and what it checks before it gives anybody a share.

use std::collections::BTreeMap;

use hardfrost_locked::{scrubbed, Region};
use hardfrost_primitives::{Hash32, Member};
use rand_core::{CryptoRng, RngCore};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use super::ephemeral::{possessed, Ephemeral};
use super::polynomial::SecretPolynomial;
use super::proof::{first_unproven, prove};
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

/// What a dealer shows where shares are not sealed here: the FROST library's round-1 package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// Commitments to the t coefficients, 33 bytes each.
    pub commitment: Vec<[u8; 33]>,
    /// Proof of knowledge of the constant term.
    pub proof_of_knowledge: [u8; 64],
}

/// Shares that are not sealed, by recipient or by sender: secrets. Wiped on drop.
pub type OpenShares = BTreeMap<Member, Zeroizing<[u8; 32]>>;

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
    let commitment = parsed(seat, from, &shown.commitment)?;
    if !possessed(&seat.ceremony, from, &shown.ephemeral, &shown.possession) {
        return Err(DkgFault::Possession(from));
    }
    Ok(commitment)
}

fn parsed(seat: &Seat, from: Member, commitment: &[[u8; 33]]) -> Result<Vec<PublicKey>, DkgFault> {
    let bad = DkgFault::Commitment(from);
    if commitment.len() != usize::from(seat.threshold) {
        return Err(bad);
    }
    let commitment: Option<Vec<PublicKey>> = commitment.iter().map(parse).collect();
    commitment.ok_or(bad)
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
        self.complete(others.keys().copied())?;
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
            sealed.insert(*to, direction.seal(&secret, &Zeroizing::new(share)));
            shared.insert(*to, region.hold(&secret)?);
        }
        let own = SecretScalar::hold(&self.polynomial.at(seat.member), region)?;
        let waiting = AwaitShares::new(seat, transcript, own, (commitments, shared));
        Ok((waiting, sealed))
    }

    /// As [`Self::seal`], among members that have no ephemeral keys: the shares come out as they are, 32 bytes for each
    /// other member, and whoever carries them must seal them. Of the others' contributions only commitment and proof of
    /// knowledge count.
    ///
    /// # Errors
    /// See [`DkgFault`]: the first failed check, naming its author.
    pub fn dangerous_shares(
        self,
        others: &BTreeMap<Member, Contribution>,
    ) -> Result<(AwaitShares, OpenShares), DkgFault> {
        let seat = self.seat;
        self.complete(others.keys().copied())?;
        let mut commitments = BTreeMap::new();
        for (from, shown) in others {
            commitments.insert(*from, parsed(&seat, *from, &shown.commitment)?);
        }
        let proofs = others.iter().map(|(m, c)| (*m, &c.proof_of_knowledge));
        let commitments = self.with_ours(commitments, proofs)?;
        scrubbed(|| self.opened(others.keys(), commitments))
    }

    fn opened<'a>(
        self,
        others: impl Iterator<Item = &'a Member>,
        commitments: BTreeMap<Member, Vec<PublicKey>>,
    ) -> Result<(AwaitShares, OpenShares), DkgFault> {
        let (seat, region) = (self.seat, self.ephemeral.region());
        let shares = others.map(|to| {
            let share = self.polynomial.at(*to).to_bytes().into();
            (*to, Zeroizing::new(share))
        });
        let shares = shares.collect();
        let own = SecretScalar::hold(&self.polynomial.at(seat.member), region)?;
        // Without ephemeral keys there is no secret with anybody, and no transcript that a key would be bound to.
        let nobody = (commitments, BTreeMap::new());
        let waiting = AwaitShares::new(seat, Hash32([0; 32]), own, nobody);
        Ok((waiting, shares))
    }

    fn complete(&self, others: impl Iterator<Item = Member>) -> Result<(), DkgFault> {
        let expected = Member::all(self.seat.count).filter(|m| *m != self.seat.member);
        if others.eq(expected) {
            Ok(())
        } else {
            Err(DkgFault::Incomplete)
        }
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
        let proofs = others.iter().map(|(m, c)| (*m, &c.proof_of_knowledge));
        self.with_ours(commitments, proofs)
    }

    /// The others' commitments once each has proven to know its constant term, and ours.
    fn with_ours<'a>(
        &self,
        mut commitments: BTreeMap<Member, Vec<PublicKey>>,
        proofs: impl Iterator<Item = (Member, &'a [u8; 64])>,
    ) -> Result<BTreeMap<Member, Vec<PublicKey>>, DkgFault> {
        let mut claims = Vec::with_capacity(commitments.len());
        for (from, proof) in proofs {
            let constant = commitments.get(&from).and_then(|c| c.first());
            claims.push((from, constant.ok_or(DkgFault::Commitment(from))?, proof));
        }
        if let Some(liar) = first_unproven(&claims) {
            return Err(DkgFault::ProofOfKnowledge(liar));
        }
        commitments.insert(self.seat.member, self.commitment.clone());
        // After every proof of knowledge: whoever cancels the sum without a secret is named for that.
        let constants = commitments.values().filter_map(|c| c.first());
        sum(constants).ok_or(DkgFault::NoKey)?;
        Ok(commitments)
    }
}
