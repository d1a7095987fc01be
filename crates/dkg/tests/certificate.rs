//! A certificate holds for exactly what all members confirmed; a change anywhere is refused, with the reason.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod hall;

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use hall::{faithful, honest, member, otherwise, Hall};
use hardfrost_dkg::{Certificate, CertificateError, Descriptor};
use hardfrost_primitives::{Hash32, UnixTime};
use hardfrost_wire::{ConfirmPayload, Frame, Roster, Sizes};

/// The file, field by field.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
struct File {
    magic: [u8; 8],
    descriptor: Vec<u8>,
    group_public: Vec<u8>,
    confirmations: Vec<Vec<u8>>,
}

fn certified(seed: u64) -> (File, Arc<Roster>) {
    let mut hall = Hall::new((2, 3), seed, &mut honest);
    hall.run(&mut honest, &mut faithful);
    let bytes = hall.certificate(1).unwrap().to_bytes();
    (borsh::from_slice(&bytes).unwrap(), hall.roster)
}

impl File {
    fn read(&self) -> Result<Certificate, CertificateError> {
        Certificate::from_bytes(&borsh::to_vec(self).unwrap())
    }

    fn refused(&self, roster: &Roster) -> CertificateError {
        self.read().unwrap().verify(roster).unwrap_err()
    }

    fn descriptor(&self, change: impl Fn(&mut Descriptor)) -> Self {
        let mut descriptor = Descriptor::from_bytes(&self.descriptor).unwrap();
        change(&mut descriptor);
        let descriptor = descriptor.to_bytes();
        Self {
            descriptor,
            ..self.clone()
        }
    }

    /// Member 2 confirms something else, and signs that.
    fn confirmation(&self, roster: &Roster, change: impl Fn(&mut ConfirmPayload)) -> Self {
        let (threshold, count) = (2, 3);
        let sizes = Sizes { threshold, count };
        let frame = Frame::parse(self.confirmations[1].clone(), sizes).unwrap();
        let changed = otherwise(&frame, roster, change);
        self.replaced(1, changed.as_bytes())
    }

    fn replaced(&self, index: usize, bytes: &[u8]) -> Self {
        let mut file = self.clone();
        file.confirmations[index] = bytes.to_vec();
        file
    }
}

fn bad(number: u16) -> CertificateError {
    CertificateError::Confirmation(member(number))
}

#[test]
fn a_file_of_another_layout_is_none() {
    let (file, _) = certified(1);
    let layout = Err(CertificateError::Layout);
    let bytes = borsh::to_vec(&file).unwrap();
    for cut in 0..bytes.len() {
        assert_eq!(Certificate::from_bytes(&bytes[..cut]), layout, "{cut}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Certificate::from_bytes(&longer), layout);
    let mut other_version = file.clone();
    other_version.magic[7] += 1;
    assert_eq!(other_version.read(), layout);
    let mut other_kind = file.clone();
    other_kind.descriptor[0] = 2;
    assert_eq!(other_kind.read(), layout);
    // The old key group and the share epoch of a new key are zeros; nothing else reads.
    for reserved in 37..74 {
        let mut changed = file.clone();
        changed.descriptor[reserved] = 1;
        assert_eq!(changed.read(), layout, "{reserved}");
    }
    let mut shorter = file;
    shorter.descriptor.pop();
    assert_eq!(shorter.read(), layout);
}

#[test]
fn every_field_of_the_descriptor_is_confirmed() {
    let (file, roster) = certified(2);
    assert!(file.read().unwrap().verify(&roster).is_ok());
    let other_salt = file.descriptor(|d| d.salt[0] ^= 1);
    assert_eq!(other_salt.refused(&roster), bad(1));
    let later = file.descriptor(|d| d.deadline = UnixTime(d.deadline.0 + 1));
    assert_eq!(later.refused(&roster), bad(1));
    let lower = file.descriptor(|d| d.threshold = 3);
    assert_eq!(lower.refused(&roster), CertificateError::GroupPublic);
    let other = Hash32([1; 32]);
    let foreign = file.descriptor(|d| d.roster = other);
    assert_eq!(
        foreign.refused(&roster),
        CertificateError::OtherRoster(other)
    );
    let larger = file.descriptor(|d| d.count = 4);
    let ours = CertificateError::OtherRoster(roster.hash());
    assert_eq!(larger.refused(&roster), ours);
}

#[test]
fn the_key_is_the_confirmed_one() {
    let (file, roster) = certified(3);
    let (other, _) = certified(4);
    let swapped = File {
        group_public: other.group_public,
        ..file.clone()
    };
    assert_eq!(swapped.refused(&roster), bad(1));
    let mut threshold = file.clone();
    threshold.group_public[4 + 66 + 33 + 1] = 3;
    assert_eq!(threshold.refused(&roster), CertificateError::GroupPublic);
    let mut shares_swapped = file.clone();
    shares_swapped.group_public[4 + 66 + 33 + 4..].rotate_left(33);
    assert_eq!(
        shares_swapped.refused(&roster),
        CertificateError::GroupPublic
    );
    let mut cut = file;
    cut.group_public.pop();
    assert_eq!(cut.refused(&roster), CertificateError::GroupPublic);
}

#[test]
fn every_member_confirms_once_and_for_itself() {
    let (file, roster) = certified(5);
    let mut missing = file.clone();
    missing.confirmations.pop();
    assert_eq!(missing.refused(&roster), bad(3));
    let mut reordered = file.clone();
    reordered.confirmations.swap(1, 2);
    assert_eq!(reordered.refused(&roster), bad(2));
    let mut extra = file.clone();
    extra.confirmations.push(file.confirmations[2].clone());
    assert_eq!(extra.refused(&roster), CertificateError::Layout);
    let twice = file.replaced(1, &file.confirmations[0]);
    assert_eq!(twice.refused(&roster), bad(2));
    let (other, _) = certified(6);
    let foreign = file.replaced(2, &other.confirmations[2]);
    assert_eq!(foreign.refused(&roster), bad(3));
}

#[test]
fn r11_a_confirmation_is_signed() {
    let (file, roster) = certified(7);
    let bytes = &file.confirmations[1];
    let unsigned = file.replaced(1, &bytes[..bytes.len() - 64]);
    assert_eq!(unsigned.refused(&roster), bad(2));
    let mut forged = bytes.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(file.replaced(1, &forged).refused(&roster), bad(2));
    assert_eq!(file.replaced(1, &[]).refused(&roster), bad(2));
}

#[test]
fn a_confirmation_covers_every_field() {
    let (file, roster) = certified(8);
    let changes: [fn(&mut ConfirmPayload); 5] = [
        |payload| payload.transcript.0[0] ^= 1,
        |payload| payload.roster.0[0] ^= 1,
        |payload| payload.threshold += 1,
        |payload| payload.share_epoch += 1,
        |payload| payload.group_public[40] ^= 1,
    ];
    for change in changes {
        let changed = file.confirmation(&roster, change);
        assert_eq!(changed.refused(&roster), bad(2));
    }
    let same = file.confirmation(&roster, |_| {});
    assert!(same.read().unwrap().verify(&roster).is_ok());
}

#[test]
fn a_certificate_is_for_its_own_roster() {
    let (file, roster) = certified(9);
    let other = hall::roster(4);
    let ours = CertificateError::OtherRoster(roster.hash());
    assert_eq!(file.refused(&other), ours);
}

/// What is certified is the key under its terms, so every member computes the same hash whoever signed when.
#[test]
fn the_hash_covers_terms_and_key_and_no_signature() {
    let (file, roster) = certified(10);
    let hash = |file: &File| file.read().unwrap().hash();
    let (ours, other) = (hash(&file), certified(11).0);
    let resigned = file.confirmation(&roster, |payload| payload.transcript.0[0] ^= 1);
    assert_eq!(hash(&resigned), ours);
    assert_ne!(hash(&file.descriptor(|d| d.salt[0] ^= 1)), ours);
    let other_key = File {
        group_public: other.group_public,
        ..file
    };
    assert_ne!(hash(&other_key), ours);
}
