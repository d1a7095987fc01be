//! A group with a real key: who holds what, and how they speak.
#![allow(
    dead_code,
    unused_imports,
    reason = "not every test binary needs every part"
)]

mod desk;
mod engine;
mod faults;
mod net;
mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::dkg::{deal, Seat};
use hardfrost_frost::{DerivedGroup, KeyShare, Region, SigningNonces};
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, Monotonic, SessionId, Suite};
use hardfrost_roast::Terms;
use hardfrost_wire::{
    CommitmentsPayload, Frame, Head, Incarnation, Operator, OperatorKey, PackagePayload, Payload,
    Roster, Sizes, Verified,
};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub use desk::{coordinators, Desk};
pub use engine::Engine;
pub use faults::{bad_share, malformed_package, Fault};
pub use net::{Links, Net, Weakness, GOOD};
pub use node::Node;

/// What our nodes sign with.
pub const SUITE: Suite = Suite::Bip445;
pub const LIFE: Duration = Duration::from_secs(600);
/// d at every node, unless a test says otherwise: within an instant nobody leaves a round.
pub const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Who holds what, and how they speak.
pub struct Group {
    pub roster: Arc<Roster>,
    pub shares: Vec<KeyShare>,
    pub derived: Arc<DerivedGroup>,
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

pub fn key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

pub fn incarnation(member: Member) -> Incarnation {
    reborn(member, 0)
}

/// A member's incarnation after it restarted `times` times.
pub fn reborn(member: Member, times: u8) -> Incarnation {
    let [high, low] = member.to_be_bytes();
    let mut bytes = [times; 16];
    [bytes[0], bytes[1]] = [high, low];
    Incarnation(bytes)
}

pub fn at(elapsed: Duration) -> Monotonic {
    Monotonic::after_start(elapsed)
}

/// Bytes that are a frame.
pub fn read(bytes: &[u8]) -> Frame {
    let (threshold, count) = (99, 99);
    Frame::parse(bytes.to_vec(), Sizes { threshold, count }).unwrap()
}

/// `author`'s statement in `context`.
pub fn say<P: Payload>(author: Member, context: Hash32, payload: &P) -> Frame {
    Frame::sign(Head { context, author }, payload, &key(author))
}

fn generated((threshold, count): (u16, u16), rng: &mut ChaCha20Rng) -> Vec<KeyShare> {
    let ceremony = Hash32([1; 32]);
    let region = Region::new().unwrap();
    let (mut dealings, mut shown) = (BTreeMap::new(), BTreeMap::new());
    for member in Member::all(count) {
        let seat = Seat {
            ceremony,
            member,
            threshold,
            count,
        };
        let (dealing, round1) = deal(seat, &region, rng).unwrap();
        dealings.insert(member, dealing);
        shown.insert(member, round1);
    }
    let (mut waiting, mut sealed) = (BTreeMap::new(), BTreeMap::new());
    for (member, dealing) in dealings {
        let mut others = shown.clone();
        others.remove(&member);
        let (next, shares) = dealing.seal(Hash32([2; 32]), &others).unwrap();
        waiting.insert(member, next);
        sealed.insert(member, shares);
    }
    let to = |to: Member| {
        let from = sealed.iter().filter(move |(from, _)| **from != to);
        from.map(move |(from, shares)| (*from, shares[&to]))
            .collect()
    };
    waiting
        .into_iter()
        .map(|(member, waiting)| waiting.open(&to(member)).unwrap())
        .collect()
}

impl Group {
    pub fn new(size: (u16, u16), seed: u64) -> Self {
        let shares = generated(size, &mut ChaCha20Rng::seed_from_u64(seed));
        let operators = Member::all(size.1).map(|member| Operator {
            name: format!("operator-{member}"),
            key: key(member).public(),
            seats: BTreeSet::from([member]),
        });
        let public = Arc::clone(shares[0].group());
        let derived = DerivedGroup::new(public, KeySpec::group_key()).unwrap();
        Self {
            roster: Arc::new(Roster::new(SUITE, operators.collect()).unwrap()),
            shares,
            derived: Arc::new(derived),
        }
    }

    pub fn threshold(&self) -> u16 {
        self.derived.public().threshold()
    }

    pub fn count(&self) -> u16 {
        self.derived.public().count()
    }

    /// The terms of the session called `hf-test`, over any message.
    pub fn terms(&self, message: Message) -> Terms {
        Terms {
            session: SessionId::new("hf-test").unwrap(),
            message,
            group: Arc::clone(&self.derived),
            share_epoch: 0,
            roster: Arc::clone(&self.roster),
        }
    }

    /// A member's nonces and what it would say of them in `context`.
    pub fn commitment(&self, number: u16, seed: u64) -> (SigningNonces, CommitmentsPayload) {
        let share = &self.shares[usize::from(number) - 1];
        let nonces = share
            .commit(SUITE, &mut ChaCha20Rng::seed_from_u64(seed))
            .unwrap();
        let commitments = nonces.commitments();
        let payload = CommitmentsPayload {
            incarnation: incarnation(member(number)),
            hiding: commitments.hiding(),
            binding: commitments.binding(),
            refuses: Vec::new(),
        };
        (nonces, payload)
    }

    pub fn package(&self, coordinator: Member, commitments: &[Frame]) -> PackagePayload {
        let frames = commitments.iter().map(|frame| frame.as_bytes().to_vec());
        PackagePayload {
            incarnation: incarnation(coordinator),
            key_spec: self.derived.spec().clone(),
            commitments: frames.collect(),
        }
    }

    pub fn verified(&self, frame: Frame) -> Verified<Frame> {
        frame.verify(&self.roster).unwrap()
    }

    pub fn coordinator(&self, message: Message) -> Member {
        self.terms(message).context(1).coordinator().unwrap()
    }

    pub fn context(&self, message: Message) -> Hash32 {
        self.terms(message).context(1).hash()
    }
}

/// Carries everything sent to whom it was sent, in order, until nobody speaks. No time passes.
pub fn talk(nodes: &mut BTreeMap<Member, Node>) {
    let mut carried: BTreeMap<Member, (usize, usize)> = BTreeMap::new();
    let others: Vec<Member> = nodes.keys().copied().collect();
    loop {
        let mut news = Vec::new();
        for (from, node) in nodes.iter() {
            let (sent, told) = carried.entry(*from).or_default();
            let them = others.iter().copied().filter(|to| to != from);
            for bytes in &node.sent[*sent..] {
                news.extend(them.clone().map(|to| (to, bytes.clone())));
            }
            news.extend(node.told[*told..].iter().cloned());
            (*sent, *told) = (node.sent.len(), node.told.len());
        }
        if news.is_empty() {
            return;
        }
        for (to, bytes) in news {
            if let Some(node) = nodes.get_mut(&to) {
                node.hear(&bytes);
            }
        }
    }
}
