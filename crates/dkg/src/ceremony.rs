//! One member's way through a key generation.
//!
//! Deal → (n contributions) → Echo → (n equal echoes) → Seal → (n sealed bodies) → Open → Confirm →
//! (n confirmations) → Install → Done. Frames of later steps may arrive early; they wait on the board. What does not
//! arrive is pulled from whoever has it.
//!
//! Once our confirmation is out the key may be certified elsewhere, whatever we see: from then on nothing ends the
//! ceremony but its certificate. A deadline, or a confirmation of something else, is told, and we go on listening.

mod cancel;
mod pulls;
mod resume;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::dkg::{DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Member, Monotonic, Now};
use hardfrost_wire::{
    ConfirmPayload, Frame, Head, Kind, OperatorKey, Payload, Roster, Round2Payload, Sizes, Verified,
};

pub use self::cancel::CancelError;
use self::pulls::Pulls;
use self::steps::contribution;
use crate::board::Board;
use crate::certificate::Certificate;
use crate::descriptor::Descriptor;
use crate::fault::CeremonyFault;

pub use self::resume::Durable;

/// A secret step, to be carried out by the engine for this seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Step 1.
    Deal(Seat),
    /// Step 3.
    Seal {
        /// Hash of step 1.
        transcript: Hash32,
        /// The others' contributions.
        others: BTreeMap<Member, Round1>,
    },
    /// After step 3.
    Open {
        /// Hash of step 1.
        transcript: Hash32,
        /// The shares sealed to us, by sender.
        sealed: BTreeMap<Member, SealedShare>,
    },
    /// After step 5.
    Install {
        /// Hash of the certificate.
        certificate: Hash32,
    },
    /// The ceremony failed: forget its secrets.
    Discard,
}

/// What the engine answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `Deal`.
    Dealt(Round1),
    /// To `Seal`.
    Sealed(BTreeMap<Member, SealedShare>),
    /// To `Open`: the share is durable.
    Pending(Arc<GroupPublic>),
    /// To `Install`.
    Installed,
    /// A contribution failed its check.
    Failed(DkgFault),
    /// The engine refused for a reason of ours.
    Refused(String),
}

/// What the machine wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send to everybody.
    Send(Frame),
    /// Send to the operator who holds this seat.
    SendTo(Member, Vec<u8>),
    /// Ask the engine; it answers with an [`Answer`].
    Ask(Need),
    /// The key signs from now on.
    Done(Box<Certificate>),
    /// There is no key. If our confirmation is out already, one may still be made: its certificate is waited for.
    Failed(CeremonyFault),
}

/// What the ceremony waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Our engine.
    OwnEngine,
    /// Contributions of all members.
    Contributions,
    /// Echoes of all members.
    Echoes,
    /// Sealed shares of all members.
    SealedShares,
    /// Confirmations of all members.
    Confirmations,
    /// The certificate, although the ceremony has failed as far as we can see.
    Pending,
    /// Nothing: it is over.
    Over,
}

/// A ceremony as one member lives it.
pub struct Ceremony {
    descriptor: Descriptor,
    roster: Arc<Roster>,
    member: Member,
    head: Hash32,
    board: Board,
    step: Step,
    group: Option<Arc<GroupPublic>>,
    /// Hash of step 1, where its frames are gone with a former process and only our share is left.
    resumed: Option<Hash32>,
    certificate: Option<Box<Certificate>>,
    failure_told: bool,
    /// What went wrong while our share was being written: told once it is known whether it is durable.
    deferred: Option<CeremonyFault>,
    pulls: Pulls,
    gives_up: Monotonic,
}

impl Ceremony {
    /// Joins a ceremony with one seat. The first effect asks the engine to deal.
    #[must_use]
    pub fn join(
        now: Now,
        descriptor: Descriptor,
        roster: Arc<Roster>,
        member: Member,
    ) -> (Self, Vec<Effect>) {
        let Descriptor {
            threshold, count, ..
        } = descriptor;
        let seat = Seat {
            ceremony: descriptor.id(),
            member,
            threshold,
            count,
        };
        let this = Self::at(Step::OwnEngine, now, descriptor, (roster, member));
        (this, vec![Effect::Ask(Need::Deal(seat))])
    }

    /// One of which nothing is known but the terms.
    fn at(
        step: Step,
        now: Now,
        descriptor: Descriptor,
        (roster, member): (Arc<Roster>, Member),
    ) -> Self {
        let left = descriptor.deadline.0.saturating_sub(now.utc.0);
        Self {
            head: descriptor.head(),
            board: Board::new(descriptor.count),
            descriptor,
            roster,
            member,
            step,
            group: None,
            resumed: None,
            certificate: None,
            failure_told: false,
            deferred: None,
            pulls: Pulls::begin(now.mono),
            gives_up: now.mono.plus(std::time::Duration::from_secs(left)),
        }
    }

    /// The hash that heads every frame of this ceremony.
    #[must_use]
    pub fn head(&self) -> Hash32 {
        self.head
    }

    /// The terms.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The certificate, while it is being installed.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_deref()
    }

    /// What is awaited, and from whom.
    #[must_use]
    pub fn awaited(&self) -> (Step, Vec<Member>) {
        let kind = match self.step {
            Step::Contributions => Kind::DkgRound1,
            Step::Echoes => Kind::DkgEcho,
            Step::SealedShares => Kind::DkgRound2,
            Step::Confirmations | Step::Pending => Kind::DkgConfirm,
            Step::OwnEngine | Step::Over => return (self.step, Vec::new()),
        };
        (self.step, self.board.awaited(kind))
    }

    /// Whether another ceremony has to wait for this one. For what a former process began nobody waits.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.resumed.is_none() && !matches!(self.step, Step::Pending | Step::Over)
    }

    /// When to call [`Self::timeout`], until the ceremony is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        match self.step {
            Step::OwnEngine => {
                let waits = self.certificate.is_none() && self.deferred.is_none();
                waits.then_some(self.gives_up)
            }
            Step::Contributions | Step::Echoes | Step::SealedShares | Step::Confirmations => {
                Some(self.gives_up.min(self.pulls.pace.due()))
            }
            Step::Pending => Some(self.pulls.pace.due()),
            Step::Over => None,
        }
    }

    /// A peer can be reached for the first time or again: what is missing is asked for soon.
    pub fn reconnected(&mut self) {
        self.pulls.pace.progressed();
    }

    /// Time has passed: the deadline, or the moment to ask for what is missing.
    pub fn timeout(&mut self, key: &OperatorKey, now: Now) -> Vec<Effect> {
        if self.poll_timeout().is_none_or(|due| due > now.mono) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.gives_up <= now.mono && self.step != Step::Pending {
            let (_, awaited) = self.awaited();
            effects.extend(self.fail(CeremonyFault::Silent(awaited)));
        }
        let waits = !matches!(self.step, Step::OwnEngine | Step::Over);
        if waits && self.pulls.pace.due() <= now.mono {
            effects.extend(self.pull(key, now.mono));
            effects.extend(self.advance(key));
        }
        effects
    }

    /// Whether a frame says nothing new, so that its signature need not be checked: these very bytes are here, or the
    /// ceremony is over and this is no question. Each member's frame comes from everybody who is asked for it.
    #[must_use]
    pub fn has_no_use_for(&self, frame: &Frame) -> bool {
        let asks = frame.kind() == Kind::DkgPull;
        frame.head().context == self.head
            && !asks
            && (self.step == Step::Over || self.is_behind(frame.kind()) || self.board.holds(frame))
    }

    /// Takes a frame whose signature is checked. Frames of other ceremonies and strangers are dropped.
    pub fn frame(&mut self, key: &OperatorKey, now: Now, frame: Verified<Frame>) -> Vec<Effect> {
        let Descriptor {
            threshold, count, ..
        } = self.descriptor;
        let head = frame.head();
        let ours = head.context == self.head && head.author.number() <= count;
        let size_max = frame.kind().frame_bytes_max(Sizes { threshold, count });
        if !ours || frame.as_bytes().len() > size_max {
            return Vec::new();
        }
        if frame.kind() == Kind::DkgPull {
            return self.answer_pull(now.mono, &frame);
        }
        if self.step == Step::Over {
            return Vec::new();
        }
        match self.record(frame) {
            Ok(true) => {
                self.pulls.pace.progressed();
                self.advance(key)
            }
            Ok(false) => Vec::new(),
            Err(fault) => self.fail(fault),
        }
    }

    /// Whether the frame is new. Of a member's confirmations only the one that confirms what we do counts: it may sign
    /// another for us and that one for somebody else, who then has a certificate.
    fn record(&mut self, frame: Verified<Frame>) -> Result<bool, CeremonyFault> {
        if frame.kind() != Kind::DkgConfirm {
            return match self.is_behind(frame.kind()) {
                true => Ok(false),
                false => self.board.record(frame),
            };
        }
        let author = frame.head().author;
        if self.board.of(Kind::DkgConfirm, author).is_some() {
            return Ok(false);
        }
        let group = self.group.as_ref();
        let ours = group.and_then(|group| self.confirmation(group));
        if let Some(fault) = ours.and_then(|ours| differs(&frame, &ours)) {
            return Err(fault);
        }
        self.board.record(frame)
    }

    /// Takes the engine's answer.
    pub fn answer(&mut self, key: &OperatorKey, answer: Answer) -> Vec<Effect> {
        if self.step != Step::OwnEngine {
            return Vec::new();
        }
        match answer {
            Answer::Dealt(shown) => self.say(key, &contribution(shown), Step::Contributions),
            Answer::Sealed(sealed) => {
                let sealed = sealed.into_values().collect();
                self.say(key, &Round2Payload { sealed }, Step::SealedShares)
            }
            Answer::Pending(group) => {
                let deferred = self.deferred.take();
                let mut effects = self.confirm(key, group);
                effects.extend(deferred.into_iter().flat_map(|fault| self.fail(fault)));
                effects
            }
            Answer::Installed => match self.certificate.take() {
                Some(certificate) => {
                    self.step = Step::Over;
                    self.board.keep(|frame| frame.kind() == Kind::DkgConfirm);
                    vec![Effect::Done(certificate)]
                }
                None => Vec::new(),
            },
            Answer::Failed(fault) => self.end(CeremonyFault::Contribution(fault)),
            Answer::Refused(why) => self.end(CeremonyFault::Engine(why)),
        }
    }

    /// Confirmations that came before ours and say something else are dropped: their authors are asked again.
    fn confirm(&mut self, key: &OperatorKey, group: Arc<GroupPublic>) -> Vec<Effect> {
        let Some(ours) = self.confirmation(&group) else {
            return self.end(CeremonyFault::Engine("answered out of turn".to_owned()));
        };
        self.group = Some(group);
        let mut fault = None;
        self.board.keep(|frame| {
            let confirms = frame.kind() == Kind::DkgConfirm;
            let other = confirms.then(|| differs(frame, &ours)).flatten();
            let same = other.is_none();
            fault = fault.take().or(other);
            same
        });
        let mut effects = self.say(key, &ours, Step::Confirmations);
        effects.extend(fault.into_iter().flat_map(|fault| self.fail(fault)));
        effects
    }

    fn confirmation(&self, group: &GroupPublic) -> Option<ConfirmPayload> {
        let transcript = match self.resumed {
            Some(transcript) => transcript,
            None => {
                let bodies = self.board.bodies(Kind::DkgRound1)?;
                self.descriptor.transcript(&bodies)
            }
        };
        Some(ConfirmPayload {
            transcript,
            roster: self.descriptor.roster,
            threshold: self.descriptor.threshold,
            share_epoch: self.descriptor.share_epoch(),
            group_public: group.to_bytes(),
        })
    }

    /// Signs, records our own statement, sends it, waits for the others'.
    fn say<P: Payload>(&mut self, key: &OperatorKey, payload: &P, next: Step) -> Vec<Effect> {
        let head = Head {
            context: self.head,
            author: self.member,
        };
        let frame = Frame::sign(head, payload, key);
        self.step = next;
        let own = match frame.clone().verify(&self.roster) {
            Ok(own) => own,
            Err(error) => return self.fail(CeremonyFault::Engine(error.to_string())),
        };
        if let Err(fault) = self.board.record(own) {
            return self.fail(fault);
        }
        let mut effects = vec![Effect::Send(frame)];
        effects.extend(self.advance(key));
        effects
    }

    /// With all sealed shares here our share is being written, and the others count on it once it is: nothing takes
    /// that back any more.
    fn share_is_being_written(&self) -> bool {
        let asked = self.step == Step::OwnEngine && self.group.is_none();
        asked && self.board.awaited(Kind::DkgRound2).is_empty()
    }

    fn fail(&mut self, fault: CeremonyFault) -> Vec<Effect> {
        if self.share_is_being_written() {
            self.deferred.get_or_insert(fault);
            return Vec::new();
        }
        self.end(fault)
    }

    fn end(&mut self, fault: CeremonyFault) -> Vec<Effect> {
        if self.group.is_none() {
            self.step = Step::Over;
            self.deferred = None;
            self.board.keep(|_| false);
            return vec![Effect::Ask(Need::Discard), Effect::Failed(fault)];
        }
        self.step = Step::Pending;
        self.certificate = None;
        let told = std::mem::replace(&mut self.failure_told, true);
        let told = (!told).then_some(Effect::Failed(fault));
        told.into_iter().collect()
    }
}

/// What is wrong with a confirmation that does not say what ours says.
fn differs(frame: &Verified<Frame>, ours: &ConfirmPayload) -> Option<CeremonyFault> {
    let author = frame.head().author;
    match frame.payload::<ConfirmPayload>() {
        Ok(said) if said == *ours => None,
        Ok(_) => Some(CeremonyFault::ConfirmDiffers(author)),
        Err(_) => Some(CeremonyFault::Malformed(author)),
    }
}
