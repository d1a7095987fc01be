//! A restarted node's seat knows its groups again: from the engine's records, and from certificates that it verifies
//! itself. Where the certificate did not come in time it goes on with the ceremony.

use std::sync::Arc;

use hardfrost_dkg::{Ceremony, CeremonyFault, Certificate, CertificateError, Durable};
use hardfrost_engine::{HeldKey, Uncertified};
use hardfrost_primitives::{Member, Now};

use crate::keygen::Proposal;
use crate::seat::{Event, KnownGroup, Output, Seat};

/// A key that the engine holds and this seat cannot sign with. Somebody must look at it: the store is not this node's,
/// or the roster has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The recorded certificate certifies nothing under our roster.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate is for another key, or other shares of it, than the engine holds.
    #[error("the recorded certificate is not that of the key beside it")]
    OtherKey,
    /// The engine holds no share of our seat.
    #[error("no share of member {0} is held here")]
    NotOurs(Member),
}

impl Seat {
    /// Takes up a key that the engine held before this process began, and serves its certificate to members that lack
    /// it.
    ///
    /// # Errors
    /// See [`ResumeError`]; then this seat does not know the group.
    pub fn resume(&mut self, now: Now, held: &HeldKey) -> Result<(), ResumeError> {
        if !held.seats.contains(&self.member()) {
            return Err(ResumeError::NotOurs(self.member()));
        }
        let certificate = Certificate::from_bytes(&held.file)?;
        let public = certificate.verify(&self.roster)?;
        let share_epoch = certificate.descriptor().share_epoch();
        let same = public == held.public
            && share_epoch == held.share_epoch
            && certificate.hash() == held.certificate;
        if !same {
            return Err(ResumeError::OtherKey);
        }
        let name = public.key_group().clone();
        let group = KnownGroup {
            public,
            share_epoch,
        };
        self.groups.insert(name, group);
        let seat = (Arc::clone(&self.roster), self.member());
        if let Some(over) = Ceremony::certified(now, &certificate, seat) {
            self.certified.insert(over.head(), over);
        }
        Ok(())
    }

    /// Goes on with a ceremony whose share the engine made durable before this process began.
    ///
    /// The id leaves the deadline out, the head does not. So a share that goes on under a wrong deadline is heard by
    /// nobody, and other terms with its id take the place of those, as long as nothing is certified: what is confirmed
    /// under two heads are two statements, and no contradiction.
    pub(crate) fn resume_ceremony(
        &mut self,
        now: Now,
        terms: Proposal,
        share: Uncertified,
    ) -> Vec<Output> {
        let id = share.ceremony;
        let refused = |why: &str| {
            let fault = CeremonyFault::Engine(why.to_owned());
            vec![Output::Event(Event::KeyFailed(id, fault))]
        };
        if share.member != self.member() {
            return refused("the pending share is another seat's");
        }
        if terms.id() != id || terms.share_epoch() != share.share_epoch {
            return refused("the terms are not those of the pending share");
        }
        let known = self.ceremony_of(&id);
        if known.is_some_and(|known| !may_be_corrected(known, &terms, &share)) {
            return refused("this key generation goes on already");
        }
        let durable = Durable {
            descriptor: terms,
            transcript: share.transcript,
            group: share.public,
        };
        let seat = (Arc::clone(&self.roster), self.member());
        match Ceremony::resume(&self.speaker.key, now, durable, seat) {
            Ok((ceremony, effects)) => {
                self.joined.insert(id);
                self.ceremonies
                    .retain(|known| known.descriptor().id() != id);
                self.take_part(now, ceremony, effects)
            }
            Err(fault) => vec![Output::Event(Event::KeyFailed(id, fault))],
        }
    }
}

/// Whether this goes on from the same record, under another head, without a certificate. One that this process began
/// does not count while it is under way: its terms are those that all members contributed under.
fn may_be_corrected(known: &Ceremony, terms: &Proposal, share: &Uncertified) -> bool {
    let same_key = known.pending().is_some_and(|key| *key == share.public);
    let free = !known.is_under_way() && known.certificate().is_none();
    same_key && free && known.head() != terms.head()
}
