//! D9: from the group key to the key that signs. Every step is affine in the secret, so the whole way is one map
//! `s ↦ ±s + b`, applied alike to a share, to a verifying share and to the key.

use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Taproot};
use hmac::{Hmac, Mac};
use k256::elliptic_curve::group::GroupEncoding;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::{AffinePoint, ProjectivePoint, Scalar};
use sha2::Sha512;

use crate::derived::DeriveError;

/// `s ↦ ±s + b`.
#[derive(Clone, Copy)]
pub(crate) struct AffineMap {
    negate: bool,
    add: Scalar,
}

impl AffineMap {
    const IDENTITY: Self = Self {
        negate: false,
        add: Scalar::ZERO,
    };

    fn then_add(self, t: Scalar) -> Self {
        Self {
            negate: self.negate,
            add: self.add + t,
        }
    }

    fn then_negate(self) -> Self {
        Self {
            negate: !self.negate,
            add: -self.add,
        }
    }

    pub(crate) fn scalar(&self, s: Scalar) -> Scalar {
        self.signed(s) + self.add
    }

    pub(crate) fn added(&self) -> Scalar {
        self.add
    }

    /// `s ↦ ±s` alone: what a share of a tweak chain counts as before the tweaks.
    pub(crate) fn signed(&self, s: Scalar) -> Scalar {
        crate::points::signed(self.negate, s)
    }

    /// The map in the exponent; `add_g` is `b·G`, computed once by [`Self::add_g`].
    pub(crate) fn point(&self, point: ProjectivePoint, add_g: ProjectivePoint) -> ProjectivePoint {
        let signed = if self.negate { -point } else { point };
        signed + add_g
    }

    pub(crate) fn add_g(&self) -> ProjectivePoint {
        ProjectivePoint::GENERATOR * self.add
    }
}

/// A tweak: below the group order.
pub(crate) fn tweak(bytes: [u8; 32]) -> Result<Scalar, DeriveError> {
    crate::points::scalar(bytes).ok_or(DeriveError::Unlucky)
}

/// H_TapTweak(x(P) ‖ root), as a scalar (BIP 341).
pub(crate) fn tap_tweak(key: &AffinePoint, root: Option<&Hash32>) -> Result<Scalar, DeriveError> {
    let mut preimage = key.x().to_vec();
    if let Some(root) = root {
        preimage.extend_from_slice(&root.0);
    }
    tweak(Hash32::tagged("TapTweak", &preimage).0)
}

/// One step of BIP-32 public derivation: the child's tweak and chain code.
pub(crate) fn child_tweak(
    key: &[u8; 33],
    chain_code: &[u8; 32],
    index: ChildIndex,
) -> Result<(Scalar, [u8; 32]), DeriveError> {
    let mut mac =
        <Hmac<Sha512> as Mac>::new_from_slice(chain_code).expect("HMAC takes a key of any length");
    mac.update(key);
    mac.update(&index.number().to_be_bytes());
    let out: [u8; 64] = mac.finalize().into_bytes().into();
    let (left, right) = out.split_at(32);
    let tweak = tweak(left.try_into().expect("half of 64 bytes"))?;
    Ok((tweak, right.try_into().expect("half of 64 bytes")))
}

/// The synthetic chain code of a group key, in the manner of BIP 328.
pub(crate) fn chain_code(key: &[u8; 33]) -> [u8; 32] {
    hardfrost_primitives::Framed::domain("hardfrost/bip32-chain-code/v1")
        .raw(key)
        .hash()
        .0
}

/// A key on its way from the group key to the key that signs, and the way so far.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    point: ProjectivePoint,
    map: AffineMap,
}

/// Where a chain ends: the x-only key that signatures verify under, and the way to it.
#[derive(Clone, Copy)]
pub(crate) struct TweakedKey {
    pub(crate) x: [u8; 32],
    pub(crate) map: AffineMap,
}

impl Chain {
    pub(crate) fn new(key: ProjectivePoint) -> Self {
        let map = AffineMap::IDENTITY;
        Self { point: key, map }
    }

    /// The key of even Y: what an x-only tweak is added to, and what BIP 340 signs under.
    pub(crate) fn even(self) -> Self {
        if bool::from(self.point.to_affine().y_is_odd()) {
            let (point, map) = (-self.point, self.map.then_negate());
            Self { point, map }
        } else {
            self
        }
    }

    /// A plain tweak; after [`Self::even`] an x-only one.
    pub(crate) fn add(self, tweak: Scalar) -> Result<Self, DeriveError> {
        let point = self.point + ProjectivePoint::GENERATOR * tweak;
        if point == ProjectivePoint::IDENTITY {
            return Err(DeriveError::Unlucky);
        }
        let map = self.map.then_add(tweak);
        Ok(Self { point, map })
    }

    pub(crate) fn compressed(&self) -> [u8; 33] {
        self.point.to_affine().to_bytes().into()
    }

    /// The key that signs.
    pub(crate) fn end(self) -> TweakedKey {
        let Self { point, map } = self.even();
        let x = point.to_affine().x().into();
        TweakedKey { x, map }
    }
}

/// Even-Y group key, BIP-32 children, even Y, taproot tweak, even Y.
pub(crate) fn derive(key: ProjectivePoint, spec: &KeySpec) -> Result<Chain, DeriveError> {
    let mut key = Chain::new(key).even();
    let mut chain = chain_code(&key.compressed());
    for index in spec.path() {
        let (tweak, next) = child_tweak(&key.compressed(), &chain, *index)?;
        key = key.add(tweak)?;
        chain = next;
    }
    key = key.even();
    let root = match spec.taproot() {
        Taproot::Untweaked => return Ok(key),
        Taproot::KeyPathOnly => None,
        Taproot::Root(root) => Some(root),
    };
    let tweak = tap_tweak(&key.point.to_affine(), root.as_ref())?;
    Ok(key.add(tweak)?.even())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(hex_key: &str) -> ProjectivePoint {
        let mut bytes = [0; 33];
        hex::decode_to_slice(hex_key, &mut bytes).unwrap();
        ProjectivePoint::from_bytes(&bytes.into()).unwrap()
    }

    #[test]
    fn d9_the_published_check_value() {
        let key = point("023f6fa3fa12c14069d4ce4bcb6acb1824559266256239d3d6323c55e9414d96f3");
        let root = Hash32([0x11; 32]);
        let tweak = tap_tweak(&key.to_affine(), Some(&root)).unwrap();
        let sum = key + ProjectivePoint::GENERATOR * tweak;
        let expected = "0314d5274cc2a7385e1e5b9d9ed5e1749681cff633427a5b3a2fe9bf0d205cc729";
        assert_eq!(hex::encode(Chain::new(sum).compressed()), expected);
        let spec = KeySpec::new(Vec::new(), Taproot::Root(root)).unwrap();
        assert_eq!(
            hex::encode(derive(key, &spec).unwrap().compressed())[2..],
            expected[2..]
        );
    }

    #[test]
    fn the_map_says_of_the_secret_what_the_key_shows() {
        let secret = Scalar::from(77u64);
        let path = vec![ChildIndex::new(1).unwrap(), ChildIndex::new(44).unwrap()];
        for taproot in [
            Taproot::Untweaked,
            Taproot::KeyPathOnly,
            Taproot::Root(Hash32([3; 32])),
        ] {
            for path in [Vec::new(), path.clone()] {
                for secret in [secret, -secret] {
                    let spec = KeySpec::new(path.clone(), taproot).unwrap();
                    let key = ProjectivePoint::GENERATOR * secret;
                    let Chain { point, map } = derive(key, &spec).unwrap();
                    assert_eq!(ProjectivePoint::GENERATOR * map.scalar(secret), point);
                    assert_eq!(map.point(key, map.add_g()), point);
                    assert!(!bool::from(point.to_affine().y_is_odd()));
                }
            }
        }
    }
}
