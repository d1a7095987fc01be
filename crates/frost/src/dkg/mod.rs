//! Distributed key generation: the algebra of a ceremony's secret steps (FROST key generation, RFC 9591's companion
//! protocol, with the unspendable taproot tweak). Each step consumes the secret of the one before.
//!
//! `deal` → [`Dealing`] → [`Dealing::seal`] → [`AwaitShares`] → [`AwaitShares::open`] → [`KeyShare`](crate::KeyShare).

mod await_shares;
mod ephemeral;
mod fault;
mod polynomial;
mod proof;
mod round1;
mod sealing;

pub use await_shares::AwaitShares;
pub use fault::DkgFault;
#[cfg(test)]
pub(crate) use polynomial::SecretPolynomial;
pub use round1::{deal, Contribution, Dealing, OpenShares, Round1};
pub use sealing::{SealedShare, SEALED_SHARE_BYTES};

use hardfrost_primitives::{Hash32, Member};

/// Which ceremony, and who we are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The ceremony's id.
    pub ceremony: Hash32,
    /// Our member number.
    pub member: Member,
    /// t
    pub threshold: u16,
    /// n
    pub count: u16,
}
