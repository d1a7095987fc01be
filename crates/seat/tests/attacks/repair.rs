//! r25 and losses: whoever missed something asks, and peers answer.

use std::time::Duration;

use hardfrost_frost::Signature;
use hardfrost_primitives::{Hash32, KeySpec, Taproot};
use hardfrost_roast::Outcome;
use hardfrost_wire::{FinalSignature, Kind};

use crate::world::{Spend, World};

const MINUTE: Duration = Duration::from_secs(60);

/// Four of five sign while the fifth hears nothing.
fn four_have_signed(seed: u64) -> (World, Spend, usize) {
    let (mut world, group) = World::with_key(5, 3, seed);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    let coordinator = spend.coordinator(&group, &world.roster, "one");
    let late = (coordinator + 1) % 5;
    (0..5)
        .filter(|index| *index != late)
        .for_each(|index| world.ask(index, &request));
    world.deaf.insert(late);
    world.run();
    world.deaf.clear();
    world.sent.clear();
    world.ask(late, &request);
    (world, spend, late)
}

#[test]
fn r25_whoever_approves_late_asks_and_ends_with_the_signature() {
    for seed in 0..3 {
        let (mut world, spend, late) = four_have_signed(seed);
        assert_eq!(world.outcomes(late), []);
        assert!(world.sent.iter().any(|b| b[0] == Kind::Pull.number()));
        world.run();
        world.assert_all_signed(&spend);
        // Everybody who had the signature sent it, to whoever asked and to nobody else.
        let is_signature = |b: &&Vec<u8>| b[0] == Kind::Signature.number();
        assert_eq!(world.sent.iter().filter(is_signature).count(), 4);
        assert_eq!(world.live(), [0; 5]);
    }
}

#[test]
fn r25_whoever_gets_no_answer_asks_the_same_again() {
    let (mut world, spend, late) = four_have_signed(9);
    world.passes = |letter| letter.bytes[0] == Kind::Pull.number();
    world.run_for(MINUTE);
    assert_eq!(world.outcomes(late), []);
    world.passes = |_| true;
    world.run_for(MINUTE);
    world.assert_signed(late, &spend);
}

#[test]
fn r25_a_false_signature_is_ignored() {
    let (mut world, spend, late) = four_have_signed(7);
    let [Outcome::Signed(Signature(good))] = world.outcomes((late + 1) % 5)[..] else {
        panic!("not signed");
    };
    let pull = world
        .sent
        .iter()
        .find(|b| b[0] == Kind::Pull.number())
        .unwrap();
    let input = &spend.plan.inputs()[0];
    let said = FinalSignature {
        head: Hash32(pull[5..37].try_into().unwrap()),
        message: input.message,
        key_spec: input.key_spec.clone(),
        signature: good,
    };
    let mut false_ones = Vec::new();
    for place in [0, 31, 32, 63] {
        let mut other = said.clone();
        other.signature[place] ^= 1;
        false_ones.push(other);
    }
    let mut other_message = said.clone();
    other_message.message.0[0] ^= 1;
    let mut other_head = said.clone();
    other_head.head.0[0] ^= 1;
    let mut other_key = said.clone();
    other_key.key_spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    assert_ne!(other_key, said);
    false_ones.extend([other_message, other_head, other_key]);
    for false_one in false_ones {
        world.hand(late, &false_one.to_bytes());
        assert_eq!(world.outcomes(late), []);
    }
    world.hand(late, &said.to_bytes());
    world.assert_signed(late, &spend);
}

#[test]
fn a_question_of_ours_that_a_peer_hands_back_is_not_answered() {
    let (mut world, _, late) = four_have_signed(8);
    let pull = world.sent.iter().find(|b| b[0] == Kind::Pull.number());
    let pull = pull.unwrap().clone();
    world.lose_letters();
    let sent = world.sent.len();
    world.hand(late, &pull);
    assert_eq!(world.sent.len(), sent);
    world.run_for(MINUTE);
    assert_eq!(world.outcomes(late).len(), 1);
}

#[test]
fn one_letter_in_five_is_lost_and_everybody_signs() {
    for seed in 0..20 {
        let (mut world, group) = World::with_key(5, 3, seed);
        let spend = Spend::new(&group);
        world.lost = 20;
        world.ask_all(&spend.request(&group, "one"));
        world.run_for(5 * MINUTE);
        (0..5).for_each(|index| {
            let outcomes = world.outcomes(index);
            assert_eq!(outcomes.len(), 1, "seed {seed}, node {index}: {outcomes:?}");
        });
        world.assert_all_signed(&spend);
        assert_eq!(world.live(), [0; 5]);
    }
}

#[test]
fn one_letter_in_five_is_lost_and_all_honest_members_sign_beside_silent_ones() {
    for seed in 0..10 {
        let (mut world, group) = World::with_key(7, 4, seed);
        let spend = Spend::new(&group);
        world.lost = 20;
        let request = spend.request(&group, "one");
        let first = usize::try_from(seed).unwrap() % 7;
        let honest: Vec<usize> = (0..4).map(|place| (first + place) % 7).collect();
        honest.iter().for_each(|index| world.ask(*index, &request));
        world.run_for(9 * MINUTE);
        honest
            .iter()
            .for_each(|index| world.assert_signed(*index, &spend));
        assert_eq!(world.live(), [0; 7]);
    }
}
