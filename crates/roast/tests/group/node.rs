//! One member's session, with an engine of a few lines behind it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::{
    aggregate, sign, AggregateError, CheckedPackage, Commitments, DerivedShare, KeyShare,
    Signature, SigningNonces,
};
use hardfrost_primitives::{Member, Message};
use hardfrost_roast::{intake, Answer, Need, Outcome, Session, SessionEffect, Speaker};
use hardfrost_wire::{FinalSignature, FromPeer, Kind, OperatorIndex};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::{at, incarnation, key, member, Group, LIFE};

/// How a member's engine misbehaves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    #[default]
    Honest,
    /// Answers nothing until told to.
    Slow,
    /// Its shares are off by a bit.
    BadShares,
    /// Derives another coordinator, fingerprint or attempt id.
    OtherIds(u8),
}

/// One member in one session.
pub struct Node {
    pub member: Member,
    pub session: Session,
    pub asked: Vec<Need>,
    pub sent: Vec<Vec<u8>>,
    pub outcome: Option<Outcome>,
    speaker: Speaker,
    engine: Engine,
    held: Vec<Need>,
    key_share: KeyShare,
    share: DerivedShare,
    nonces: Option<SigningNonces>,
    message: Message,
    rng: ChaCha20Rng,
}

impl Group {
    /// `number` has started the session; its first frames are in `sent`.
    pub fn node(&self, number: u16, message: Message, engine: Engine) -> Node {
        let who = member(number);
        let terms = self.terms(message);
        let (session, effects) = Session::start(at(Duration::ZERO), terms, at(LIFE)).unwrap();
        let share = &self.shares[usize::from(number) - 1];
        let public = Arc::clone(share.group());
        let copy = KeyShare::from_bytes(who, &share.dangerous_to_bytes(), public).unwrap();
        let mut node = Node {
            member: who,
            session,
            asked: Vec::new(),
            sent: Vec::new(),
            outcome: None,
            speaker: Speaker {
                member: who,
                key: key(who),
                incarnation: incarnation(who),
            },
            engine,
            held: Vec::new(),
            key_share: copy,
            share: DerivedShare::new(share, Arc::clone(&self.derived)).unwrap(),
            nonces: None,
            message,
            rng: ChaCha20Rng::seed_from_u64(100 + u64::from(number)),
        };
        node.carry_out(effects);
        node
    }
}

impl Node {
    fn carry_out(&mut self, effects: Vec<SessionEffect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                SessionEffect::Send(bytes) => self.sent.push(bytes),
                SessionEffect::Ended(outcome) => {
                    assert_eq!(self.outcome, None, "a session ends once");
                    self.outcome = Some(outcome);
                }
                SessionEffect::Ask(need) => {
                    self.asked.push(need.clone());
                    if self.engine == Engine::Slow {
                        self.held.push(need);
                        continue;
                    }
                    effects.extend(self.asks(need));
                }
            }
        }
    }

    fn asks(&mut self, need: Need) -> Vec<SessionEffect> {
        match self.reply(need) {
            Some(answer) => self
                .session
                .answer(&self.speaker, at(Duration::ZERO), answer),
            None => Vec::new(),
        }
    }

    fn reply(&mut self, need: Need) -> Option<Answer> {
        Some(match need {
            Need::Derive(context) => {
                let mut coordinator = context.coordinator().unwrap();
                let mut fingerprint = context.fingerprint();
                let mut id = context.attempt_id().unwrap();
                match self.engine {
                    Engine::OtherIds(0) => coordinator = member(coordinator.number() % 5 + 1),
                    Engine::OtherIds(1) => fingerprint = "ab".repeat(32).parse().unwrap(),
                    Engine::OtherIds(_) => id = "ab".repeat(32).parse().unwrap(),
                    Engine::Honest | Engine::Slow | Engine::BadShares => {}
                }
                Answer::Derived(coordinator, fingerprint, id)
            }
            Need::Open(context) => Answer::Opened(context.attempt_id().unwrap()),
            Need::Round1(_) => {
                let nonces = self.key_share.commit(&mut self.rng);
                let commitments = nonces.commitments();
                self.nonces = Some(nonces);
                Answer::Committed(commitments)
            }
            Need::Round2(_, chosen) => {
                let package = self.package(chosen);
                let nonces = self.nonces.take().expect("round2 is asked once");
                let mut share = sign(&self.share, nonces, &package).unwrap();
                if self.engine == Engine::BadShares {
                    share.0[31] ^= 1;
                }
                Answer::Share(share)
            }
            Need::Aggregate(_, chosen, shares) => match aggregate(&self.package(chosen), &shares) {
                Ok(signature) => Answer::Signed(signature),
                Err(AggregateError::BadShares(all)) => Answer::BadShares(all),
                Err(other) => Answer::Refused(other.to_string()),
            },
            Need::Abort(_) => return None,
        })
    }

    fn package(&self, chosen: BTreeMap<Member, Commitments>) -> CheckedPackage {
        CheckedPackage::new(Arc::clone(self.share.group()), self.message, chosen).unwrap()
    }

    /// Hears bytes that any peer handed over; what is no signed frame is dropped.
    pub fn hear(&mut self, bytes: &[u8]) {
        let now = at(Duration::ZERO);
        if let Ok(said) = FinalSignature::parse(bytes) {
            let effects = self.session.finished(now, &said);
            return self.carry_out(effects);
        }
        let roster = Arc::clone(&self.session.terms().roster);
        let sizes = self.session.terms().sizes();
        let bytes = FromPeer::authenticated(OperatorIndex(0), bytes.to_vec());
        if let Ok(frame) = intake(bytes, sizes, &roster) {
            let effects = self.session.frame(&self.speaker, now, &frame);
            self.carry_out(effects);
        }
    }

    /// The slow engine answers all it was asked, one after another.
    pub fn catch_up(&mut self) {
        self.engine = Engine::Honest;
        for need in std::mem::take(&mut self.held) {
            let effects = self.asks(need);
            self.carry_out(effects);
        }
    }

    pub fn wait(&mut self, until: Duration) {
        let effects = self.session.timeout(at(until));
        self.carry_out(effects);
    }

    /// What it sent of one kind.
    pub fn said(&self, kind: Kind) -> Vec<Vec<u8>> {
        let sent = self.sent.iter().filter(|bytes| bytes[0] == kind.number());
        sent.cloned().collect()
    }

    pub fn signature(&self) -> Option<Signature> {
        let Some(Outcome::Signed(signature)) = &self.outcome else {
            return None;
        };
        Some(*signature)
    }

    pub fn chosen(&self) -> Vec<u16> {
        let reports = self.session.reports(at(Duration::ZERO));
        reports[0].chosen.iter().map(|m| m.number()).collect()
    }
}

/// Carries everything sent to everybody else, in order, until nobody speaks.
pub fn talk(nodes: &mut BTreeMap<Member, Node>) {
    let mut carried: BTreeMap<Member, usize> = BTreeMap::new();
    loop {
        let mut news = Vec::new();
        for (from, node) in nodes.iter() {
            let carried = carried.entry(*from).or_default();
            news.extend(
                node.sent[*carried..]
                    .iter()
                    .map(|bytes| (*from, bytes.clone())),
            );
            *carried = node.sent.len();
        }
        if news.is_empty() {
            return;
        }
        for (from, bytes) in news {
            for (to, node) in nodes.iter_mut() {
                if *to != from {
                    node.hear(&bytes);
                }
            }
        }
    }
}
