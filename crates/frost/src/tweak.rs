//! D9: from the group key to the key that signs. Every step is affine in the secret, so the whole way is one map
//! `s ↦ ±s + b`, applied alike to a share, to a verifying share and to the key.

use hardfrost_primitives::{ChildIndex, Hash32, KeySpec, Taproot};
use hmac::{Hmac, Mac};
use k256::elliptic_curve::group::GroupEncoding;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::PrimeField;
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
        let signed = if self.negate { -s } else { s };
        signed + self.add
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

fn scalar(bytes: [u8; 32]) -> Result<Scalar, DeriveError> {
    Option::from(Scalar::from_repr(bytes.into())).ok_or(DeriveError::Unlucky)
}

fn compressed(point: &ProjectivePoint) -> [u8; 33] {
    point.to_affine().to_bytes().into()
}

/// H_TapTweak(x(P) ‖ root), as a scalar (BIP 341).
pub(crate) fn tap_tweak(key: &AffinePoint, root: Option<&Hash32>) -> Result<Scalar, DeriveError> {
    let mut preimage = key.x().to_vec();
    if let Some(root) = root {
        preimage.extend_from_slice(&root.0);
    }
    scalar(Hash32::tagged("TapTweak", &preimage).0)
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
    let tweak = scalar(left.try_into().expect("half of 64 bytes"))?;
    Ok((tweak, right.try_into().expect("half of 64 bytes")))
}

/// The synthetic chain code of a group key, in the manner of BIP 328.
pub(crate) fn chain_code(key: &[u8; 33]) -> [u8; 32] {
    hardfrost_primitives::Framed::domain("hardfrost/bip32-chain-code/v1")
        .raw(key)
        .hash()
        .0
}

fn even(point: ProjectivePoint, map: AffineMap) -> (ProjectivePoint, AffineMap) {
    if bool::from(point.to_affine().y_is_odd()) {
        (-point, map.then_negate())
    } else {
        (point, map)
    }
}

/// Even-Y group key, BIP-32 children, even Y, taproot tweak, even Y.
pub(crate) fn derive(
    key: ProjectivePoint,
    spec: &KeySpec,
) -> Result<(ProjectivePoint, AffineMap), DeriveError> {
    let (mut point, mut map) = even(key, AffineMap::IDENTITY);
    let mut chain = chain_code(&compressed(&point));
    for index in spec.path() {
        let (tweak, next) = child_tweak(&compressed(&point), &chain, *index)?;
        point += ProjectivePoint::GENERATOR * tweak;
        map = map.then_add(tweak);
        chain = next;
    }
    (point, map) = even(point, map);
    let root = match spec.taproot() {
        Taproot::Untweaked => return nonzero(point, map),
        Taproot::KeyPathOnly => None,
        Taproot::Root(root) => Some(root),
    };
    let tweak = tap_tweak(&point.to_affine(), root.as_ref())?;
    let (point, map) = even(
        point + ProjectivePoint::GENERATOR * tweak,
        map.then_add(tweak),
    );
    nonzero(point, map)
}

fn nonzero(
    point: ProjectivePoint,
    map: AffineMap,
) -> Result<(ProjectivePoint, AffineMap), DeriveError> {
    if point == ProjectivePoint::IDENTITY {
        Err(DeriveError::Unlucky)
    } else {
        Ok((point, map))
    }
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
        assert_eq!(hex::encode(compressed(&sum)), expected);
        let spec = KeySpec::new(Vec::new(), Taproot::Root(root)).unwrap();
        assert_eq!(
            hex::encode(compressed(&derive(key, &spec).unwrap().0))[2..],
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
                    let (derived, map) = derive(key, &spec).unwrap();
                    assert_eq!(ProjectivePoint::GENERATOR * map.scalar(secret), derived);
                    assert_eq!(map.point(key, map.add_g()), derived);
                    assert!(!bool::from(derived.to_affine().y_is_odd()));
                }
            }
        }
    }
}
