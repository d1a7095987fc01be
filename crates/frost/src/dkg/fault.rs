//! What ends a ceremony, and who is to blame.

use hardfrost_locked::LockError;
use hardfrost_primitives::Member;

/// A check that failed, and whose contribution failed it. The ceremony is over; its secrets are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkgFault {
    /// t or n out of range.
    #[error("a group needs 2 <= t <= n")]
    Size,
    /// Not one contribution of each other member.
    #[error("the contributions are not those of all other members")]
    Incomplete,
    /// Not t points, or one is the identity.
    #[error("member {0}'s commitment is not t curve points")]
    Commitment(Member),
    /// The constant term is not known to its dealer.
    #[error("member {0}'s proof of knowledge fails")]
    ProofOfKnowledge(Member),
    /// The ephemeral key is not held by its sender.
    #[error("member {0}'s proof of possession fails")]
    Possession(Member),
    /// Two members show one ephemeral key.
    #[error("members {0} and {1} show the same ephemeral key")]
    CopiedEphemeral(Member, Member),
    /// The sealed share does not open.
    #[error("member {0}'s sealed share does not open")]
    Sealed(Member),
    /// The share does not fit its dealer's commitment.
    #[error("member {0}'s share does not fit its commitment")]
    Share(Member),
    /// The constant terms cancel, or the sum under its tweak is no key: a chance of 2⁻²⁵⁶, or everybody conspired.
    #[error("the contributions sum to no key")]
    NoKey,
    /// There is no locked memory for the secrets.
    #[error(transparent)]
    Memory(#[from] LockError),
}

impl DkgFault {
    /// Whose contribution failed, where one member's did.
    #[must_use]
    pub fn culprit(&self) -> Option<Member> {
        match self {
            Self::Commitment(m)
            | Self::ProofOfKnowledge(m)
            | Self::Possession(m)
            | Self::Sealed(m)
            | Self::Share(m) => Some(*m),
            // Possession is proven for the first as for the second: which one copied cannot be told here.
            Self::CopiedEphemeral(..)
            | Self::Size
            | Self::Incomplete
            | Self::NoKey
            | Self::Memory(_) => None,
        }
    }
}
