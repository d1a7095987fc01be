//! The suite `bip445`: FROST signing as BIP 445 (draft 0.12.1) describes it. Names of its own symbols stand in
//! brackets. An identifier of the standard is our member number less one.
//!
//! What the standard lets a coordinator hand over, the aggregate nonce, is never taken from anybody here: every signer
//! sums the commitments that the package carries, so nobody can be framed with a sum it cannot check.

mod nonces;
mod session;
#[cfg(test)]
mod vectors;

pub(crate) use nonces::{draw, Bound};
pub(crate) use session::{session, AggregateNonce};
