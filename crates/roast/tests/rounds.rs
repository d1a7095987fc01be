//! Turns, timers and certificates: who coordinates, what lets a node go on, what does not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::collections::BTreeSet;
use std::time::Duration;

use group::{at, incarnation, member, Desk, Engine, Fault, Group, Links, Net, GOOD};
use hardfrost_primitives::{Member, Message, SessionId};
use hardfrost_roast::{Need, Terms, Turns};
use hardfrost_wire::{AdvancePayload, Kind, PullPayload};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Request ids may be ground as one likes: in every cycle everybody coordinates once.
#[test]
fn r22_turns_are_a_true_rotation() {
    let group = Group::new((3, 5), 1);
    for session in 0..200 {
        let terms = Terms {
            session: SessionId::new(format!("hf-{session}").as_str()).unwrap(),
            ..group.terms(Message([1; 32]))
        };
        let first = terms.context(1);
        let mut turns = Turns::new(first.seed(), first.included.clone());
        let numbers: Vec<u32> = (0..20).map(|turn| turns.number(turn).unwrap()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        for cycle in numbers.chunks(5) {
            let coordinators = cycle.iter().map(|n| terms.context(*n).coordinator());
            let distinct: BTreeSet<Option<Member>> = coordinators.collect();
            assert_eq!(distinct.len(), 5);
        }
        assert_eq!((turns.cycle(4), turns.cycle(5)), (0, 1));
    }
}

/// Nobody's timer runs before t have committed, so whoever starts minutes later still meets the others in round 0.
#[test]
fn r20_no_timer_runs_before_t_members_have_committed() {
    let group = Group::new((3, 5), 1);
    let mut net = Net::new(&group, Message([3; 32]), GOOD, 1);
    net.start(1);
    net.run(Duration::from_secs(60));
    net.start(2);
    net.run(Duration::from_secs(200));
    for node in net.nodes.values() {
        assert_eq!(node.session.reports(at(net.now)).len(), 1, "nobody went on");
    }
    net.start(3);
    net.finish();
}

#[test]
fn r20_whoever_starts_late_meets_the_others_whatever_round_they_are_in() {
    let group = Group::new((4, 6), 1);
    for seed in 0..6u8 {
        let links = Links { lost: 5, ..GOOD };
        let mut net = Net::new(&group, Message([seed; 32]), links, u64::from(seed));
        for number in 1..=6u16 {
            net.start(number);
            net.run(ms(900 * u64::from(number)));
        }
        net.finish();
    }
}

/// 3 of 5: min(t, q) = 3.
#[test]
fn r20_min_t_q_advances_let_a_node_go_on_and_fewer_do_not() {
    let mut desk = Desk::new(&[false]);
    let others = desk.others(&[]);
    for who in &others[..2] {
        let advance = desk.advance(*who, 1);
        desk.hear(&advance);
        desk.hear(&advance);
    }
    desk.node.wait(Duration::from_secs(60));
    assert_eq!(desk.rounds(), 1);
    let advance = desk.advance(others[2], 1);
    desk.hear(&advance);
    desk.node.wait(Duration::from_secs(61));
    assert_eq!(desk.rounds(), 2);
    assert_eq!(desk.node.said(Kind::Advance).len(), 1, "it says so itself");
}

/// One peer's far round moves nobody, however often it says it; and a certificate takes nobody on sooner than 2 d.
#[test]
fn r21_a_far_round_needs_a_certificate_and_time() {
    let mut desk = Desk::new(&[false]);
    let others = desk.others(&[]);
    for round in [7, u32::MAX, 9] {
        let advance = desk.advance(others[0], round);
        desk.hear(&advance);
    }
    desk.node.wait(Duration::from_secs(60));
    assert_eq!(desk.rounds(), 1);
    for who in &others[1..3] {
        let advance = desk.advance(*who, u32::MAX);
        desk.hear(&advance);
    }
    assert_eq!(desk.rounds(), 2);
    desk.node.wait(Duration::from_secs(61));
    assert!((11..=12).contains(&desk.rounds()), "{}", desk.rounds());
    // What was open stays open: nothing was aborted.
    assert_eq!(desk.node.asks_of(|need| matches!(need, Need::Abort(_))), 0);
}

/// It could move nothing: so its signature is not looked at. Another life of its author, or a later round, may.
#[test]
fn r21_an_advance_that_says_nothing_new_is_not_proven_again() {
    let mut desk = Desk::new(&[false]);
    let who = desk.others(&[])[0];
    assert!(!desk.node.session.holds(&desk.advance(who, 5)));
    let advance = desk.advance(who, 5);
    desk.hear(&advance);
    for (round, known) in [(1, true), (5, true), (6, false)] {
        let mut bytes = desk.advance(who, round).as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(desk.node.session.holds(&group::read(&bytes)), known);
    }
    let incarnation = group::reborn(who, 1);
    let head = desk.group.terms(desk.message).head();
    let reborn = group::say(
        who,
        head,
        &AdvancePayload {
            incarnation,
            round: 5,
        },
    );
    assert!(!desk.node.session.holds(&reborn));
}

/// 3 of 5: three advances are a certificate, and the farthest take a peer farthest.
#[test]
fn r20_a_peer_that_is_behind_is_told_one_certificate_the_farthest() {
    let mut desk = Desk::new(&[false]);
    let others = desk.others(&[]);
    for (who, round) in others.iter().zip([1, 7, 8, 9]) {
        let advance = desk.advance(*who, round);
        desk.hear(&advance);
    }
    let asker = others[0];
    let pull = PullPayload {
        incarnation: incarnation(asker),
        round: 0,
        convicted: Vec::new(),
        first_turn: 0,
        held: Vec::new(),
    };
    let head = desk.group.terms(desk.message).head();
    desk.hear(&group::say(asker, head, &pull));
    let told = desk.node.said_to(asker, Kind::Advance);
    let farthest = [9, 8, 7].map(|round| desk.advance(others[round as usize - 6], round));
    let farthest = farthest.map(|frame| frame.as_bytes().to_vec());
    assert_eq!(told, farthest);
}

/// The same before the round trip is known: rounds open one by one, not all in one go.
#[test]
fn r21_a_far_certificate_opens_no_flood_of_rounds() {
    let group = Group::new((3, 5), 1);
    let mut node = group.node(1, Message([1; 32]), Engine::Honest);
    node.session.round_trip(Duration::ZERO);
    let desk = Desk::new(&[false]);
    let mut desk = Desk { node, ..desk };
    desk.message = Message([1; 32]);
    for who in desk.others(&[]) {
        let advance = desk.advance(who, u32::MAX);
        desk.hear(&advance);
    }
    assert!(desk.rounds() <= 2);
    desk.node.wait(ms(1000));
    assert!(desk.rounds() <= 102, "{}", desk.rounds());
}

#[test]
fn r27_a_coordinator_that_sends_no_package_costs_one_timeout() {
    let group = Group::new((3, 5), 1);
    for seed in 0..6u8 {
        let message = Message([seed; 32]);
        let first = group.coordinator(message).number();
        let mut net = Net::new(&group, message, GOOD, 1).with(&[(first, Fault::Stall)]);
        net.finish();
        assert!(net.now < ms(600), "{:?}", net.now);
    }
    // The worst: both faulty members coordinate first.
    let message = (0..=255u8).map(|byte| Message([byte; 32]));
    let both = |m: &Message| {
        let desk_coordinators = group::coordinators(&group, *m, 2);
        desk_coordinators.iter().all(|c| c.number() <= 2)
    };
    let message = message.into_iter().find(both).unwrap();
    let faults = [(1, Fault::Silent), (2, Fault::Stall)];
    let mut net = Net::new(&group, message, GOOD, 2).with(&faults);
    net.finish();
    assert!(net.now < ms(1500), "{:?}", net.now);
}

/// The engine has no place for a later attempt: the session goes on with what is open.
#[test]
fn an_attempt_that_the_engine_does_not_open_ends_no_session() {
    let mut desk = Desk::new(&[false]);
    desk.node.engine = Engine::Full;
    for who in desk.others(&[]) {
        let advance = desk.advance(who, 1);
        desk.hear(&advance);
    }
    desk.node.wait(ms(200));
    assert_eq!(desk.rounds(), 2);
    assert_eq!(desk.node.outcome, None);
    desk.node.engine = Engine::Honest;
    let coordinator = desk.coordinator(0);
    let chosen: Vec<Member> = desk.others(&[]).into_iter().take(3).collect();
    let frames: Vec<_> = chosen.iter().map(|m| desk.commitments(*m, 0)).collect();
    let package = desk.package(0, &frames);
    desk.hear(&package);
    for who in &chosen {
        let share = desk.share(*who, 0, &package);
        desk.hear(&share);
    }
    assert!(desk.node.signature().is_some(), "{coordinator}");
    assert!(member(1) != coordinator);
}
