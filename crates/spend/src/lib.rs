//! A PSBT, what is to be signed of it and why, and the signed transaction. Pure functions: no I/O, no clock.
//!
//! # Nothing is signed blindly
//! A message to sign comes from a [`SpendPlan`], which holds the whole transaction that explains it, or from a
//! [`TaggedMessage`], which can never be a transaction's digest. Neither can be made from 32 bytes. This compiles:
//! ```
//! # use hardfrost_primitives::Message;
//! # use hardfrost_spend::SpendPlan;
//! fn explained(plan: &SpendPlan) -> Vec<Message> {
//!     plan.inputs().iter().map(|input| input.message).collect()
//! }
//! ```
//! and its twin, which writes the input of a plan down by hand, does not:
//! ```compile_fail,E0639
//! # use hardfrost_primitives::{KeySpec, Message};
//! # use hardfrost_spend::{Amount, OurInput};
//! fn unexplained(digest: [u8; 32]) -> OurInput {
//!     OurInput {
//!         index: 0,
//!         message: Message(digest),
//!         key_spec: KeySpec::group_key(),
//!         output_key: [2; 32],
//!         value: Amount::ZERO,
//!     }
//! }
//! ```

mod address;
mod checksum;
mod error;
mod fee;
mod finalize;
mod funding;
mod key_spends;
mod ours;
mod plan;
mod policy;
mod prevouts;
mod psbt;
mod tagged;
mod words;

pub use address::{address, descriptor, script_pubkey};
pub use bitcoin::{Address, Amount, FeeRate, Network, OutPoint, ScriptBuf, Transaction, Txid};
pub use error::SpendError;
pub use finalize::SignedPsbt;
pub use funding::{funding_transaction, spending_psbt, FundingError, Payment};
pub use key_spends::{Coin, KeySpends};
pub use plan::{OurInput, PlannedOutput, PlannedSpend, SpendPlan, INPUTS_MAX, OUTPUTS_MAX};
pub use policy::{Policy, PolicyLimit, SpendFacts, SpentCoin};
pub use psbt::{PsbtError, UnsignedPsbt, PSBT_BYTES_MAX};
pub use tagged::{TaggedError, TaggedMessage, TAGGED_BYTES_MAX, TAG_BYTES_MAX};
pub use words::{printable, Explanation};
