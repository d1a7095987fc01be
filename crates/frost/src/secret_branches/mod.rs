//! Whether making nonces, keys and signatures branches on a secret, or looks something up by one. A victim runs under
//! valgrind; when it holds its secrets it says where they lie, valgrind is told to count these bytes as uninitialised,
//! and from then on it reports every jump and every address that depends on them. The debug assertions of the libraries
//! below look at secrets, so only the release profile can be clean.
//!
//! Nothing is declared public on the way. So what may be looked at is named for each victim by the function that looks:
//! whether random bytes are a scalar (all but 2⁻¹²⁸ are), whether a tag fits, and the public point that a secret makes.
//!
//! Not run so: what libsecp256k1 signs with the ephemeral key, and tests so itself; the sign of a proof's nonce, which
//! is that of a public point; reading a share out of a record or from a host.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod keys;
mod nonces;
mod signing;
mod valgrind;

use std::sync::Arc;

use hardfrost_primitives::Member;
use k256::elliptic_curve::PrimeField;
use k256::Scalar;
use rand_core::impls::{next_u32_via_fill, next_u64_via_fill};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::points::secret_times_g;
use crate::{GroupPublic, KeyShare, Region};

/// Both shares of a 2-of-2 group, on the line 5·x + 7 or its negative.
fn shares(region: &Region) -> Vec<KeyShare> {
    let value = |x: u64| Scalar::from(5 * x + 7);
    let [sign, ..] = secret_times_g(&value(0)).unwrap().serialize();
    let secret = |x| if sign == 2 { value(x) } else { -value(x) };
    let public = |x| secret_times_g(&secret(x)).unwrap().serialize();
    let group = GroupPublic::dangerous_dealt(public(0), 2, &[public(1), public(2)]);
    let group = Arc::new(group.unwrap());
    let share = |m: Member| {
        let share = Zeroizing::new(secret(m.number().into()).to_bytes().into());
        KeyShare::from_bytes(m, &share, group.clone(), region).unwrap()
    };
    Member::all(2).map(share).collect()
}

/// A source of randomness whose bytes valgrind counts as uninitialised.
struct Poisoned<R> {
    source: R,
    mask: Box<[u8; 32]>,
}

impl<R: RngCore> Poisoned<R> {
    /// Once [`Self::mask`] is poisoned, so is all that is drawn.
    fn new(source: R) -> Self {
        let mask = Box::new([0; 32]);
        Self { source, mask }
    }
}

impl<R: RngCore> RngCore for Poisoned<R> {
    fn next_u32(&mut self) -> u32 {
        next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.source.fill_bytes(bytes);
        for (byte, mask) in bytes.iter_mut().zip(self.mask.iter().cycle()) {
            *byte ^= mask;
        }
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: CryptoRng> CryptoRng for Poisoned<R> {}

/// What asks of random bytes, and of any secret, whether they are a scalar and not zero.
const IS_A_SCALAR: [&str; 2] = ["points::random", "points::secret_times_g"];

/// What a victim does with a secret when it is told to: a branch that must be seen.
#[inline(never)]
fn plant(planted: bool, secret: &Scalar) {
    if planted && bool::from(secret.is_odd()) {
        println!("the planted branch was taken");
    }
}
