//! The signer engine: the only part that touches secrets. It does FROST and custody, nothing else: it sees no operator
//! keys, envelopes or network, reads no clock, environment or files; time, randomness and the log are given to it.
//!
//! Nothing that depends on a secret leaves before its record is durable, and the types say so: an operation that
//! needs a record returns [`Staged`]; only [`Staged::commit_all`] turns that into [`Committed`]; only a committed
//! share is computed at all. So this compiles:
//! ```
//! # use hardfrost_engine::{Committed, Engine, PendingShare, Staged};
//! fn durable(engine: &mut Engine, done: Committed<PendingShare>) {
//!     let share = engine.release(done);
//! #   drop(share);
//! }
//! ```
//! and its twin, which skips the log, does not:
//! ```compile_fail,E0308
//! # use hardfrost_engine::{Committed, Engine, PendingShare, Staged};
//! fn undurable(engine: &mut Engine, staged: Staged<PendingShare>) {
//!     let share = engine.release(staged);
//! #   drop(share);
//! }
//! ```

#[cfg(test)]
extern crate self as hardfrost_engine;

mod abort;
mod adopt;
mod aggregate;
mod approve;
mod approve_session;
mod attempt;
mod command;
mod context;
mod custody;
mod engine;
mod gates;
mod keygen;
mod lifecycle;
mod log;
mod open;
mod operation;
mod package;
mod policy;
mod quarantine;
mod reason;
mod record;
#[cfg(test)]
mod recorded;
mod rejection;
mod round1;
mod round2;
mod session;
mod shared;
mod snapshot;
mod staged;
mod standing;
mod state;
mod status;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod uncertified;
mod verify_share;
mod words;

pub use abort::Abort;
pub use adopt::{Adopt, NotAdopted};
pub use aggregate::{Aggregate, AggregateJob, Aggregated, PendingCompletion};
pub use approve::{Approval, Approve, ApproveJob, ApprovedInput, Artifact, Explained};
pub use approve_session::ApproveSession;
pub use attempt::{AttemptIds, AttemptKey, MemberCommitments, SigningPackage};
pub use command::{serve, Command, Reply, Ticket};
pub use engine::{Engine, HeldKey, RecoverError};
pub use gates::Approved;
pub use keygen::{
    CeremonySeat, DealJob, Dealt, DkgError, DkgOpen, DkgSeal, Install, OpenDone, OpenJob,
    PendingInstall, PendingKey, SealDone, SealJob,
};
pub use lifecycle::{
    Changed, EmergencyRekey, FinalizeSession, OpenApproval, PendingChange, Rekeyed,
};
pub use log::{Log, LogError, MemoryLog};
pub use open::{Open, Opened};
pub use operation::{Counts, Operation};
pub use policy::InstallPolicy;
pub use quarantine::{Convict, Conviction, Quarantine, Quarantined, Unquarantine};
pub use reason::{Reason, ReasonError};
pub use record::{EncodedRecord, RecordError};
pub use rejection::{Code, LifecycleReason, PolicyReason, Recovery, Rejection};
pub use round1::{DrawJob, DrawnNonces, Round1Begun};
pub use round2::{PendingShare, Round2, Round2Job, Round2Judged};
pub use shared::Shared;
pub use staged::{Committed, Decision, Staged, Uncommitted};
pub use status::{KeyStatus, RecordCounts, Status};
pub use uncertified::Uncertified;
pub use verify_share::{Verdict, VerifyShare};
pub use words::{About, OperatorWord};
