//! The secret steps of a key generation, sealing and opening included: secrets live here, under a ceremony id.

mod jobs;

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::dkg::{AwaitShares, Dealing, DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, KeyGroup, Member};
use rand_core::{CryptoRng, RngCore};

use crate::engine::{Engine, Settle};
use crate::record::{InstalledKey, PendingShareOfKey, Record};
use crate::rejection::Rejection;
use crate::staged::{Committed, Staged, Uncommitted};

pub use jobs::{DealJob, Dealt, OpenDone, OpenJob, SealDone, SealJob};

/// Ceremonies under way at once.
const CEREMONIES_MAX: usize = 16;

/// Bytes of the largest certificate of so many members: a confirmation of each of them that names every verifying
/// share.
fn certificate_bytes_max(count: u16) -> usize {
    let count = usize::from(count);
    1024 + 512 * count + 40 * count * count
}

/// A seat in a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CeremonySeat {
    /// The ceremony's id.
    pub ceremony: Hash32,
    /// Our seat.
    pub member: Member,
}

/// Step 3: everybody is known to hold these contributions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkgSeal {
    /// Which ceremony and seat.
    pub seat: CeremonySeat,
    /// Hash of the round-1 transcript.
    pub transcript: Hash32,
    /// The other members' contributions.
    pub others: BTreeMap<Member, Round1>,
}

/// After step 3: the shares sealed to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkgOpen {
    /// Which ceremony and seat.
    pub seat: CeremonySeat,
    /// By sender.
    pub sealed: BTreeMap<Member, SealedShare>,
    /// Hash of the round-1 transcript, recorded with the pending share.
    pub transcript: Hash32,
}

/// The certificate is here: a pending share may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Which ceremony and seat.
    pub seat: CeremonySeat,
    /// Hash of what is certified; the same for every member.
    pub certificate: Hash32,
    /// The certificate. The engine keeps it and cannot read it.
    pub file: Vec<u8>,
}

/// Why a secret step failed. Its ceremony's secrets are gone, but for `Rejected`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkgError {
    /// The caller's fault; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A contribution failed its check.
    #[error(transparent)]
    Fault(#[from] DkgFault),
}

/// A pending share, until its record is durable.
pub struct PendingKey {
    group: Arc<GroupPublic>,
}

/// An installed key, until its record is durable.
pub struct PendingInstall {
    group: Arc<GroupPublic>,
}

enum Ceremony {
    Dealt(Dealing),
    Sealed(AwaitShares),
    /// Its secrets are with a step that is being computed.
    Away,
}

/// Secrets of the ceremonies under way.
#[derive(Default)]
pub(crate) struct Ceremonies {
    live: BTreeMap<CeremonySeat, Ceremony>,
    /// Certificates of the installs whose records are being written, and how many there are for each group.
    installing: BTreeMap<KeyGroup, (Hash32, usize)>,
}

impl Ceremonies {
    pub(crate) fn count(&self) -> usize {
        self.live.len()
    }

    /// Destroys the secrets of every ceremony.
    pub(crate) fn discard(&mut self) {
        self.live.clear();
    }

    pub(crate) fn wipe(&mut self) {
        self.discard();
        self.installing.clear();
    }

    fn installed(&mut self, key_group: &KeyGroup) {
        if let Some((_, count)) = self.installing.get_mut(key_group) {
            *count -= 1;
            if *count == 0 {
                self.installing.remove(key_group);
            }
        }
    }
}

impl Engine {
    /// Step 1: draws our polynomial and ephemeral key.
    ///
    /// # Errors
    /// Sizes out of range, a seat that has dealt already, too many ceremonies at once.
    pub fn dkg_deal(
        &mut self,
        seat: Seat,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Round1, DkgError> {
        let dealt = self.dkg_deal_begin(seat)?.run(rng)?;
        self.dkg_deal_end(dealt)
    }

    /// First half, for a host whose other threads do not wait for the drawing.
    ///
    /// # Errors
    /// As for [`Self::dkg_deal`].
    pub fn dkg_deal_begin(&self, seat: Seat) -> Result<DealJob, DkgError> {
        self.ready()?;
        let name = CeremonySeat {
            ceremony: seat.ceremony,
            member: seat.member,
        };
        if seat.count > self.limits.members_max {
            return Err(Rejection::invalid("the group is larger than this engine accepts").into());
        }
        if self.ceremonies.live.contains_key(&name) || self.has_share_of(&name) {
            return Err(
                Rejection::SessionConflict("this seat has dealt in this ceremony".into()).into(),
            );
        }
        if self.ceremonies.live.len() >= CEREMONIES_MAX {
            return Err(Rejection::CapacityExceeded("key generations at once".into()).into());
        }
        let region = self.region.clone();
        Ok(DealJob { seat, region })
    }

    /// Second half. Where another call was first, what was drawn here is destroyed.
    ///
    /// # Errors
    /// As for [`Self::dkg_deal`].
    pub fn dkg_deal_end(&mut self, dealt: Dealt) -> Result<Round1, DkgError> {
        let Dealt {
            seat,
            dealing,
            shown,
        } = dealt;
        self.dkg_deal_begin(seat)?;
        let name = CeremonySeat {
            ceremony: seat.ceremony,
            member: seat.member,
        };
        self.ceremonies.live.insert(name, Ceremony::Dealt(dealing));
        Ok(shown)
    }

    /// Step 3: checks everybody's contribution and seals our shares.
    ///
    /// # Errors
    /// A failed check names its author and ends the ceremony.
    pub fn dkg_seal(
        &mut self,
        request: DkgSeal,
    ) -> Result<BTreeMap<Member, SealedShare>, DkgError> {
        let done = self.dkg_seal_begin(request)?.run();
        self.dkg_seal_end(done)
    }

    /// First half, for a host whose other threads do not wait for the checks. The ceremony's secrets are with the job.
    ///
    /// # Errors
    /// The ceremony is not at this step.
    pub fn dkg_seal_begin(&mut self, request: DkgSeal) -> Result<SealJob, DkgError> {
        self.ready()?;
        match self.ceremonies.live.insert(request.seat, Ceremony::Away) {
            Some(Ceremony::Dealt(dealing)) => Ok(SealJob { request, dealing }),
            other => self.put_back(request.seat, other),
        }
    }

    /// Second half.
    ///
    /// # Errors
    /// A failed check names its author and ends the ceremony, which may have been ended meanwhile.
    pub fn dkg_seal_end(
        &mut self,
        done: SealDone,
    ) -> Result<BTreeMap<Member, SealedShare>, DkgError> {
        let SealDone { seat, outcome } = done;
        self.is_back(&seat)?;
        let (waiting, sealed) = outcome?;
        self.ceremonies.live.insert(seat, Ceremony::Sealed(waiting));
        Ok(sealed)
    }

    /// A step was computed. Whoever ended the ceremony meanwhile has the last word.
    fn is_back(&mut self, seat: &CeremonySeat) -> Result<(), Rejection> {
        self.ready()?;
        match self.ceremonies.live.remove(seat) {
            Some(Ceremony::Away) => Ok(()),
            other => {
                self.ceremonies.live.extend(other.map(|it| (*seat, it)));
                Err(Rejection::invalid("the ceremony was ended meanwhile"))
            }
        }
    }

    /// After step 3: opens and checks the shares sealed to us; the sum is pending until its record is durable.
    ///
    /// # Errors
    /// A failed check names its author and ends the ceremony.
    pub fn dkg_open(&mut self, request: DkgOpen) -> Result<Staged<PendingKey>, DkgError> {
        let done = self.dkg_open_begin(request)?.run();
        self.dkg_open_end(done)
    }

    /// First half, for a host whose other threads do not wait for the checks. The ceremony's secrets are with the job.
    ///
    /// # Errors
    /// The ceremony is not at this step, or this seat has its share.
    pub fn dkg_open_begin(&mut self, request: DkgOpen) -> Result<OpenJob, DkgError> {
        self.ready()?;
        if self.has_share_of(&request.seat) {
            return Err(Rejection::SessionConflict("this seat has its share".into()).into());
        }
        match self.ceremonies.live.insert(request.seat, Ceremony::Away) {
            Some(Ceremony::Sealed(waiting)) => Ok(OpenJob { request, waiting }),
            other => self.put_back(request.seat, other),
        }
    }

    /// Second half.
    ///
    /// # Errors
    /// A failed check names its author and ends the ceremony, which may have been ended meanwhile.
    pub fn dkg_open_end(&mut self, done: OpenDone) -> Result<Staged<PendingKey>, DkgError> {
        let OpenDone {
            seat,
            transcript,
            outcome,
        } = done;
        self.is_back(&seat)?;
        let share = outcome?;
        let group = Arc::clone(share.group());
        let ceremony = seat.ceremony;
        let key = PendingShareOfKey {
            ceremony,
            share_epoch: 0,
            transcript,
            share,
        };
        Ok(self.stage(Record::KeyPending(key), PendingKey { group }))
    }

    /// Whether a share of this ceremony is durable, pending or installed.
    fn has_share_of(&self, seat: &CeremonySeat) -> bool {
        let name = (seat.ceremony, seat.member);
        self.state.pending.contains_key(&name) || self.state.installed.contains_key(&name)
    }

    fn put_back<T>(
        &mut self,
        seat: CeremonySeat,
        ceremony: Option<Ceremony>,
    ) -> Result<T, DkgError> {
        self.ceremonies.live.remove(&seat);
        self.ceremonies.live.extend(ceremony.map(|it| (seat, it)));
        Err(Rejection::invalid("the ceremony is not at this step").into())
    }

    /// Step 5 is complete: the pending share becomes the key that signs. Installing the same again changes nothing.
    ///
    /// # Errors
    /// `validation_error` without a pending share or with a certificate of no possible size; `session_conflict` when
    /// the group is known with other keys, or is being installed under another certificate.
    pub fn install(&mut self, request: Install) -> Result<Staged<PendingInstall>, Rejection> {
        self.ready()?;
        let Install {
            seat,
            certificate,
            file,
        } = request;
        let group = self.installable(seat, certificate)?;
        if file.is_empty() || file.len() > certificate_bytes_max(group.count()) {
            return Err(Rejection::invalid("no certificate has this size"));
        }
        let key_group = group.key_group().clone();
        let installing = self.ceremonies.installing.entry(key_group);
        let (first, count) = installing.or_insert((certificate, 0));
        if *first != certificate {
            return Err(Rejection::SessionConflict(
                "the group is being installed under another certificate".into(),
            ));
        }
        *count += 1;
        let CeremonySeat { ceremony, member } = seat;
        let record = Record::KeyInstalled(InstalledKey {
            ceremony,
            member,
            certificate,
            file,
        });
        Ok(self.stage(record, PendingInstall { group }))
    }

    fn installable(
        &self,
        seat: CeremonySeat,
        certificate: Hash32,
    ) -> Result<Arc<GroupPublic>, Rejection> {
        let other = Rejection::SessionConflict("the group is known with other keys".into());
        let name = (seat.ceremony, seat.member);
        if let Some(seat) = self.state.installed.get(&name) {
            let known = self.installed(&seat.key_group)?;
            let same = known.certificate == certificate;
            return if same {
                Ok(Arc::clone(&known.public))
            } else {
                Err(other)
            };
        }
        let pending = self.state.pending.get(&name);
        let pending = pending.ok_or_else(|| Rejection::invalid("no pending share"))?;
        let group = Arc::clone(pending.share.group());
        if let Some(known) = self.state.keys.get(group.key_group()) {
            let same = known.public == group
                && known.share_epoch == pending.share_epoch
                && known.certificate == certificate
                && !known.shares.contains_key(&seat.member);
            if !same {
                return Err(other);
            }
        }
        Ok(group)
    }

    /// Discards every secret of a ceremony that has no durable share yet.
    pub fn dkg_abort(&mut self, seat: CeremonySeat) {
        self.ceremonies.live.remove(&seat);
    }

    /// The group whose pending share is durable now: confirm it.
    ///
    /// # Errors
    /// `internal_error` when an invariant of ours is broken.
    pub fn release_pending_key(
        &mut self,
        done: Committed<PendingKey>,
    ) -> Result<Arc<GroupPublic>, Rejection> {
        self.settle(done)
    }

    /// The pending share did not become durable: the ceremony is over for this seat.
    pub fn withdraw_pending_key(&mut self, not: Uncommitted<PendingKey>) {
        self.unsettle(not);
    }

    /// The group whose key signs from now on.
    ///
    /// # Errors
    /// `internal_error` when an invariant of ours is broken.
    pub fn release_install(
        &mut self,
        done: Committed<PendingInstall>,
    ) -> Result<Arc<GroupPublic>, Rejection> {
        self.settle(done)
    }

    /// The install did not become durable: the share is still pending.
    pub fn withdraw_install(&mut self, not: Uncommitted<PendingInstall>) {
        self.unsettle(not);
    }
}

impl Settle for PendingKey {
    type Released = Arc<GroupPublic>;

    fn release(self, _: &mut Engine) -> Result<Self::Released, Rejection> {
        Ok(self.group)
    }

    /// The share went with the record that was not written; a new ceremony makes a new one.
    fn give_back(self, _: &mut Engine) {}
}

impl Settle for PendingInstall {
    type Released = Arc<GroupPublic>;

    fn release(self, engine: &mut Engine) -> Result<Self::Released, Rejection> {
        engine.ceremonies.installed(self.group.key_group());
        Ok(self.group)
    }

    fn give_back(self, engine: &mut Engine) {
        engine.ceremonies.installed(self.group.key_group());
    }
}
