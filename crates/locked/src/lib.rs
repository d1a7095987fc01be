//! Memory for secrets. A [`Region`] holds values of 32 bytes where they are not swapped, not dumped, not inherited by a
//! fork, and, where the kernel has `memfd_secret`, not even readable by a debugger. [`scrubbed`] runs what must compute
//! with such a value and wipes the stack that it used.
//!
//! The two belong together. Arithmetic works on copies: a scalar in Rust is moved by copying it, and the libraries'
//! scalars are `Copy`. No type can wipe what a move left behind. So whoever reads a [`Slot`] does it inside
//! [`scrubbed`], and lets nothing secret out but into another slot:
//! ```
//! # use hardfrost_locked::{scrubbed, LockError, Region};
//! # fn main() -> Result<(), LockError> {
//! let region = Region::new()?;
//! let slot = region.hold(&[7; 32])?;
//! let sum: u32 = scrubbed(|| {
//!     let mut copy = [0; 32];
//!     slot.read(&mut copy);
//!     copy.iter().map(|byte| u32::from(*byte)).sum()
//! });
//! # assert_eq!(sum, 224);
//! # Ok(())
//! # }
//! ```

mod map;
mod pool;
mod region;
mod stack;

pub use map::{LockError, Protection};
pub use region::{Region, Slot, SLOT_BYTES};
pub use stack::{scrubbed, SCRUBBED_BYTES};
