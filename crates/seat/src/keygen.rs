//! Joins a ceremony to the engine.

use hardfrost_dkg::{Answer, Ceremony, CeremonyFault, Descriptor, Effect, Need};
use hardfrost_engine::{CeremonySeat, Command, DkgOpen, DkgSeal, Install, Reply};
use hardfrost_primitives::{Hash32, Now};
use hardfrost_wire::{Frame, Verified};

use crate::seat::{Asker, Event, KnownGroup, Output, Seat};

/// The terms of a key generation that the operators agreed upon.
pub type Proposal = Descriptor;

impl Seat {
    pub(crate) fn make_key(&mut self, now: Now, proposal: Proposal) -> Vec<Output> {
        if proposal.roster != self.roster.hash() || proposal.count != self.roster.count() {
            let why = "the proposal is for another roster".to_owned();
            return vec![Output::Event(Event::KeyFailed(CeremonyFault::Engine(why)))];
        }
        if self
            .ceremony
            .as_ref()
            .is_some_and(|c| c.poll_timeout().is_some())
        {
            let why = "another key generation is under way".to_owned();
            return vec![Output::Event(Event::KeyFailed(CeremonyFault::Engine(why)))];
        }
        let roster = self.roster.clone();
        let (ceremony, effects) = Ceremony::join(now, proposal, roster, self.speaker.member);
        let head = ceremony.head();
        self.ceremony = Some(ceremony);
        let mut out = self.ceremony_effects(effects);
        for frame in self.early.take(|context| context == head) {
            out.extend(self.ceremony_frame(frame));
        }
        out
    }

    pub(crate) fn ceremony_frame(&mut self, frame: Verified<Frame>) -> Vec<Output> {
        let key = &self.speaker.key;
        let effects = self.ceremony.as_mut().map(|c| c.frame(key, frame));
        self.ceremony_effects(effects.unwrap_or_default())
    }

    pub(crate) fn ceremony_timeout(&mut self, now: Now) -> Vec<Output> {
        let effects = self.ceremony.as_mut().map(|c| c.timeout(now));
        self.ceremony_effects(effects.unwrap_or_default())
    }

    /// A reply to a ceremony that is no longer ours is late, and says nothing of the one that is.
    pub(crate) fn ceremony_reply(&mut self, id: Hash32, reply: Reply) -> Vec<Output> {
        let ours = self.ceremony.as_ref().map(|c| c.descriptor().id());
        if ours != Some(id) {
            return Vec::new();
        }
        let answer = match reply {
            Reply::DkgDealt(shown) => Answer::Dealt(shown),
            Reply::DkgSealed(sealed) => Answer::Sealed(sealed),
            Reply::DkgPending(group) => Answer::Pending(group),
            Reply::Installed(_) => Answer::Installed,
            Reply::DkgFailed(fault) => Answer::Failed(fault),
            Reply::Rejected(rejection) => Answer::Refused(rejection.to_string()),
            Reply::Derived(..)
            | Reply::Approved(_)
            | Reply::Opened(_)
            | Reply::Committed(_)
            | Reply::Share(_)
            | Reply::Aborted(_)
            | Reply::Signed(_)
            | Reply::Verdict(_) => return Vec::new(),
        };
        let key = &self.speaker.key;
        let effects = self.ceremony.as_mut().map(|c| c.answer(key, answer));
        self.ceremony_effects(effects.unwrap_or_default())
    }

    fn ceremony_effects(&mut self, effects: Vec<Effect>) -> Vec<Output> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(Output::Send(frame.as_bytes().to_vec())),
                Effect::Ask(need) => out.extend(self.ceremony_need(need)),
                Effect::Done(certificate) => match certificate.verify(&self.roster) {
                    Ok(public) => {
                        let share_epoch = certificate.descriptor().share_epoch();
                        let group = KnownGroup {
                            public: public.clone(),
                            share_epoch,
                        };
                        self.groups.insert(public.key_group().clone(), group);
                        out.push(Output::Event(Event::KeyMade(certificate, public)));
                    }
                    Err(error) => {
                        let fault = CeremonyFault::Engine(error.to_string());
                        out.push(Output::Event(Event::KeyFailed(fault)));
                    }
                },
                Effect::Failed(fault) => out.push(Output::Event(Event::KeyFailed(fault))),
            }
        }
        out
    }

    fn ceremony_need(&mut self, need: Need) -> Option<Output> {
        let ceremony = self.ceremony.as_ref()?.descriptor().id();
        let seat = CeremonySeat {
            ceremony,
            member: self.speaker.member,
        };
        let command = match need {
            Need::Deal(seat) => Command::DkgDeal(seat),
            Need::Seal { transcript, others } => Command::DkgSeal(DkgSeal {
                seat,
                transcript,
                others,
            }),
            Need::Open { transcript, sealed } => Command::DkgOpen(DkgOpen {
                seat,
                sealed,
                transcript,
            }),
            Need::Install { certificate } => Command::Install(Install { seat, certificate }),
            Need::Discard => return Some(self.tell(Command::DkgAbort(seat))),
        };
        Some(self.ask(Asker::Ceremony(ceremony), command))
    }
}
