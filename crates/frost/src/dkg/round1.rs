//! The three secret steps of a dealer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use frost_secp256k1_tr::keys::dkg::{self, round1, round2};
use frost_secp256k1_tr::keys::{EvenY, SigningShare, VerifiableSecretSharingCommitment};
use frost_secp256k1_tr::{Error, Identifier, Signature};
use hardfrost_primitives::{Hash32, Member};
use k256::elliptic_curve::group::GroupEncoding;
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::ephemeral::{possessed, Ephemeral};
use super::sealing::{Direction, SealedShare};
use super::Seat;
use crate::identifier::{identifier, member};
use crate::{GroupPublic, KeyShare};

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

/// A check that failed, and whose contribution failed it. The ceremony is over; its secrets are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkgFault {
    /// t or n out of range.
    #[error("a group needs 2 <= t <= n")]
    Size,
    /// Not one contribution of each other member.
    #[error("the contributions are not those of all other members")]
    Incomplete,
    /// Not t points, or one is the identity.
    #[error("member {0}'s commitment is not t curve points")]
    Commitment(Member),
    /// The constant term is not known to its dealer.
    #[error("member {0}'s proof of knowledge fails")]
    ProofOfKnowledge(Member),
    /// The ephemeral key is not held by its sender.
    #[error("member {0}'s proof of possession fails")]
    Possession(Member),
    /// Two members show one ephemeral key.
    #[error("members {0} and {1} show the same ephemeral key")]
    CopiedEphemeral(Member, Member),
    /// The sealed share does not open.
    #[error("member {0}'s sealed share does not open")]
    Sealed(Member),
    /// The share does not fit its dealer's commitment.
    #[error("member {0}'s share does not fit its commitment")]
    Share(Member),
    /// The library refused what should be well-formed, or the sum is no key.
    #[error("key generation failed in the FROST library")]
    Library,
}

impl DkgFault {
    /// Whose contribution failed, where one member's did.
    #[must_use]
    pub fn culprit(&self) -> Option<Member> {
        match self {
            Self::Commitment(m)
            | Self::ProofOfKnowledge(m)
            | Self::Possession(m)
            | Self::Sealed(m)
            | Self::Share(m) => Some(*m),
            // Possession is proven for the first as for the second: which one copied cannot be told here.
            Self::CopiedEphemeral(..) | Self::Size | Self::Incomplete | Self::Library => None,
        }
    }
}

/// Our polynomial and ephemeral key, before the others' contributions are known. Wiped on drop.
pub struct Dealing {
    seat: Seat,
    secret: round1::SecretPackage,
    ephemeral: Ephemeral,
    own: round1::Package,
}

/// Our share of our own polynomial and our ephemeral key, until the others' shares are in. Wiped on drop.
pub struct AwaitShares {
    seat: Seat,
    secret: round2::SecretPackage,
    ephemeral: Ephemeral,
    transcript: Hash32,
    packages: BTreeMap<Identifier, round1::Package>,
    ephemerals: BTreeMap<Member, [u8; 33]>,
    internal_key: [u8; 33],
}

/// Draws our polynomial and ephemeral key.
///
/// # Errors
/// [`DkgFault::Size`].
pub fn deal(
    seat: Seat,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(Dealing, Round1), DkgFault> {
    let Seat {
        ceremony,
        member,
        threshold,
        count,
    } = seat;
    let (secret, own) =
        dkg::part1(identifier(member), count, threshold, &mut *rng).map_err(|_| DkgFault::Size)?;
    let (ephemeral, possession) = Ephemeral::draw(&ceremony, member, rng);
    let commitment = own
        .commitment()
        .serialize()
        .map_err(|_| DkgFault::Library)?;
    let shown = Round1 {
        commitment: commitment
            .into_iter()
            .filter_map(|point| point.try_into().ok())
            .collect(),
        proof_of_knowledge: own
            .proof_of_knowledge()
            .serialize()
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(DkgFault::Library)?,
        ephemeral: *ephemeral.public(),
        possession,
    };
    Ok((
        Dealing {
            seat,
            secret,
            ephemeral,
            own,
        },
        shown,
    ))
}

/// Parses one dealer's contribution and checks what can be checked of it alone, but for the proof of knowledge.
fn checked(seat: &Seat, from: Member, shown: &Round1) -> Result<round1::Package, DkgFault> {
    let bad = DkgFault::Commitment(from);
    if shown.commitment.len() != usize::from(seat.threshold) {
        return Err(bad);
    }
    let commitment =
        VerifiableSecretSharingCommitment::deserialize(&shown.commitment).map_err(|_| bad)?;
    let proof = Signature::deserialize(&shown.proof_of_knowledge)
        .map_err(|_| DkgFault::ProofOfKnowledge(from))?;
    if !possessed(&seat.ceremony, from, &shown.ephemeral, &shown.possession) {
        return Err(DkgFault::Possession(from));
    }
    Ok(round1::Package::new(commitment, proof))
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

/// P0: the sum of the constant terms.
fn internal_key<'a>(
    packages: impl Iterator<Item = &'a round1::Package>,
) -> Result<[u8; 33], DkgFault> {
    let mut sum = ProjectivePoint::IDENTITY;
    for package in packages {
        let constant = package
            .commitment()
            .coefficients()
            .first()
            .ok_or(DkgFault::Library)?;
        sum += constant.value();
    }
    if sum == ProjectivePoint::IDENTITY {
        return Err(DkgFault::Library);
    }
    Ok(sum.to_affine().to_bytes().into())
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
        let Self {
            seat,
            secret,
            ephemeral,
            own,
        } = self;
        let expected: BTreeSet<Member> = Member::all(seat.count)
            .filter(|m| *m != seat.member)
            .collect();
        if !others.keys().eq(expected.iter()) {
            return Err(DkgFault::Incomplete);
        }
        let mut packages = BTreeMap::new();
        for (from, shown) in others {
            packages.insert(identifier(*from), checked(&seat, *from, shown)?);
        }
        // After every proof of possession: whoever copied a key without its secret is named for that.
        let ours = (seat.member, ephemeral.public());
        distinct(
            others
                .iter()
                .map(|(m, shown)| (*m, &shown.ephemeral))
                .chain([ours]),
        )?;
        let (secret, shares) = dkg::part2(secret, &packages).map_err(|e| blame(&e))?;
        // After every proof of knowledge: whoever cancels the sum without a secret is named for that.
        let internal_key = internal_key(packages.values().chain([&own]))?;
        let ephemerals: BTreeMap<_, _> = others
            .iter()
            .map(|(m, shown)| (*m, shown.ephemeral))
            .collect();
        let waiting = AwaitShares {
            seat,
            secret,
            ephemeral,
            transcript,
            packages,
            ephemerals,
            internal_key,
        };
        let mut sealed = BTreeMap::new();
        for (id, package) in shares {
            let to = member(&id).ok_or(DkgFault::Library)?;
            let mut share = Zeroizing::new([0; 32]);
            let encoded = Zeroizing::new(package.signing_share().serialize());
            share.copy_from_slice(&encoded);
            let shared = waiting.shared_x(to).ok_or(DkgFault::Possession(to))?;
            sealed.insert(to, waiting.direction(seat.member, to).seal(&shared, &share));
        }
        Ok((waiting, sealed))
    }
}

impl AwaitShares {
    fn shared_x(&self, other: Member) -> Option<Zeroizing<[u8; 32]>> {
        self.ephemeral.shared_x(self.ephemerals.get(&other)?)
    }

    fn direction(&self, sender: Member, recipient: Member) -> Direction {
        let (ceremony, transcript) = (self.seat.ceremony, self.transcript);
        Direction {
            ceremony,
            sender,
            recipient,
            transcript,
        }
    }

    /// Opens the share that each other member sealed to us, checks each against its dealer's commitment, and sums them.
    ///
    /// # Errors
    /// See [`DkgFault`]: the first failed check, naming its author.
    pub fn open(self, sealed: &BTreeMap<Member, SealedShare>) -> Result<KeyShare, DkgFault> {
        let own = self.seat.member;
        if !sealed.keys().eq(self.ephemerals.keys()) {
            return Err(DkgFault::Incomplete);
        }
        let mut shares = BTreeMap::new();
        for (from, sealed) in sealed {
            let shared = self.shared_x(*from).ok_or(DkgFault::Possession(*from))?;
            let share = self
                .direction(*from, own)
                .open(&shared, sealed)
                .ok_or(DkgFault::Sealed(*from))?;
            let share =
                SigningShare::deserialize(share.as_slice()).map_err(|_| DkgFault::Share(*from))?;
            shares.insert(identifier(*from), round2::Package::new(share));
        }
        let (key, public) =
            dkg::part3(&self.secret, &self.packages, &shares).map_err(|e| blame(&e))?;
        let (key, public) = (key.into_even_y(None), public.into_even_y(None));
        let shares = public.verifying_shares().values();
        let shares: Vec<[u8; 33]> = shares
            .map(|share| share.to_element().to_affine().to_bytes().into())
            .collect();
        let group = GroupPublic::of_ceremony(self.internal_key, self.seat.threshold, &shares)
            .map_err(|_| DkgFault::Library)?;
        let verifying_key = public.verifying_key().to_element().to_affine().to_bytes();
        if group.verifying_key()[..] != verifying_key[..] {
            return Err(DkgFault::Library);
        }
        let share = Zeroizing::new(key.signing_share().to_scalar());
        KeyShare::new(own, share, Arc::new(group)).map_err(|_| DkgFault::Library)
    }
}

fn blame(error: &Error) -> DkgFault {
    let culprit = error.culprits().iter().find_map(member);
    match (error, culprit) {
        (Error::InvalidProofOfKnowledge { .. }, Some(m)) => DkgFault::ProofOfKnowledge(m),
        (Error::InvalidSecretShare { .. }, Some(m)) => DkgFault::Share(m),
        _ => DkgFault::Library,
    }
}
