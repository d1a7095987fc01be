//! The steps of a key generation that are computed without the engine, so that nobody waits for them.

use std::collections::BTreeMap;

use hardfrost_frost::dkg::{deal, AwaitShares, Dealing, DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::KeyShare;
use hardfrost_locked::Region;
use hardfrost_primitives::{Hash32, Member};
use rand_core::{CryptoRng, RngCore};

use super::{CeremonySeat, DkgOpen, DkgSeal};

/// A dealing to be drawn, without the engine.
pub struct DealJob {
    pub(super) seat: Seat,
    pub(super) region: Region,
}

/// A dealing that was drawn and that nobody knows of yet. Dropping it destroys it.
pub struct Dealt {
    pub(super) seat: Seat,
    pub(super) dealing: Dealing,
    pub(super) shown: Round1,
}

impl DealJob {
    /// Draws our polynomial and ephemeral key.
    ///
    /// # Errors
    /// A size that no group has; no locked memory.
    pub fn run(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<Dealt, DkgFault> {
        let Self { seat, region } = self;
        let (dealing, shown) = deal(seat, &region, rng)?;
        Ok(Dealt {
            seat,
            dealing,
            shown,
        })
    }
}

/// Step 3, to be computed without the engine. Dropping it destroys the ceremony's secrets.
pub struct SealJob {
    pub(super) request: DkgSeal,
    pub(super) dealing: Dealing,
}

/// Step 3, computed.
pub struct SealDone {
    pub(super) seat: CeremonySeat,
    pub(super) outcome: Result<(AwaitShares, BTreeMap<Member, SealedShare>), DkgFault>,
}

/// Step 4, to be computed without the engine. Dropping it destroys the ceremony's secrets.
pub struct OpenJob {
    pub(super) request: DkgOpen,
    pub(super) waiting: AwaitShares,
}

/// Step 4, computed.
pub struct OpenDone {
    pub(super) seat: CeremonySeat,
    pub(super) transcript: Hash32,
    pub(super) outcome: Result<KeyShare, DkgFault>,
}

impl SealJob {
    /// Checks everybody's contribution and seals our shares.
    #[must_use]
    pub fn run(self) -> SealDone {
        let Self { request, dealing } = self;
        SealDone {
            seat: request.seat,
            outcome: dealing.seal(request.transcript, &request.others),
        }
    }
}

impl OpenJob {
    /// Opens and checks the shares sealed to us.
    #[must_use]
    pub fn run(self) -> OpenDone {
        let Self { request, waiting } = self;
        OpenDone {
            seat: request.seat,
            transcript: request.transcript,
            outcome: waiting.open(&request.sealed),
        }
    }
}
