//! A ceremony among honest members ends in one certified key, in whatever order its frames arrive.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod hall;

use std::collections::BTreeSet;
use std::time::Duration;

use hall::{at, faithful, honest, member, say, Hall, PATIENCE};
use hardfrost_dkg::{CeremonyFault, Certificate, Descriptor, Need, Step};
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{DkgPullPayload, EchoPayload, Frame, Kind, Round1Payload};

fn assert_one_key(hall: &Hall) {
    let mut hashes = BTreeSet::new();
    for (who, node) in &hall.nodes {
        assert_eq!(node.fault, None, "member {who}");
        let certificate = node.certificate.as_ref().unwrap();
        hashes.insert(certificate.hash());
        let group = certificate.verify(&hall.roster).unwrap();
        let share = node.share().unwrap();
        assert_eq!(share.group(), &group);
        assert_eq!(share.member(), *who);
        let Descriptor {
            threshold, count, ..
        } = hall.descriptor;
        assert_eq!((group.threshold(), group.count()), (threshold, count));
        let certificate = certificate.hash();
        assert_eq!(node.asked.last(), Some(&Need::Install { certificate }));
        assert_eq!(node.ceremony.awaited(), (Step::Over, Vec::new()));
        assert_eq!(node.ceremony.poll_timeout(), None);
    }
    assert_eq!(hashes.len(), 1);
}

#[test]
fn all_members_certify_one_key() {
    for size in [(2, 2), (3, 5)] {
        let mut hall = Hall::new(size, 1, &mut honest);
        hall.run(&mut honest, &mut faithful);
        assert_one_key(&hall);
        for node in hall.nodes.values() {
            let kinds: Vec<Kind> = node.sent.iter().map(Frame::kind).collect();
            let steps = [
                Kind::DkgRound1,
                Kind::DkgEcho,
                Kind::DkgRound2,
                Kind::DkgConfirm,
            ];
            assert_eq!(kinds, steps);
        }
    }
}

#[test]
fn a_certificate_survives_its_own_bytes() {
    let mut hall = Hall::new((2, 3), 2, &mut honest);
    hall.run(&mut honest, &mut faithful);
    let certificate = hall.certificate(1).unwrap();
    let read = Certificate::from_bytes(&certificate.to_bytes()).unwrap();
    assert_eq!(&read, certificate);
    assert_eq!(read.descriptor(), &hall.descriptor);
    let group = certificate.verify(&hall.roster).unwrap();
    assert_eq!(read.verify(&hall.roster).unwrap(), group);
    assert_eq!(read.hash(), certificate.hash());
}

#[test]
fn frames_that_come_early_wait() {
    for seed in 0..4 {
        let mut hall = Hall::new((3, 5), 3, &mut honest);
        hall.run_shuffled(seed);
        assert_one_key(&hall);
    }
}

#[test]
fn a_frame_that_comes_before_the_engine_has_dealt_waits() {
    let mut hall = Hall::new((2, 2), 4, &mut honest);
    let (now, roster) = (at(Duration::ZERO), hall.roster.clone());
    let (mut late, _) =
        hardfrost_dkg::Ceremony::join(now, hall.descriptor.clone(), roster, member(2));
    let (_, _, contribution) = hall.queue.pop_front().unwrap();
    let verified = contribution.verify(&hall.roster).unwrap();
    let key = hall::key(member(2));
    assert!(late.frame(&key, at(Duration::ZERO), verified).is_empty());
    assert_eq!(late.awaited(), (Step::OwnEngine, Vec::new()));
    let own = hall.nodes[&member(2)].sent[0].clone();
    let own = own.verify(&hall.roster).unwrap();
    let shown: Round1Payload = own.payload().unwrap();
    let dealt = hardfrost_frost::dkg::Round1 {
        commitment: shown.commitment,
        proof_of_knowledge: shown.proof_of_knowledge,
        ephemeral: shown.ephemeral,
        possession: shown.possession,
    };
    // Its contribution and, since the other's is here already, its echo.
    let effects = late.answer(&key, hardfrost_dkg::Answer::Dealt(dealt));
    assert_eq!(effects.len(), 2);
    assert_eq!(late.awaited(), (Step::Echoes, vec![member(1)]));
}

#[test]
fn a_duplicate_does_nothing() {
    let mut hall = Hall::new((2, 3), 5, &mut honest);
    hall.run(&mut honest, &mut |_, _, frame| vec![frame.clone(), frame]);
    assert_one_key(&hall);
    for node in hall.nodes.values() {
        assert_eq!(node.sent.len(), 4);
        assert_eq!(node.asked.len(), 4);
    }
}

/// Everybody who is asked sends each member's frame: what is here already need not be verified again.
#[test]
fn what_says_nothing_new_is_of_no_use() {
    let mut hall = Hall::new((2, 3), 5, &mut honest);
    let node = &hall.nodes[&member(1)];
    let own = node.sent[0].clone();
    let otherwise = hall::otherwise(&own, &hall.roster, |said: &mut Round1Payload| {
        said.ephemeral = said.commitment[0];
    });
    let from_another = hall.nodes[&member(2)].sent[0].clone();
    let question = say(
        member(2),
        hall.descriptor.head(),
        &DkgPullPayload { held: vec![0; 2] },
    );
    let foreign = say(
        member(2),
        Hash32([9; 32]),
        &EchoPayload { bodies: Vec::new() },
    );
    let useless = |hall: &Hall, frame| hall.nodes[&member(1)].ceremony.has_no_use_for(frame);
    assert!(useless(&hall, &own));
    for news in [&otherwise, &from_another, &question, &foreign] {
        assert!(!useless(&hall, news), "{:?}", news.kind());
    }
    hall.run(&mut honest, &mut faithful);
    for late in [&own, &otherwise, &from_another] {
        assert!(useless(&hall, late), "{:?}", late.kind());
    }
    assert!(!useless(&hall, &question));
    assert!(!useless(&hall, &foreign));
}

/// One statement under two signatures is no second body (r14).
#[test]
fn r14_another_signature_of_the_same_body_does_nothing() {
    let mut hall = Hall::new((2, 3), 6, &mut honest);
    hall.run(&mut honest, &mut |from, _, frame| {
        let aux = [7; 32];
        let secret = Hash32::of(&from.to_be_bytes()).0;
        let key = hardfrost_wire::OperatorKey::new(&secret, aux).unwrap();
        let roster = hall::roster(3);
        if frame.kind() != Kind::DkgEcho {
            return vec![frame];
        }
        let verified = frame.clone().verify(&roster).unwrap();
        let payload: EchoPayload = verified.payload().unwrap();
        let twin = Frame::sign(frame.head(), &payload, &key);
        assert_eq!(twin.body_hash(), frame.body_hash());
        assert_ne!(twin.as_bytes(), frame.as_bytes());
        vec![frame, twin]
    });
    assert_one_key(&hall);
}

#[test]
fn frames_of_other_ceremonies_and_of_strangers_are_dropped() {
    // Six operators, of whom five take part.
    let roster = hall::roster(6);
    let descriptor = hall::descriptor(&roster, (3, 5));
    let mut hall = Hall::with(descriptor.clone(), roster, 7, &mut honest);
    let ours = descriptor.head();
    let mut other = descriptor;
    other.salt = [1; 32];
    let bodies = vec![Hash32([0; 32]); 5];
    hall.run(&mut honest, &mut |from, _, frame| {
        let nonsense = EchoPayload {
            bodies: bodies.clone(),
        };
        vec![
            say(from, other.head(), &nonsense),
            say(member(6), ours, &nonsense),
            frame,
        ]
    });
    for node in hall.nodes.values() {
        assert_eq!(node.fault, None);
        assert!(node.certificate.is_some());
    }
}

#[test]
fn another_deadline_is_another_ceremony() {
    let roster = hall::roster(2);
    let ours = hall::descriptor(&roster, (2, 2));
    let mut later = ours.clone();
    later.deadline = at(PATIENCE * 2).utc;
    assert_eq!(ours.id(), later.id());
    assert_ne!(ours.head(), later.head());
    assert_eq!(Descriptor::from_bytes(&later.to_bytes()), Some(later));
}

#[test]
fn silence_past_the_deadline_names_whom_it_waits_for() {
    let steps = [
        (Kind::DkgRound1, Step::Contributions),
        (Kind::DkgEcho, Step::Echoes),
        (Kind::DkgRound2, Step::SealedShares),
        (Kind::DkgConfirm, Step::Confirmations),
    ];
    for (kind, step) in steps {
        let mut hall = Hall::new((2, 3), 8, &mut honest);
        hall.run(&mut honest, &mut |from, _, frame| {
            let silent = from == member(2) && frame.kind() >= kind;
            if silent {
                Vec::new()
            } else {
                vec![frame]
            }
        });
        let awaited = |hall: &Hall| hall.nodes[&member(1)].ceremony.awaited();
        assert_eq!(awaited(&hall), (step, vec![member(2)]));
        let next = hall.nodes[&member(1)].ceremony.poll_timeout();
        assert_eq!(next, Some(at(Duration::from_secs(1)).mono));
        hall.wait(at(PATIENCE - Duration::from_millis(1)));
        assert_eq!(hall.fault(1), None);
        hall.wait(at(PATIENCE));
        let silent: Vec<Member> = vec![member(2)];
        assert_eq!(hall.fault(1), Some(&CeremonyFault::Silent(silent.clone())));
        assert_eq!(hall.fault(3), Some(&CeremonyFault::Silent(silent)));
        // Once confirmed, nothing is discarded: the key may be certified elsewhere.
        let confirmed = step == Step::Confirmations;
        assert_eq!(hall.nodes[&member(1)].was_told_to_discard(), !confirmed);
        let left = hall.nodes[&member(1)].ceremony.awaited().0;
        assert_eq!(left, if confirmed { Step::Pending } else { Step::Over });
        assert!(!hall.nodes[&member(1)].ceremony.is_under_way());
        assert!(hall
            .fault(1)
            .unwrap()
            .to_string()
            .ends_with("awaited: member 2"));
    }
}

/// After its end a ceremony says and asks nothing more.
#[test]
fn an_ended_ceremony_is_deaf() {
    let mut hall = Hall::new((2, 2), 9, &mut honest);
    hall.wait(at(PATIENCE));
    let before = hall.nodes[&member(1)].asked.len();
    assert!(hall.fault(1).is_some());
    hall.run(&mut honest, &mut faithful);
    hall.wait(at(PATIENCE * 2));
    let node = &hall.nodes[&member(1)];
    assert_eq!((node.asked.len(), node.sent.len()), (before, 1));
    assert!(node.certificate.is_none());
}
