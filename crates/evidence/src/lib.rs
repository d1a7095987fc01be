//! Proofs of misbehaviour: what the accused signed, and nothing else. A stranger verifies them offline, with no engine
//! and no store behind him. Only these proofs convict; claims, counters and silence never do.

mod case;
mod file;
mod package;
mod proof;

pub use case::{Doubt, Verdict};
pub use file::{EvidenceFile, FileError};
pub use package::{check_package, first_willing, offer, Offer, PackageFault, Turn};
pub use proof::{Evidence, EvidenceKind};
