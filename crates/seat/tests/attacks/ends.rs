//! r10: at every end of a session nothing of it is live in any engine.

use std::time::Duration;

use hardfrost_roast::Outcome;
use hardfrost_wire::Kind;

use crate::world::{Spend, World, DAY, PATIENCE};

#[test]
fn r10_no_attempt_is_live_after_a_signature() {
    for seed in 0..6 {
        let (mut world, group) = World::with_key(5, 3, seed);
        let spend = Spend::new(&group);
        for name in ["one", "two"] {
            world.ask_all(&spend.request(&group, name));
        }
        assert_eq!(world.live(), [2; 5]);
        world.run_shuffled();
        assert!((0..5).all(|index| world.outcomes(index).len() == 2));
        assert_eq!(world.live(), [0; 5]);
        // What comes later opens nothing again.
        let again = world.sent.clone();
        for bytes in again {
            (0..5).for_each(|index| world.hand(index, &bytes));
        }
        world.run();
        assert_eq!(world.live(), [0; 5]);
    }
}

#[test]
fn r10_no_attempt_is_live_after_the_deadline() {
    let (mut world, group) = World::with_key(5, 3, 40);
    let spend = Spend::new(&group);
    // Packages come, shares do not: many attempts are open when time is up.
    world.passes = |letter| letter.bytes[0] != Kind::Share.number();
    world.ask_all(&spend.request(&group, "one"));
    world.run_for(PATIENCE / 2);
    assert!(
        world.live().iter().all(|live| *live > 1),
        "{:?}",
        world.live()
    );
    world.run_for(PATIENCE);
    for index in 0..5 {
        assert_eq!(world.outcomes(index), [Outcome::Expired]);
    }
    assert_eq!(world.live(), [0; 5]);
}

#[test]
fn r10_within_a_session_nonces_stay_until_they_are_consumed() {
    let (mut world, group) = World::with_key(5, 3, 41);
    let spend = Spend::new(&group);
    world.passes = |letter| letter.bytes[0] == Kind::Commitments.number();
    world.ask_all(&spend.request(&group, "one"));
    world.run_for(Duration::from_secs(20));
    assert!(world.live().iter().all(|live| *live > 0));
    assert!((0..5).all(|index| world.outcomes(index).is_empty()));
    // The network is mended: what was withheld is pulled.
    world.passes = |_| true;
    world.run_for(Duration::from_secs(60));
    world.assert_all_signed(&spend);
    assert_eq!(world.live(), [0; 5]);
}

#[test]
fn r10_what_a_seat_forgets_is_over_in_its_engine_and_leaves_no_marker() {
    let (mut world, group) = World::with_key(5, 3, 42);
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    world.run();
    world.assert_all_signed(&spend);
    let records = |world: &World| {
        let statuses = world.hosts.iter().map(|host| host.engine.status());
        statuses.map(|status| status.records).collect::<Vec<_>>()
    };
    assert!(records(&world).iter().any(|records| records.consumed > 0));
    assert!(records(&world).iter().all(|records| records.retired == 0));
    world.run_for(2 * DAY);
    for records in records(&world) {
        let kept = (records.consumed, records.completed, records.approvals);
        assert_eq!((kept, records.retired), ((0, 0, 0), 1));
    }
}
