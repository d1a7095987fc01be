//! Why a ceremony stopped, and who must act.

use hardfrost_frost::dkg::DkgFault;
use hardfrost_primitives::Member;

/// A ceremony is over without a key. Its secrets are discarded; a new ceremony has a new id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyFault {
    /// A contribution failed its check.
    #[error(transparent)]
    Contribution(DkgFault),
    /// One member signed two different bodies in one step.
    #[error("member {0} signed two different messages in one step of key generation")]
    TwoBodies(Member),
    /// A signed message that does not parse.
    #[error("member {0} signed a message of key generation that does not parse")]
    Malformed(Member),
    /// The echoer saw another contribution of the dealer than we did: one of the two is at fault.
    #[error("member {echoer} saw another contribution of member {dealer} than we did")]
    EchoDiffers {
        /// Who echoed.
        echoer: Member,
        /// Whose contribution differs.
        dealer: Member,
    },
    /// A confirmation of another key, transcript, roster or size.
    #[error("member {0} confirms another key than ours")]
    ConfirmDiffers(Member),
    /// The deadline passed; these members are awaited.
    #[error("the deadline of key generation passed; awaited: {}", list(.0))]
    Silent(Vec<Member>),
    /// Our operator ended our part.
    #[error("this node's operator cancelled it")]
    Cancelled,
    /// Our own engine refused.
    #[error("our engine refused: {0}")]
    Engine(String),
}

fn list(members: &[Member]) -> String {
    let names: Vec<String> = members.iter().map(|m| format!("member {m}")).collect();
    names.join(", ")
}

impl CeremonyFault {
    /// The member whose contribution failed, where it is one member.
    #[must_use]
    pub fn culprit(&self) -> Option<Member> {
        match self {
            Self::Contribution(fault) => fault.culprit(),
            Self::TwoBodies(m) | Self::Malformed(m) | Self::ConfirmDiffers(m) => Some(*m),
            Self::EchoDiffers { .. } | Self::Silent(_) | Self::Cancelled | Self::Engine(_) => None,
        }
    }
}
