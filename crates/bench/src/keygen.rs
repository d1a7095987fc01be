//! The row of key generation: one member's three steps, everybody else's bytes parsed.

use std::collections::BTreeMap;

use anyhow::Context;
use frost_secp256k1_tr::keys::dkg::{self, round1, round2};
use frost_secp256k1_tr::keys::{SigningShare, VerifiableSecretSharingCommitment};
use frost_secp256k1_tr::{Identifier, Signature};
use hardfrost_frost::dkg::{deal, Round1, SealedShare, Seat};
use hardfrost_frost::Region;
use hardfrost_primitives::{Hash32, Member};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::clock::{medians, timed, Measured};
use crate::table::Row;

const ROUNDS: usize = 5;
const CEREMONY: Hash32 = Hash32([1; 32]);
const TRANSCRIPT: Hash32 = Hash32([2; 32]);

fn rng(member: Member) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(member.number().into())
}

/// What member 1 receives of everybody else.
struct Received {
    shown: BTreeMap<Member, Round1>,
    sealed: BTreeMap<Member, SealedShare>,
}

fn seat(member: Member, (threshold, count): (u16, u16)) -> Seat {
    Seat {
        ceremony: CEREMONY,
        member,
        threshold,
        count,
    }
}

fn received(size: (u16, u16)) -> anyhow::Result<Received> {
    let region = Region::new()?;
    let (mut dealings, mut shown) = (BTreeMap::new(), BTreeMap::new());
    for member in Member::all(size.1) {
        let (dealing, said) = deal(seat(member, size), &region, &mut rng(member))?;
        dealings.insert(member, dealing);
        shown.insert(member, said);
    }
    let (first, _) = dealings.pop_first().context("a group has members")?;
    let mut sealed = BTreeMap::new();
    for (member, dealing) in dealings {
        let mut others = shown.clone();
        others.remove(&member);
        let (_, shares) = dealing.seal(TRANSCRIPT, &others)?;
        sealed.insert(
            member,
            *shares.get(&first).context("a share for everybody")?,
        );
    }
    shown.remove(&first);
    Ok(Received { shown, sealed })
}

/// The same for the library, as bytes.
struct Bytes {
    round1: Vec<(Identifier, Vec<Vec<u8>>, Vec<u8>)>,
    round2: Vec<(Identifier, Vec<u8>)>,
}

fn bytes((threshold, count): (u16, u16)) -> anyhow::Result<Bytes> {
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    let own = Identifier::try_from(1)?;
    for member in Member::all(count).skip(1) {
        let id = Identifier::try_from(member.number())?;
        let (secret, package) = dkg::part1(id, count, threshold, rng(member))?;
        let share = SigningShare::from_coefficients(&secret.coefficients(), own);
        let proof = package.proof_of_knowledge().serialize()?;
        firsts.push((id, package.commitment().serialize()?, proof));
        seconds.push((id, share.serialize()));
    }
    Ok(Bytes {
        round1: firsts,
        round2: seconds,
    })
}

fn library((threshold, count): (u16, u16), bytes: &Bytes) -> Option<()> {
    let own = Identifier::try_from(1).ok()?;
    let rng = ChaCha20Rng::seed_from_u64(1);
    let (secret, _) = dkg::part1(own, count, threshold, rng).ok()?;
    let mut firsts = BTreeMap::new();
    for (id, commitment, proof) in &bytes.round1 {
        let commitment = VerifiableSecretSharingCommitment::deserialize(commitment).ok()?;
        let proof = Signature::deserialize(proof).ok()?;
        firsts.insert(*id, round1::Package::new(commitment, proof));
    }
    let (secret, _) = dkg::part2(secret, &firsts).ok()?;
    let mut seconds = BTreeMap::new();
    for (id, share) in &bytes.round2 {
        let share = SigningShare::deserialize(share).ok()?;
        seconds.insert(*id, round2::Package::new(share));
    }
    dkg::part3(&secret, &firsts, &seconds).ok().map(|_| ())
}

fn ours(size: (u16, u16), received: &Received) -> Option<()> {
    let member = Member::all(1).next()?;
    let region = Region::new().ok()?;
    let (dealing, _) = deal(seat(member, size), &region, &mut rng(member)).ok()?;
    let (waiting, _) = dealing.seal(TRANSCRIPT, &received.shown).ok()?;
    waiting.open(&received.sealed).ok().map(|_| ())
}

/// What member 1 receives, for us and for the library.
pub struct Keygen {
    size: (u16, u16),
    received: Received,
    bytes: Bytes,
}

impl Keygen {
    /// t-of-n.
    pub fn new(size: (u16, u16)) -> anyhow::Result<Self> {
        let (received, bytes) = (received(size)?, bytes(size)?);
        anyhow::ensure!(ours(size, &received).is_some(), "our key generation fails");
        anyhow::ensure!(
            library(size, &bytes).is_some(),
            "the library's key generation fails"
        );
        Ok(Self {
            size,
            received,
            bytes,
        })
    }

    /// One member's key generation beside the library's, which neither seals nor proves possession.
    pub fn sides(&self) -> [Measured<'_>; 2] {
        [
            Box::new(|| timed(|| ours(self.size, &self.received))),
            Box::new(|| timed(|| library(self.size, &self.bytes))),
        ]
    }

    /// The row of it.
    pub fn row(&self) -> anyhow::Result<Row> {
        match medians(ROUNDS, &mut self.sides())[..] {
            [ours, theirs] => Ok(Row::new(
                "key generation, one member, parsing included",
                (ours, theirs),
                ("FROST library", 0.08),
            )),
            _ => anyhow::bail!("two sides have two medians"),
        }
    }
}
