#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Key generation as the engine lives it: secrets inside, every step once, and no key before its certificate.

use std::collections::BTreeMap;

use hardfrost_engine::{
    serve, CeremonySeat, Code, Command, DkgError, DkgOpen, Engine, HeldKey, Install, Log, LogError,
    MemoryLog, Rejection, Reply, Staged, Ticket,
};
use hardfrost_frost::dkg::{DkgFault, SealedShare};
use hardfrost_primitives::{Hash32, Limits};

mod support;

use support::pair::{at_seat, engine, install, rng, seat, Pair, TRANSCRIPT};
use support::{at, code, durable, member, Bench, Group, Scripted, CERTIFICATE, CERTIFICATE_FILE};

fn rejected(error: Option<DkgError>) -> Option<Code> {
    match error? {
        DkgError::Rejected(rejection) => Some(rejection.code()),
        DkgError::Fault(_) => None,
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    for (threshold, count) in [(0, 3), (1, 3), (4, 3), (2, 1)] {
        let refused = engine().dkg_deal(seat(1, threshold, count), &mut rng(1));
        assert_eq!(refused, Err(DkgError::Fault(DkgFault::Size)));
    }
    let large = engine().dkg_deal(seat(1, 2, 129), &mut rng(1)).err();
    assert_eq!(rejected(large), Some(Code::ValidationError));
}

#[test]
fn every_step_is_taken_once_and_in_order() {
    let mut pair = Pair::dealt();
    let early = DkgOpen {
        seat: at_seat(1),
        sealed: BTreeMap::new(),
        transcript: TRANSCRIPT,
    };
    let early = pair.engines[0].dkg_open(early).err();
    assert_eq!(rejected(early), Some(Code::ValidationError));
    let again = pair.engines[0].dkg_deal(seat(1, 2, 2), &mut rng(9)).err();
    assert_eq!(rejected(again), Some(Code::SessionConflict));
    let open = pair.sealed();
    let request = pair.seal_request(1);
    let twice = pair.engines[0].dkg_seal(request).err();
    assert_eq!(rejected(twice), Some(Code::ValidationError));
    let mut log = MemoryLog::default();
    let engine = &mut pair.engines[0];
    let staged = engine.dkg_open(open.clone()).unwrap();
    let group = engine
        .release_pending_key(durable(staged, &mut log))
        .unwrap();
    assert_eq!((group.threshold(), group.count()), (2, 2));
    let twice = engine.dkg_open(open).err();
    assert_eq!(rejected(twice), Some(Code::SessionConflict));
    let redealt = engine.dkg_deal(seat(1, 2, 2), &mut rng(9)).err();
    assert_eq!(rejected(redealt), Some(Code::SessionConflict));
    // Also after the key is installed: one ceremony, one share.
    let staged = engine.install(install(CERTIFICATE)).unwrap();
    engine.release_install(durable(staged, &mut log)).unwrap();
    let redealt = engine.dkg_deal(seat(1, 2, 2), &mut rng(9)).err();
    assert_eq!(rejected(redealt), Some(Code::SessionConflict));
}

#[test]
fn a_bad_contribution_names_its_author_and_ends_the_ceremony() {
    let mut pair = Pair::dealt();
    let mut request = pair.seal_request(1);
    request.others.get_mut(&member(2)).unwrap().possession[5] ^= 1;
    let fault = pair.engines[0].dkg_seal(request).err();
    assert_eq!(
        fault,
        Some(DkgError::Fault(DkgFault::Possession(member(2))))
    );
    let gone = pair.seal_request(1);
    let gone = pair.engines[0].dkg_seal(gone).err();
    assert_eq!(rejected(gone), Some(Code::ValidationError));

    let mut pair = Pair::dealt();
    let mut open = pair.sealed();
    let sealed: &mut SealedShare = open.sealed.get_mut(&member(2)).unwrap();
    sealed[0] ^= 1;
    let fault = pair.engines[0].dkg_open(open.clone()).err();
    assert_eq!(fault, Some(DkgError::Fault(DkgFault::Sealed(member(2)))));
    sealed_again(&mut open);
    let gone = pair.engines[0].dkg_open(open).err();
    assert_eq!(rejected(gone), Some(Code::ValidationError));
}

fn sealed_again(open: &mut DkgOpen) {
    open.sealed.get_mut(&member(2)).unwrap()[0] ^= 1;
}

#[test]
fn a_pending_key_signs_nothing_before_its_certificate() {
    let mut pair = Pair::dealt();
    let open = pair.sealed();
    let mut log = MemoryLog::default();
    let staged = pair.engines[0].dkg_open(open).unwrap();
    let pending = durable(staged, &mut log);
    let group = pair.engines[0].release_pending_key(pending).unwrap();
    assert!(pair.engines[0].group(group.key_group()).is_none());
    let mut recovered =
        Engine::recover(Limits::default(), [].into(), &log.replay().unwrap()).unwrap();
    assert!(recovered.group(group.key_group()).is_none());
    // The pending share survives the restart and is installed when the certificate comes.
    let staged = recovered.install(install(CERTIFICATE)).unwrap();
    recovered
        .release_install(durable(staged, &mut log))
        .unwrap();
    let (seats, certificate) = recovered.seats(group.key_group()).unwrap();
    assert!(seats.into_iter().eq([member(1)]));
    assert_eq!(certificate, CERTIFICATE);
}

#[test]
fn installing_again_changes_nothing_and_otherwise_conflicts() {
    let mut group = Group::new(2, 3);
    let ceremony = Hash32([1; 32]);
    let again = Install {
        seat: CeremonySeat {
            ceremony,
            member: member(1),
        },
        certificate: CERTIFICATE,
        file: CERTIFICATE_FILE.to_vec(),
    };
    let node = group.node(1);
    let staged = node.engine.install(again.clone()).unwrap();
    let other = Install {
        certificate: Hash32([0; 32]),
        ..again.clone()
    };
    assert_eq!(
        code(node.engine.install(other.clone())),
        Some(Code::SessionConflict)
    );
    let committed = durable(staged, &mut node.log);
    node.engine.release_install(committed).unwrap();
    assert_eq!(
        code(node.engine.install(other)),
        Some(Code::SessionConflict)
    );
    let foreign = Install {
        seat: CeremonySeat {
            ceremony,
            member: member(2),
        },
        ..again
    };
    assert_eq!(
        code(node.engine.install(foreign)),
        Some(Code::ValidationError)
    );
    node.restart();
    Bench::of(group).sign(1, &[1, 2]);
}

/// The engine cannot read a certificate, but what it keeps is bounded by the size of the group.
#[test]
fn a_certificate_is_kept_as_it_came_and_has_a_possible_size() {
    let mut pair = Pair::dealt();
    let open = pair.sealed();
    let mut log = MemoryLog::default();
    let engine = &mut pair.engines[0];
    let staged = engine.dkg_open(open).unwrap();
    let group = engine
        .release_pending_key(durable(staged, &mut log))
        .unwrap();
    for length in [0, 1024 + 512 * 2 + 40 * 4 + 1, 1 << 24] {
        let mut request = install(CERTIFICATE);
        request.file = vec![7; length];
        let refused = code(engine.install(request));
        assert_eq!(refused, Some(Code::ValidationError), "{length}");
    }
    assert!(engine.held_keys().is_empty());
    let staged = engine.install(install(CERTIFICATE)).unwrap();
    engine.release_install(durable(staged, &mut log)).unwrap();
    let recovered = Engine::recover(Limits::default(), [].into(), &log.replay().unwrap()).unwrap();
    let expected = HeldKey {
        public: group,
        share_epoch: 0,
        seats: [member(1)].into(),
        certificate: CERTIFICATE,
        file: CERTIFICATE_FILE.into(),
    };
    assert_eq!(recovered.held_keys(), [expected]);
    assert_eq!(engine.held_keys(), recovered.held_keys());
}

/// A batch may hold what contradicts itself. Whatever becomes durable must read back.
#[test]
fn contradicting_installs_in_one_batch_never_reach_the_log_together() {
    let mut pair = Pair::dealt();
    let open = pair.sealed();
    let mut log = MemoryLog::default();
    let engine = &mut pair.engines[0];
    let staged = engine.dkg_open(open).unwrap();
    engine
        .release_pending_key(durable(staged, &mut log))
        .unwrap();
    let certificates = [CERTIFICATE, Hash32([0; 32]), CERTIFICATE];
    let commands = (0..)
        .map(Ticket)
        .zip(certificates.map(|c| Command::Install(install(c))));
    let mut replies = serve(engine, &mut log, at(0), &mut rng(1), commands.collect());
    replies.sort_by_key(|(ticket, _)| *ticket);
    assert!(matches!(replies[0].1, Reply::Installed(_)), "{replies:?}");
    let conflict = |reply: &Reply| matches!(reply, Reply::Rejected(Rejection::SessionConflict(_)));
    assert!(conflict(&replies[1].1), "{replies:?}");
    assert!(matches!(replies[2].1, Reply::Installed(_)), "{replies:?}");
    assert!(Engine::recover(Limits::default(), [].into(), &log.replay().unwrap()).is_ok());
}

#[test]
fn an_install_that_was_not_written_may_be_tried_again_under_any_certificate() {
    let mut pair = Pair::dealt();
    let open = pair.sealed();
    let mut log = MemoryLog::default();
    let engine = &mut pair.engines[0];
    let staged = engine.dkg_open(open).unwrap();
    engine
        .release_pending_key(durable(staged, &mut log))
        .unwrap();
    let staged = engine.install(install(Hash32([0; 32]))).unwrap();
    let mut failing = Scripted::failing(LogError::NotWritten);
    let not = Staged::commit_all(vec![staged], &mut failing)
        .err()
        .unwrap();
    engine.withdraw_install(not);
    let staged = engine.install(install(CERTIFICATE)).unwrap();
    let mut failing = Scripted::failing(LogError::Unknown);
    let not = Staged::commit_all(vec![staged], &mut failing)
        .err()
        .unwrap();
    engine.withdraw_install(not);
    let refused = code(engine.install(install(CERTIFICATE)));
    assert_eq!(refused, Some(Code::StorageFault));
}

#[test]
fn two_seats_of_a_ceremony_live_in_one_engine() {
    let seats = [vec![1, 3], vec![2]];
    let mut bench = Bench::of(Group::seated(2, &seats, Limits::default()));
    let key_group = bench.signing.public.key_group().clone();
    let (seats, _) = bench.node(1).engine.seats(&key_group).unwrap();
    assert!(seats.into_iter().eq([member(1), member(3)]));
    bench.sign(1, &[1, 3]);
}

#[test]
fn an_aborted_ceremony_forgets_its_secrets() {
    let mut pair = Pair::dealt();
    pair.engines[0].dkg_abort(at_seat(1));
    let request = pair.seal_request(1);
    let gone = pair.engines[0].dkg_seal(request).err();
    assert_eq!(rejected(gone), Some(Code::ValidationError));
    let fresh = pair.engines[0]
        .dkg_deal(seat(1, 2, 2), &mut rng(9))
        .unwrap();
    assert_ne!(fresh, pair.shown[&member(1)]);
}

#[test]
fn only_so_many_ceremonies_run_at_once() {
    let mut engine = engine();
    for number in 1..=16 {
        engine
            .dkg_deal(seat(number, 2, 20), &mut rng(number))
            .unwrap();
    }
    let full = engine.dkg_deal(seat(17, 2, 20), &mut rng(17)).err();
    assert_eq!(rejected(full), Some(Code::CapacityExceeded));
    engine.dkg_abort(at_seat(3));
    engine.dkg_deal(seat(17, 2, 20), &mut rng(17)).unwrap();
}

/// While a step is computed without the engine, nothing else takes the ceremony's place, and whoever ends it has the
/// last word.
#[test]
fn a_step_under_way_is_nobodys_else_and_does_not_outlive_its_ceremony() {
    let mut pair = Pair::dealt();
    let request = pair.seal_request(1);
    let engine = &mut pair.engines[0];
    let job = engine.dkg_seal_begin(request.clone()).unwrap();
    let twice = engine.dkg_seal(request.clone()).err();
    assert_eq!(rejected(twice), Some(Code::ValidationError));
    let redealt = engine.dkg_deal(seat(1, 2, 2), &mut rng(9)).err();
    assert_eq!(rejected(redealt), Some(Code::SessionConflict));
    engine.dkg_seal_end(job.run()).unwrap();

    let mut pair = Pair::dealt();
    let open = pair.sealed();
    let engine = &mut pair.engines[0];
    let job = engine.dkg_open_begin(open.clone()).unwrap();
    engine.dkg_abort(at_seat(1));
    assert_eq!(engine.status().ceremonies, 0);
    let late = engine.dkg_open_end(job.run()).err();
    assert_eq!(rejected(late), Some(Code::ValidationError));
    assert_eq!(engine.status().ceremonies, 0);
    let gone = engine.dkg_open(open).err();
    assert_eq!(rejected(gone), Some(Code::ValidationError));
}
