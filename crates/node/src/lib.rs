//! One operator's node. It holds no protocol decision: seats and engine decide, the transport moves bytes, and the loop
//! here joins them.

mod card;
mod ceremonies;
mod channel;
mod check;
mod clock;
mod code;
mod config;
mod core;
mod desk;
mod draw;
mod ending;
mod federation;
mod home;
mod journal;
mod kept;
mod look;
mod network;
mod orders;
mod quota;
mod reach;
#[cfg(test)]
mod recorded;
mod roster_file;
mod run;
mod start;

pub use card::{check_addresses, Card, CardError, Contact};
pub use channel::TermsError;
pub use check::{check, no_identity, Checked, EngineFound, IdentityError};
pub use clock::Clock;
pub use config::{
    ApiPlace, Config, ConfigError, EnginePlace, KeyPlace, LogFormat, StorePlace, CONFIG_FILE,
};
pub use draw::{operator_secret, random};
pub use home::{another_transport, card_of, make, HomeError, Keys, NewHome, CARD_FILE};
pub use roster_file::{RosterFile, RosterFileError};
pub use run::{run, Prepared, Wrap};
pub use start::RunError;
