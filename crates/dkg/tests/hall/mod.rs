//! Members of a ceremony in one room. Their secret steps are the real ones; a test may alter what an engine answers and
//! what travels from one member to another.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_dkg::{
    Answer, CancelError, Ceremony, CeremonyFault, CeremonyKind, Certificate, Descriptor, Effect,
    Need,
};
use hardfrost_frost::dkg::{deal, AwaitShares, Dealing};
use hardfrost_frost::{KeyShare, Region};
use hardfrost_primitives::{Hash32, Member, Monotonic, Now, Suite, UnixTime};
use hardfrost_wire::{Frame, Head, Operator, OperatorKey, Payload, Roster, Sizes, Verified};
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// The ceremony's deadline is this long after its start.
pub const PATIENCE: Duration = Duration::from_secs(60);

enum Secret {
    Nothing,
    Dealing(Box<Dealing>),
    Waiting(Box<AwaitShares>),
    Held(KeyShare),
}

/// One member: its machine, and an engine of a few lines.
pub struct Node {
    pub ceremony: Ceremony,
    pub asked: Vec<Need>,
    pub sent: Vec<Frame>,
    pub certificate: Option<Certificate>,
    pub fault: Option<CeremonyFault>,
    key: OperatorKey,
    secret: Secret,
    rng: ChaCha20Rng,
}

pub type Alter<'a> = &'a mut dyn FnMut(Member, Answer) -> Answer;
pub type Tamper<'a> = &'a mut dyn FnMut(Member, Member, Frame) -> Vec<Frame>;

pub struct Hall {
    pub nodes: BTreeMap<Member, Node>,
    pub roster: Arc<Roster>,
    pub descriptor: Descriptor,
    pub queue: VecDeque<(Member, Member, Frame)>,
    pub now: Now,
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

pub fn key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

pub fn roster(count: u16) -> Arc<Roster> {
    let operators = Member::all(count).map(|member| Operator {
        name: format!("operator-{member}"),
        key: key(member).public(),
        seats: BTreeSet::from([member]),
    });
    Arc::new(Roster::new(Suite::Tr, operators.collect()).unwrap())
}

pub fn descriptor(roster: &Roster, (threshold, count): (u16, u16)) -> Descriptor {
    Descriptor {
        kind: CeremonyKind::Generate,
        roster: roster.hash(),
        threshold,
        count,
        salt: [9; 32],
        deadline: at(PATIENCE).utc,
    }
}

/// The moment `elapsed` after the ceremony's start.
pub fn at(elapsed: Duration) -> Now {
    Now {
        mono: Monotonic::after_start(Duration::from_secs(7) + elapsed),
        utc: UnixTime(1_000_000 + elapsed.as_secs()),
    }
}

/// `author`'s statement, signed anew.
pub fn say<P: Payload>(author: Member, context: Hash32, payload: &P) -> Frame {
    Frame::sign(Head { context, author }, payload, &key(author))
}

/// The frame as its author might have said it otherwise.
pub fn otherwise<P: Payload>(frame: &Frame, roster: &Roster, change: impl Fn(&mut P)) -> Frame {
    let verified = frame.clone().verify(roster).unwrap();
    let mut payload: P = verified.payload().unwrap();
    change(&mut payload);
    say(frame.head().author, frame.head().context, &payload)
}

pub fn honest(_: Member, answer: Answer) -> Answer {
    answer
}

pub fn faithful(_: Member, _: Member, frame: Frame) -> Vec<Frame> {
    vec![frame]
}

impl Node {
    fn reply(&mut self, need: Need) -> Option<Answer> {
        let secret = std::mem::replace(&mut self.secret, Secret::Nothing);
        Some(match (need, secret) {
            (Need::Deal(seat), _) => match deal(seat, &Region::new().unwrap(), &mut self.rng) {
                Ok((dealing, shown)) => {
                    self.secret = Secret::Dealing(Box::new(dealing));
                    Answer::Dealt(shown)
                }
                Err(fault) => Answer::Failed(fault),
            },
            (Need::Seal { transcript, others }, Secret::Dealing(dealing)) => {
                match dealing.seal(transcript, &others) {
                    Ok((waiting, sealed)) => {
                        self.secret = Secret::Waiting(Box::new(waiting));
                        Answer::Sealed(sealed)
                    }
                    Err(fault) => Answer::Failed(fault),
                }
            }
            (Need::Open { sealed, .. }, Secret::Waiting(waiting)) => match waiting.open(&sealed) {
                Ok(share) => {
                    let group = Arc::clone(share.group());
                    self.secret = Secret::Held(share);
                    Answer::Pending(group)
                }
                Err(fault) => Answer::Failed(fault),
            },
            (Need::Install { .. }, held) => {
                self.secret = held;
                Answer::Installed
            }
            (Need::Discard, _) => return None,
            (need, _) => panic!("asked out of turn: {need:?}"),
        })
    }

    pub fn share(&self) -> Option<&KeyShare> {
        match &self.secret {
            Secret::Held(share) => Some(share),
            Secret::Nothing | Secret::Dealing(_) | Secret::Waiting(_) => None,
        }
    }

    pub fn was_told_to_discard(&self) -> bool {
        self.asked.last() == Some(&Need::Discard)
    }

    pub fn was_asked_to_seal(&self) -> bool {
        let seal = |need: &Need| matches!(need, Need::Seal { .. });
        self.asked.iter().any(seal)
    }
}

impl Hall {
    /// Everybody has joined a ceremony of t of n and dealt.
    pub fn new(size: (u16, u16), seed: u64, alter: Alter) -> Self {
        let roster = roster(size.1);
        Self::with(descriptor(&roster, size), roster, seed, alter)
    }

    pub fn with(descriptor: Descriptor, roster: Arc<Roster>, seed: u64, alter: Alter) -> Self {
        let mut hall = Self {
            nodes: BTreeMap::new(),
            roster: Arc::clone(&roster),
            descriptor: descriptor.clone(),
            queue: VecDeque::new(),
            now: at(Duration::ZERO),
        };
        for member in Member::all(descriptor.count) {
            let now = at(Duration::ZERO);
            let (ceremony, effects) =
                Ceremony::join(now, descriptor.clone(), Arc::clone(&roster), member);
            let seed = seed * 1000 + u64::from(member.number());
            let node = Node {
                ceremony,
                asked: Vec::new(),
                sent: Vec::new(),
                certificate: None,
                fault: None,
                key: key(member),
                secret: Secret::Nothing,
                rng: ChaCha20Rng::seed_from_u64(seed),
            };
            hall.nodes.insert(member, node);
            hall.carry_out(member, effects, alter);
        }
        hall
    }

    fn carry_out(&mut self, who: Member, effects: Vec<Effect>, alter: Alter) {
        let node = self.nodes.get_mut(&who).unwrap();
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(frame) => {
                    node.sent.push(frame.clone());
                    let others = Member::all(self.descriptor.count).filter(|m| *m != who);
                    let sent = others.map(|to| (who, to, frame.clone()));
                    self.queue.extend(sent);
                }
                Effect::SendTo(to, bytes) => {
                    let (threshold, count) = (self.roster.count(), self.roster.count());
                    let frame = Frame::parse(bytes, Sizes { threshold, count }).unwrap();
                    self.queue.push_back((who, to, frame));
                }
                Effect::Ask(need) => {
                    node.asked.push(need.clone());
                    if let Some(answer) = node.reply(need) {
                        let answer = alter(who, answer);
                        effects.extend(node.ceremony.answer(&node.key, answer));
                    }
                }
                Effect::Done(certificate) => node.certificate = Some(*certificate),
                Effect::Failed(fault) => node.fault = Some(fault),
            }
        }
    }

    /// `to` reads a frame, if it is one.
    pub fn deliver(&mut self, to: Member, frame: Frame, alter: Alter) {
        let frame = verified(frame, &self.roster);
        let node = self.nodes.get_mut(&to).unwrap();
        let effects = node.ceremony.frame(&node.key, self.now, frame);
        self.carry_out(to, effects, alter);
    }

    /// Everything said is heard, in order, as `tamper` passes it on.
    pub fn run(&mut self, alter: Alter, tamper: Tamper) {
        while let Some((from, to, frame)) = self.queue.pop_front() {
            for frame in tamper(from, to, frame) {
                self.deliver(to, frame, alter);
            }
        }
    }

    /// Everything said is heard, in any order.
    pub fn run_shuffled(&mut self, seed: u64) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        while !self.queue.is_empty() {
            let waiting = u64::try_from(self.queue.len()).unwrap();
            let next = usize::try_from(rng.next_u64() % waiting).unwrap();
            let (_, to, frame) = self.queue.remove(next).unwrap();
            self.deliver(to, frame, &mut honest);
        }
    }

    /// A member's operator ends its part.
    pub fn cancel(&mut self, number: u16) -> Result<(), CancelError> {
        let who = member(number);
        let effects = self.nodes.get_mut(&who).unwrap().ceremony.cancel()?;
        self.carry_out(who, effects, &mut honest);
        Ok(())
    }

    /// Time passes for everybody.
    pub fn wait(&mut self, until: Now) {
        self.now = until;
        for member in Member::all(self.descriptor.count) {
            let node = self.nodes.get_mut(&member).unwrap();
            let effects = node.ceremony.timeout(&node.key, until);
            self.carry_out(member, effects, &mut honest);
        }
    }

    pub fn fault(&self, number: u16) -> Option<&CeremonyFault> {
        self.nodes[&member(number)].fault.as_ref()
    }

    pub fn certificate(&self, number: u16) -> Option<&Certificate> {
        self.nodes[&member(number)].certificate.as_ref()
    }
}

fn verified(frame: Frame, roster: &Roster) -> Verified<Frame> {
    let sizes = Sizes {
        threshold: roster.count(),
        count: roster.count(),
    };
    let parsed = Frame::parse(frame.as_bytes().to_vec(), sizes).unwrap();
    parsed.verify(roster).unwrap()
}
