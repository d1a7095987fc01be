//! The FROST library's bytes for what crosses the boundary, written by hand: its own encoder comes with features that
//! also make nonces serialisable. Every value has one encoding; anything else does not read.

use std::collections::BTreeMap;

use hardfrost_engine::MemberCommitments;
use hardfrost_frost::dkg::Contribution;
use hardfrost_primitives::{Member, Message, Reader};
use zeroize::Zeroizing;

/// Format version 0, and the library's number for the suite `tr`.
const HEADER: [u8; 5] = [0x00, 0x23, 0x0f, 0x8a, 0xb3];
/// Commitments of a package, or of a polynomial, at the most: two bytes of a length hold this.
const COUNT_MAX: usize = 1000;
const PROOF: u8 = 64;
const MESSAGE: u8 = 32;

/// What a signing package says, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) message: Message,
    /// By ascending member.
    pub(crate) commitments: Vec<MemberCommitments>,
}

pub(crate) fn commitments(points: &MemberCommitments) -> Vec<u8> {
    [&HEADER[..], &points.hiding, &points.binding].concat()
}

pub(crate) fn read_commitments(member: Member, bytes: &[u8]) -> Option<MemberCommitments> {
    let mut reader = Reader::new(bytes);
    let points = take_commitments(member, &mut reader)?;
    end(&mut reader)?;
    Some(points)
}

/// The package of distinct members' commitments, by ascending member, over a message.
pub(crate) fn package(message: &Message, all: &BTreeMap<Member, MemberCommitments>) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    put_length(&mut out, all.len());
    for (member, points) in all {
        out.extend_from_slice(&[0; 30]);
        out.extend_from_slice(&member.to_be_bytes());
        out.extend(commitments(points));
    }
    out.push(MESSAGE);
    out.extend_from_slice(&message.0);
    out
}

pub(crate) fn read_package(bytes: &[u8]) -> Option<Package> {
    let mut reader = Reader::new(bytes);
    header(&mut reader)?;
    let count = take_length(&mut reader)?;
    let mut all: Vec<MemberCommitments> = Vec::new();
    for _ in 0..count {
        let zeros: [u8; 30] = reader.array()?;
        let member = Member::new(reader.u16()?).ok()?;
        let ascending = all.last().is_none_or(|last| last.member < member);
        if zeros != [0; 30] || !ascending {
            return None;
        }
        all.push(take_commitments(member, &mut reader)?);
    }
    if reader.u8()? != MESSAGE {
        return None;
    }
    let message = Message(reader.array()?);
    end(&mut reader)?;
    Some(Package {
        message,
        commitments: all,
    })
}

pub(crate) fn round1(shown: &Contribution) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    put_length(&mut out, shown.commitment.len());
    shown
        .commitment
        .iter()
        .for_each(|point| out.extend_from_slice(point));
    out.push(PROOF);
    out.extend_from_slice(&shown.proof_of_knowledge);
    out
}

pub(crate) fn read_round1(bytes: &[u8]) -> Option<Contribution> {
    let mut reader = Reader::new(bytes);
    header(&mut reader)?;
    let count = take_length(&mut reader)?;
    let commitment: Option<Vec<[u8; 33]>> = (0..count).map(|_| reader.array()).collect();
    let commitment = commitment?;
    if reader.u8()? != PROOF {
        return None;
    }
    let proof_of_knowledge = reader.array()?;
    end(&mut reader)?;
    Some(Contribution {
        commitment,
        proof_of_knowledge,
    })
}

/// A share on its way to its member. Secret.
pub(crate) fn round2(share: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(HEADER.len() + share.len()));
    out.extend_from_slice(&HEADER);
    out.extend_from_slice(share);
    out
}

pub(crate) fn read_round2(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut reader = Reader::new(bytes);
    header(&mut reader)?;
    let share = Zeroizing::new(reader.array()?);
    end(&mut reader)?;
    Some(share)
}

fn header(reader: &mut Reader<'_>) -> Option<()> {
    (reader.array::<5>()? == HEADER).then_some(())
}

fn end(reader: &mut Reader<'_>) -> Option<()> {
    reader.rest().is_empty().then_some(())
}

fn take_commitments(member: Member, reader: &mut Reader<'_>) -> Option<MemberCommitments> {
    header(reader)?;
    Some(MemberCommitments {
        member,
        hiding: reader.array()?,
        binding: reader.array()?,
    })
}

/// Seven bits a byte, the lowest first.
fn put_length(out: &mut Vec<u8>, length: usize) {
    let low = u8::try_from(length & 0x7f).expect("seven bits fit a byte");
    match u8::try_from(length >> 7).expect("lengths are at most 1000") {
        0 => out.push(low),
        high => out.extend([low | 0x80, high]),
    }
}

fn take_length(reader: &mut Reader<'_>) -> Option<usize> {
    let low = reader.u8()?;
    if low < 0x80 {
        return Some(usize::from(low));
    }
    let high = reader.u8()?;
    let length = usize::from(high) << 7 | usize::from(low & 0x7f);
    // A zero on top would be a second encoding.
    (high != 0 && high < 0x80 && length <= COUNT_MAX).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The base point, its double, and the scalar of the library's own samples.
    const G: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    const G2: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
    const SCALAR: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9d1c9e899ca306ad27fe1945de0242b81";

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn points(member: u16) -> MemberCommitments {
        MemberCommitments {
            member: Member::new(member).unwrap(),
            hiding: array(G),
            binding: array(G2),
        }
    }

    #[test]
    fn the_bytes_are_the_librarys() {
        let expected = format!("00230f8ab3{G}{G2}");
        assert_eq!(hex::encode(commitments(&points(42))), expected);
        let proof = array(&format!("{}{SCALAR}", &G[2..]));
        let shown = Contribution {
            commitment: vec![array(G)],
            proof_of_knowledge: proof,
        };
        let expected = format!("00230f8ab301{G}40{}{SCALAR}", &G[2..]);
        assert_eq!(hex::encode(round1(&shown)), expected);
        assert_eq!(read_round1(&round1(&shown)), Some(shown));
        assert_eq!(
            hex::encode(&*round2(&array(SCALAR))),
            format!("00230f8ab3{SCALAR}")
        );
        let all = [1, 42].map(|m| (Member::new(m).unwrap(), points(m)));
        let made = package(&Message([7; 32]), &all.into());
        assert_eq!(made.len(), 245);
        let id = |m: &str| format!("{}{m}00230f8ab3{G}{G2}", "00".repeat(31));
        let expected = format!("00230f8ab302{}{}20{}", id("01"), id("2a"), "07".repeat(32));
        assert_eq!(hex::encode(&made), expected);
    }

    #[test]
    fn members_out_of_order_do_not_read() {
        let all = [1, 2].map(|m| (Member::new(m).unwrap(), points(m)));
        let made = package(&Message([7; 32]), &all.into());
        assert!(read_package(&made).is_some());
        for (first, second) in [(2, 1), (1, 1), (0, 1)] {
            let mut bent = made.clone();
            bent[6 + 31] = first;
            bent[6 + 103 + 31] = second;
            assert_eq!(read_package(&bent), None, "{first} {second}");
        }
    }

    proptest! {
        #[test]
        fn what_reads_has_one_encoding(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            count in 0u16..9,
        ) {
            let named = Member::all(count).map(|m| (m, points(m.number())));
            let all: BTreeMap<_, _> = named.collect();
            let mut bent = package(&Message([7; 32]), &all);
            for (place, byte) in bytes.iter().take(3).enumerate() {
                let at = usize::from(*byte) * (place + 1) % bent.len();
                bent[at] = bent[at].wrapping_add(bytes[0] & 1);
            }
            for bytes in [&bytes, &bent] {
                if let Some(read) = read_package(bytes) {
                    let all = read.commitments.iter().map(|c| (c.member, *c)).collect();
                    prop_assert_eq!(&package(&read.message, &all), bytes);
                }
                if let Some(read) = read_round1(bytes) {
                    prop_assert_eq!(&round1(&read), bytes);
                }
                if let Some(read) = read_round2(bytes) {
                    prop_assert_eq!(&*round2(&read), bytes);
                }
            }
        }

        #[test]
        fn lengths_of_two_bytes_read(count in 0usize..=1000) {
            let commitment = vec![array(G); count];
            let shown = Contribution { commitment, proof_of_knowledge: [7; 64] };
            prop_assert_eq!(read_round1(&round1(&shown)), Some(shown));
        }
    }
}
