//! What is left of a ceremony after a restart: a durable share that waits for its certificate, or a certificate that
//! others may lack.

use std::sync::Arc;

use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Member, Now};
use hardfrost_wire::{Frame, Kind, OperatorKey, Roster, Sizes};

use super::{Ceremony, Effect, Step};
use crate::board::Board;
use crate::certificate::Certificate;
use crate::descriptor::Descriptor;
use crate::fault::CeremonyFault;

/// What is durable of a ceremony at a member that has not seen its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durable {
    /// The terms that the share was made under.
    pub descriptor: Descriptor,
    /// Hash of step 1, as the engine recorded it with the share.
    pub transcript: Hash32,
    /// The key that the share is of.
    pub group: Arc<GroupPublic>,
}

impl Ceremony {
    /// Goes on with a ceremony whose other frames went with the process: the share is durable, so it is confirmed,
    /// maybe again, and the others' confirmations are asked for.
    ///
    /// # Errors
    /// [`CeremonyFault::Engine`]: roster, terms and share do not belong together. Nothing is signed then.
    pub fn resume(
        key: &OperatorKey,
        now: Now,
        durable: Durable,
        (roster, member): (Arc<Roster>, Member),
    ) -> Result<(Self, Vec<Effect>), CeremonyFault> {
        let Durable {
            descriptor,
            transcript,
            group,
        } = durable;
        let refused = |why: &str| Err(CeremonyFault::Engine(why.to_owned()));
        if descriptor.roster != roster.hash() || descriptor.count != roster.count() {
            return refused("the pending share was made under another roster");
        }
        if group.threshold() != descriptor.threshold || group.count() != descriptor.count {
            return refused("the pending share is of a key of another size");
        }
        let mut this = Self::at(Step::Confirmations, now, descriptor, (roster, member));
        this.resumed = Some(transcript);
        let Some(ours) = this.confirmation(&group) else {
            return refused("the pending share has no transcript");
        };
        this.group = Some(group);
        let effects = this.say(key, &ours, Step::Confirmations);
        Ok((this, effects))
    }

    /// One that was over before this process began: it serves the confirmations to whoever lacks them. None where they
    /// are not all the members' own, of this ceremony; what they confirm their readers compare.
    #[must_use]
    pub fn certified(
        now: Now,
        certificate: &Certificate,
        (roster, member): (Arc<Roster>, Member),
    ) -> Option<Self> {
        let descriptor = certificate.descriptor().clone();
        let Descriptor {
            threshold, count, ..
        } = descriptor;
        let mut board = Board::new(count);
        for bytes in certificate.confirmations() {
            let frame = Frame::parse(bytes.clone(), Sizes { threshold, count }).ok()?;
            if frame.head().context != descriptor.head() {
                return None;
            }
            board.record(frame.verify(&roster).ok()?).ok()?;
        }
        let mut this = Self::at(Step::Over, now, descriptor, (roster, member));
        this.board = board;
        this.is_certified().then_some(this)
    }

    /// Whether frames of this kind are of a step that a former process took: nothing is left to compare them with, and
    /// there is nothing to learn from them.
    pub(super) fn is_behind(&self, kind: Kind) -> bool {
        self.resumed.is_some() && !matches!(kind, Kind::DkgConfirm | Kind::DkgPull)
    }

    /// Whether it is over and has the whole certificate to serve.
    #[must_use]
    pub fn is_certified(&self) -> bool {
        self.step == Step::Over && self.board.all(Kind::DkgConfirm).is_some()
    }

    /// The key of which our share is durable and confirmed, while it is not certified here.
    #[must_use]
    pub fn pending(&self) -> Option<&Arc<GroupPublic>> {
        self.group.as_ref().filter(|_| self.step != Step::Over)
    }
}
