//! A certificate and what it is made of, as releases have written them: they outlive every release.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod hall;
#[path = "../../../vectors/frames/recorded.rs"]
mod recorded;

use hall::{faithful, honest, Hall};
use hardfrost_dkg::{Certificate, Descriptor};
use recorded::Specimen;

const FILE: &str = "dkg.txt";

/// All of it follows from a seed.
fn specimens() -> Vec<Specimen> {
    let mut hall = Hall::new((2, 3), 7, &mut honest);
    hall.run(&mut honest, &mut faithful);
    let certificate = hall.certificate(1).unwrap();
    let (roster, descriptor) = (hall.roster.clone(), hall.descriptor.clone());
    let public = certificate.verify(&roster).unwrap().to_bytes();
    let (bytes, hash) = (certificate.to_bytes(), certificate.hash());
    let judged = move |bytes: &[u8]| {
        let read = Certificate::from_bytes(bytes).ok()?;
        let group = read.verify(&roster).ok()?;
        Some(read.hash() == hash && group.to_bytes() == public)
    };
    let names = [
        ("descriptor/id", descriptor.id()),
        ("descriptor/head", descriptor.head()),
        ("certificate/hash", hash),
    ];
    let named = names.map(|(name, hash)| Specimen::new(name, hash.0, move |bytes| bytes == hash.0));
    let written = descriptor.to_bytes();
    let mut all = vec![
        Specimen::new("certificate", bytes, move |bytes| {
            judged(bytes).unwrap_or(false)
        }),
        Specimen::new("descriptor", written, move |bytes| {
            Descriptor::from_bytes(bytes).is_some_and(|read| read == descriptor)
        }),
    ];
    all.extend(named);
    all
}

#[test]
fn a_certificate_is_the_one_that_was_recorded() {
    recorded::held_to(FILE, &specimens());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    recorded::add(FILE, &specimens());
}
