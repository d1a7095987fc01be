//! One approved message: its session, and the requests that its attempts are made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_engine::{ApprovedInput, AttemptIds, AttemptKey, MemberCommitments, Open};
use hardfrost_engine::{Round2, SigningPackage};
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, KeySpec, Message, SessionId, Suite};

use super::{member, SESSION_LIFE};

/// What our nodes sign with.
pub const SUITE: Suite = Suite::Bip445;

/// What was approved, and for whom.
#[derive(Clone)]
pub struct Signing {
    pub public: Arc<GroupPublic>,
    pub session: SessionId,
    pub message: Message,
    pub key_spec: KeySpec,
    pub suite: Suite,
}

impl Signing {
    pub fn new(public: Arc<GroupPublic>, suite: Suite, input: &ApprovedInput) -> Self {
        Self {
            suite,
            public,
            session: input.session.clone(),
            message: input.message,
            key_spec: input.key_spec.clone(),
        }
    }

    /// The attempt of this number with everybody included.
    pub fn context(&self, number: u32) -> AttemptContext {
        AttemptContext {
            session: self.session.clone(),
            key_group: self.public.key_group().clone(),
            message: self.message,
            key_spec: self.key_spec.clone(),
            suite: self.suite,
            threshold: self.public.threshold(),
            share_epoch: 0,
            group_public: self.public.hash(),
            roster: Hash32([0x40; 32]),
            attempt_number: number,
            included: self.public.members().collect(),
            excluded: BTreeSet::new(),
            parked: BTreeSet::new(),
        }
    }

    /// The same with some members left out.
    pub fn context_without(&self, number: u32, excluded: &[u16]) -> AttemptContext {
        let mut context = self.context(number);
        for number in excluded {
            context.included.remove(&member(*number));
            context.excluded.insert(member(*number));
        }
        context
    }

    pub fn key(&self, number: u32, seat: u16) -> AttemptKey {
        self.key_in(&self.context(number), seat)
    }

    pub fn key_in(&self, context: &AttemptContext, seat: u16) -> AttemptKey {
        AttemptKey {
            key_group: context.key_group.clone(),
            session: context.session.clone(),
            attempt: context.attempt_id().unwrap(),
            member: member(seat),
        }
    }

    pub fn open(&self, number: u32, seat: u16) -> Open {
        open(self.context(number), seat)
    }

    pub fn round2(&self, number: u32, seat: u16, package: &SigningPackage) -> Round2 {
        Round2 {
            key: self.key(number, seat),
            package: package.clone(),
        }
    }

    pub fn package(&self, commitments: Vec<MemberCommitments>) -> SigningPackage {
        SigningPackage {
            message: self.message,
            key_spec: self.key_spec.clone(),
            commitments,
        }
    }

    /// Whether `signature` is the group's over this message, as libsecp256k1 sees it.
    pub fn is_signed_by(&self, signature: &Signature) -> bool {
        let group = DerivedGroup::new(Arc::clone(&self.public), self.key_spec.clone()).unwrap();
        signature.verifies(&self.message, &group.output_key())
    }
}

/// D4 and D5 of a context. What the context itself makes impossible is filled with something.
pub fn ids(context: &AttemptContext) -> AttemptIds {
    let anything = hardfrost_primitives::AttemptId::from_hash(Hash32([0; 32]));
    AttemptIds {
        coordinator: context.coordinator().unwrap_or(member(1)),
        fingerprint: context.fingerprint(),
        attempt: context.attempt_id().unwrap_or(anything),
    }
}

pub fn open(context: AttemptContext, seat: u16) -> Open {
    Open {
        member: member(seat),
        ids: ids(&context),
        context,
        life: SESSION_LIFE,
    }
}
