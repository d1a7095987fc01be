//! The operator's way out of a key generation.

use super::{Ceremony, Effect, Step};
use crate::fault::CeremonyFault;

/// Why a ceremony cannot be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// The others may have a certificate with our confirmation in it, whatever we do.
    #[error(
        "this node has confirmed the key already: others may have its certificate, so only that \
         ends this key generation"
    )]
    Confirmed,
    /// There is nothing left to end.
    #[error("this key generation is over")]
    Over,
}

impl Ceremony {
    /// Whether [`Self::cancel`] would end it.
    ///
    /// # Errors
    /// [`CancelError`]
    pub fn may_be_cancelled(&self) -> Result<(), CancelError> {
        if self.step == Step::Over {
            return Err(CancelError::Over);
        }
        if self.group.is_some() || self.share_is_being_written() {
            return Err(CancelError::Confirmed);
        }
        Ok(())
    }

    /// Our part ends, and its secrets are discarded; the others' fail at their deadline. Not possible once our
    /// confirmation is out.
    ///
    /// # Errors
    /// [`CancelError`]; nothing is changed then.
    pub fn cancel(&mut self) -> Result<Vec<Effect>, CancelError> {
        self.may_be_cancelled()?;
        Ok(self.fail(CeremonyFault::Cancelled))
    }
}
