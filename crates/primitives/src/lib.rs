//! The ground everything stands on: names that are valid by construction (D1), limits, time values and the
//! derivations D1 to D7. Values only: no I/O, no secrets, no curve arithmetic.

pub mod derive;
mod framing;
mod key_spec;
mod limits;
mod member;
mod names;
mod pace;
mod reader;
mod suite;
mod time;

pub use framing::{framed, Framed};
pub use key_spec::{ChildIndex, KeySpec, KeySpecError, Taproot};
pub use limits::{Limits, MEMBERS_DEFAULT_MAX, MEMBERS_MAX, PATH_LEN_MAX, REQUEST_BYTES_MAX};
pub use member::{members_ascending, Member, MemberError};
pub use names::{
    AttemptId, Fingerprint, Hash32, KeyGroup, Message, NameError, RequestId, SessionId,
};
pub use pace::Pace;
pub use reader::Reader;
pub use suite::{Suite, SuiteError, SuiteNameError};
pub use time::{Monotonic, Now, UnixTime};
