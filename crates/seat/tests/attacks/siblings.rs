//! r32: two seats of one operator on one engine.

use hardfrost_roast::Outcome;
use hardfrost_wire::FinalSignature;

use crate::world::{Spend, World};

/// Operator 0 holds seats 1 and 2; n = t, so both must sign, and each with its own nonces.
#[test]
fn r32_two_seats_on_one_engine_sign_side_by_side() {
    for seed in 0..4 {
        let (mut world, group) = World::of_operators(&[2, 1], seed).make_key(3);
        let spend = Spend::new(&group);
        world.ask_all(&spend.request(&group, "one"));
        assert_eq!(world.live(), [2, 1]);
        world.run_shuffled();
        world.assert_all_signed(&spend);
        assert_eq!(world.live(), [0, 0]);
    }
}

#[test]
fn r32_many_seats_on_two_engines_sign_although_one_member_is_silent() {
    for seed in 0..4 {
        let (mut world, group) = World::of_operators(&[3, 1, 2], seed).make_key(4);
        let spend = Spend::new(&group);
        let silent = usize::try_from(seed).unwrap();
        let awake: Vec<usize> = (0..6).filter(|index| *index != silent).collect();
        let request = spend.request(&group, "one");
        awake.iter().for_each(|index| world.ask(*index, &request));
        world.run_for(std::time::Duration::from_secs(60));
        awake
            .iter()
            .for_each(|index| world.assert_signed(*index, &spend));
        assert_eq!(world.live(), [0, 0, 0]);
    }
}

fn signature_of(world: &World, index: usize, spend: &Spend) -> Vec<u8> {
    world.assert_signed(index, spend);
    let sent = world.sent.iter().rev();
    let mut finished = sent.filter_map(|bytes| FinalSignature::parse(bytes).ok());
    finished.next().unwrap().to_bytes()
}

#[test]
fn r32_the_end_of_one_seat_destroys_nothing_of_its_sibling() {
    let run = || World::of_operators(&[2, 2], 5).make_key(3);
    let (mut elsewhere, group) = run();
    let spend = Spend::new(&group);
    elsewhere.ask_all(&spend.request(&group, "one"));
    elsewhere.run();
    let signature = signature_of(&elsewhere, 0, &spend);
    // The same again, but seat 1 alone hears of the signature.
    let (mut world, group) = run();
    world.ask_all(&spend.request(&group, "one"));
    world.lose_letters();
    assert_eq!(world.live(), [2, 2]);
    world.hand(0, &signature);
    world.assert_signed(0, &spend);
    assert_eq!(world.live(), [1, 2]);
    world.lose_letters();
    // Three are left, and the one beside seat 1 is needed.
    world.deaf.insert(0);
    world.run_for(std::time::Duration::from_secs(60));
    world.assert_all_signed(&spend);
    assert_eq!(world.live(), [0, 0]);
}

/// Its engine refuses to open what the sibling finished; the signature comes from whoever has it.
#[test]
fn r32_a_seat_that_comes_after_its_sibling_has_finished_ends_with_the_signature() {
    let (mut world, group) = World::of_operators(&[2, 1], 6).make_key(2);
    let spend = Spend::new(&group);
    let request = spend.request(&group, "one");
    let coordinator = spend.coordinator(&group, &world.roster, "one");
    let late = usize::from(coordinator == 0);
    let others = (0..3).filter(|index| *index != late);
    others.for_each(|index| world.ask(index, &request));
    world.run();
    world.ask(late, &request);
    world.run_for(std::time::Duration::from_secs(60));
    let outcomes = world.outcomes(late);
    assert!(matches!(outcomes[..], [Outcome::Signed(_)]), "{outcomes:?}");
    world.assert_all_signed(&spend);
    assert_eq!(world.live(), [0, 0]);
}
