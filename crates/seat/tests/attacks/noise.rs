//! What is counted as noise, and what an honest author's nonsense does: nothing.

use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::{Evidence, EvidenceKind};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{KeySpec, SessionId};
use hardfrost_seat::Event;
use hardfrost_wire::{
    CommitmentsPayload, Frame, FromPeer, Head, HeldTurn, Incarnation, Kind, OperatorIndex,
    PackagePayload, PullPayload, Sizes, Verified,
};

use crate::world::{key, member, Spend, World};

fn signing() -> (World, Spend, Arc<GroupPublic>) {
    let (mut world, group) = World::with_key(5, 3, 60);
    let spend = Spend::new(&group);
    world.ask_all(&spend.request(&group, "one"));
    world.lose_letters();
    world.sent.clear();
    (world, spend, group)
}

/// What seat 1 counts as noise, and what it sends.
fn heard(world: &mut World, all: &[Vec<u8>]) -> (u64, usize) {
    let (noise, sent) = (world.nodes[0].seat.noise(), world.sent.len());
    all.iter().for_each(|bytes| world.hand(0, bytes));
    let noise = world.nodes[0].seat.noise() - noise;
    (noise, world.sent.len() - sent)
}

#[test]
fn r01_oversized_and_unreadable_evidence_is_noise() {
    let (mut world, spend, group) = signing();
    let limit = Kind::Evidence.frame_bytes_max(world.nodes[0].seat.sizes());
    let proof = package_proof(&world, &spend, &group);
    let bytes = proof.to_frame();
    let mut other_context = bytes.clone();
    other_context[6] ^= 1;
    let noise = [
        vec![8],
        vec![8; 100],
        [&[8], &vec![0; limit][..]].concat(),
        [&bytes[..], &[0]].concat(),
        bytes[..bytes.len() - 1].to_vec(),
        [&[8, 9], &bytes[2..]].concat(),
        other_context,
    ];
    assert_eq!(heard(&mut world, &noise), (noise.len() as u64, 0));
    // Well-formed, and proves nothing: no noise, no answer, nobody convicted.
    assert_eq!(heard(&mut world, &[bytes]), (0, 0));
    assert!(world.nodes[0].events.len() == 1);
}

#[test]
fn r01_evidence_at_the_limit_is_read_and_above_it_dropped() {
    let (mut world, _, _) = signing();
    let limit = Kind::Evidence.frame_bytes_max(world.nodes[0].seat.sizes());
    // Kind, proof's kind, an empty context, one frame that fills the rest: it reads, and names no session.
    let of = |size: usize| {
        let frame = u32::try_from(size - 14).unwrap().to_le_bytes();
        let start = [&[8, 1], &[0; 4][..], &1u32.to_le_bytes(), &frame].concat();
        [start, vec![0; size - 14]].concat()
    };
    assert_eq!(of(limit).len(), limit);
    assert!(Evidence::from_frame(&of(limit)).is_some());
    assert!(Evidence::from_frame(&of(limit + 1)).is_some());
    let noise = [of(limit), of(limit + 1)];
    assert_eq!(heard(&mut world, &noise), (2, 0));
}

/// Two packages of one coordinator over one context, each with so many and so large commitments.
fn package_proof(world: &World, spend: &Spend, group: &Arc<GroupPublic>) -> Evidence {
    let context = spend.terms(group, &world.roster, "one").context(1);
    let coordinator = context.coordinator().unwrap();
    let package = |last| {
        let payload = PackagePayload {
            incarnation: Incarnation([last; 16]),
            key_spec: KeySpec::group_key(),
            commitments: vec![vec![last; 200]; 3],
        };
        let head = Head {
            context: context.hash(),
            author: coordinator,
        };
        let frame = Frame::sign(head, &payload, &key(coordinator));
        frame.verify(&world.roster).unwrap()
    };
    Evidence::double(
        EvidenceKind::DoublePackage,
        &context,
        &package(1),
        &package(2),
    )
}

/// Two packages at their limit, in a context with names and lists as long as they get, fit the limit of evidence.
#[test]
fn the_largest_evidence_fits_its_limit() {
    for (threshold, count) in [(86, 128), (667, 1000), (2, 3)] {
        let (mut world, group) = World::with_key(3, 2, 61);
        let spend = Spend::new(&group);
        world.lose_letters();
        let sizes = Sizes { threshold, count };
        let mut context = spend.terms(&group, &world.roster, "one").context(1);
        context.session = SessionId::new(&"s".repeat(64)).unwrap();
        let root = [vec![8], vec![0; 32], vec![2], vec![5; 32]].concat();
        context.key_spec = KeySpec::from_bytes(&root).unwrap();
        context.included = hardfrost_primitives::Member::all(count).collect();
        let limit = Kind::Package.frame_bytes_max(sizes);
        let package = |filler: u8| -> Verified<Frame> {
            // Kind, length, head and signature are 103; incarnation, key spec and the two lengths are 26.
            let payload = PackagePayload {
                incarnation: Incarnation([filler; 16]),
                key_spec: KeySpec::group_key(),
                commitments: vec![vec![filler; limit - 103 - 26]],
            };
            let head = Head {
                context: context.hash(),
                author: member(1),
            };
            let frame = Frame::sign(head, &payload, &key(member(1)));
            assert_eq!(frame.as_bytes().len(), limit);
            frame.verify(&world.roster).unwrap()
        };
        let kind = EvidenceKind::DoublePackage;
        let proof = Evidence::double(kind, &context, &package(1), &package(2));
        let bytes = proof.to_frame();
        assert!(bytes.len() <= Kind::Evidence.frame_bytes_max(sizes));
        assert_eq!(Evidence::from_frame(&bytes), Some(proof));
    }
}

fn pull(world: &World, spend: &Spend, group: &Arc<GroupPublic>, payload: &PullPayload) -> Vec<u8> {
    let head = Head {
        context: spend.terms(group, &world.roster, "one").head(),
        author: member(2),
    };
    Frame::sign(head, payload, &key(member(2)))
        .as_bytes()
        .to_vec()
}

fn asked(round: u32, first_turn: u32, held: Vec<HeldTurn>) -> PullPayload {
    PullPayload {
        incarnation: Incarnation([9; 16]),
        round,
        convicted: Vec::new(),
        first_turn,
        held,
    }
}

fn held(bits: usize) -> HeldTurn {
    HeldTurn {
        package: [0xff; 8],
        members: vec![0xff; bits],
    }
}

#[test]
fn r01_oversized_and_unreadable_pulls_are_noise() {
    let (mut world, spend, group) = signing();
    let limit = Kind::Pull.frame_bytes_max(world.nodes[0].seat.sizes());
    let good = pull(&world, &spend, &group, &asked(0, 0, vec![held(0)]));
    // Signed by its author, and too large all the same.
    let large = pull(
        &world,
        &spend,
        &group,
        &asked(0, 0, vec![held(limit - 146)]),
    );
    assert_eq!(large.len(), limit + 1);
    let mut foreign = good.clone();
    foreign[5] ^= 1;
    let noise = [
        vec![10],
        vec![10; 300],
        good[..120].to_vec(),
        large,
        foreign,
    ];
    assert_eq!(heard(&mut world, &noise), (noise.len() as u64, 0));
    // Our own commitments come back.
    assert_eq!(heard(&mut world, &[good]), (0, 1));
}

#[test]
fn a_signed_pull_that_means_nothing_is_answered_with_what_there_is_or_nothing() {
    let (mut world, spend, group) = signing();
    let far = asked(u32::MAX, u32::MAX, vec![held(2); 64]);
    let too_many = asked(0, 0, vec![held(0); 65]);
    let has_all = asked(7, 0, vec![held(2)]);
    let no_bits = asked(7, 0, vec![held(0)]);
    let more_bits = asked(7, 0, vec![held(700)]);
    for (asked, answers) in [
        (far, 0),
        (too_many, 0),
        (has_all, 0),
        (no_bits, 1),
        (more_bits, 0),
    ] {
        let bytes = pull(&world, &spend, &group, &asked);
        assert_eq!(heard(&mut world, &[bytes]), (0, answers), "{asked:?}");
    }
}

/// A pull is for its author, whoever hands it over.
#[test]
fn an_answer_goes_to_the_author_of_the_question() {
    let (mut world, spend, group) = signing();
    let good = pull(&world, &spend, &group, &asked(0, 0, vec![held(0)]));
    let from = FromPeer::authenticated(OperatorIndex(4), good);
    world.turn(0, hardfrost_seat::Input::Peer(from));
    let to: Vec<usize> = world.letters.iter().map(|letter| letter.to).collect();
    assert_eq!(to, [1]);
    world.run_for(Duration::from_secs(60));
    world.assert_all_signed(&spend);
}

/// A question that somebody else hands over again and again costs its author nothing.
#[test]
fn n03_replayed_questions_use_up_nobody_elses_answers() {
    let (mut world, spend, group) = signing();
    let old = pull(&world, &spend, &group, &asked(0, 0, vec![held(0)]));
    for round in 0..40 {
        let other = pull(&world, &spend, &group, &asked(round, 0, vec![held(0)]));
        world.hand_from(4, 0, &other);
        world.hand_from(4, 0, &old);
    }
    world.letters.clear();
    let own = pull(&world, &spend, &group, &asked(77, 0, vec![held(0)]));
    world.hand_from(1, 0, &own);
    assert_eq!(world.letters.len(), 1);
    assert_eq!(world.letters[0].to, 1);
}

/// Slander is judged so often and no more; what a peer of good repute hands over is.
#[test]
fn n03_a_peer_whose_proofs_prove_nothing_is_not_listened_to() {
    let (mut world, spend, group) = signing();
    let context = spend.terms(&group, &world.roster, "one").context(1);
    let (head, roster) = (context.hash(), Arc::clone(&world.roster));
    // Member 3 says two things, in these two lives of his.
    let double = |lives: [u8; 2]| {
        let [a, b] = [1, 2].map(|which: u8| {
            let payload = CommitmentsPayload {
                incarnation: Incarnation([lives[usize::from(which) - 1]; 16]),
                hiding: [which; 33],
                binding: [2; 33],
                refuses: Vec::new(),
            };
            let (context, author) = (head, member(3));
            let frame = Frame::sign(Head { context, author }, &payload, &key(author));
            frame.verify(&roster).unwrap()
        });
        let kind = EvidenceKind::DoubleCommitments;
        Evidence::double(kind, &context, &a, &b).to_frame()
    };
    let convicted = |world: &World| {
        let told = |event: &Event| matches!(event, Event::Convicted(m, _) if *m == member(3));
        world.nodes[0].events.iter().any(told)
    };
    for life in 0..100 {
        world.hand_from(4, 0, &double([life, life + 1]));
    }
    world.hand_from(4, 0, &double([9, 9]));
    assert!(!convicted(&world));
    world.hand_from(1, 0, &double([9, 9]));
    assert!(convicted(&world));
}
