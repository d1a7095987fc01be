//! The commands of an operator: a node's folder, and what is asked of a node that runs.

pub mod address;
pub mod approving;
pub mod blame_list;
pub mod card;
mod checking;
pub mod init;
pub mod key;
mod key_cancel;
mod making;
pub mod node;
mod pending;
pub mod psbt;
pub mod psbt_sample;
pub mod psbt_show;
pub mod roster;
pub mod session;
mod status;
mod table;
mod way;

pub use table::counted;
pub use way::{quoted, Way};
