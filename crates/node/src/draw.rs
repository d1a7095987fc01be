//! What is drawn from the operating system's randomness.

use hardfrost_wire::OperatorKey;
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

/// Bytes from the operating system.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A new operator's secret key.
#[must_use]
pub fn operator_secret() -> Zeroizing<[u8; 32]> {
    loop {
        let secret = Zeroizing::new(random::<32>());
        if OperatorKey::new(&secret, [0; 32]).is_ok() {
            return secret;
        }
    }
}
