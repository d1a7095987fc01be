//! Adopt: takes over a share of a key that was made outside the engine's own ceremonies, as hosts of the C boundary do.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_frost::{GroupPublic, KeyShare};
use hardfrost_primitives::{Hash32, KeyGroup, KeySpec, Member, SessionId};

use crate::attempt::AttemptKey;
use crate::engine::Engine;
use crate::log::{Log, LogError};
use crate::record::{InstalledKey, PendingShareOfKey, Record};
use crate::rejection::Rejection;

/// Bytes of what is kept beside the key at the most.
const FILE_BYTES_MAX: usize = 64 << 10;

/// A share, and what names it.
pub struct Adopt {
    /// The ceremony's id.
    pub ceremony: Hash32,
    /// What stands for the certificate: the same for every seat of the group.
    pub certificate: Hash32,
    /// What is kept beside the key; the engine cannot read it. The group's first seat decides.
    pub file: Vec<u8>,
    /// The share, proven to fit its group by its type.
    pub share: KeyShare,
}

/// A share that was not taken over.
#[derive(Debug, thiserror::Error)]
#[error("{rejection}")]
pub struct NotAdopted {
    /// Why.
    pub rejection: Rejection,
    /// The share, where nothing was written: the caller may try again.
    pub share: Option<KeyShare>,
}

/// What the engine knows of a share that it is to take over.
enum Known {
    Same,
    New,
}

impl Engine {
    /// Takes over a share, durably, in one append: it signs from now on. The same again changes nothing.
    ///
    /// # Errors
    /// `validation_error` for a group that is too large; `session_conflict` where ceremony, group or seat is known
    /// otherwise; `capacity_exceeded` if the log takes nothing now; `storage_fault`.
    pub fn adopt(
        &mut self,
        log: &mut impl Log,
        request: Adopt,
    ) -> Result<Arc<GroupPublic>, Box<NotAdopted>> {
        let group = Arc::clone(request.share.group());
        match self.adoptable(&request) {
            Ok(Known::Same) => Ok(group),
            Ok(Known::New) => self.take_over(log, request).map(|()| group),
            Err(rejection) => Err(Box::new(NotAdopted {
                rejection,
                share: Some(request.share),
            })),
        }
    }

    fn adoptable(&self, request: &Adopt) -> Result<Known, Rejection> {
        self.ready()?;
        let Adopt {
            ceremony,
            certificate,
            file,
            share,
        } = request;
        let (group, member) = (share.group(), share.member());
        if group.count() > self.limits.members_max {
            return Err(Rejection::invalid(
                "the group is larger than this engine accepts",
            ));
        }
        if file.is_empty() || file.len() > FILE_BYTES_MAX {
            return Err(Rejection::invalid(
                "what is kept beside a key has 1 byte to 64 KiB",
            ));
        }
        let other =
            Rejection::SessionConflict("the ceremony or the group is known otherwise".into());
        let of_ceremony = self.ceremony_group(ceremony);
        if of_ceremony.is_some_and(|known| known != group.key_group()) {
            return Err(other);
        }
        if self.state.pending.contains_key(&(*ceremony, member)) {
            return Err(other);
        }
        let Some(known) = self.state.keys.get(group.key_group()) else {
            return Ok(Known::New);
        };
        if known.public != *group || known.certificate != *certificate || known.share_epoch != 0 {
            return Err(other);
        }
        let here = self.state.installed.contains_key(&(*ceremony, member));
        match (here, known.shares.contains_key(&member)) {
            (true, true) => Ok(Known::Same),
            (false, false) => Ok(Known::New),
            (true, false) | (false, true) => Err(other),
        }
    }

    fn take_over(&mut self, log: &mut impl Log, request: Adopt) -> Result<(), Box<NotAdopted>> {
        let Adopt {
            ceremony,
            certificate,
            file,
            share,
        } = request;
        let member = share.member();
        let pending = Record::KeyPending(PendingShareOfKey {
            ceremony,
            share_epoch: 0,
            transcript: certificate,
            share,
        });
        let installed = Record::KeyInstalled(InstalledKey {
            ceremony,
            member,
            certificate,
            file,
        });
        let written = log.append_durably(&[pending.encode(), installed.encode()]);
        match written {
            Ok(()) => {
                let applied = self.state.apply(pending);
                let applied = applied.and_then(|()| self.state.apply(installed));
                applied.map_err(|_| not_adopted(Rejection::Internal, None))
            }
            Err(LogError::NotWritten) => {
                let refused = Rejection::CapacityExceeded(
                    "the log takes no record now: make room on its disk".into(),
                );
                Err(not_adopted(refused, share_of(pending)))
            }
            Err(LogError::Unknown) => {
                self.fault();
                Err(not_adopted(Rejection::StorageFault, None))
            }
        }
    }

    /// The group of a ceremony of which a share signs here.
    #[must_use]
    pub fn ceremony_group(&self, ceremony: &Hash32) -> Option<&KeyGroup> {
        let from = (*ceremony, Member::FIRST);
        let mut seats = self.state.installed.range(from..);
        let ((found, _), seat) = seats.next()?;
        (found == ceremony).then_some(&seat.key_group)
    }

    /// The groups in which a session of that name is known, live or by its records.
    #[must_use]
    pub fn groups_of_session(&self, session: &SessionId) -> BTreeSet<KeyGroup> {
        let known = |group: &&KeyGroup| {
            self.custody.session(group, session).is_some()
                || self.state.has_heard_of(group, session)
                || self.state.standing.is_retired(group, session)
        };
        self.state.keys.keys().filter(known).cloned().collect()
    }

    /// The key spec that a session's first Open has bound.
    #[must_use]
    pub fn key_spec_of(&self, key: &AttemptKey) -> Option<KeySpec> {
        let session = self.custody.session(&key.key_group, &key.session)?;
        Some(session.binding.key_spec.clone())
    }

    /// The share epoch of a group whose key signs here.
    #[must_use]
    pub fn share_epoch(&self, key_group: &KeyGroup) -> Option<u32> {
        self.state
            .keys
            .get(key_group)
            .map(|group| group.share_epoch)
    }
}

fn not_adopted(rejection: Rejection, share: Option<KeyShare>) -> Box<NotAdopted> {
    Box::new(NotAdopted { rejection, share })
}

fn share_of(record: Record) -> Option<KeyShare> {
    if let Record::KeyPending(key) = record {
        Some(key.share)
    } else {
        None
    }
}
