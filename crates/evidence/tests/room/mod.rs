//! A group with a real key, its attempts, and what its members say in them.
#![allow(
    dead_code,
    unused_imports,
    reason = "not every test binary needs every part"
)]

mod keys;
mod proofs;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use hardfrost_evidence::{Evidence, Verdict};
use hardfrost_frost::{
    sign, CheckedPackage, Commitments, DerivedGroup, DerivedShare, GroupPublic, KeyShare,
    SigningNonces,
};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, KeySpec, Member, Message, SessionId, Suite};
use hardfrost_wire::{
    CommitmentsPayload, Frame, Head, Incarnation, Kind, Operator, OperatorKey, PackagePayload,
    Payload, Roster, SharePayload, Verified,
};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

pub use proofs::{forge, spoilt, Truth};
pub use stage::Stage;

pub const MESSAGE: Message = Message([5; 32]);

/// Rosters and group publics under their hashes: what a judge trusts.
pub type World = (
    BTreeMap<Hash32, Arc<Roster>>,
    BTreeMap<Hash32, Arc<GroupPublic>>,
);

/// Who holds what, and how they speak.
pub struct Room {
    pub roster: Arc<Roster>,
    pub public: Arc<GroupPublic>,
    shares: Vec<KeyShare>,
}

/// A member in one life: seat and incarnation. Its nonces follow from both and from the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life(pub u16, pub u8);

/// What no payload of its kind parses as.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Garbage<const KIND: u8>(pub [u8; 3]);

impl<const KIND: u8> Payload for Garbage<KIND> {
    const KIND: Kind = match KIND {
        2 => Kind::Commitments,
        3 => Kind::Package,
        _ => Kind::Share,
    };
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

pub fn key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

/// `author`'s statement in `context`, signed by `signer`.
pub fn say_as<P: Payload>(
    signer: &OperatorKey,
    author: Member,
    context: &AttemptContext,
    payload: &P,
) -> Frame {
    let context = context.hash();
    Frame::sign(Head { context, author }, payload, signer)
}

pub fn say<P: Payload>(author: Member, context: &AttemptContext, payload: &P) -> Frame {
    say_as(&key(author), author, context, payload)
}

/// Any payload, written as it is.
struct Raw<const KIND: u8>(Vec<u8>);

impl<const KIND: u8> BorshSerialize for Raw<KIND> {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(&self.0)
    }
}

impl<const KIND: u8> BorshDeserialize for Raw<KIND> {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| Self(bytes))
    }
}

impl<const KIND: u8> Payload for Raw<KIND> {
    const KIND: Kind = Garbage::<KIND>::KIND;
}

/// A frame of this body, whoever signs it.
pub fn signed_raw(kind: u8, body: &[u8], signer: &OperatorKey) -> Vec<u8> {
    let head = Head {
        context: Hash32(body[..32].try_into().unwrap()),
        author: member(u16::from_be_bytes([body[32], body[33]])),
    };
    let payload = body[34..].to_vec();
    let frame = match kind {
        2 => Frame::sign(head, &Raw::<2>(payload), signer),
        3 => Frame::sign(head, &Raw::<3>(payload), signer),
        _ => Frame::sign(head, &Raw::<4>(payload), signer),
    };
    frame.as_bytes().to_vec()
}

pub fn bytes(frames: &[&Frame]) -> Vec<Vec<u8>> {
    frames.iter().map(|f| f.as_bytes().to_vec()).collect()
}

impl Life {
    pub fn member(self) -> Member {
        member(self.0)
    }

    pub fn incarnation(self) -> Incarnation {
        let [high, low] = self.0.to_be_bytes();
        Incarnation([[high, low, self.1, 0xaa]; 4].concat().try_into().unwrap())
    }
}

impl Room {
    /// A group of t and n from distributed key generation.
    pub fn new(size: (u16, u16), seed: u64) -> Self {
        Self::under(Suite::Tr, size, seed)
    }

    /// The same, whose roster names another suite.
    pub fn under(suite: Suite, size: (u16, u16), seed: u64) -> Self {
        let shares = keys::generated(size, &mut ChaCha20Rng::seed_from_u64(seed));
        let operators = Member::all(size.1).map(|member| Operator {
            name: format!("operator-{member}"),
            key: key(member).public(),
            seats: BTreeSet::from([member]),
        });
        Self {
            roster: Arc::new(Roster::new(suite, operators.collect()).unwrap()),
            public: Arc::clone(shares[0].group()),
            shares,
        }
    }

    pub fn world(&self) -> World {
        (
            BTreeMap::from([(self.roster.hash(), Arc::clone(&self.roster))]),
            BTreeMap::from([(self.public.hash(), Arc::clone(&self.public))]),
        )
    }

    pub fn judge(&self, proof: &Evidence) -> Verdict {
        let (rosters, publics) = self.world();
        proof.verify(&rosters, &publics)
    }

    /// An attempt of the session `hf-test`.
    pub fn context(&self, attempt_number: u32) -> AttemptContext {
        AttemptContext {
            session: SessionId::new("hf-test").unwrap(),
            key_group: self.public.key_group().clone(),
            message: MESSAGE,
            key_spec: KeySpec::group_key(),
            suite: self.roster.suite(),
            threshold: self.public.threshold(),
            share_epoch: 0,
            group_public: self.public.hash(),
            roster: self.roster.hash(),
            attempt_number,
            included: self.public.members().collect(),
            excluded: BTreeSet::new(),
            parked: BTreeSet::new(),
        }
    }

    pub fn derived(&self, context: &AttemptContext) -> Arc<DerivedGroup> {
        let spec = context.key_spec.clone();
        Arc::new(DerivedGroup::new(Arc::clone(&self.public), spec).unwrap())
    }

    fn key_share(&self, member: Member) -> &KeyShare {
        &self.shares[usize::from(member.number()) - 1]
    }

    fn nonces(&self, life: Life, context: &AttemptContext) -> SigningNonces {
        let seed = [&context.hash().0[..], &life.incarnation().0].concat();
        let mut rng = ChaCha20Rng::from_seed(Hash32::of(&seed).0);
        self.key_share(life.member())
            .commit(context.suite, &mut rng)
            .unwrap()
    }

    /// What `life` commits to in `context`.
    pub fn offer(&self, life: Life, context: &AttemptContext) -> CommitmentsPayload {
        let commitments = self.nonces(life, context).commitments();
        CommitmentsPayload {
            incarnation: life.incarnation(),
            hiding: commitments.hiding(),
            binding: commitments.binding(),
            refuses: Vec::new(),
        }
    }

    pub fn commit(&self, life: Life, context: &AttemptContext) -> Frame {
        say(life.member(), context, &self.offer(life, context))
    }

    /// The package of these commitment frames, as they are.
    pub fn packed(
        &self,
        coordinator: Life,
        context: &AttemptContext,
        frames: &[Frame],
    ) -> PackagePayload {
        PackagePayload {
            incarnation: coordinator.incarnation(),
            key_spec: context.key_spec.clone(),
            commitments: frames.iter().map(|f| f.as_bytes().to_vec()).collect(),
        }
    }

    /// The coordinator's package of these lives' commitments.
    pub fn package(&self, context: &AttemptContext, chosen: &[u16]) -> Frame {
        let coordinator = context.coordinator().unwrap();
        let frames = chosen.iter().map(|n| self.commit(Life(*n, 0), context));
        let frames: Vec<Frame> = frames.collect();
        let life = Life(coordinator.number(), 0);
        say(coordinator, context, &self.packed(life, context, &frames))
    }

    /// The share of `life` for the package, which holds its commitments.
    pub fn share(&self, life: Life, context: &AttemptContext, package: &Frame) -> SharePayload {
        let group = self.derived(context);
        let verified = self.verified(package);
        let payload: PackagePayload = verified.payload().unwrap();
        let commitments = payload.commitments.iter().map(|bytes| self.points(bytes));
        let commitments = commitments.collect();
        let (suite, message) = (context.suite, context.message);
        let checked = CheckedPackage::new(suite, Arc::clone(&group), message, commitments);
        let share = DerivedShare::new(self.key_share(life.member()), group).unwrap();
        let share = sign(&share, self.nonces(life, context), &checked.unwrap()).unwrap();
        SharePayload {
            incarnation: life.incarnation(),
            package: package.body_hash(),
            share: share.0,
        }
    }

    fn points(&self, bytes: &[u8]) -> (Member, Commitments) {
        let frame = self.verified(&self.parse(bytes));
        let said: CommitmentsPayload = frame.payload().unwrap();
        let points = Commitments::from_bytes(&said.hiding, &said.binding).unwrap();
        (frame.head().author, points)
    }

    pub fn parse(&self, bytes: &[u8]) -> Frame {
        let sizes = hardfrost_wire::Sizes {
            threshold: self.public.threshold(),
            count: self.public.count(),
        };
        Frame::parse(bytes.to_vec(), sizes).unwrap()
    }

    pub fn verified(&self, frame: &Frame) -> Verified<Frame> {
        frame.clone().verify(&self.roster).unwrap()
    }
}
