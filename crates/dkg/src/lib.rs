//! Distributed key generation without a dealer as one member's pure machine. The secret steps are asked of
//! the engine; a failed check stops the ceremony and names whose contribution failed.

mod board;
mod ceremony;
mod certificate;
mod descriptor;
mod fault;

pub use ceremony::{Answer, CancelError, Ceremony, Durable, Effect, Need, Step};
pub use certificate::{Certificate, CertificateError};
pub use descriptor::{CeremonyKind, Descriptor};
pub use fault::CeremonyFault;
