//! A restarted node's seat knows its groups again: from the engine's records, and from certificates that it verifies
//! itself.

use hardfrost_dkg::{Certificate, CertificateError};
use hardfrost_engine::HeldKey;
use hardfrost_primitives::Member;

use crate::seat::{KnownGroup, Seat};

/// A key that the engine holds and this seat cannot sign with. Somebody must look at it: the store is not this node's,
/// or the roster has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The recorded certificate certifies nothing under our roster.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate is for another key, or other shares of it, than the engine holds.
    #[error("the recorded certificate is not that of the key beside it")]
    OtherKey,
    /// The engine holds no share of our seat.
    #[error("no share of member {0} is held here")]
    NotOurs(Member),
}

impl Seat {
    /// Takes up a key that the engine held before this process began.
    ///
    /// # Errors
    /// See [`ResumeError`]; then this seat does not know the group.
    pub fn resume(&mut self, held: &HeldKey) -> Result<(), ResumeError> {
        if !held.seats.contains(&self.member()) {
            return Err(ResumeError::NotOurs(self.member()));
        }
        let certificate = Certificate::from_bytes(&held.file)?;
        let public = certificate.verify(&self.roster)?;
        let share_epoch = certificate.descriptor().share_epoch();
        let same = public == held.public
            && share_epoch == held.share_epoch
            && certificate.hash() == held.certificate;
        if !same {
            return Err(ResumeError::OtherKey);
        }
        let name = public.key_group().clone();
        let group = KnownGroup {
            public,
            share_epoch,
        };
        self.groups.insert(name, group);
        Ok(())
    }
}
