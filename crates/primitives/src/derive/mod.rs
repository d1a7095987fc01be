//! Derivations D3 to D7, each computed here and nowhere else. Big-endian integers, SHA-256.

mod attempt;
mod context;
mod election;
mod go_cooked;
mod go_rand;
mod session;

pub use attempt::{attempt_id, fingerprint, transcript_digest};
pub use context::{AttemptContext, ContextError};
pub use election::{coordinator, ElectionSeed};
pub use session::session_id;
