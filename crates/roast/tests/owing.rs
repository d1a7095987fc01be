//! Who owes, from when, until when; and that nothing but evidence keeps anybody out.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::time::Duration;

use group::{at, incarnation, member, Desk, Fault, Group, Net, GOOD, LIFE};
use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_roast::{Need, Outcome};
use hardfrost_wire::Kind;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The two have not been offered anything for long enough: once the timer ran they are chosen again.
#[test]
fn r18_whoever_was_shown_no_package_in_time_owes_nothing() {
    let (mut desk, chosen, _) = Desk::withheld();
    desk.node.wait(ms(60));
    assert_eq!(desk.rounds(), 2, "the package lets us go on");
    for who in chosen {
        assert_eq!(desk.node.said_to(who, Kind::Offer).len(), 1);
    }
    desk.commit(&chosen, 1);
    assert_eq!(
        desk.chose(1),
        None,
        "pending members are not the first choice"
    );
    // 1.5 d + 30 ms after t had committed; the offers run for twice as long.
    desk.node.wait(ms(60 + 104));
    assert_eq!(desk.chose(1), None);
    desk.node.wait(ms(60 + 105));
    let mine = desk.chose(1).unwrap();
    assert!(chosen.iter().all(|m| mine.contains(m)));
}

#[test]
fn r18_owing_ends_with_the_share_and_late_shares_complete_the_attempt() {
    let (mut desk, chosen, package) = Desk::withheld();
    desk.node.wait(Duration::from_secs(100));
    desk.commit(&chosen, 1);
    desk.node.wait(Duration::from_secs(200));
    assert_eq!(desk.chose(1), None, "both were offered the package and owe");
    let late = desk.share(chosen[0], 0, &package);
    desk.hear(&late);
    assert_eq!(desk.chose(1), None);
    assert!(desk
        .node
        .said(Kind::Share)
        .contains(&late.as_bytes().to_vec()));
    let last = desk.share(chosen[1], 0, &package);
    desk.hear(&last);
    assert!(desk.node.signature().is_some(), "{:?}", desk.node.outcome);
}

/// With one more free member the ones that owe are simply not chosen; when one delivers it may be again.
#[test]
fn r18_whoever_delivers_late_is_free_again() {
    let (mut desk, chosen, package) = Desk::withheld();
    let coordinator = desk.coordinator(0);
    desk.node.wait(Duration::from_secs(100));
    desk.commit(&chosen, 1);
    desk.commit(&[coordinator], 1);
    assert_eq!(desk.chose(1), None, "ours and one more are free");
    let late = desk.share(chosen[1], 0, &package);
    desk.hear(&late);
    let mine = desk.chose(1).unwrap();
    assert!(mine.contains(&chosen[1]) && mine.contains(&coordinator) && !mine.contains(&chosen[0]));
}

#[test]
fn r26_whoever_commits_and_never_delivers_is_chosen_once() {
    let group = Group::new((3, 5), 1);
    for seed in 0..8u8 {
        let message = Message([seed; 32]);
        let faults = [(2, Fault::Stall), (4, Fault::Stall)];
        let mut net = Net::new(&group, message, GOOD, u64::from(seed)).with(&faults);
        net.finish();
        for by in net.honest() {
            for who in [2, 4] {
                assert!(net.chosen_in(by, member(who)) <= 1, "seed {seed}");
            }
        }
    }
}

/// Only evidence excludes: claims, offers, advances and pulls of others change nothing for anybody.
#[test]
fn r15_claims_bar_nobody() {
    let mut desk = Desk::new(&[true]);
    let [accuser, a, b, c]: [Member; 4] = desk.others(&[]).try_into().unwrap();
    for round in 0..200u32 {
        let offer = desk.offer(accuser, 0, Hash32::of(&round.to_be_bytes()));
        desk.hear(&offer);
        let advance = desk.advance(accuser, round * 1000);
        desk.hear(&advance);
    }
    let good = desk.commitments(a, 0);
    let accused = hardfrost_evidence::Evidence::malformed_package(
        &desk.context(0),
        &desk.group.verified(good.clone()),
    );
    desk.node.hear(&accused.to_frame());
    assert!(desk.node.convicted.is_empty());
    assert_eq!(desk.rounds(), 1);
    // A hundred offers of packages nobody has: one question, to the offerer alone.
    assert_eq!(desk.node.said_to(accuser, Kind::Pull).len(), 1);
    assert_eq!(desk.node.said(Kind::Pull).len(), 1);
    assert_eq!(desk.node.told.len(), 1);
    desk.commit(&[a, b], 0);
    let mine = desk.chose(0).unwrap();
    assert!(mine.contains(&a) && mine.contains(&b) && !mine.contains(&c));
}

/// At every end the engine is told to destroy what is live, attempt by attempt.
#[test]
fn r10_at_every_end_every_live_attempt_is_aborted() {
    let opened_and_aborted = |desk: &Desk| {
        let opened = desk.node.asks_of(|need| matches!(need, Need::Open(_)));
        let aborted = desk.node.asks_of(|need| matches!(need, Need::Abort(_)));
        assert_eq!((opened, aborted), (4, 4));
        assert_eq!(desk.rounds(), 4, "what they looked like is kept");
    };
    let three_rounds = || {
        let mut desk = Desk::new(&[false]);
        for who in desk.others(&[]) {
            let frame = desk.advance(who, 3);
            desk.hear(&frame);
        }
        desk.node.wait(ms(500));
        assert_eq!(desk.rounds(), 4);
        desk
    };
    let mut expired = three_rounds();
    expired.node.wait(LIFE);
    assert_eq!(expired.node.outcome, Some(Outcome::Expired));
    opened_and_aborted(&expired);

    let mut infeasible = three_rounds();
    for who in infeasible.others(&[]) {
        for life in [0, 1] {
            let (_, mut payload) = infeasible.group.commitment(who.number(), life);
            payload.incarnation = incarnation(who);
            let frame = infeasible.say(who, 0, &payload);
            infeasible.hear(&frame);
        }
    }
    assert_eq!(infeasible.node.outcome, Some(Outcome::Infeasible));
    opened_and_aborted(&infeasible);

    let mut signed = three_rounds();
    let mut net = Net::new(&signed.group, signed.message, GOOD, 1).with(&[]);
    net.finish();
    let signature = net.nodes[&member(2)].signature().unwrap();
    signed.node.hear(&signed.finished(signature.0));
    assert!(signed.node.signature().is_some());
    opened_and_aborted(&signed);
    signed.node.wait(LIFE);
    assert_eq!(signed.node.session.poll_timeout(), None);
    assert!(signed.node.session.swept_at() > at(LIFE));
}
