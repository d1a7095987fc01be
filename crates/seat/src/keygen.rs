//! Joins a ceremony to the engine.

use hardfrost_dkg::{Answer, Ceremony, CeremonyFault, Certificate, Descriptor, Effect, Need, Step};
use hardfrost_engine::{CeremonySeat, Command, DkgOpen, DkgSeal, Install, Reply};
use hardfrost_primitives::{Hash32, Now};
use hardfrost_wire::{Frame, Verified};

use crate::seat::{Asker, Event, KnownGroup, Output, Seat};

/// Key generations that a seat remembers at once: the one under way, and those that may still serve or be served.
const CEREMONIES_MAX: usize = 16;

/// The terms of a key generation that the operators agreed upon.
pub type Proposal = Descriptor;

fn is_over(ceremony: &Ceremony) -> bool {
    ceremony.awaited().0 == Step::Over
}

impl Seat {
    pub(crate) fn make_key(&mut self, now: Now, proposal: Proposal) -> Vec<Output> {
        let id = proposal.id();
        let foreign =
            proposal.roster != self.roster.hash() || proposal.count != self.roster.count();
        let why = if foreign {
            Some("the proposal is for another roster")
        } else if self.makes_key() {
            Some("another key generation is under way")
        } else if self.joined.contains(&id) {
            Some("this key generation was joined before: a new one needs a proposal of its own")
        } else {
            None
        };
        if let Some(why) = why {
            let fault = CeremonyFault::Engine(why.to_owned());
            return vec![Output::Event(Event::KeyFailed(id, fault))];
        }
        self.joined.insert(id);
        let roster = self.roster.clone();
        let (ceremony, effects) = Ceremony::join(now, proposal, roster, self.speaker.member);
        self.take_part(now, ceremony, effects)
    }

    /// A ceremony that begins here, or goes on. What came for it too early is read.
    pub(crate) fn take_part(
        &mut self,
        now: Now,
        ceremony: Ceremony,
        effects: Vec<Effect>,
    ) -> Vec<Output> {
        if self.ceremonies.len() >= CEREMONIES_MAX {
            // One whose key may still be certified elsewhere goes last.
            let over = self.ceremonies.iter().position(is_over);
            let gone = self.ceremonies.remove(over.unwrap_or_default());
            if gone.is_certified() {
                self.certified.insert(gone.head(), gone);
            }
        }
        let (id, head) = (ceremony.descriptor().id(), ceremony.head());
        self.ceremonies.push(ceremony);
        let mut out = self.ceremony_effects(id, effects);
        for frame in self.early.take(|context| context == head) {
            out.extend(self.ceremony_frame(now, frame));
        }
        out
    }

    /// Whoever asks has looked whether it can be ended: what cannot goes on.
    pub(crate) fn cancel_key(&mut self, id: Hash32) -> Vec<Output> {
        let mut ceremonies = self.ceremonies.iter_mut();
        let ours = ceremonies.find(|c| c.descriptor().id() == id);
        let effects = ours.and_then(|ceremony| ceremony.cancel().ok());
        self.ceremony_effects(id, effects.unwrap_or_default())
    }

    pub(crate) fn ceremony_frame(&mut self, now: Now, frame: Verified<Frame>) -> Vec<Output> {
        let context = frame.head().context;
        let under_way = self.ceremonies.iter_mut().find(|c| c.head() == context);
        let Some(ceremony) = under_way.or(self.certified.get_mut(&context)) else {
            return Vec::new();
        };
        let id = ceremony.descriptor().id();
        let effects = ceremony.frame(&self.speaker.key, now, frame);
        self.ceremony_effects(id, effects)
    }

    pub(crate) fn ceremony_timeouts(&mut self, now: Now) -> Vec<Output> {
        let key = &self.speaker.key;
        let due = self.ceremonies.iter_mut();
        let due: Vec<(Hash32, Vec<Effect>)> = due
            .map(|c| (c.descriptor().id(), c.timeout(key, now)))
            .collect();
        let carry_out = |(id, effects)| self.ceremony_effects(id, effects);
        due.into_iter().flat_map(carry_out).collect()
    }

    /// A reply to a ceremony that is no longer ours is late, and says nothing of the others.
    pub(crate) fn ceremony_reply(&mut self, id: Hash32, reply: Reply) -> Vec<Output> {
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
            | Reply::Verdict(_)
            | Reply::Changed(_) => return Vec::new(),
        };
        let mut ceremonies = self.ceremonies.iter_mut();
        let Some(ceremony) = ceremonies.find(|c| c.descriptor().id() == id) else {
            return Vec::new();
        };
        let effects = ceremony.answer(&self.speaker.key, answer);
        self.ceremony_effects(id, effects)
    }

    fn ceremony_effects(&mut self, id: Hash32, effects: Vec<Effect>) -> Vec<Output> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                Effect::Send(frame) => out.push(Output::Send(frame.as_bytes().to_vec())),
                Effect::SendTo(seat, bytes) => {
                    let peer = self.roster.operator_of(seat);
                    out.extend(peer.map(|peer| Output::SendTo(peer, bytes)));
                }
                Effect::Ask(need) => out.push(self.ceremony_need(id, need)),
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
                        out.push(Output::Event(Event::KeyFailed(id, fault)));
                    }
                },
                Effect::Failed(fault) => out.push(Output::Event(Event::KeyFailed(id, fault))),
            }
        }
        out
    }

    /// What is being installed, for the engine to keep.
    fn certificate_file(&self, ceremony: Hash32) -> Vec<u8> {
        let mut ceremonies = self.ceremonies.iter();
        let ours = ceremonies.find(|c| c.descriptor().id() == ceremony);
        let certificate = ours.and_then(Ceremony::certificate);
        certificate.map(Certificate::to_bytes).unwrap_or_default()
    }

    fn ceremony_need(&mut self, ceremony: Hash32, need: Need) -> Output {
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
            Need::Install { certificate } => Command::Install(Install {
                seat,
                certificate,
                file: self.certificate_file(ceremony),
            }),
            Need::Discard => return self.tell(Command::DkgAbort(seat)),
        };
        self.ask(Asker::Ceremony(ceremony), command)
    }
}
