//! Whoever spoils a ceremony stops it and is named; every member forgets its secrets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks at one variant and passes the others on"
)]

mod hall;

use borsh::{BorshDeserialize, BorshSerialize};
use hall::{at, faithful, honest, member, otherwise, say, Hall, PATIENCE};
use hardfrost_dkg::{Answer, CancelError, CeremonyFault, Need, Step};
use hardfrost_frost::dkg::{deal, DkgFault, Round1, Seat};
use hardfrost_frost::Region;
use hardfrost_primitives::{Hash32, Member};
use hardfrost_wire::{EchoPayload, Frame, Kind, Payload, Round1Payload, Round2Payload};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

#[derive(BorshSerialize, BorshDeserialize)]
struct Garbage([u8; 3]);

#[derive(BorshSerialize, BorshDeserialize)]
struct GarbageConfirmation([u8; 3]);

impl Payload for Garbage {
    const KIND: Kind = Kind::DkgRound1;
}

impl Payload for GarbageConfirmation {
    const KIND: Kind = Kind::DkgConfirm;
}

/// The honest members, by number, end with these faults, forget their secrets and certify nothing.
/// These have told of a fault, and go on waiting for a certificate that may still be made.
fn assert_waits(hall: &Hall, faults: &[(u16, CeremonyFault)]) {
    for (number, fault) in faults {
        let node = &hall.nodes[&member(*number)];
        assert_eq!(node.fault.as_ref(), Some(fault), "member {number}");
        assert!(node.certificate.is_none());
        assert!(!node.was_told_to_discard());
        assert_eq!(node.ceremony.awaited().0, Step::Pending);
    }
}

fn assert_ends(hall: &Hall, faults: &[(u16, CeremonyFault)]) {
    for (number, fault) in faults {
        let node = &hall.nodes[&member(*number)];
        assert_eq!(node.fault.as_ref(), Some(fault), "member {number}");
        assert!(node.certificate.is_none());
        assert!(node.was_told_to_discard());
        let discards = node.asked.iter().filter(|need| **need == Need::Discard);
        assert_eq!(discards.count(), 1);
    }
}

/// A contribution of member 1 that is not the one it sent.
fn another_contribution(hall: &Hall) -> Round1 {
    let seat = Seat {
        ceremony: hall.descriptor.id(),
        member: member(1),
        threshold: hall.descriptor.threshold,
        count: hall.descriptor.count,
    };
    let mut rng = ChaCha20Rng::seed_from_u64(77);
    deal(seat, &Region::new().unwrap(), &mut rng).unwrap().1
}

fn shown(frame: &Frame, round1: Round1) -> Frame {
    let payload = Round1Payload {
        commitment: round1.commitment,
        proof_of_knowledge: round1.proof_of_knowledge,
        ephemeral: round1.ephemeral,
        possession: round1.possession,
    };
    say(frame.head().author, frame.head().context, &payload)
}

#[test]
fn k01_a_dealer_that_shows_two_faces_stops_everybody_before_anything_is_sealed() {
    let mut hall = Hall::new((2, 3), 1, &mut honest);
    let other = another_contribution(&hall);
    hall.run(&mut honest, &mut |from, to, frame| {
        let split = from == member(1) && to == member(2) && frame.kind() == Kind::DkgRound1;
        vec![if split {
            shown(&frame, other.clone())
        } else {
            frame
        }]
    });
    let differs = |echoer| CeremonyFault::EchoDiffers {
        echoer: member(echoer),
        dealer: member(1),
    };
    assert_ends(&hall, &[(1, differs(2)), (2, differs(1)), (3, differs(2))]);
    assert!(hall.nodes.values().all(|node| !node.was_asked_to_seal()));
    // Which of the two lied cannot be told from an echo alone.
    assert_eq!(differs(2).culprit(), None);
}

#[test]
fn k01_a_dealer_whose_two_bodies_meet_is_named() {
    let mut hall = Hall::new((2, 3), 2, &mut honest);
    let other = another_contribution(&hall);
    hall.run(&mut honest, &mut |from, to, frame| {
        let both = from == member(1) && to == member(3) && frame.kind() == Kind::DkgRound1;
        if both {
            vec![frame.clone(), shown(&frame, other.clone())]
        } else {
            vec![frame]
        }
    });
    let fault = CeremonyFault::TwoBodies(member(1));
    assert_eq!(fault.culprit(), Some(member(1)));
    assert_ends(&hall, &[(3, fault)]);
    assert!(hall.nodes.values().all(|node| node.certificate.is_none()));
}

/// Member 1's engine answers something else to its first question; everybody else ends with this fault of member 1.
fn spoilt_contribution(seed: u64, spoil: impl Fn(&mut Round1), fault: DkgFault) {
    let mut alter = |who: Member, answer: Answer| match answer {
        Answer::Dealt(mut shown) if who == member(1) => {
            spoil(&mut shown);
            Answer::Dealt(shown)
        }
        other => other,
    };
    let mut hall = Hall::new((2, 3), seed, &mut alter);
    hall.run(&mut honest, &mut faithful);
    let named = CeremonyFault::Contribution(fault);
    assert_ends(&hall, &[(2, named.clone()), (3, named.clone())]);
    assert_eq!(named.culprit(), Some(member(1)));
}

#[test]
fn a_contribution_without_proof_of_knowledge_names_its_dealer() {
    let dealer = member(1);
    spoilt_contribution(
        3,
        |shown| shown.proof_of_knowledge[63] ^= 1,
        DkgFault::ProofOfKnowledge(dealer),
    );
}

#[test]
fn a_contribution_without_proof_of_possession_names_its_dealer() {
    let dealer = member(1);
    spoilt_contribution(
        4,
        |shown| shown.possession[63] ^= 1,
        DkgFault::Possession(dealer),
    );
}

#[test]
fn a_contribution_of_another_degree_names_its_dealer() {
    let dealer = member(1);
    spoilt_contribution(
        5,
        |shown| shown.commitment.truncate(1),
        DkgFault::Commitment(dealer),
    );
}

#[test]
fn a_share_that_does_not_open_stops_its_recipient_and_names_the_dealer() {
    let mut alter = |who: Member, answer: Answer| match answer {
        Answer::Sealed(mut sealed) if who == member(1) => {
            sealed.get_mut(&member(2)).unwrap()[0] ^= 1;
            Answer::Sealed(sealed)
        }
        other => other,
    };
    let mut hall = Hall::new((2, 3), 6, &mut honest);
    hall.run(&mut alter, &mut faithful);
    let fault = CeremonyFault::Contribution(DkgFault::Sealed(member(1)));
    assert_eq!(fault.culprit(), Some(member(1)));
    assert_ends(&hall, &[(2, fault)]);
    // The others hold shares, but nobody certifies a key that member 2 has no share of.
    assert!(hall.nodes.values().all(|node| node.certificate.is_none()));
}

#[test]
fn a_share_that_does_not_fit_its_dealers_commitment_names_the_dealer() {
    let other = another_contribution(&Hall::new((2, 3), 7, &mut honest));
    let mut alter = |who: Member, answer: Answer| match answer {
        // The commitment and its proof are of a polynomial whose shares nobody will get.
        Answer::Dealt(shown) if who == member(1) => Answer::Dealt(Round1 {
            commitment: other.commitment.clone(),
            proof_of_knowledge: other.proof_of_knowledge,
            ..shown
        }),
        answer => answer,
    };
    let mut hall = Hall::new((2, 3), 7, &mut alter);
    hall.run(&mut honest, &mut faithful);
    let named = CeremonyFault::Contribution(DkgFault::Share(member(1)));
    assert_ends(&hall, &[(2, named.clone()), (3, named)]);
}

#[test]
fn an_echo_of_another_body_stops_the_ceremony() {
    let mut hall = Hall::new((2, 3), 8, &mut honest);
    let roster = hall.roster.clone();
    hall.run(&mut honest, &mut |from, _, frame| {
        if from != member(3) || frame.kind() != Kind::DkgEcho {
            return vec![frame];
        }
        let lie = |echo: &mut EchoPayload| echo.bodies[1] = Hash32([0; 32]);
        vec![otherwise(&frame, &roster, lie)]
    });
    let fault = CeremonyFault::EchoDiffers {
        echoer: member(3),
        dealer: member(2),
    };
    assert_ends(&hall, &[(1, fault.clone()), (2, fault)]);
}

#[test]
fn an_echo_or_a_sealed_body_of_another_size_is_malformed() {
    for kind in [Kind::DkgEcho, Kind::DkgRound2] {
        let mut hall = Hall::new((2, 3), 9, &mut honest);
        let roster = hall.roster.clone();
        hall.run(&mut honest, &mut |from, _, frame| {
            vec![match frame.kind() {
                it if it != kind || from != member(3) => frame,
                Kind::DkgEcho => otherwise(&frame, &roster, |echo: &mut EchoPayload| {
                    echo.bodies.push(Hash32([0; 32]));
                }),
                _ => otherwise(&frame, &roster, |body: &mut Round2Payload| {
                    body.sealed.push([0; 48]);
                }),
            }]
        });
        let fault = CeremonyFault::Malformed(member(3));
        assert_eq!(fault.culprit(), Some(member(3)));
        assert_ends(&hall, &[(1, fault.clone()), (2, fault)]);
    }
}

#[test]
fn a_signed_contribution_that_does_not_parse_names_its_author() {
    let mut hall = Hall::new((2, 3), 10, &mut honest);
    hall.run(&mut honest, &mut |from, _, frame| {
        let head = frame.head();
        match (from.number(), frame.kind()) {
            (1, Kind::DkgRound1) => vec![say(head.author, head.context, &Garbage([1, 2, 3]))],
            // Member 1 echoes what the others do, so that its lie about its own body does not show first.
            (1, Kind::DkgEcho) => Vec::new(),
            (_, Kind::DkgEcho) => {
                let echo = frame.clone().verify(&hall::roster(3)).unwrap();
                let echo: EchoPayload = echo.payload().unwrap();
                vec![frame, say(member(1), head.context, &echo)]
            }
            _ => vec![frame],
        }
    });
    let fault = CeremonyFault::Malformed(member(1));
    assert_ends(&hall, &[(2, fault.clone()), (3, fault)]);
    assert!(!hall.nodes[&member(2)].was_asked_to_seal());
}

#[test]
fn a_signed_confirmation_that_does_not_parse_names_its_author() {
    let mut hall = Hall::new((2, 3), 11, &mut honest);
    hall.run(&mut honest, &mut |from, _, frame| {
        let head = frame.head();
        vec![match (from.number(), frame.kind()) {
            (2, Kind::DkgConfirm) => {
                say(head.author, head.context, &GarbageConfirmation([1, 2, 3]))
            }
            _ => frame,
        }]
    });
    let fault = CeremonyFault::Malformed(member(2));
    assert_waits(&hall, &[(1, fault.clone()), (3, fault)]);
}

#[test]
fn a_confirmation_of_another_key_names_its_author() {
    let mut stranger = Hall::new((2, 3), 12, &mut honest);
    stranger.run(&mut honest, &mut faithful);
    let other = stranger.certificate(1).unwrap();
    let other = other.verify(&stranger.roster).unwrap();
    let mut alter = |who: Member, answer: Answer| match answer {
        Answer::Pending(_) if who == member(2) => Answer::Pending(other.clone()),
        answer => answer,
    };
    let mut hall = Hall::new((2, 3), 13, &mut honest);
    hall.run(&mut alter, &mut faithful);
    let fault = CeremonyFault::ConfirmDiffers(member(2));
    assert_eq!(fault.culprit(), Some(member(2)));
    assert_waits(&hall, &[(1, fault.clone()), (3, fault)]);
}

#[test]
fn an_engine_that_refuses_is_nobody_elses_fault() {
    let mut refuse = |who: Member, answer: Answer| match answer {
        Answer::Dealt(_) if who == member(2) => Answer::Refused("full".into()),
        other => other,
    };
    let mut hall = Hall::new((2, 3), 14, &mut refuse);
    hall.run(&mut honest, &mut faithful);
    let fault = CeremonyFault::Engine("full".into());
    assert_eq!(fault.culprit(), None);
    assert_ends(&hall, &[(2, fault)]);
    assert_eq!(hall.fault(1), None);
}

#[test]
fn an_operator_ends_a_ceremony_before_its_confirmation_is_out_and_not_after() {
    let mut hall = Hall::new((2, 3), 8, &mut honest);
    // Nothing of member 3 arrives: the others wait for its contribution.
    let silent = |from: Member, _: Member, frame: Frame| match from {
        from if from == member(3) => Vec::new(),
        _ => vec![frame],
    };
    hall.run(&mut honest, &mut silent.clone());
    hall.cancel(1).unwrap();
    assert_ends(&hall, &[(1, CeremonyFault::Cancelled)]);
    assert_eq!(hall.cancel(1), Err(CancelError::Over));
    // The others' end comes with their deadline.
    hall.wait(at(PATIENCE));
    let awaited = |number| CeremonyFault::Silent(vec![member(number)]);
    assert_ends(&hall, &[(2, awaited(3))]);

    let mut hall = Hall::new((2, 3), 9, &mut honest);
    let mut unconfirmed = |_: Member, _: Member, frame: Frame| match frame.kind() {
        Kind::DkgConfirm => Vec::new(),
        _ => vec![frame],
    };
    hall.run(&mut honest, &mut unconfirmed);
    assert_eq!(hall.cancel(1), Err(CancelError::Confirmed));
    hall.wait(at(PATIENCE));
    assert_waits(
        &hall,
        &[(1, CeremonyFault::Silent(vec![member(2), member(3)]))],
    );
    assert_eq!(hall.cancel(1), Err(CancelError::Confirmed));
}

/// Our share may be on the disk already, and our confirmation follows it: a restart would find the one, and send the
/// other.
#[test]
fn a_ceremony_whose_share_is_being_written_is_not_ended() {
    let mut hall = Hall::new((2, 3), 10, &mut honest);
    let mut held = Vec::new();
    hall.run(&mut honest, &mut |_, to, frame| {
        if to == member(1) && frame.kind() == Kind::DkgRound2 {
            held.push(frame);
            return Vec::new();
        }
        vec![frame]
    });
    let (roster, now) = (hall.roster.clone(), hall.now);
    let node = hall.nodes.get_mut(&member(1)).unwrap();
    assert_eq!(node.ceremony.may_be_cancelled(), Ok(()));
    for frame in held {
        let frame = frame.verify(&roster).unwrap();
        // The engine is asked to open the shares, and has not answered.
        drop(node.ceremony.frame(&hall::key(member(1)), now, frame));
    }
    assert_eq!(node.ceremony.awaited().0, Step::OwnEngine);
    assert_eq!(node.ceremony.cancel().unwrap_err(), CancelError::Confirmed);
}
