//! One node's complete behaviour, pure: frames, engine replies, time and the operator's requests come in; frames,
//! engine commands and events go out. The join of protocol and engine lives here, so that whatever runs a node runs
//! this code.

mod convicts;
mod early;
mod intake;
mod keygen;
mod look;
mod question;
mod resume;
mod seat;
mod signing;
mod timetable;
mod words;

pub use keygen::Proposal;
pub use resume::ResumeError;
pub use seat::{Event, Input, Output, Request, Seat, SeatTerms};
pub use signing::SessionReport;
pub use words::Stop;
