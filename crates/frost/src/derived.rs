//! A group, and a member's share, under a key spec.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare};
use frost_secp256k1_tr::VerifyingKey;
use hardfrost_primitives::{KeySpec, Member};
use k256::elliptic_curve::point::AffineCoordinates;

use crate::identifier::identifier;
use crate::tweak::{derive, AffineMap};
use crate::{GroupPublic, KeyShare};

/// No key exists under this spec (a chance of about 2⁻¹²⁷): use another path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// A tweak at or above the group order, or a sum at infinity.
    #[error("this key spec has no key: use another child index")]
    Unlucky,
}

/// The group's keys under one key spec. The key has even Y; every verifying share is moved along.
pub struct DerivedGroup {
    public: Arc<GroupPublic>,
    spec: KeySpec,
    map: AffineMap,
    package: PublicKeyPackage,
}

/// A member's share under one key spec. No `Clone`; wiped on drop.
pub struct DerivedShare {
    member: Member,
    group: Arc<DerivedGroup>,
    package: KeyPackage,
}

impl DerivedGroup {
    /// The keys of `public` under `spec` (D9).
    ///
    /// # Errors
    /// [`DeriveError::Unlucky`].
    pub fn new(public: Arc<GroupPublic>, spec: KeySpec) -> Result<Self, DeriveError> {
        let (key, map) = derive(public.package().verifying_key().to_element(), &spec)?;
        let add_g = map.add_g();
        let shares: BTreeMap<_, _> = public
            .package()
            .verifying_shares()
            .iter()
            .map(|(id, share)| {
                (
                    *id,
                    VerifyingShare::new(map.point(share.to_element(), add_g)),
                )
            })
            .collect();
        let threshold = Some(public.threshold());
        let package = PublicKeyPackage::new(shares, VerifyingKey::new(key), threshold);
        Ok(Self {
            public,
            spec,
            map,
            package,
        })
    }

    /// The group itself.
    #[must_use]
    pub fn public(&self) -> &Arc<GroupPublic> {
        &self.public
    }

    /// The spec.
    #[must_use]
    pub fn spec(&self) -> &KeySpec {
        &self.spec
    }

    /// The x-only key that signatures verify under (BIP 340), 32 bytes.
    #[must_use]
    pub fn output_key(&self) -> [u8; 32] {
        self.package
            .verifying_key()
            .to_element()
            .to_affine()
            .x()
            .into()
    }

    pub(crate) fn package(&self) -> &PublicKeyPackage {
        &self.package
    }
}

impl DerivedShare {
    /// `share` under the spec of `group`.
    ///
    /// # Errors
    /// `None` when the share is of another group.
    #[must_use]
    pub fn new(share: &KeyShare, group: Arc<DerivedGroup>) -> Option<Self> {
        if share.group().as_ref() != group.public.as_ref() {
            return None;
        }
        let member = share.member();
        let id = identifier(member);
        let verifying_share = *group.package.verifying_shares().get(&id)?;
        let signing_share = SigningShare::new(group.map.scalar(share.signing_share().to_scalar()));
        let key = *group.package.verifying_key();
        let threshold = group.public.threshold();
        let package = KeyPackage::new(id, signing_share, verifying_share, key, threshold);
        Some(Self {
            member,
            group,
            package,
        })
    }

    /// Whose share this is.
    #[must_use]
    pub fn member(&self) -> Member {
        self.member
    }

    /// The group under the same spec.
    #[must_use]
    pub fn group(&self) -> &Arc<DerivedGroup> {
        &self.group
    }

    pub(crate) fn package(&self) -> &KeyPackage {
        &self.package
    }
}

impl fmt::Debug for DerivedGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DerivedGroup({:?}, {})", self.public, self.spec)
    }
}

impl fmt::Debug for DerivedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedShare")
    }
}
