//! What goes between nodes: signed envelopes (D10), the payloads inside them, operator keys, the roster.
//!
//! A frame is signed once and travels as those very bytes. It is read in a fixed order: size, head, signature, payload.
//! [`FromPeer`] says who handed it over; [`Verified`] says that its author signed it.

mod ceremony;
mod channel;
mod frame;
mod kind;
mod operator;
mod roster;
mod signing;
mod standing;
mod trust;

pub use ceremony::{ConfirmPayload, DkgPullPayload, EchoPayload, Round1Payload, Round2Payload};
pub use frame::{Frame, FrameError, Head, Payload};
pub use kind::{Kind, Sizes};
pub use operator::{OperatorKey, OperatorKeyError, OperatorPublic};
pub use roster::{Operator, Roster, RosterError};
pub use signing::{
    pulled_turns, session_head, AdvancePayload, CommitmentsPayload, FinalSignature, HeldTurn,
    Incarnation, OfferPayload, PackagePayload, PullPayload, SharePayload, PULLED_TURNS_MAX,
};
pub use standing::{standing_head, StandingPayload, StandingPullPayload, Subject};
pub use trust::{FromPeer, OperatorIndex, Verified};
