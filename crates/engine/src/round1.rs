//! Round1: draws one nonce pair for an open attempt.

use hardfrost_frost::Commitments;
use hardfrost_primitives::Now;
use rand_core::{CryptoRng, RngCore};

use crate::attempt::AttemptKey;
use crate::engine::Engine;
use crate::rejection::Rejection;
use crate::session::Nonces;

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
        self.ready()?;
        self.custody.sweep(now.mono);
        self.not_spent(key)?;
        let group = self
            .state
            .keys
            .get(&key.key_group)
            .ok_or(Rejection::DkgNotReady)?;
        let share = group
            .shares
            .get(&key.member)
            .ok_or(Rejection::SessionNotFound)?;
        let live = self
            .custody
            .live_mut(key)
            .ok_or(Rejection::SessionNotFound)?;
        match &live.nonces {
            Nonces::Live(nonces) => Ok(nonces.commitments()),
            Nonces::Releasing { .. } => Err(Rejection::ConsumedNonceReplay),
            Nonces::Undrawn => {
                let nonces = share.commit(live.context.suite, rng);
                let nonces = nonces.map_err(Rejection::memory)?;
                let commitments = nonces.commitments();
                live.nonces = Nonces::Live(nonces);
                Ok(commitments)
            }
        }
    }
}
