//! Our own engine refuses: what is asked again, what ends the session, and what the others notice of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::time::Duration;

use group::{member, Desk, Engine, Group};
use hardfrost_primitives::{Member, Message};
use hardfrost_roast::{Need, Outcome};
use hardfrost_wire::Kind;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A limit is no end: the attempt is asked for again, at the pace of pulls, until there is room.
#[test]
fn a_full_engine_is_asked_again_until_it_opens() {
    let group = Group::new((3, 5), 1);
    let mut node = group.node(1, Message([5; 32]), Engine::Full);
    let opens = |need: &Need| matches!(need, Need::Open(_));
    node.wait(secs(20));
    assert_eq!(node.outcome, None);
    // After 1, 2, 4, 8 seconds, and the first time.
    assert_eq!(node.asks_of(opens), 5);
    assert!(node.said(Kind::Commitments).is_empty());
    node.engine = Engine::Honest;
    node.wait(secs(60));
    assert_eq!(node.said(Kind::Commitments).len(), 1);
    assert_eq!(node.asks_of(opens), 6);
}

#[test]
fn a_closed_gate_ends_the_session_before_anything_is_sent() {
    let group = Group::new((3, 5), 1);
    let node = group.node(1, Message([5; 32]), Engine::Closed);
    let why = "not approved".to_owned();
    assert_eq!(node.outcome, Some(Outcome::Refused(why)));
    assert!(node.said(Kind::Commitments).is_empty());
    let broken = group.node(1, Message([5; 32]), Engine::Broken);
    assert_eq!(broken.outcome, Some(Outcome::Stuck("broken".to_owned())));
}

/// Nothing was written, so nothing is spent: the share, and the sum, come when the log takes records again.
#[test]
fn a_log_that_takes_no_record_now_is_asked_again() {
    let (mut desk, chosen, package) = Desk::withheld_by(Engine::DiskFull);
    let (shares, sums) = (
        |need: &Need| matches!(need, Need::Round2(..)),
        |need: &Need| matches!(need, Need::Aggregate(..)),
    );
    desk.node.wait(secs(4));
    assert!(desk.node.asks_of(shares) >= 3);
    assert!(desk.node.said(Kind::Share).is_empty());
    desk.node.engine = Engine::Honest;
    desk.node.wait(secs(40));
    assert_eq!(desk.node.said(Kind::Share).len(), 1);
    desk.node.engine = Engine::DiskFull;
    for who in chosen {
        let share = desk.share(who, 0, &package);
        desk.hear(&share);
    }
    desk.node.wait(secs(44));
    assert!(desk.node.asks_of(sums) >= 2);
    assert_eq!(desk.node.outcome, None);
    desk.node.engine = Engine::Honest;
    desk.node.wait(secs(100));
    assert!(desk.node.signature().is_some());
}

/// A member whose commitments fit no package is nobody: t others must commit before a round can run out.
#[test]
fn r20_commitments_that_spoil_a_package_start_no_timer() {
    let mut desk = Desk::new(&[false]);
    let [a, b, c, _]: [Member; 4] = desk.others(&[]).try_into().unwrap();
    for who in [a, b] {
        let (_, mut payload) = desk.group.commitment(who.number(), 3);
        payload.incarnation = group::incarnation(who);
        payload.binding = [0; 33];
        let frame = desk.say(who, 0, &payload);
        desk.hear(&frame);
    }
    desk.node.wait(secs(30));
    assert!(desk.node.said(Kind::Advance).is_empty());
    desk.commit(&[c, member(5)], 0);
    desk.node.wait(secs(60));
    assert_eq!(desk.node.said(Kind::Advance).len(), 1);
}
