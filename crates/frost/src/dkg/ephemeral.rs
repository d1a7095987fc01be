//! The ceremony's ephemeral key: proven to be held, used once per direction, gone with the ceremony.

use hardfrost_locked::{LockError, Region, Slot};
use hardfrost_primitives::{Hash32, Member};
use rand_core::{CryptoRng, RngCore};
use secp256k1::ecdh::shared_secret_point;
use secp256k1::{schnorr, Keypair, Message, PublicKey, SecretKey, SECP256K1};
use zeroize::{Zeroize, Zeroizing};

/// The secret half, in locked memory. Wiped on drop.
pub(super) struct Ephemeral {
    secret: Slot,
    public: [u8; 33],
}

fn possession_message(ceremony: &Hash32, member: Member, public: &[u8; 33]) -> Message {
    let body = [&ceremony.0[..], &member.to_be_bytes(), public].concat();
    Message::from_digest(Hash32::tagged("hardfrost/dkg-ephemeral", &body).0)
}

impl Ephemeral {
    /// Draws a key and proves possession: BIP-340 over H_tag("hardfrost/dkg-ephemeral", ceremony ‖ member ‖ E).
    pub(super) fn draw(
        ceremony: &Hash32,
        member: Member,
        region: &Region,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, [u8; 64]), LockError> {
        let mut secret = loop {
            let mut bytes = Zeroizing::new([0; 32]);
            rng.fill_bytes(bytes.as_mut_slice());
            if let Ok(secret) = SecretKey::from_slice(bytes.as_slice()) {
                break secret;
            }
        };
        let public = secret.public_key(SECP256K1).serialize();
        let message = possession_message(ceremony, member, &public);
        let mut aux = [0; 32];
        rng.fill_bytes(&mut aux);
        let mut pair = Keypair::from_secret_key(SECP256K1, &secret);
        let proof = SECP256K1.sign_schnorr_with_aux_rand(&message, &pair, &aux);
        pair.non_secure_erase();
        let held = region.hold(&Zeroizing::new(secret.secret_bytes()));
        secret.non_secure_erase();
        let secret = held?;
        Ok((Self { secret, public }, proof.serialize()))
    }

    pub(super) fn public(&self) -> &[u8; 33] {
        &self.public
    }

    /// The region it lies in.
    pub(super) fn region(&self) -> &Region {
        self.secret.region()
    }

    /// x(e·E'), 32 bytes; `None` when the other key is no point. Not inlined, so that a search for branches on secrets
    /// can tell the question whether e is a key from others.
    #[inline(never)]
    pub(super) fn shared_x(&self, other: &[u8; 33]) -> Option<Zeroizing<[u8; 32]>> {
        let other = PublicKey::from_slice(other).ok()?;
        let mut bytes = Zeroizing::new([0; 32]);
        self.secret.read(&mut bytes);
        let mut secret = SecretKey::from_slice(bytes.as_slice()).ok()?;
        let mut point = shared_secret_point(&other, &secret);
        secret.non_secure_erase();
        let mut x = Zeroizing::new([0; 32]);
        x.copy_from_slice(point.first_chunk::<32>().expect("a point has 64 bytes"));
        point.zeroize();
        Some(x)
    }
}

/// Whether whoever sent `public` holds its secret, in this ceremony and seat.
pub(super) fn possessed(
    ceremony: &Hash32,
    member: Member,
    public: &[u8; 33],
    proof: &[u8; 64],
) -> bool {
    let Ok(key) = PublicKey::from_slice(public) else {
        return false;
    };
    let Ok(proof) = schnorr::Signature::from_slice(proof) else {
        return false;
    };
    let message = possession_message(ceremony, member, public);
    SECP256K1
        .verify_schnorr(&proof, &message, &key.x_only_public_key().0)
        .is_ok()
}
