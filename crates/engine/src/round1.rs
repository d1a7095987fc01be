//! Round1: draws one nonce pair for an open attempt.

use std::sync::Arc;

use hardfrost_frost::{Commitments, KeyShare, SigningNonces};
use hardfrost_primitives::{Now, Suite};
use rand_core::{CryptoRng, RngCore};

use crate::attempt::AttemptKey;
use crate::engine::Engine;
use crate::rejection::Rejection;
use crate::session::Nonces;

/// What Round1 finds.
pub enum Round1Begun {
    /// The commitments of nonces that were drawn before.
    Drawn(Commitments),
    /// Nonces are to be drawn.
    Draw(DrawJob),
}

/// A pair to be drawn, without the engine.
pub struct DrawJob {
    key: AttemptKey,
    suite: Suite,
    share: Arc<KeyShare>,
}

/// A pair that was drawn and that nobody knows of yet. Dropping it destroys it.
pub struct DrawnNonces {
    key: AttemptKey,
    suite: Suite,
    share: Arc<KeyShare>,
    nonces: SigningNonces,
}

impl DrawJob {
    /// Draws. `rng` must be the operating system's randomness.
    ///
    /// # Errors
    /// `capacity_exceeded` when there is no locked memory for nonces.
    pub fn run(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<DrawnNonces, Rejection> {
        let Self { key, suite, share } = self;
        let nonces = share.commit(suite, rng).map_err(Rejection::memory)?;
        Ok(DrawnNonces {
            key,
            suite,
            share,
            nonces,
        })
    }
}

impl Engine {
    /// The seat's commitments for this attempt: drawn at the first call, the same at every later one until they are
    /// spent. `rng` must be the operating system's randomness.
    ///
    /// # Errors
    /// `session_not_found`, `consumed_nonce_replay`, `capacity_exceeded` when there is no locked memory for nonces.
    pub fn round1(
        &mut self,
        now: Now,
        key: &AttemptKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Commitments, Rejection> {
        match self.round1_begin(now, key)? {
            Round1Begun::Drawn(commitments) => Ok(commitments),
            Round1Begun::Draw(job) => {
                let drawn = job.run(rng)?;
                self.round1_end(now, drawn)
            }
        }
    }

    /// First half, for a host whose other threads do not wait for the drawing.
    ///
    /// # Errors
    /// As for [`Self::round1`].
    pub fn round1_begin(&mut self, now: Now, key: &AttemptKey) -> Result<Round1Begun, Rejection> {
        self.ready()?;
        self.custody.sweep(now.mono);
        self.not_spent(key)?;
        let shares = &self.installed(&key.key_group)?.shares;
        let share = shares.get(&key.member).ok_or(Rejection::SessionNotFound)?;
        let live = self.custody.live(key).ok_or(Rejection::SessionNotFound)?;
        match &live.nonces {
            Nonces::Live(nonces) => Ok(Round1Begun::Drawn(nonces.commitments())),
            Nonces::Releasing { .. } => Err(Rejection::ConsumedNonceReplay),
            Nonces::Undrawn => Ok(Round1Begun::Draw(DrawJob {
                key: key.clone(),
                suite: live.context.suite,
                share: Arc::clone(share),
            })),
        }
    }

    /// Second half. Where another call was first, its nonces stay and these are destroyed.
    ///
    /// # Errors
    /// As for [`Self::round1`].
    pub fn round1_end(&mut self, now: Now, drawn: DrawnNonces) -> Result<Commitments, Rejection> {
        let DrawnNonces {
            key,
            suite,
            share,
            nonces,
        } = drawn;
        match self.round1_begin(now, &key)? {
            Round1Begun::Drawn(commitments) => Ok(commitments),
            Round1Begun::Draw(job) if job.suite == suite && Arc::ptr_eq(&job.share, &share) => {
                let live = self.custody.live_mut(&key);
                let live = live.ok_or(Rejection::SessionNotFound)?;
                let commitments = nonces.commitments();
                live.nonces = Nonces::Live(nonces);
                Ok(commitments)
            }
            // The attempt ended meanwhile, and another one has its name.
            Round1Begun::Draw(_) => Err(Rejection::SessionNotFound),
        }
    }
}
