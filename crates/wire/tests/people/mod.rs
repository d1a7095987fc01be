//! Operators with fixed keys, and frames put together by hand from the layout in D10.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::BTreeSet;

use hardfrost_primitives::{Hash32, Member, Suite};
use hardfrost_wire::{Head, Kind, Operator, OperatorKey, OperatorPublic, Roster, Sizes};
use secp256k1::{Keypair, Message, SecretKey, SECP256K1};

pub const SIZES: Sizes = Sizes {
    threshold: 3,
    count: 5,
};

pub const CONTEXT: Hash32 = Hash32([0xc0; 32]);

/// Every kind that travels in an envelope.
pub fn signed_kinds() -> impl Iterator<Item = (Kind, &'static str)> {
    Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, kind.tag()?)))
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

pub fn secret(number: u16) -> [u8; 32] {
    Hash32::of(&number.to_be_bytes()).0
}

pub fn key(number: u16) -> OperatorKey {
    key_with(number, [0; 32])
}

pub fn key_with(number: u16, aux: [u8; 32]) -> OperatorKey {
    OperatorKey::new(&secret(number), aux).unwrap()
}

pub fn public(number: u16) -> OperatorPublic {
    key(number).public()
}

pub fn operator(number: u16, seats: &[u16]) -> Operator {
    Operator {
        name: format!("operator-{number}"),
        key: public(number),
        seats: seats
            .iter()
            .map(|seat| member(*seat))
            .collect::<BTreeSet<_>>(),
    }
}

/// Operator i holds seat i, for i in 1..=5.
pub fn roster() -> Roster {
    let operators = (1..=5).map(|number| operator(number, &[number]));
    Roster::new(Suite::Tr, operators.collect()).unwrap()
}

pub fn head(author: u16) -> Head {
    Head {
        context: CONTEXT,
        author: member(author),
    }
}

/// Context, author, payload.
pub fn body(author: u16, payload: &[u8]) -> Vec<u8> {
    [&CONTEXT.0[..], &author.to_be_bytes(), payload].concat()
}

/// BIP 340 by a seat's operator over any bytes' hash.
pub fn signature(number: u16, signed: &[u8]) -> [u8; 64] {
    let pair =
        Keypair::from_secret_key(SECP256K1, &SecretKey::from_slice(&secret(number)).unwrap());
    let message = Message::from_digest(Hash32::of(signed).0);
    SECP256K1
        .sign_schnorr_no_aux_rand(&message, &pair)
        .serialize()
}

/// Kind, framed body, whatever stands where the signature belongs.
pub fn frame(kind: u8, body: &[u8], signature: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &len[..], body, signature].concat()
}

/// A whole frame, as D10 writes it.
pub fn envelope(kind: Kind, author: u16, payload: &[u8]) -> Vec<u8> {
    let body = body(author, payload);
    let tag = kind.tag().unwrap().as_bytes();
    let signature = signature(author, &[&[0], tag, &[0], &body].concat());
    frame(kind.number(), &body, &signature)
}
