//! Shares that are durable and wait for their certificate: what a restarted node needs to go on with their ceremonies.

use std::sync::Arc;

use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Member};

use crate::engine::Engine;

/// A share that is pending, without the share: all that its member confirms, but for the terms of the ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertified {
    /// The ceremony's id.
    pub ceremony: Hash32,
    /// Whose share.
    pub member: Member,
    /// That the ceremony makes.
    pub share_epoch: u32,
    /// Hash of the round-1 transcript.
    pub transcript: Hash32,
    /// The public half of the key.
    pub public: Arc<GroupPublic>,
}

impl Engine {
    /// Every share that is durable and not certified here, by ceremony and member. Others may hold the certificate.
    #[must_use]
    pub fn uncertified(&self) -> Vec<Uncertified> {
        let pending = self.state.pending.values();
        let told = pending.map(|key| Uncertified {
            ceremony: key.ceremony,
            member: key.share.member(),
            share_epoch: key.share_epoch,
            transcript: key.transcript,
            public: Arc::clone(key.share.group()),
        });
        told.collect()
    }
}
