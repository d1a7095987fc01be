//! A true proof of every kind convicts the right member, and the checked-in ones go on convicting it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hardfrost_evidence::{Evidence, EvidenceFile, EvidenceKind, FileError, Verdict};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, KeySpec, Taproot};
use hardfrost_wire::{Kind, Roster, SharePayload, Sizes};
use room::{member, say, Life, Room, Truth};

/// The checked-in files: name, bytes, whom it convicts.
const CORPUS: [(&str, &[u8], u16); 5] = [
    (
        "invalid-share.bin",
        include_bytes!("../../../vectors/evidence/invalid-share.bin"),
        2,
    ),
    (
        "double-share.bin",
        include_bytes!("../../../vectors/evidence/double-share.bin"),
        2,
    ),
    (
        "double-commitments.bin",
        include_bytes!("../../../vectors/evidence/double-commitments.bin"),
        2,
    ),
    (
        "double-package.bin",
        include_bytes!("../../../vectors/evidence/double-package.bin"),
        COORDINATOR,
    ),
    (
        "malformed-package.bin",
        include_bytes!("../../../vectors/evidence/malformed-package.bin"),
        COORDINATOR,
    ),
];

/// Who coordinates attempt 1 of the corpus.
const COORDINATOR: u16 = 3;
const ROSTER: &[u8] = include_bytes!("../../../vectors/evidence/roster.bin");
const GROUP: &[u8] = include_bytes!("../../../vectors/evidence/group-public.bin");

fn corpus_room() -> Room {
    Room::new((3, 5), 1)
}

fn file(truth: &Truth, roster: &Roster) -> Vec<u8> {
    EvidenceFile::new(truth.proof(), roster, Vec::new()).to_bytes()
}

fn sizes() -> Sizes {
    Sizes {
        threshold: 3,
        count: 5,
    }
}

#[test]
fn a_true_proof_of_every_kind_convicts_the_right_member() {
    for (size, seed) in [((2, 3), 3), ((3, 5), 1), ((5, 5), 2)] {
        let room = Room::new(size, seed);
        for number in [1, 2, 7] {
            let mut context = room.context(number);
            if number == 7 {
                context.key_spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
            }
            let mut truths = room.truths(&context).to_vec();
            if size == (5, 5) {
                // All five chosen is well-formed there, and no second choice exists.
                truths.truncate(3);
            }
            for truth in truths {
                let judged = room.judge(&truth.proof());
                assert_eq!(judged, Verdict::Convicts(truth.guilty), "{:?}", truth.kind);
                assert_eq!(truth.proof().accused(), Some(truth.guilty));
                assert_eq!(truth.proof().kind(), truth.kind);
                assert_eq!(truth.proof().session(), Some(context.session.clone()));
            }
        }
    }
}

#[test]
fn a_share_that_is_no_scalar_convicts() {
    let room = corpus_room();
    let context = room.context(1);
    let truth = room.invalid_share(&context, 2);
    let package = room.parse(&truth.frames[0]);
    let good = room.share(Life(2, 0), &context, &package);
    for share in [[0xff; 32], [0; 32]] {
        let said = SharePayload {
            share,
            ..good.clone()
        };
        let share = say(member(2), &context, &said);
        let proof = truth.with(&[truth.frames[0].clone(), share.as_bytes().to_vec()]);
        assert_eq!(room.judge(&proof), Verdict::Convicts(member(2)));
    }
}

/// Nonces do not outlive a process, so no honest member has shares for one package in two incarnations.
#[test]
fn two_shares_for_one_package_convict_across_incarnations() {
    let room = corpus_room();
    let context = room.context(1);
    let package = room.package(&context, &[1, 2, 3]);
    let first = room.share(Life(2, 0), &context, &package);
    let second = SharePayload {
        incarnation: Life(2, 1).incarnation(),
        ..first.clone()
    };
    let frames = [first, second].map(|share| room.verified(&say(member(2), &context, &share)));
    let proof = Evidence::double(EvidenceKind::DoubleShare, &context, &frames[0], &frames[1]);
    assert_eq!(room.judge(&proof), Verdict::Convicts(member(2)));
}

/// The coordinator and whom it lets in against the attempt's own sets cannot shield each other.
#[test]
fn a_package_that_chooses_an_excluded_member_convicts_its_coordinator() {
    let room = corpus_room();
    let mut context = room.context(1);
    context.included.remove(&member(4));
    context.excluded.insert(member(4));
    let coordinator = context.coordinator().unwrap();
    let package = room.verified(&room.package(&context, &[1, 2, 4]));
    let proof = Evidence::malformed_package(&context, &package);
    assert_eq!(room.judge(&proof), Verdict::Convicts(coordinator));
    let package = room.verified(&room.package(&context, &[1, 2, 5]));
    let proof = Evidence::malformed_package(&context, &package);
    assert!(matches!(room.judge(&proof), Verdict::Indeterminate(_)));
}

#[test]
fn proofs_and_files_read_back_as_they_were() {
    let room = corpus_room();
    for truth in room.truths(&room.context(1)) {
        let proof = truth.proof();
        let frame = proof.to_frame();
        assert_eq!(Evidence::from_frame(&frame), Some(proof.clone()));
        assert!(frame.len() <= Kind::Evidence.frame_bytes_max(sizes()));
        let written = EvidenceFile::new(proof, &room.roster, vec![1, 2, 3]);
        let read = EvidenceFile::from_bytes(&written.to_bytes()).unwrap();
        assert_eq!(read, written);
        assert_eq!(Roster::from_bytes(&read.roster).as_ref(), Ok(&*room.roster));
        assert_eq!(read.certificate, [1, 2, 3]);
    }
}

#[test]
fn whoever_proves_it_makes_the_same_proof() {
    let room = corpus_room();
    let truth = room.double_commitments(&room.context(1), 2);
    let frames = [0, 1].map(|i| room.verified(&room.parse(&truth.frames[i])));
    let [a, b] = [(0, 1), (1, 0)]
        .map(|(i, j)| Evidence::double(truth.kind, &truth.context, &frames[i], &frames[j]));
    assert_eq!(a.hash(), b.hash());
}

#[test]
fn the_checked_in_proofs_still_convict() {
    let roster = Roster::from_bytes(ROSTER).unwrap();
    let public = GroupPublic::from_bytes(GROUP).unwrap();
    let rosters = BTreeMap::from([(roster.hash(), Arc::new(roster))]);
    let publics = BTreeMap::from([(public.hash(), Arc::new(public))]);
    for (name, bytes, guilty) in CORPUS {
        let file = EvidenceFile::from_bytes(bytes).unwrap();
        assert_eq!(name, format!("{}.bin", file.evidence.kind()));
        assert_eq!(file.roster, ROSTER);
        let judged = file.evidence.verify(&rosters, &publics);
        assert_eq!(judged, Verdict::Convicts(member(guilty)), "{name}");
    }
}

#[test]
fn the_checked_in_bytes_are_made_again() {
    let room = corpus_room();
    assert_eq!(room.roster.to_bytes(), ROSTER);
    assert_eq!(room.public.to_bytes(), GROUP);
    for (truth, (name, bytes, _)) in room.truths(&room.context(1)).iter().zip(CORPUS) {
        assert_eq!(
            Hash32::of(&file(truth, &room.roster)),
            Hash32::of(bytes),
            "{name}"
        );
    }
}

/// Writes the corpus anew: `cargo test -p hardfrost-evidence --test corpus -- --ignored`.
#[test]
#[ignore = "writes the checked-in files"]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that writes the corpus"
)]
fn write_the_corpus() {
    let at = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/evidence");
    let room = corpus_room();
    for (truth, (name, _, _)) in room.truths(&room.context(1)).iter().zip(CORPUS) {
        std::fs::write(at.join(name), file(truth, &room.roster)).unwrap();
    }
    std::fs::write(at.join("roster.bin"), room.roster.to_bytes()).unwrap();
    std::fs::write(at.join("group-public.bin"), room.public.to_bytes()).unwrap();
}

/// A file of the largest group is not above the limit: its certificate has 241 + 321n + 33n² bytes.
#[test]
fn the_largest_groups_file_reads_and_a_larger_one_does_not() {
    let room = corpus_room();
    let proof = room.truths(&room.context(1))[0].proof();
    let largest = EvidenceFile::new(proof.clone(), &room.roster, vec![0; 33_321_241]);
    assert_eq!(EvidenceFile::from_bytes(&largest.to_bytes()), Ok(largest));
    let beyond = EvidenceFile::new(proof, &room.roster, vec![0; 40 << 20]).to_bytes();
    assert_eq!(EvidenceFile::from_bytes(&beyond), Err(FileError::TooLarge));
}

#[test]
fn a_file_that_is_none_is_refused() {
    let bytes = CORPUS[0].1;
    let mut magic = bytes.to_vec();
    magic[0] ^= 1;
    let mut version = bytes.to_vec();
    version[7] += 1;
    let mut kind = bytes.to_vec();
    kind[8] = 6;
    let longer = [bytes, &[0]].concat();
    for bad in [magic, version, kind, longer] {
        assert_eq!(EvidenceFile::from_bytes(&bad), Err(FileError::Layout));
    }
    for len in 0..bytes.len() {
        let read = EvidenceFile::from_bytes(&bytes[..len]);
        assert_eq!(read, Err(FileError::Layout));
    }
    // A list that promises 4 GiB costs nothing.
    let mut greedy = bytes[..8].to_vec();
    greedy.extend_from_slice(&[1, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(EvidenceFile::from_bytes(&greedy), Err(FileError::Layout));
}
