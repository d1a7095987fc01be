//! What everybody knows of a group key.

use std::fmt;
use std::sync::Arc;

use hardfrost_primitives::{Framed, Hash32, KeyGroup, KeySpec, Member, Taproot, MEMBERS_MAX};
use secp256k1::PublicKey;

use crate::key_material::check;
use crate::lagrange::{Lambdas, Remembered};
use crate::points::{parse, to_k256};

/// The group's keys: P0, which key generation shared; P, which signs (P0 with an unspendable script path, even Y); one
/// verifying share per member 1..=n; the threshold.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupPublic {
    key_group: KeyGroup,
    internal_key: [u8; 33],
    threshold: u16,
    key: PublicKey,
    /// By ascending member, from 1.
    shares: Vec<PublicKey>,
    lambdas: Remembered,
}

/// Bytes or keys that make no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupPublicError {
    /// Not D6's layout, or bytes left over.
    #[error("the group public does not have the layout of D6")]
    Layout,
    /// A key that is not a point, or the identity.
    #[error("a key in the group public is not a curve point")]
    NoPoint,
    /// The threshold and the number of members do not go together.
    #[error("a group needs 2 <= t <= n <= {MEMBERS_MAX}, not t = {threshold}, n = {count}")]
    Size {
        /// t
        threshold: u16,
        /// n
        count: usize,
    },
    /// The verifying shares are not shares of P with this threshold: some signers could not sign, or for another key.
    #[error("the verifying shares are not shares of the group key with this threshold")]
    Inconsistent,
    /// P is not P0 under the unspendable tweak: a script path may hide in it.
    #[error("the group key is not the internal key under the unspendable script path")]
    HiddenScriptPath,
}

/// P from P0: the unspendable script path, then even Y.
fn output_of(internal_key: &[u8; 33]) -> Result<[u8; 33], GroupPublicError> {
    let p0 = parse(internal_key).ok_or(GroupPublicError::NoPoint)?;
    let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly);
    let spec = spec.expect("an empty path is short enough");
    let key = crate::tweak::derive(to_k256(&p0), &spec).map_err(|_| GroupPublicError::NoPoint)?;
    Ok(key.compressed())
}

impl GroupPublic {
    /// The group whose members 1..=n hold `verifying_shares` of the key made from `internal_key` (P0).
    ///
    /// # Errors
    /// Sizes out of range, bytes that are no curve points, or shares of another key.
    pub fn new(
        internal_key: [u8; 33],
        threshold: u16,
        verifying_shares: &[[u8; 33]],
    ) -> Result<Self, GroupPublicError> {
        Self::of_ceremony(internal_key, threshold, verifying_shares)?.consistent()
    }

    /// As [`Self::new`], of verifying shares that were computed from the dealers' polynomials and so fit.
    pub(crate) fn of_ceremony(
        internal_key: [u8; 33],
        threshold: u16,
        verifying_shares: &[[u8; 33]],
    ) -> Result<Self, GroupPublicError> {
        let key = output_of(&internal_key)?;
        Self::assemble(internal_key, key, threshold, verifying_shares)
    }

    /// A key that somebody knew whole and split: no implicit tweak, P0 = P. There is no dealer outside test code.
    ///
    /// # Errors
    /// As for [`Self::new`]; the key must have even Y.
    pub fn dangerous_dealt(
        key: [u8; 33],
        threshold: u16,
        verifying_shares: &[[u8; 33]],
    ) -> Result<Self, GroupPublicError> {
        Self::assemble(key, key, threshold, verifying_shares)?.consistent()
    }

    fn consistent(self) -> Result<Self, GroupPublicError> {
        let shares: Vec<_> = self.members().zip(self.shares.iter().copied()).collect();
        check(self.threshold, &shares, &self.key).map_err(|_| GroupPublicError::Inconsistent)?;
        Ok(self)
    }

    fn assemble(
        internal_key: [u8; 33],
        key: [u8; 33],
        threshold: u16,
        verifying_shares: &[[u8; 33]],
    ) -> Result<Self, GroupPublicError> {
        let count = verifying_shares.len();
        let size = GroupPublicError::Size { threshold, count };
        if threshold < 2 || usize::from(threshold) > count || count > usize::from(MEMBERS_MAX) {
            return Err(size);
        }
        let no_point = GroupPublicError::NoPoint;
        let handle = KeyGroup::from_key(key).map_err(|_| no_point)?;
        let shares = verifying_shares.iter().map(parse);
        Ok(Self {
            key_group: handle,
            internal_key,
            threshold,
            key: parse(&key).ok_or(no_point)?,
            shares: shares.collect::<Option<_>>().ok_or(no_point)?,
            lambdas: Remembered::default(),
        })
    }

    /// The group's handle.
    #[must_use]
    pub fn key_group(&self) -> &KeyGroup {
        &self.key_group
    }

    /// P0, compressed: `tap_internal_key` of the bare group key's address.
    #[must_use]
    pub fn internal_key(&self) -> &[u8; 33] {
        &self.internal_key
    }

    /// P, compressed, even Y.
    #[must_use]
    pub fn verifying_key(&self) -> [u8; 33] {
        self.key.serialize()
    }

    /// t.
    #[must_use]
    pub fn threshold(&self) -> u16 {
        self.threshold
    }

    /// n.
    #[must_use]
    pub fn count(&self) -> u16 {
        u16::try_from(self.shares.len()).expect("checked at construction")
    }

    /// Whether `member` holds a verifying share.
    #[must_use]
    pub fn has(&self, member: Member) -> bool {
        self.verifying_share(member).is_some()
    }

    /// The members, ascending.
    pub fn members(&self) -> impl Iterator<Item = Member> + '_ {
        Member::all(self.count())
    }

    /// The verifying shares, 33 bytes each, by ascending member.
    #[must_use]
    pub fn verifying_shares(&self) -> Vec<[u8; 33]> {
        self.shares.iter().map(PublicKey::serialize).collect()
    }

    pub(crate) fn verifying_share(&self, member: Member) -> Option<&PublicKey> {
        self.shares.get(usize::from(member.number()) - 1)
    }

    /// The Lagrange coefficients of these distinct members, ascending.
    pub(crate) fn lambdas(&self, signers: &[Member]) -> Arc<Lambdas> {
        self.lambdas.coefficients(signers)
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// D6: `F(key group) ‖ P0(33) ‖ threshold u16 ‖ count u16 ‖ verifying shares (33 each)`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let shares = self.verifying_shares().concat();
        Framed::default()
            .frame(self.key_group.as_str().as_bytes())
            .raw(&self.internal_key)
            .raw(&self.threshold.to_be_bytes())
            .raw(&self.count().to_be_bytes())
            .raw(&shares)
            .into_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote for a key of distributed key generation.
    ///
    /// # Errors
    /// See [`GroupPublicError`]; a key that is not P0 under the unspendable tweak is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GroupPublicError> {
        let layout = GroupPublicError::Layout;
        let (len, rest) = bytes.split_first_chunk::<4>().ok_or(layout)?;
        let (handle, rest) = rest.split_first_chunk::<66>().ok_or(layout)?;
        let (internal_key, rest) = rest.split_first_chunk::<33>().ok_or(layout)?;
        let (threshold, rest) = rest.split_first_chunk::<2>().ok_or(layout)?;
        let (count, rest) = rest.split_first_chunk::<2>().ok_or(layout)?;
        let count = usize::from(u16::from_be_bytes(*count));
        if u32::from_be_bytes(*len) != 66 || rest.len() != count * 33 {
            return Err(layout);
        }
        let shares: Vec<[u8; 33]> = rest
            .chunks_exact(33)
            .filter_map(|chunk| chunk.try_into().ok())
            .collect();
        let group = Self::of_ceremony(*internal_key, u16::from_be_bytes(*threshold), &shares)?;
        if group.key_group.as_str().as_bytes() != handle {
            return Err(GroupPublicError::HiddenScriptPath);
        }
        group.consistent()
    }

    /// The hash that D6 carries.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.to_bytes())
    }
}

impl fmt::Debug for GroupPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "GroupPublic({}, {} of {})",
            self.key_group,
            self.threshold,
            self.count()
        )
    }
}
