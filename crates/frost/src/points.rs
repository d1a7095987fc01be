//! Points that everybody may see, on libsecp256k1, and the two places where a secret meets the generator. What takes a
//! scalar without the word *secret* runs in variable time: nothing secret may come near it.

use k256::elliptic_curve::sec1::FromEncodedPoint;
use k256::elliptic_curve::{Field, PrimeField};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar};
use rand_core::{CryptoRng, RngCore};
use secp256k1::{PublicKey, SecretKey, SECP256K1};
use zeroize::Zeroizing;

/// A compressed point that is not the identity; no sum and no product of ours has another encoding.
pub(crate) fn parse(bytes: &[u8; 33]) -> Option<PublicKey> {
    PublicKey::from_slice(bytes).ok()
}

/// Big-endian bytes below the group order.
pub(crate) fn scalar(bytes: [u8; 32]) -> Option<Scalar> {
    Option::from(Scalar::from_repr(bytes.into()))
}

/// ±k. A product, for the compiler makes a jump on k = 0 of `-k`; whether to negate is public, k may be secret.
pub(crate) fn signed(negate: bool, k: Scalar) -> Scalar {
    if negate {
        k * -Scalar::ONE
    } else {
        k
    }
}

/// Σ points; `None` is the point at infinity.
pub(crate) fn sum<'a>(points: impl IntoIterator<Item = &'a PublicKey>) -> Option<PublicKey> {
    let points: Vec<&PublicKey> = points.into_iter().collect();
    match points.as_slice() {
        [] => None,
        [one] => Some(**one),
        many => PublicKey::combine_keys(many).ok(),
    }
}

/// k·P; `None` for k = 0.
pub(crate) fn times(k: &Scalar, point: &PublicKey) -> Option<PublicKey> {
    let k = secp256k1::Scalar::from_be_bytes(k.to_bytes().into()).ok()?;
    point.mul_tweak(SECP256K1, &k).ok()
}

/// A fresh secret. Bytes that are no scalar are drawn again; that is all that is ever asked of them, and it stands in a
/// function of its own, so that a search for branches on secrets can tell it from others.
#[inline(never)]
pub(crate) fn random(rng: &mut (impl RngCore + CryptoRng)) -> Zeroizing<Scalar> {
    Zeroizing::new(Scalar::random(rng))
}

/// k·G in constant time; `None` for k = 0. No copy of k outlives the call. Not inlined, for the same reason.
#[inline(never)]
pub(crate) fn secret_times_g(k: &Scalar) -> Option<PublicKey> {
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(k.to_bytes().into());
    let mut secret = SecretKey::from_slice(bytes.as_slice()).ok()?;
    let point = secret.public_key(SECP256K1);
    secret.non_secure_erase();
    Some(point)
}

/// The same point as the FROST library holds it.
pub(crate) fn to_k256(point: &PublicKey) -> ProjectivePoint {
    let encoded = EncodedPoint::from_bytes(point.serialize_uncompressed())
        .expect("65 bytes of libsecp256k1 are an encoding");
    let affine = Option::<AffinePoint>::from(AffinePoint::from_encoded_point(&encoded));
    affine
        .expect("libsecp256k1 holds points of the curve only")
        .into()
}
