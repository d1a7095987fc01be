//! Points that everybody may see, on libsecp256k1, and the two places where a secret meets the generator. What takes a
//! scalar without the word *secret* runs in variable time: nothing secret may come near it.

use k256::elliptic_curve::sec1::FromEncodedPoint;
use k256::elliptic_curve::PrimeField;
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey, SECP256K1};
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

/// a·G + b·P; `None` is the point at infinity.
///
/// Two products for little more than the price of one: libsecp256k1 sums them in one chain of doublings. It has no call
/// of that name, but recovers a key from an ECDSA signature, and what that computes is r⁻¹·(s·R − z·G) for the point R
/// with x(R) = r. So let R be P, s be b·r and z be −a·r.
pub(crate) fn combination(a: &Scalar, b: &Scalar, point: &PublicKey) -> Option<PublicKey> {
    match recoverable(a, b, point) {
        // After what was sorted out before, only the point at infinity is no key.
        Some((z, signature)) => SECP256K1.recover_ecdsa(&z, &signature).ok(),
        None => sum(secret_times_g(a).iter().chain(&times(b, point))),
    }
}

/// The "message" and "signature"; `None` where no signature says it: for b = 0, and for the few points, easily found on
/// purpose, whose x is not below the group order.
fn recoverable(
    a: &Scalar,
    b: &Scalar,
    point: &PublicKey,
) -> Option<(Message, RecoverableSignature)> {
    let [sign, x @ ..] = point.serialize();
    let r = scalar(x)?;
    let (s, z) = (b * &r, -(a * &r));
    if bool::from(s.is_zero()) {
        return None;
    }
    let mut compact = [0; 64];
    let (first, second) = compact.split_at_mut(32);
    first.copy_from_slice(&x);
    second.copy_from_slice(&s.to_bytes());
    let parity = RecoveryId::from_i32(i32::from(sign == 3)).ok()?;
    let signature = RecoverableSignature::from_compact(&compact, parity).ok()?;
    Some((Message::from_digest(z.to_bytes().into()), signature))
}

/// k·G in constant time; `None` for k = 0. No copy of k outlives the call.
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

#[cfg(test)]
mod tests {
    use super::*;
    use k256::elliptic_curve::Field;
    use rand_chacha::rand_core::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    fn checked(a: Scalar, b: Scalar, point: &PublicKey) {
        let plain = ProjectivePoint::GENERATOR * a + to_k256(point) * b;
        let ours = combination(&a, &b, point);
        assert_eq!(
            ours.map_or(ProjectivePoint::IDENTITY, |p| to_k256(&p)),
            plain
        );
    }

    #[test]
    fn a_combination_is_the_plain_sum() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for _ in 0..500 {
            let point = secret_times_g(&Scalar::random(&mut rng)).unwrap();
            let (a, b) = (Scalar::random(&mut rng), Scalar::random(&mut rng));
            checked(a, b, &point);
        }
    }

    #[test]
    fn factors_at_the_edge_are_combined_too() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let (k, a) = (Scalar::random(&mut rng), Scalar::random(&mut rng));
        let point = secret_times_g(&k).unwrap();
        let edges = [
            Scalar::ZERO,
            Scalar::ONE,
            -Scalar::ONE,
            a,
            -a,
            a * k,
            -(a * k),
        ];
        for (one, other) in edges.into_iter().flat_map(|a| edges.map(|b| (a, b))) {
            checked(one, other, &point);
            checked(one, other, &secret_times_g(&Scalar::ONE).unwrap());
        }
        // a·k·G − a·P
        assert_eq!(combination(&(a * k), &-a, &point), None);
    }

    /// Such a point is no secret's public key that anybody finds by chance, but everybody can name one.
    #[test]
    fn a_point_whose_x_is_not_below_the_group_order_is_combined_too() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let order = (-Scalar::ONE).to_bytes();
        let above = |more: u8| {
            // The order's last byte is 0x41, so nothing carries.
            let mut bytes = [2; 33];
            bytes[1..].copy_from_slice(&order);
            bytes[32] += 1 + more;
            parse(&bytes)
        };
        let points: Vec<PublicKey> = (0..=100).filter_map(above).collect();
        assert!(points.len() > 20);
        for point in points {
            assert!(recoverable(&Scalar::ONE, &Scalar::ONE, &point).is_none());
            checked(Scalar::random(&mut rng), Scalar::random(&mut rng), &point);
        }
    }
}
