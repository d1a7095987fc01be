//! Step 4 of a dealer: the others' shares, opened, checked and summed.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_locked::{scrubbed, Slot};
use hardfrost_primitives::{Hash32, KeySpec, Member, Taproot};
use k256::elliptic_curve::group::GroupEncoding;
use k256::{ProjectivePoint, Scalar};
use secp256k1::PublicKey;
use zeroize::Zeroizing;

use super::polynomial::{normalized, PublicPolynomial};
use super::sealing::{Direction, SealedShare};
use super::{DkgFault, OpenShares, Seat};
use crate::points::{scalar, secret_times_g, to_k256};
use crate::secret::SecretScalar;
use crate::tweak::derive;
use crate::{GroupPublic, KeyShare};

/// Our share of our own polynomial and what opens the others', until these are in. In locked memory, wiped on drop; the
/// ephemeral key is gone already.
pub struct AwaitShares {
    seat: Seat,
    transcript: Hash32,
    own: SecretScalar,
    commitments: Shown,
    shared: Shared,
}

/// Everybody's commitments, our own among them.
type Shown = BTreeMap<Member, Vec<PublicKey>>;
/// The secrets we share with each other member.
type Shared = BTreeMap<Member, Slot>;
/// A list that never grows: a map, or a list that does, leaves copies behind where it moves what it holds.
pub(crate) type Opened = Vec<(Member, Zeroizing<Scalar>)>;

impl AwaitShares {
    pub(super) fn new(
        seat: Seat,
        transcript: Hash32,
        own: SecretScalar,
        (commitments, shared): (Shown, Shared),
    ) -> Self {
        Self {
            seat,
            transcript,
            own,
            commitments,
            shared,
        }
    }

    /// Opens the share that each other member sealed to us, sums them and checks the sum against the sum of all
    /// commitments. That is enough: the echo has fixed everybody's commitments, so a sum that fits is our share of the
    /// key. Only a sum that does not fit has each share checked against its dealer's commitment.
    ///
    /// # Errors
    /// See [`DkgFault`]: the first failed check, naming its author.
    pub fn open(self, sealed: &BTreeMap<Member, SealedShare>) -> Result<KeyShare, DkgFault> {
        scrubbed(|| {
            let opened = self.opened(sealed)?;
            self.summed(&opened)
        })
    }

    /// As [`Self::open`], of shares that nobody sealed here: [`super::Dealing::dangerous_shares`] made them.
    ///
    /// # Errors
    /// See [`DkgFault`]: the first failed check, naming its author.
    pub fn dangerous_take(self, shares: &OpenShares) -> Result<KeyShare, DkgFault> {
        let own = self.seat.member;
        let others = self.commitments.keys().filter(|m| **m != own);
        if !shares.keys().eq(others) {
            return Err(DkgFault::Incomplete);
        }
        scrubbed(|| {
            let mut opened = Opened::with_capacity(shares.len());
            for (from, share) in shares {
                let share = scalar(**share).ok_or(DkgFault::Share(*from))?;
                opened.push((*from, Zeroizing::new(share)));
            }
            self.summed(&opened)
        })
    }

    /// Our share of the key: our own part and everybody else's. In constant time.
    pub(crate) fn share(&self, opened: &Opened) -> Zeroizing<Scalar> {
        let mut share = self.own.read();
        for (_, part) in opened {
            *share += **part;
        }
        share
    }

    fn summed(self, opened: &Opened) -> Result<KeyShare, DkgFault> {
        let share = self.share(opened);
        let Seat {
            member,
            threshold,
            count,
            ..
        } = self.seat;
        let commitments = self.commitments.values().map(Vec::as_slice);
        let sum = PublicPolynomial::sum(threshold, commitments);
        let values = sum.at_all(count);
        let expected = values.get(usize::from(member.number()) - 1);
        let fits = expected.is_some_and(|value| is_public_of(&share, value));
        if !fits {
            return Err(self.blame(opened));
        }
        self.key_share(share, &sum, &values)
    }

    pub(crate) fn opened(
        &self,
        sealed: &BTreeMap<Member, SealedShare>,
    ) -> Result<Opened, DkgFault> {
        if !sealed.keys().eq(self.shared.keys()) {
            return Err(DkgFault::Incomplete);
        }
        let mut opened = Opened::with_capacity(self.shared.len());
        let mut key = Zeroizing::new([0; 32]);
        for ((from, secret), sealed) in self.shared.iter().zip(sealed.values()) {
            let direction = Direction {
                ceremony: self.seat.ceremony,
                sender: *from,
                recipient: self.seat.member,
                transcript: self.transcript,
            };
            secret.read(&mut key);
            opened.push((*from, read(&direction, &key, sealed)?));
        }
        Ok(opened)
    }

    /// The first dealer whose share does not fit its own commitment.
    fn blame(&self, opened: &Opened) -> DkgFault {
        let own = self.seat.member;
        let fits = |from: &Member, share: &Scalar| {
            let commitment = self.commitments.get(from);
            let value = commitment.map(|c| PublicPolynomial::new(c).at(own));
            value.is_some_and(|value| is_public_of(share, &value))
        };
        let culprit = opened.iter().find(|(from, share)| !fits(from, share));
        culprit.map_or(DkgFault::NoKey, |(from, _)| DkgFault::Share(*from))
    }

    /// The key under its unspendable script path, and our share of it.
    fn key_share(
        self,
        share: Zeroizing<Scalar>,
        sum: &PublicPolynomial,
        values: &[ProjectivePoint],
    ) -> Result<KeyShare, DkgFault> {
        let no_key = DkgFault::NoKey;
        let spec = KeySpec::new(Vec::new(), Taproot::KeyPathOnly).map_err(|_| no_key)?;
        let constant = sum.constant();
        let map = derive(constant.into(), &spec)
            .map_err(|_| no_key)?
            .end()
            .map;
        let add_g = map.add_g();
        let moved: Vec<_> = values
            .iter()
            .map(|value| map.point(*value, add_g))
            .collect();
        let shares = normalized(&moved);
        let shares: Vec<[u8; 33]> = shares.iter().map(|point| point.to_bytes().into()).collect();
        let internal_key = constant.to_bytes().into();
        let group = GroupPublic::of_ceremony(internal_key, self.seat.threshold, &shares);
        let group = Arc::new(group.map_err(|_| no_key)?);
        // In the place of our own part: what was promised when sealing cannot fail for memory now.
        let mut own = self.own;
        own.replace(&Zeroizing::new(map.scalar(*share)));
        KeyShare::new(self.seat.member, own, group).map_err(|_| no_key)
    }
}

/// One share of its sender's. All that is asked here is public once it fails: whether the tag fits, and whether a
/// scalar was sealed. Not inlined, so that a search for branches on secrets can tell these from others.
#[inline(never)]
fn read(
    direction: &Direction,
    key: &Zeroizing<[u8; 32]>,
    sealed: &SealedShare,
) -> Result<Zeroizing<Scalar>, DkgFault> {
    let from = direction.sender;
    let share = direction.open(key, sealed);
    let share = scalar(*share.ok_or(DkgFault::Sealed(from))?);
    share.map(Zeroizing::new).ok_or(DkgFault::Share(from))
}

/// Whether `value` is share · G; the identity is the public value of zero.
fn is_public_of(share: &Scalar, value: &ProjectivePoint) -> bool {
    let point = secret_times_g(share);
    point.map_or(ProjectivePoint::IDENTITY, |p| to_k256(&p)) == *value
}
