//! t members that have approved sign, whenever one of them restarts, and nobody else is there to help.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use hardfrost_roast::Outcome;
use hardfrost_seat::Request;
use hardfrost_wire::OperatorIndex;
use world::{Spend, World};

/// What is approved holds for ten minutes.
const WITHIN: Duration = Duration::from_secs(540);

struct Story<'a> {
    name: &'a str,
    /// These restart.
    of: &'a [u16],
    /// The second approves only after that.
    late: bool,
    shuffled: bool,
}

/// An operator's process ends and begins again, and takes up what was approved.
fn restart(world: &mut World, operator: u16) {
    world.reboot(OperatorIndex(operator), &[]);
    let open = world.hosts[usize::from(operator)]
        .engine
        .open_approvals(world.now);
    for open in open {
        world.ask(usize::from(operator), &Request::Resume(open.approval));
    }
}

/// Restarts after so many letters. False if nothing was left to read by then.
fn tell(story: &Story, letters: usize) -> bool {
    let (mut world, group) = World::with_key(3, 2, 1);
    let spend = Spend::new(&group);
    let request = spend.request(&group, story.name);
    world.deaf = BTreeSet::from([2]);
    world.ask(0, &request);
    if !story.late {
        world.ask(1, &request);
    }
    for _ in 0..letters {
        if world.letters.is_empty() {
            return false;
        }
        let letter = world.letters.remove(0);
        world.deliver(letter);
    }
    for operator in story.of {
        restart(&mut world, *operator);
    }
    if story.late {
        world.ask(1, &request);
    }
    if story.shuffled {
        world.run_shuffled();
    }
    world.run_for(WITHIN);
    for index in [0, 1] {
        let outcomes = world.outcomes(index);
        let signed = outcomes.iter().any(|end| matches!(end, Outcome::Signed(_)));
        let Story { name, of, late, .. } = story;
        assert!(
            signed,
            "{index}: {name}, {of:?} after {letters}, late {late}"
        );
    }
    true
}

#[test]
fn r17_whenever_a_member_restarts_the_t_that_approved_sign() {
    let mut told = 0;
    let names = ["a", "b"];
    for name in names {
        for of in [&[0][..], &[1], &[0, 1]] {
            for (late, shuffled) in [(false, false), (true, false), (false, true), (true, true)] {
                let story = Story {
                    name,
                    of,
                    late,
                    shuffled,
                };
                told += (0..).take_while(|letters| tell(&story, *letters)).count();
            }
        }
    }
    println!("{told} restarts");
    assert!(told > 300, "{told}");
}
