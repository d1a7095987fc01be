//! What a connection carries, as releases have sent it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use crate::chunk::{put_chunk, read_head, Chunk, Way, HELLO, REFUSAL};
use crate::handshake::Refusal;
use crate::hello::{common_version, Hello, Role, VERSIONS};
use crate::peer::PeerIndex;
use bytes::{held_to, Specimen};

#[path = "../../../vectors/frames/recorded.rs"]
mod bytes;

const FILE: &str = "net.txt";

/// Head and body of exactly one chunk.
fn split(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (head, body) = bytes.split_first_chunk()?;
    let (kind, length) = read_head(*head).ok()?;
    (length == body.len()).then_some((kind, body))
}

fn chunk(name: &str, chunk: Chunk<'static>) -> Specimen {
    let mut out = Vec::new();
    chunk.put(&mut out);
    Specimen::new(name, out, move |bytes| {
        split(bytes).is_some_and(|(kind, body)| Chunk::read(kind, body) == Ok(Some(chunk)))
    })
}

fn said() -> Hello {
    Hello {
        versions: 1..=1,
        network: [0xc0; 32],
        index: PeerIndex(258),
        build: "hardfrost 0.1.0".to_owned(),
    }
}

fn hello() -> Specimen {
    let body = [said().to_bytes().as_slice(), &[9; 64]].concat();
    let mut out = Vec::new();
    put_chunk(HELLO, &mut out, |out| out.extend(body));
    Specimen::new("hello", out, |bytes| {
        split(bytes).is_some_and(|(kind, body)| {
            kind == HELLO && Hello::read(body) == Some((said(), [9; 64]))
        })
    })
}

fn refusal(name: &str, refusal: Refusal) -> Specimen {
    let mut out = Vec::new();
    put_chunk(REFUSAL, &mut out, |out| out.push(refusal.reason()));
    Specimen::new(name, out, move |bytes| {
        split(bytes)
            .is_some_and(|(kind, body)| kind == REFUSAL && Refusal::read(body) == Some(refusal))
    })
}

fn exported(name: &str, role: Role) -> Specimen {
    let context = said().exporter_context(role);
    Specimen::new(name, context.clone(), move |bytes| bytes == context)
}

fn specimens() -> Vec<Specimen> {
    let frame = b"frame".as_slice();
    let (to, from) = (Way::To(PeerIndex(258)), Way::From(PeerIndex(3)));
    vec![
        hello(),
        exported("hello/signed-by-dialler", Role::Dialler),
        exported("hello/signed-by-acceptor", Role::Acceptor),
        refusal("refusal/malformed", Refusal::Malformed),
        refusal("refusal/unknown-network", Refusal::UnknownNetwork),
        refusal("refusal/wrong-index", Refusal::WrongIndex),
        refusal("refusal/bad-proof", Refusal::BadProof),
        refusal("refusal/no-common-version", Refusal::NoCommonVersion),
        refusal("refusal/duplicate", Refusal::Duplicate),
        chunk(
            "whole",
            Chunk::Whole {
                way: Way::Own,
                frame,
            },
        ),
        chunk("whole/to-hand-on", Chunk::Whole { way: to, frame }),
        chunk("whole/handed-on", Chunk::Whole { way: from, frame }),
        chunk(
            "begin",
            Chunk::Begin {
                way: from,
                total: 70_000,
            },
        ),
        chunk("piece", Chunk::Piece(b"piece")),
        chunk("ping", Chunk::Ping { token: 7 }),
        chunk(
            "pong",
            Chunk::Pong {
                token: 7,
                clock: 1_800_000_000_000,
            },
        ),
        chunk("reach", Chunk::Reach(&[0b101, 0b1])),
    ]
}

#[test]
fn a_connection_carries_what_was_recorded() {
    held_to(FILE, &specimens());
}

/// While this release speaks version 1, whoever speaks only that is spoken with.
#[test]
fn the_recorded_hello_is_of_a_version_that_is_spoken() {
    assert_eq!(common_version(&VERSIONS, &said().versions), Some(1));
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    bytes::add(FILE, &specimens());
}
