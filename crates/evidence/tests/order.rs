//! Proofs only add up: their order, repetition and company change nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use std::collections::BTreeSet;

use hardfrost_evidence::{Evidence, Verdict};
use hardfrost_primitives::Member;
use proptest::prelude::{any, proptest, ProptestConfig};
use proptest::test_runner::RngSeed;
use room::{forge, member, Room};

/// Whoever these proofs convict, one after the other.
fn convicted(room: &Room, proofs: &[Evidence]) -> BTreeSet<Member> {
    let guilty = proofs.iter().map(|proof| match room.judge(proof) {
        Verdict::Convicts(member) => Some(member),
        Verdict::Indeterminate(_) => None,
    });
    guilty.flatten().collect()
}

/// True proofs of two attempts, and forgeries among them.
fn heap(room: &Room) -> Vec<Evidence> {
    let attempts = [room.context(1), room.context(2)];
    let mut all = Vec::new();
    for context in &attempts {
        for truth in room.truths(context) {
            all.push(truth.proof());
            all.push(truth.within(&room.context(3)));
            // A double frame alone; of the one package it is the proof itself.
            all.push(truth.with(&vec![truth.frames[0].clone(); truth.frames.len()]));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 16,
        rng_seed: RngSeed::Fixed(24),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn r24_any_order_and_repetition_convicts_the_same(keys in any::<[u32; 60]>()) {
        let room = Room::new((3, 5), 1);
        let heap = heap(&room);
        let expected: BTreeSet<Member> = [1, 2]
            .iter()
            .filter_map(|n| room.context(*n).coordinator())
            .chain([member(2)])
            .collect();
        let mut dealt: Vec<_> = keys.iter().zip(heap.iter().cycle()).collect();
        dealt.sort_by_key(|(key, _)| **key);
        let dealt: Vec<Evidence> = dealt.into_iter().map(|(_, proof)| proof.clone()).collect();
        assert_eq!(convicted(&room, &dealt), expected);
        // A part of them convicts a part of those: sets only grow.
        let mut before = BTreeSet::new();
        for end in (0..dealt.len()).step_by(20) {
            let now = convicted(&room, &dealt[..end]);
            assert!(now.is_superset(&before) && now.is_subset(&expected));
            before = now;
        }
    }
}

#[test]
fn r15_a_claim_without_frames_convicts_nobody() {
    let room = Room::new((2, 3), 5);
    for number in 1..=3 {
        let context = room.context(number).preimage();
        for kind in 1..=5 {
            let name = vec![0, u8::try_from(number).unwrap()];
            for claim in [vec![], vec![vec![]], vec![name.clone()], vec![name; 2]] {
                let proof = forge(kind, &context, &claim).unwrap();
                assert_eq!(convicted(&room, &[proof]), BTreeSet::new());
            }
        }
    }
}

/// The engine's list of suspects is all of them at once: each is convicted by its own share or not at all.
#[test]
fn r19_e38_any_number_is_convicted_all_of_them_too_and_nobody_for_another() {
    let room = Room::new((3, 5), 1);
    let context = room.context(1);
    let mut expected = BTreeSet::new();
    let mut proofs = Vec::new();
    for number in 1..=5 {
        let chosen = if number <= 3 { number } else { 1 };
        proofs.push(room.double_commitments(&context, number).proof());
        proofs.push(room.invalid_share(&context, chosen).proof());
        expected.extend([member(number), member(chosen)]);
        assert_eq!(convicted(&room, &proofs), expected);
    }
    assert_eq!(expected.len(), 5);
}
