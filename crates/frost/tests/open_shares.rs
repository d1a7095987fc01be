//! Key generation whose shares nobody seals here, among two members of ours and one of the FROST library's.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod ceremony;

use std::collections::BTreeMap;

use ceremony::Dealt;
use frost_secp256k1_tr::keys::dkg::{self, round1, round2};
use frost_secp256k1_tr::keys::{EvenY, SigningShare, VerifiableSecretSharingCommitment};
use frost_secp256k1_tr::{Identifier, Signature};
use hardfrost_frost::dkg::{AwaitShares, Contribution, DkgFault, OpenShares, Round1};
use hardfrost_frost::KeyShare;
use hardfrost_primitives::Member;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

const SIZE: (u16, u16) = (2, 3);

fn rng(number: u16) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(u64::from(number))
}

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

fn id(member: Member) -> Identifier {
    Identifier::try_from(member.number()).unwrap()
}

fn contribution(shown: &Round1) -> Contribution {
    Contribution {
        commitment: shown.commitment.clone(),
        proof_of_knowledge: shown.proof_of_knowledge,
    }
}

/// What the others showed to a member. Member 3's is the library's.
fn others(dealt: &Dealt, theirs: &round1::Package, of: Member) -> BTreeMap<Member, Contribution> {
    let shown = dealt.shown.iter().filter(|(m, _)| **m != of);
    let mut others: BTreeMap<_, _> = shown.map(|(m, shown)| (*m, contribution(shown))).collect();
    let commitment = theirs.commitment().serialize().unwrap();
    let proof = theirs.proof_of_knowledge().serialize().unwrap();
    let library = Contribution {
        commitment: commitment
            .into_iter()
            .map(|p| p.try_into().unwrap())
            .collect(),
        proof_of_knowledge: proof.try_into().unwrap(),
    };
    others.insert(member(3), library);
    others
}

struct Shared {
    waiting: BTreeMap<Member, AwaitShares>,
    sent: BTreeMap<Member, OpenShares>,
    theirs: (
        dkg::round2::SecretPackage,
        BTreeMap<Identifier, round1::Package>,
    ),
    to_ours: BTreeMap<Identifier, round2::Package>,
}

fn shared() -> Shared {
    let mut dealt = Dealt::with(SIZE, rng);
    dealt.shown.remove(&member(3));
    let (secret, theirs) = dkg::part1(id(member(3)), SIZE.1, SIZE.0, rng(9)).unwrap();
    let (mut waiting, mut sent) = (BTreeMap::new(), BTreeMap::new());
    for us in [member(1), member(2)] {
        let dealing = dealt.dealings.remove(&us).unwrap();
        let (ours, shares) = dealing
            .dangerous_shares(&others(&dealt, &theirs, us))
            .unwrap();
        waiting.insert(us, ours);
        sent.insert(us, shares);
    }
    let ours = dealt.shown.iter().map(|(m, shown)| {
        let commitment = VerifiableSecretSharingCommitment::deserialize(&shown.commitment).unwrap();
        let proof = Signature::deserialize(&shown.proof_of_knowledge).unwrap();
        (id(*m), round1::Package::new(commitment, proof))
    });
    let ours: BTreeMap<_, _> = ours.collect();
    let (secret, to_ours) = dkg::part2(secret, &ours).unwrap();
    Shared {
        waiting,
        sent,
        theirs: (secret, ours),
        to_ours,
    }
}

impl Shared {
    fn incoming(&self, us: Member) -> OpenShares {
        let other = member(3 - us.number());
        let theirs = self.to_ours[&id(us)].signing_share().serialize();
        let theirs: [u8; 32] = theirs.try_into().unwrap();
        let ours = self.sent[&other][&us].clone();
        [(other, ours), (member(3), Zeroizing::new(theirs))].into()
    }

    fn take(&mut self, us: Member, shares: &OpenShares) -> Result<KeyShare, DkgFault> {
        self.waiting.remove(&us).unwrap().dangerous_take(shares)
    }
}

#[test]
fn members_of_both_kinds_hold_shares_of_one_key() {
    let mut shared = shared();
    let groups = [member(1), member(2)].map(|us| {
        let incoming = shared.incoming(us);
        shared.take(us, &incoming).unwrap().group().clone()
    });
    assert_eq!(groups[0], groups[1]);
    let to_them = [member(1), member(2)].map(|from| {
        let share = SigningShare::deserialize(shared.sent[&from][&member(3)].as_slice()).unwrap();
        (id(from), round2::Package::new(share))
    });
    let (secret, packages) = shared.theirs;
    let (_, public) = dkg::part3(&secret, &packages, &to_them.into()).unwrap();
    let public = public.into_even_y(None);
    let key = public.verifying_key().serialize().unwrap();
    assert_eq!(groups[0].verifying_key()[..], key);
    let shares = public.verifying_shares().values();
    let shares: Vec<Vec<u8>> = shares.map(|share| share.serialize().unwrap()).collect();
    assert_eq!(groups[0].verifying_shares().concat(), shares.concat());
}

#[test]
fn a_bad_share_names_its_dealer() {
    for (at, fault) in [(31, 1), (0, 0xff)] {
        let mut shared = shared();
        let mut incoming = shared.incoming(member(1));
        incoming.get_mut(&member(3)).unwrap()[at] ^= fault;
        let refused = shared.take(member(1), &incoming).unwrap_err();
        assert_eq!(refused, DkgFault::Share(member(3)));
    }
    let mut shared = shared();
    let mut incoming = shared.incoming(member(2));
    incoming.remove(&member(1));
    assert_eq!(
        shared.take(member(2), &incoming).unwrap_err(),
        DkgFault::Incomplete
    );
}

#[test]
fn a_bad_contribution_names_its_author_before_any_share_is_made() {
    let (_, theirs) = dkg::part1(id(member(3)), SIZE.1, SIZE.0, rng(9)).unwrap();
    let spoilt = |spoil: fn(&mut BTreeMap<Member, Contribution>)| {
        let mut dealt = Dealt::with(SIZE, rng);
        dealt.shown.remove(&member(3));
        let mut all = others(&dealt, &theirs, member(1));
        spoil(&mut all);
        let dealing = dealt.dealings.remove(&member(1)).unwrap();
        dealing.dangerous_shares(&all).err().unwrap()
    };
    let proof = spoilt(|all| all.get_mut(&member(2)).unwrap().proof_of_knowledge[40] ^= 1);
    assert_eq!(proof, DkgFault::ProofOfKnowledge(member(2)));
    let short = spoilt(|all| {
        all.get_mut(&member(3)).unwrap().commitment.pop();
    });
    assert_eq!(short, DkgFault::Commitment(member(3)));
    let absent = spoilt(|all| {
        all.remove(&member(2));
    });
    assert_eq!(absent, DkgFault::Incomplete);
}
