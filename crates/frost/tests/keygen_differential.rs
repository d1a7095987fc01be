//! Our key generation beside the FROST library's: the same randomness, the same bytes, the same verdicts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod ceremony;
mod many;

use std::collections::BTreeMap;

use ceremony::Dealt;
use frost_secp256k1_tr::keys::dkg::{self, round1, round2};
use frost_secp256k1_tr::keys::{EvenY, SigningShare, VerifiableSecretSharingCommitment};
use frost_secp256k1_tr::{Error, Identifier, Signature};
use hardfrost_frost::dkg::{DkgFault, Round1};
use hardfrost_primitives::Member;
use many::many;
use proptest::prelude::*;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

#[derive(Clone, Debug)]
struct Case {
    size: (u16, u16),
    seed: u64,
    /// Which byte of which member's contribution is spoilt, if any.
    spoilt: Option<(u16, usize, u8)>,
}

fn case() -> impl Strategy<Value = Case> {
    let size = (2u16..=6).prop_flat_map(|n| (2..=n, Just(n)));
    let spoilt = prop::option::of((2u16..=6, any::<usize>(), 1u8..));
    (size, any::<u64>(), spoilt).prop_map(|(size, seed, spoilt)| Case { size, seed, spoilt })
}

fn rng(seed: u64, number: u16) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed ^ u64::from(number))
}

fn id(member: Member) -> Identifier {
    Identifier::try_from(member.number()).unwrap()
}

fn package(shown: &Round1) -> Result<round1::Package, Error> {
    let commitment = VerifiableSecretSharingCommitment::deserialize(&shown.commitment)?;
    let proof = Signature::deserialize(&shown.proof_of_knowledge)?;
    Ok(round1::Package::new(commitment, proof))
}

/// The library's verdict on what everybody showed to member 1; its own key and all public shares if all is well.
fn library(
    case: &Case,
    shown: &BTreeMap<Member, Round1>,
) -> Result<(Vec<u8>, Vec<Vec<u8>>), Member> {
    let (threshold, count) = case.size;
    let members: Vec<Member> = Member::all(count).collect();
    let mut secrets: BTreeMap<_, _> = members
        .iter()
        .map(|m| {
            let dealt = dkg::part1(id(*m), count, threshold, rng(case.seed, m.number()));
            (*m, dealt.unwrap().0)
        })
        .collect();
    let own = members[0];
    let mut packages = BTreeMap::new();
    for (member, shown) in shown.iter().filter(|(m, _)| **m != own) {
        packages.insert(id(*member), package(shown).map_err(|_| *member)?);
    }
    let culprit = |error: Error| {
        let named = *error.culprits().first().unwrap();
        *members.iter().find(|m| id(**m) == named).unwrap()
    };
    let (secret, _) = dkg::part2(secrets.remove(&own).unwrap(), &packages).map_err(culprit)?;
    let shares = secrets.iter().map(|(m, secret)| {
        let share = SigningShare::from_coefficients(&secret.coefficients(), id(own));
        (id(*m), round2::Package::new(share))
    });
    let done = dkg::part3(&secret, &packages, &shares.collect()).map_err(culprit)?;
    let (key, public) = (done.0.into_even_y(None), done.1.into_even_y(None));
    let verifying = public.verifying_shares().values();
    let verifying = verifying.map(|share| share.serialize().unwrap());
    Ok((key.signing_share().serialize(), verifying.collect()))
}

/// Flips bits in one member's commitment or proof; the rest of what it shows is ours alone.
fn spoil(case: &Case, dealt: &mut Dealt) {
    let Some((number, at, bits)) = case.spoilt.filter(|(number, ..)| *number <= case.size.1) else {
        return;
    };
    let shown = dealt.shown.get_mut(&Member::new(number).unwrap()).unwrap();
    let size = shown.commitment.len() * 33;
    match at % (size + 64) {
        at if at < size => shown.commitment[at / 33][at % 33] ^= bits,
        at => shown.proof_of_knowledge[at - size] ^= bits,
    }
}

fn same(case: &Case) {
    let mut dealt = Dealt::with(case.size, |number| rng(case.seed, number));
    for (member, shown) in &dealt.shown {
        let (threshold, count) = case.size;
        let theirs = dkg::part1(
            id(*member),
            count,
            threshold,
            rng(case.seed, member.number()),
        );
        let theirs = theirs.unwrap().1;
        let commitment = theirs.commitment().serialize().unwrap();
        assert_eq!(shown.commitment.concat(), commitment.concat());
        let proof = theirs.proof_of_knowledge().serialize().unwrap();
        assert_eq!(shown.proof_of_knowledge[..], proof);
    }
    let honest = dealt.shown.clone();
    spoil(case, &mut dealt);
    let expected = library(case, &dealt.shown);
    let shown = std::mem::replace(&mut dealt.shown, honest);
    // Everybody else goes on with what was meant, so that member 1 gets its shares whatever it sees.
    let own = Member::new(1).unwrap();
    let seen: BTreeMap<_, _> = shown.into_iter().filter(|(m, _)| *m != own).collect();
    let first = dealt.dealings.remove(&own).unwrap();
    let first = first.seal(hardfrost_primitives::Hash32([8; 32]), &seen);
    let mut sealed = BTreeMap::new();
    for member in Member::all(case.size.1).skip(1) {
        let (_, shares) = dealt.seal_as(member.number()).unwrap();
        sealed.insert(member, shares[&own]);
    }
    let made = first.and_then(|(waiting, _)| waiting.open(&sealed));
    let made = made.map_err(|fault: DkgFault| fault.culprit().unwrap());
    let made = made.map(|share| {
        let verifying = share.group().verifying_shares();
        let verifying = verifying.into_iter().map(Vec::from).collect::<Vec<_>>();
        (share.dangerous_to_bytes().to_vec(), verifying)
    });
    assert_eq!(made, expected);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn the_library_makes_the_same_key_and_names_the_same_culprit(case in case()) {
        same(&case);
    }
}

/// Larger than what the random cases reach.
#[test]
fn a_large_group_is_the_librarys_group() {
    for size in [(3, 40), (20, 33)] {
        let (seed, spoilt) = (7, None);
        same(&Case { size, seed, spoilt });
    }
}

/// `just differential`: minutes, in release. In a third of the ceremonies somebody shows something else.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_ceremonies_are_the_librarys_ceremonies() {
    many("key generations", 100_000, |seed| {
        let mut draw = rng(seed, 0);
        let mut below = |limit: u32| draw.next_u32() % limit;
        let count = 2 + u16::try_from(below(3)).unwrap();
        let threshold = 2 + u16::try_from(below(u32::from(count) - 1)).unwrap();
        let spoiler = 2 + u16::try_from(below(u32::from(count) - 1)).unwrap();
        let (at, bits) = (below(1 << 16) as usize, 1 << below(8));
        let spoilt = (below(3) == 0).then_some((spoiler, at, bits));
        let size = (threshold, count);
        same(&Case { size, seed, spoilt });
    });
}
