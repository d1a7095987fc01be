//! The one door to FROST and to curve arithmetic. No other crate names a point or a scalar. Everything is a function of
//! its arguments; randomness is an argument.
//!
//! # A nonce pair signs once
//! [`SigningNonces`] can only be made by [`KeyShare::commit`], has no `Clone`, and [`sign`] takes it by value. So this
//! compiles:
//! ```
//! # use hardfrost_frost::{sign, CheckedPackage, DerivedShare, SigningNonces};
//! fn once(share: &DerivedShare, nonces: SigningNonces, package: &CheckedPackage) {
//!     let first = sign(share, nonces, package);
//! #   drop(first);
//! }
//! ```
//! and its twin, which signs a second time, does not:
//! ```compile_fail,E0382
//! # use hardfrost_frost::{sign, CheckedPackage, DerivedShare, SigningNonces};
//! fn twice(share: &DerivedShare, nonces: SigningNonces, package: &CheckedPackage) {
//!     let first = sign(share, nonces, package);
//!     let second = sign(share, nonces, package);
//! #   drop((first, second));
//! }
//! ```

mod aggregate;
#[cfg(test)]
mod bip32_vectors;
mod bip445;
mod combination;
mod derived;
mod digits;
pub mod dkg;
mod group_public;
mod identifier;
mod key_material;
mod key_share;
mod lagrange;
mod nonces;
mod package;
mod points;
mod products;
mod secret;
#[cfg(test)]
mod secret_branches;
mod session;
mod sign;
mod signature;
mod tr;
mod tweak;

pub use hardfrost_locked::{LockError, Region};

pub use aggregate::{aggregate, AggregateError, Candidate, ShareFault};
pub use derived::{DeriveError, DerivedGroup, DerivedShare};
pub use group_public::{GroupPublic, GroupPublicError};
pub use identifier::{FrostIdentifier, IdentifierError};
pub use key_share::{KeyShare, KeyShareError};
pub use nonces::{Commitments, CommitmentsError, SigningNonces};
pub use package::{CheckedPackage, PackageError};
pub use sign::{sign, verify_share, ShareVerdict, SignError, SignatureShare};
pub use signature::Signature;
