//! Secret scalars that outlive a computation: in locked memory. What computes with one reads it inside
//! [`hardfrost_locked::scrubbed`], so that no copy outlives that.

use hardfrost_locked::{LockError, Region, Slot, SLOT_BYTES};
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use zeroize::Zeroizing;

/// A scalar in locked memory. No `Clone`; wiped on drop.
pub(crate) struct SecretScalar(Slot);

fn bytes_of(value: &Scalar) -> Zeroizing<[u8; SLOT_BYTES]> {
    Zeroizing::new(value.to_bytes().into())
}

impl SecretScalar {
    pub(crate) fn hold(value: &Scalar, region: &Region) -> Result<Self, LockError> {
        region.hold(&bytes_of(value)).map(Self)
    }

    pub(crate) fn replace(&mut self, value: &Scalar) {
        self.0.replace(&bytes_of(value));
    }

    /// A copy to compute with.
    pub(crate) fn read(&self) -> Zeroizing<Scalar> {
        let bytes = self.to_bytes();
        // What was held is below the group order, so nothing is reduced, and nothing needs to be asked of a secret.
        Zeroizing::new(<Scalar as Reduce<U256>>::reduce_bytes((&*bytes).into()))
    }

    /// 32 big-endian bytes.
    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; SLOT_BYTES]> {
        let mut bytes = Zeroizing::new([0; SLOT_BYTES]);
        self.0.read(&mut bytes);
        bytes
    }

    /// The region it lies in.
    pub(crate) fn region(&self) -> &Region {
        self.0.region()
    }
}
