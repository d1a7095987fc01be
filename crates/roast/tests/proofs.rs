//! Proofs: what they convict of, and what does not come of their abuse.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod group;

use std::time::Duration;

use group::{member, Desk, Engine, Net, GOOD};
use hardfrost_evidence::{Evidence, EvidenceKind};
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, SessionId, Taproot};
use hardfrost_roast::{Need, Outcome};
use hardfrost_wire::Kind;

/// Three chosen members all deliver rubbish: three convictions, though nobody is left to sign.
#[test]
fn r19_evidence_convicts_whatever_the_number() {
    let mut desk = Desk::new(&[false]);
    let chosen: Vec<Member> = desk.others(&[]).into_iter().take(3).collect();
    let frames: Vec<_> = chosen.iter().map(|m| desk.commitments(*m, 0)).collect();
    let package = desk.package(0, &frames);
    desk.hear(&package);
    for who in &chosen {
        let share = desk.say_share(*who, 0, (package.body_hash(), [1; 32]));
        desk.hear(&share);
    }
    assert_eq!(desk.convicted(), chosen);
    assert_eq!(desk.node.outcome, Some(Outcome::Infeasible));
    assert_eq!(desk.node.said(Kind::Evidence).len(), 3);
}

/// Our engine blames everybody, or a few: nobody is convicted without a share that fails.
#[test]
fn e29_e38_candidates_without_a_bad_share_convict_nobody() {
    let mut desk = Desk::new(&[false]);
    desk.node.engine = Engine::Accuser;
    let chosen: Vec<Member> = desk.others(&[]).into_iter().take(3).collect();
    let frames: Vec<_> = chosen.iter().map(|m| desk.commitments(*m, 0)).collect();
    let package = desk.package(0, &frames);
    desk.hear(&package);
    for who in &chosen {
        let share = desk.share(*who, 0, &package);
        desk.hear(&share);
    }
    assert_eq!(
        desk.node
            .asks_of(|need| matches!(need, Need::Aggregate(..))),
        1
    );
    assert!(desk.node.convicted.is_empty());
    assert_eq!(desk.node.outcome, None);
}

/// The proof of one context says nothing in another.
#[test]
fn r16_evidence_moved_to_another_context_convicts_nobody() {
    let mut desk = Desk::new(&[false]);
    let who = desk.others(&[])[0];
    let frames = [1, 2].map(|seed| {
        let (_, payload) = desk.group.commitment(who.number(), seed);
        desk.group.verified(desk.say(who, 0, &payload))
    });
    let [a, b] = &frames;
    let kind = EvidenceKind::DoubleCommitments;
    let here = desk.context(0);
    let mut moved = vec![here.clone(); 7];
    moved[0].message = Message([77; 32]);
    moved[1].key_spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    moved[2].share_epoch += 1;
    moved[3].roster = Hash32([7; 32]);
    moved[4].attempt_number += 1;
    moved[5].session = SessionId::new("hf-other").unwrap();
    moved[6].group_public = Hash32([7; 32]);
    for context in &moved {
        let proof = Evidence::double(kind, context, a, b);
        desk.node.hear(&proof.to_frame());
        assert!(desk.node.convicted.is_empty(), "{context:?}");
    }
    desk.node
        .hear(&Evidence::double(kind, &here, a, b).to_frame());
    assert_eq!(desk.convicted(), [who]);
}

/// Order and number of proofs change nothing but who knows.
#[test]
fn r24_proofs_repeated_reordered_or_forged_change_nothing() {
    let proofs = |desk: &Desk| -> Vec<Evidence> {
        let cheats = desk.others(&[]).into_iter().take(2);
        let proof = |who: Member| {
            let [a, b] = [1, 2].map(|seed| {
                let (_, payload) = desk.group.commitment(who.number(), seed);
                desk.group.verified(desk.say(who, 0, &payload))
            });
            Evidence::double(EvidenceKind::DoubleCommitments, &desk.context(0), &a, &b)
        };
        cheats.map(proof).collect()
    };
    let (mut one, mut other) = (Desk::new(&[false]), Desk::new(&[false]));
    let made = proofs(&one);
    for proof in made.iter().chain(&made) {
        one.node.hear(&proof.to_frame());
    }
    for proof in made.iter().rev() {
        other.node.hear(&proof.to_frame());
    }
    let sets = [&one, &other].map(|desk| desk.node.session.convicted().clone());
    assert_eq!(sets[0], sets[1]);
    assert_eq!((sets[0].len(), one.node.convicted.len()), (2, 2));
    // What is new is told to everybody, once, whoever told us.
    assert_eq!(one.node.said(Kind::Evidence).len(), 2);
    let frames = made[0].to_frame();
    let forged = (40..frames.len()).step_by(31).map(|place| {
        let mut bytes = frames.clone();
        bytes[place] ^= 1;
        bytes
    });
    let mut fresh = Desk::new(&[false]);
    for bytes in forged {
        fresh.node.hear(&bytes);
    }
    assert!(fresh.node.convicted.is_empty());
}

/// A bad share that nobody had to look at while the session ran is proven at its end.
#[test]
fn r09_what_failed_attempts_hold_is_proven_at_the_end() {
    let mut desk = Desk::new(&[false]);
    let chosen: Vec<Member> = desk.others(&[]).into_iter().take(3).collect();
    let frames: Vec<_> = chosen.iter().map(|m| desk.commitments(*m, 0)).collect();
    let package = desk.package(0, &frames);
    desk.hear(&package);
    let bad = desk.say_share(chosen[0], 0, (package.body_hash(), [1; 32]));
    desk.hear(&bad);
    desk.node.wait(Duration::from_secs(30));
    assert!(desk.node.convicted.is_empty());
    let mut net = Net::new(&desk.group, desk.message, GOOD, 1).with(&[]);
    net.finish();
    let signature = net.nodes[&member(2)].signature().unwrap();
    desk.node.hear(&desk.finished(signature.0));
    assert!(desk.node.signature().is_some());
    assert_eq!(desk.convicted(), [chosen[0]]);
    assert_eq!(desk.node.said(Kind::Evidence).len(), 1);
}

/// What a proof cannot hold is not heard: a frame within the bounds of a larger group, above those of this one.
#[test]
fn r01_a_frame_above_its_groups_limit_is_not_heard() {
    let mut desk = Desk::new(&[false]);
    let coordinator = desk.coordinator(0);
    let frames: Vec<_> = desk
        .others(&[])
        .iter()
        .map(|m| desk.commitments(*m, 0))
        .collect();
    let own = desk.own_commitments(0);
    let padding = vec![own; 200];
    let oversized = desk.package(0, &[frames, padding].concat());
    let limit = Kind::Package.frame_bytes_max(desk.group.terms(desk.message).sizes());
    assert!(oversized.as_bytes().len() > limit);
    let oversized = desk.group.verified(oversized);
    let now = group::at(Duration::ZERO);
    let effects = desk.node.session.frame(&desk.node.speaker, now, &oversized);
    assert!(effects.is_empty());
    // The coordinator's place is free still: what comes within the limit counts.
    let chosen: Vec<_> = desk.others(&[]).into_iter().take(3).collect();
    let frames: Vec<_> = chosen.iter().map(|m| desk.commitments(*m, 0)).collect();
    let good = desk.package(0, &frames);
    desk.hear(&good);
    assert_eq!(desk.node.chosen().len(), 3);
    assert_eq!(good.head().author, coordinator);
}
