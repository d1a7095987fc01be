//! The C boundary: a library for hosts in other languages, over the real engine and store.
//!
//! Requests and replies are JSON; secrets stay behind handles. The functions that C sees stand in [`boundary`], the one
//! file with `unsafe` in it; they share one [`Library`], the only global, because the interface that hosts already know
//! has no context argument. Everything else is values: a test makes a [`Library`] of its own and calls that.

#[allow(
    unsafe_code,
    reason = "C hands over a pointer and a length; this file turns them into a slice"
)]
pub mod boundary;
#[forbid(unsafe_code)]
mod buffers;
#[forbid(unsafe_code)]
mod call;
#[forbid(unsafe_code)]
mod clock;
#[forbid(unsafe_code)]
mod codec;
#[forbid(unsafe_code)]
mod config;
#[forbid(unsafe_code)]
mod dkg;
#[forbid(unsafe_code)]
mod failure;
#[forbid(unsafe_code)]
pub mod foreign;
#[forbid(unsafe_code)]
mod guard;
#[forbid(unsafe_code)]
mod handles;
#[forbid(unsafe_code)]
mod json;
#[forbid(unsafe_code)]
mod library;
#[forbid(unsafe_code)]
mod persist;
#[forbid(unsafe_code)]
mod reply;
#[forbid(unsafe_code)]
mod requests;
#[forbid(unsafe_code)]
mod signer;
#[forbid(unsafe_code)]
mod signing;
#[forbid(unsafe_code)]
mod standing;
#[forbid(unsafe_code)]
mod transaction;

pub use call::Call;
pub use failure::{ErrorCode, RecoveryClass};
pub use library::{Answer, Library};
