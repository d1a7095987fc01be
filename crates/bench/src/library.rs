//! The FROST library as it is used by those who use it plainly.

use std::collections::BTreeMap;

use anyhow::Context;
use frost_secp256k1_tr::keys::{self, EvenY, IdentifierList, KeyPackage, PublicKeyPackage};
use frost_secp256k1_tr::{round1, round2, Identifier, SigningPackage};
use rand_chacha::ChaCha20Rng;

/// A key split by a dealer, and one session over it.
pub struct Library {
    pub keys: Vec<KeyPackage>,
    pub public: PublicKeyPackage,
    pub package: SigningPackage,
    pub nonces: BTreeMap<Identifier, round1::SigningNonces>,
    pub shares: BTreeMap<Identifier, round2::SignatureShare>,
}

impl Library {
    pub fn new((t, n): (u16, u16), message: &[u8], rng: &mut ChaCha20Rng) -> anyhow::Result<Self> {
        let (shares, public) =
            keys::generate_with_dealer(n, t, IdentifierList::Default, &mut *rng)?;
        let keys: Result<Vec<KeyPackage>, _> = shares
            .into_values()
            .map(|share| KeyPackage::try_from(share).map(|key| key.into_even_y(None)))
            .collect();
        let (keys, public) = (keys?, public.into_even_y(None));
        let signers = keys.iter().take(usize::from(t));
        let committed = signers.map(|key| {
            let drawn = round1::commit(key.signing_share(), &mut *rng);
            (*key.identifier(), drawn)
        });
        let (mut nonces, mut commitments) = (BTreeMap::new(), BTreeMap::new());
        for (id, (nonce, commitment)) in committed {
            nonces.insert(id, nonce);
            commitments.insert(id, commitment);
        }
        let package = SigningPackage::new(commitments, message);
        let mut shares = BTreeMap::new();
        for key in keys.iter().take(usize::from(t)) {
            let nonces = nonces
                .get(key.identifier())
                .context("this signer committed")?;
            shares.insert(*key.identifier(), round2::sign(&package, nonces, key)?);
        }
        Ok(Self {
            keys,
            public,
            package,
            nonces,
            shares,
        })
    }

    /// Every share is off, by another amount each.
    pub fn bad_shares(&self) -> anyhow::Result<BTreeMap<Identifier, round2::SignatureShare>> {
        let mut shares = BTreeMap::new();
        for (id, share) in &self.shares {
            let mut bytes = share.serialize();
            let place = shares.len() % 16 + 16;
            *bytes.get_mut(place).context("a share has 32 bytes")? ^= 1;
            shares.insert(*id, round2::SignatureShare::deserialize(&bytes)?);
        }
        Ok(shares)
    }
}
