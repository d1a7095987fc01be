//! What proves nothing: every kind of proof, forged in every way we could think of. No forgery convicts anybody.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod room;

use hardfrost_evidence::{Doubt, Evidence, Verdict};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, KeySpec, Message, SessionId, Suite, Taproot};
use room::{forge, key, member, signed_raw, Room, Truth};

const HEAD: usize = 5;
const AUTHOR: usize = HEAD + 32;

type Forgery = (String, Evidence, Doubt);

fn room() -> Room {
    Room::new((3, 5), 1)
}

fn truths(room: &Room) -> [Truth; 5] {
    room.truths(&room.context(1))
}

fn doubted(room: &Room, truth: &Truth, forgeries: Vec<Forgery>) {
    for (name, proof, doubt) in forgeries {
        let judged = room.judge(&proof);
        let kind = truth.kind;
        assert_eq!(judged, Verdict::Indeterminate(doubt), "{kind}: {name}");
    }
}

/// The proof's frames under a context that differs in one thing.
fn other_contexts(room: &Room, truth: &Truth) -> Vec<Forgery> {
    let other = |name: &str, doubt, alter: &dyn Fn(&mut AttemptContext)| {
        let mut context = truth.context.clone();
        alter(&mut context);
        (name.to_owned(), truth.within(&context), doubt)
    };
    let (foreign, other_group) = (Doubt::ForeignFrame, Doubt::OtherGroup);
    let hash = Hash32([7; 32]);
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).unwrap();
    let child = KeySpec::from_bytes(&[1, 0, 0, 0, 9, 0]).unwrap();
    let elsewhere = Room::new((3, 5), 99).public;
    let last = member(room.public.count());
    let stranger = member(room.public.count() + 1);
    vec![
        other("message", foreign, &|c| c.message = Message([6; 32])),
        other("tweak", foreign, &|c| c.key_spec = spec.clone()),
        other("suite", other_group, &|c| c.suite = Suite::Bip445),
        other("path", foreign, &|c| c.key_spec = child.clone()),
        other("share epoch", foreign, &|c| c.share_epoch += 1),
        other("attempt", foreign, &|c| c.attempt_number += 1),
        other("attempt 0", foreign, &|c| c.attempt_number = 0),
        other("session", foreign, &|c| {
            c.session = SessionId::new("hf-other").unwrap();
        }),
        other("excluded", foreign, &|c| {
            c.included.remove(&last);
            c.excluded.insert(last);
        }),
        other("parked", foreign, &|c| {
            c.included.remove(&last);
            c.parked.insert(last);
        }),
        other("nobody is included", foreign, &|c| {
            c.parked = std::mem::take(&mut c.included);
        }),
        other("one left out", other_group, &|c| {
            c.included.remove(&last);
        }),
        other("in two sets", other_group, &|c| {
            c.parked.insert(last);
        }),
        other("a stranger", other_group, &|c| {
            c.included.insert(stranger);
        }),
        other("an excluded stranger", other_group, &|c| {
            c.excluded.insert(stranger);
        }),
        other("threshold", other_group, &|c| c.threshold -= 1),
        other("key group", other_group, &|c| {
            c.key_group = elsewhere.key_group().clone();
        }),
        other("group public", Doubt::UnknownGroup(hash), &|c| {
            c.group_public = hash;
        }),
        other("roster", Doubt::UnknownRoster(hash), &|c| c.roster = hash),
    ]
}

/// The preimage itself, spoilt.
fn bad_preimages(truth: &Truth) -> Vec<Forgery> {
    let good = truth.context.preimage();
    let no_preimage = |name: &str, bytes: Vec<u8>| {
        let proof = forge(truth.kind as u8, &bytes, &truth.frames).unwrap();
        (name.to_owned(), proof, Doubt::Context)
    };
    let suite = {
        // Domain, session and key group with their lengths, message, key spec.
        let at = 4 + 28 + 4 + 7 + 4 + 66 + 32 + 2;
        assert_eq!(good[at], Suite::Tr.number());
        let mut bytes = good.clone();
        bytes[at] = 3;
        bytes
    };
    let mut seed = good.clone();
    *seed.last_mut().unwrap() ^= 1;
    let mut domain = good.clone();
    domain[4] ^= 1;
    let sets = good.len() - 32 - 4 - 10;
    let mut disorder = good.clone();
    disorder.swap(sets + 1, sets + 3);
    let mut twice = good.clone();
    twice[sets + 3] = 1;
    vec![
        no_preimage("suite", suite),
        no_preimage("seed", seed),
        no_preimage("domain", domain),
        no_preimage("members out of order", disorder),
        no_preimage("a member twice", twice),
        no_preimage("a byte more", [&good[..], &[0]].concat()),
        no_preimage("a byte less", good[..good.len() - 1].to_vec()),
        no_preimage("empty", Vec::new()),
        no_preimage("its hash", truth.context.hash().0.to_vec()),
    ]
}

/// One frame of the proof, spoilt; every other is the true one.
fn bad_frames(room: &Room, truth: &Truth, at: usize) -> Vec<Forgery> {
    let with = |name: &str, doubt, spoil: &dyn Fn(&mut Vec<u8>)| {
        let mut frames = truth.frames.clone();
        spoil(&mut frames[at]);
        (format!("frame {at}: {name}"), truth.with(&frames), doubt)
    };
    let (foreign, unsigned) = (Doubt::ForeignFrame, Doubt::Unsigned);
    let author = u16::from_be_bytes(truth.frames[at][AUTHOR..AUTHOR + 2].try_into().unwrap());
    let other = member(if author == 3 { 4 } else { 3 });
    let elsewhere = room.context(2).hash();
    let mut list = vec![
        with("another author", unsigned, &|f| {
            f[AUTHOR..AUTHOR + 2].copy_from_slice(&other.to_be_bytes());
        }),
        with("author 0", foreign, &|f| f[AUTHOR..AUTHOR + 2].fill(0)),
        with("a stranger", foreign, &|f| f[AUTHOR + 1] = 6),
        with("another context", foreign, &|f| {
            f[HEAD..AUTHOR].copy_from_slice(&elsewhere.0);
        }),
        with("length", foreign, &|f| f[4] ^= 1),
        with("another body", unsigned, &|f| f[AUTHOR + 2] ^= 1),
        with("no signature", foreign, &|f| f.truncate(f.len() - 64)),
        with("zero signature", unsigned, &|f| {
            let at = f.len() - 64;
            f[at..].fill(0);
        }),
        with("a byte more", foreign, &|f| f.push(0)),
        with("a byte less", foreign, &|f| f.truncate(f.len() - 1)),
        with("too long", foreign, &|f| f.resize(4000, 0)),
        with("empty", foreign, &Vec::clear),
        with("signed by another operator", unsigned, &|f| {
            *f = resigned(f, other.number());
        }),
    ];
    for kind in [0, 2, 3, 4, 7, 8, 9, 16, 255] {
        if kind != truth.frames[at][0] {
            let name = format!("kind {kind}");
            list.push(with(&name, foreign, &|f| f[0] = kind));
        }
    }
    list
}

/// The same body, signed by the operator of another seat.
fn resigned(bytes: &[u8], signer: u16) -> Vec<u8> {
    signed_raw(
        bytes[0],
        &bytes[HEAD..bytes.len() - 64],
        &key(member(signer)),
    )
}

fn wrong_counts(truth: &Truth) -> Vec<Forgery> {
    let frames =
        |name: &str, frames: &[Vec<u8>]| (name.to_owned(), truth.with(frames), Doubt::Frames);
    let (good, first) = (&truth.frames, &truth.frames[..1]);
    let mut list = vec![
        frames("no frames", &[]),
        frames("extra frame", &[&good[..], first].concat()),
        frames("all twice and more", &[&good[..], good, first].concat()),
    ];
    match good.len() {
        1 => list.push(frames("two", &[first, first].concat())),
        _ => list.push(frames("one", first)),
    }
    list
}

#[test]
fn r16_a_proof_is_bound_to_everything_in_its_context() {
    let room = room();
    for truth in truths(&room) {
        let mut forgeries = other_contexts(&room, &truth);
        forgeries.extend(bad_preimages(&truth));
        assert!(forgeries.len() >= 20);
        doubted(&room, &truth, forgeries);
    }
}

#[test]
fn r11_r13_a_proof_is_made_of_frames_as_their_authors_signed_them() {
    let room = room();
    for truth in truths(&room) {
        for at in 0..truth.frames.len() {
            let forgeries = bad_frames(&room, &truth, at);
            assert!(forgeries.len() >= 20);
            doubted(&room, &truth, forgeries);
        }
        doubted(&room, &truth, wrong_counts(&truth));
    }
}

#[test]
fn no_single_bit_of_a_proof_is_without_meaning() {
    let room = room();
    for truth in truths(&room) {
        let good = truth.proof().to_frame();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << (at % 8);
            let judged = Evidence::from_frame(&bytes).map(|proof| room.judge(&proof));
            let convicts = matches!(judged, Some(Verdict::Convicts(_)));
            assert!(!convicts, "{}: byte {at}", truth.kind);
        }
    }
}

#[test]
fn a_truncated_or_longer_frame_of_evidence_does_not_read() {
    let room = room();
    for truth in truths(&room) {
        let good = truth.proof().to_frame();
        for len in 0..good.len() {
            assert_eq!(Evidence::from_frame(&good[..len]), None);
        }
        assert_eq!(Evidence::from_frame(&[&good[..], &[0]].concat()), None);
        for kind in [0, 6, 255] {
            assert_eq!(forge(kind, &truth.context.preimage(), &truth.frames), None);
        }
    }
}

/// Rows: whose frames; columns: the kind that the accuser claims. The diagonal is true.
#[test]
fn frames_of_one_kind_prove_no_other() {
    let room = room();
    let (f, p) = (Doubt::ForeignFrame, Doubt::Frames);
    let table = [
        [None, Some(f), Some(f), Some(f), Some(p)],
        [Some(f), None, Some(f), Some(f), Some(p)],
        [Some(f), Some(f), None, Some(f), Some(p)],
        [Some(f), Some(f), Some(f), None, Some(p)],
        [Some(p), Some(p), Some(p), Some(p), None],
    ];
    for (truth, row) in truths(&room).iter().zip(table) {
        for (claimed, doubt) in (1u8..).zip(row) {
            let context = truth.context.preimage();
            let judged = room.judge(&forge(claimed, &context, &truth.frames).unwrap());
            let expected = doubt.map_or(Verdict::Convicts(truth.guilty), Verdict::Indeterminate);
            assert_eq!(judged, expected, "{} as {claimed}", truth.kind);
        }
    }
}
