//! One member's way through a key generation.
//!
//! Deal → (n contributions) → Echo → (n equal echoes) → Seal → (n sealed bodies) → Open → Confirm →
//! (n confirmations) → Install → Done. Frames of later steps may arrive early; they wait on the board.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::dkg::{DkgFault, Round1, SealedShare, Seat};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Member, Monotonic, Now};
use hardfrost_wire::{
    ConfirmPayload, EchoPayload, Frame, Head, Kind, OperatorKey, Payload, Roster, Round1Payload,
    Round2Payload, Verified,
};

use crate::board::Board;
use crate::certificate::Certificate;
use crate::descriptor::Descriptor;
use crate::fault::CeremonyFault;

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
    /// Ask the engine; it answers with an [`Answer`].
    Ask(Need),
    /// The key signs from now on.
    Done(Box<Certificate>),
    /// The ceremony is over without a key.
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
    certificate: Option<Box<Certificate>>,
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
        let left = descriptor.deadline.0.saturating_sub(now.utc.0);
        let gives_up = now.mono.plus(std::time::Duration::from_secs(left));
        let (head, board) = (descriptor.head(), Board::new(count));
        let (step, group, certificate) = (Step::OwnEngine, None, None);
        let this = Self {
            descriptor,
            roster,
            member,
            head,
            board,
            step,
            group,
            certificate,
            gives_up,
        };
        (this, vec![Effect::Ask(Need::Deal(seat))])
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

    /// What is awaited, and from whom.
    #[must_use]
    pub fn awaited(&self) -> (Step, Vec<Member>) {
        let kind = match self.step {
            Step::Contributions => Kind::DkgRound1,
            Step::Echoes => Kind::DkgEcho,
            Step::SealedShares => Kind::DkgRound2,
            Step::Confirmations => Kind::DkgConfirm,
            Step::OwnEngine | Step::Over => return (self.step, Vec::new()),
        };
        (self.step, self.board.awaited(kind))
    }

    /// When to call [`Self::timeout`], while the ceremony is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        (self.step != Step::Over).then_some(self.gives_up)
    }

    /// Ends the ceremony when its deadline has passed.
    pub fn timeout(&mut self, now: Now) -> Vec<Effect> {
        if self.step == Step::Over || now.mono < self.gives_up {
            return Vec::new();
        }
        let (_, awaited) = self.awaited();
        self.fail(CeremonyFault::Silent(awaited))
    }

    /// Takes a frame whose signature is checked. Frames of other ceremonies and strangers are dropped.
    pub fn frame(&mut self, key: &OperatorKey, frame: Verified<Frame>) -> Vec<Effect> {
        let foreign = frame.head().context != self.head
            || frame.head().author.number() > self.descriptor.count;
        if self.step == Step::Over || foreign {
            return Vec::new();
        }
        match self.board.record(frame) {
            Ok(()) => self.advance(key),
            Err(fault) => self.fail(fault),
        }
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
            Answer::Pending(group) => self.confirm(key, group),
            Answer::Installed => match self.certificate.take() {
                Some(certificate) => {
                    self.step = Step::Over;
                    vec![Effect::Done(certificate)]
                }
                None => Vec::new(),
            },
            Answer::Failed(fault) => self.fail(CeremonyFault::Contribution(fault)),
            Answer::Refused(why) => self.fail(CeremonyFault::Engine(why)),
        }
    }

    fn confirm(&mut self, key: &OperatorKey, group: Arc<GroupPublic>) -> Vec<Effect> {
        let payload = self.confirmation(&group);
        self.group = Some(group);
        match payload {
            Some(payload) => self.say(key, &payload, Step::Confirmations),
            None => self.fail(CeremonyFault::Engine("answered out of turn".to_owned())),
        }
    }

    fn confirmation(&self, group: &GroupPublic) -> Option<ConfirmPayload> {
        let bodies = self.board.bodies(Kind::DkgRound1)?;
        Some(ConfirmPayload {
            transcript: self.descriptor.transcript(&bodies),
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

    fn fail(&mut self, fault: CeremonyFault) -> Vec<Effect> {
        self.step = Step::Over;
        vec![Effect::Ask(Need::Discard), Effect::Failed(fault)]
    }

    /// Goes as far as the board allows.
    fn advance(&mut self, key: &OperatorKey) -> Vec<Effect> {
        let next = match self.step {
            Step::Contributions => match self.board.bodies(Kind::DkgRound1) {
                Some(bodies) => return self.say(key, &EchoPayload { bodies }, Step::Echoes),
                None => None,
            },
            Step::Echoes => self.after_echoes(),
            Step::SealedShares => self.after_sealed(),
            Step::Confirmations => self.after_confirmations(),
            Step::OwnEngine | Step::Over => None,
        };
        match next {
            None => Vec::new(),
            Some(Ok(need)) => {
                self.step = Step::OwnEngine;
                vec![Effect::Ask(need)]
            }
            Some(Err(fault)) => self.fail(fault),
        }
    }

    /// Sealing begins only after n equal echoes.
    fn after_echoes(&self) -> Option<Result<Need, CeremonyFault>> {
        let bodies = self.board.bodies(Kind::DkgRound1)?;
        let echoes = match self.board.payloads::<EchoPayload>()? {
            Ok(echoes) => echoes,
            Err(fault) => return Some(Err(fault)),
        };
        for (echoer, echo) in echoes {
            if echo.bodies.len() != bodies.len() {
                return Some(Err(CeremonyFault::Malformed(echoer)));
            }
            let pairs = Member::all(self.descriptor.count).zip(echo.bodies.iter().zip(&bodies));
            for (dealer, (theirs, ours)) in pairs {
                if theirs != ours {
                    return Some(Err(CeremonyFault::EchoDiffers { echoer, dealer }));
                }
            }
        }
        let contributions = self.board.payloads::<Round1Payload>()?;
        Some(contributions.map(|all| {
            Need::Seal {
                transcript: self.descriptor.transcript(&bodies),
                others: all
                    .into_iter()
                    .filter(|(m, _)| *m != self.member)
                    .map(|(m, payload)| (m, shown(payload)))
                    .collect(),
            }
        }))
    }

    /// Each body holds n − 1 ciphertexts by ascending recipient; ours stands where we stand among the others.
    fn after_sealed(&self) -> Option<Result<Need, CeremonyFault>> {
        let bodies = self.board.bodies(Kind::DkgRound1)?;
        let all = match self.board.payloads::<Round2Payload>()? {
            Ok(all) => all,
            Err(fault) => return Some(Err(fault)),
        };
        let mut sealed = BTreeMap::new();
        for (sender, payload) in all.into_iter().filter(|(m, _)| *m != self.member) {
            let mut recipients = Member::all(self.descriptor.count).filter(|m| *m != sender);
            let others = usize::from(self.descriptor.count) - 1;
            let ours = recipients.position(|m| m == self.member);
            match ours.and_then(|place| payload.sealed.get(place)) {
                Some(share) if payload.sealed.len() == others => {
                    sealed.insert(sender, *share);
                }
                Some(_) | None => return Some(Err(CeremonyFault::Malformed(sender))),
            }
        }
        Some(Ok(Need::Open {
            transcript: self.descriptor.transcript(&bodies),
            sealed,
        }))
    }

    fn after_confirmations(&mut self) -> Option<Result<Need, CeremonyFault>> {
        let group = Arc::clone(self.group.as_ref()?);
        let ours = self.confirmation(&group)?;
        let all = match self.board.payloads::<ConfirmPayload>()? {
            Ok(all) => all,
            Err(fault) => return Some(Err(fault)),
        };
        if let Some((other, _)) = all.iter().find(|(_, payload)| *payload != ours) {
            return Some(Err(CeremonyFault::ConfirmDiffers(*other)));
        }
        let frames = self.board.all(Kind::DkgConfirm)?;
        let frames = frames
            .into_iter()
            .map(|frame| frame.as_bytes().to_vec())
            .collect();
        let certificate = Certificate::new(self.descriptor.clone(), &group, frames);
        let need = Need::Install {
            certificate: certificate.hash(),
        };
        self.certificate = Some(Box::new(certificate));
        Some(Ok(need))
    }
}

fn contribution(shown: Round1) -> Round1Payload {
    let Round1 {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    } = shown;
    Round1Payload {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    }
}

fn shown(payload: Round1Payload) -> Round1 {
    let Round1Payload {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    } = payload;
    Round1 {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    }
}
