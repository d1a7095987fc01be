//! A group, and a member's share, under a key spec.

use std::fmt;
use std::sync::Arc;

use hardfrost_primitives::{KeySpec, Member};

use crate::points::to_k256;
use crate::secret::SecretScalar;
use crate::tweak::{derive, TweakedKey};
use crate::{GroupPublic, KeyShare};

/// No key exists under this spec (a chance of about 2⁻¹²⁷): use another path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// A tweak at or above the group order, or a sum at infinity.
    #[error("this key spec has no key: use another child index")]
    Unlucky,
}

/// The group's keys under one key spec. The key has even Y.
pub struct DerivedGroup {
    public: Arc<GroupPublic>,
    spec: KeySpec,
    key: TweakedKey,
}

/// A member's share under one key spec: the key share itself, seen through the spec, and no copy of it. No `Clone`.
pub struct DerivedShare {
    member: Member,
    group: Arc<DerivedGroup>,
    share: Arc<SecretScalar>,
}

impl DerivedGroup {
    /// The keys of `public` under `spec` (D9).
    ///
    /// # Errors
    /// [`DeriveError::Unlucky`].
    pub fn new(public: Arc<GroupPublic>, spec: KeySpec) -> Result<Self, DeriveError> {
        let key = derive(to_k256(public.key()), &spec)?.end();
        Ok(Self { public, spec, key })
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
        self.key.x
    }

    pub(crate) fn key(&self) -> &TweakedKey {
        &self.key
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
        Some(Self {
            member: share.member(),
            group,
            share: Arc::clone(share.signing_share()),
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

    /// The member's share of the group key, before the spec's tweaks.
    pub(crate) fn untweaked(&self) -> &SecretScalar {
        &self.share
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
