//! The same key, and sessions over it, as a node holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage};
use hardfrost_frost::{
    sign, CheckedPackage, Commitments, DerivedGroup, DerivedShare, GroupPublic, KeyShare,
    PackageError, Region, SignatureShare, SigningNonces,
};
use hardfrost_primitives::{KeySpec, Member, Message, Suite};
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

/// The members' shares, and the group under the bare key.
pub struct Ours {
    pub shares: Vec<KeyShare>,
    pub group: Arc<DerivedGroup>,
    pub message: Message,
}

/// What the members of one package hold before they sign.
pub struct Session {
    pub commitments: BTreeMap<Member, Commitments>,
    pub nonces: BTreeMap<Member, SigningNonces>,
}

impl Ours {
    pub fn new(
        keys: &[KeyPackage],
        public: &PublicKeyPackage,
        message: Message,
    ) -> anyhow::Result<Self> {
        let bytes = |bytes: Vec<u8>| {
            <[u8; 33]>::try_from(bytes)
                .ok()
                .context("a point has 33 bytes")
        };
        let verifying = public.verifying_shares().values();
        let verifying: anyhow::Result<Vec<[u8; 33]>> =
            verifying.map(|share| bytes(share.serialize()?)).collect();
        let threshold = *keys.first().context("a group has members")?.min_signers();
        let key = bytes(public.verifying_key().serialize()?)?;
        let group = Arc::new(GroupPublic::dangerous_dealt(key, threshold, &verifying?)?);
        let region = Region::new()?;
        let mut shares = Vec::new();
        for (member, key) in Member::all(group.count()).zip(keys) {
            let secret = key.signing_share().serialize();
            let secret = Zeroizing::new(secret.try_into().ok().context("a share has 32 bytes")?);
            shares.push(KeyShare::from_bytes(
                member,
                &secret,
                Arc::clone(&group),
                &region,
            )?);
        }
        let group = Arc::new(DerivedGroup::new(group, KeySpec::group_key())?);
        Ok(Self {
            shares,
            group,
            message,
        })
    }

    /// The first t members commit.
    pub fn session(&self, suite: Suite, rng: &mut ChaCha20Rng) -> anyhow::Result<Session> {
        let threshold = usize::from(self.group.public().threshold());
        let (mut commitments, mut nonces) = (BTreeMap::new(), BTreeMap::new());
        for share in self.shares.iter().take(threshold) {
            let drawn = share.commit(suite, rng)?;
            commitments.insert(share.member(), drawn.commitments());
            nonces.insert(share.member(), drawn);
        }
        Ok(Session {
            commitments,
            nonces,
        })
    }

    pub fn package(
        &self,
        suite: Suite,
        commitments: BTreeMap<Member, Commitments>,
    ) -> Result<CheckedPackage, PackageError> {
        let group = Arc::clone(&self.group);
        CheckedPackage::new(suite, group, self.message, commitments)
    }

    pub fn derived(&self, share: &KeyShare) -> anyhow::Result<DerivedShare> {
        DerivedShare::new(share, Arc::clone(&self.group)).context("a share of this group")
    }

    /// All shares of a session.
    pub fn sign(
        &self,
        session: Session,
        package: &CheckedPackage,
    ) -> anyhow::Result<BTreeMap<Member, SignatureShare>> {
        let mut made = BTreeMap::new();
        for (share, (member, nonces)) in self.shares.iter().zip(session.nonces) {
            made.insert(member, sign(&self.derived(share)?, nonces, package)?);
        }
        Ok(made)
    }
}

/// Every share is off, by another amount each.
pub fn bent(shares: &BTreeMap<Member, SignatureShare>) -> BTreeMap<Member, SignatureShare> {
    let bend = |(index, (member, share)): (usize, (&Member, &SignatureShare))| {
        let mut bytes = share.0;
        if let Some(byte) = bytes.get_mut(index % 16 + 16) {
            *byte ^= 1;
        }
        (*member, SignatureShare(bytes))
    };
    shares.iter().enumerate().map(bend).collect()
}
