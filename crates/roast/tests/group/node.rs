//! One member's session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_evidence::Evidence;
use hardfrost_frost::Signature;
use hardfrost_primitives::{Member, Message};
use hardfrost_roast::{intake, AttemptReport, Need, Outcome, Session, SessionEffect, Speaker};
use hardfrost_wire::{FinalSignature, Frame, FromPeer, Incarnation, Kind, OperatorIndex, Verified};

use super::engine::{Engine, Signer};
use super::{at, incarnation, key, member, Group, LIFE, ROUND_TRIP};

/// One member in one session.
pub struct Node {
    pub member: Member,
    pub session: Session,
    pub asked: Vec<(u32, Need)>,
    /// To everybody.
    pub sent: Vec<Vec<u8>>,
    /// To one member.
    pub told: Vec<(Member, Vec<u8>)>,
    pub outcome: Option<Outcome>,
    pub convicted: Vec<(Member, Evidence)>,
    pub engine: Engine,
    pub now: Duration,
    pub speaker: Speaker,
    held: Vec<(u32, Need)>,
    early: Vec<Verified<Frame>>,
    signer: Signer,
}

impl Group {
    /// `number` has started the session; its first frames are in `sent`.
    pub fn node(&self, number: u16, message: Message, engine: Engine) -> Node {
        let speaker = self.speaker(number, incarnation(member(number)));
        self.node_at(speaker, Duration::ZERO, message, (engine, 0))
    }

    pub fn speaker(&self, number: u16, incarnation: Incarnation) -> Speaker {
        let member = member(number);
        Speaker {
            member,
            key: key(member),
            incarnation,
        }
    }

    /// `speaker` starts the session at `now`, in its `life`-th life: what it drew before is not drawn again.
    pub fn node_at(
        &self,
        speaker: Speaker,
        now: Duration,
        message: Message,
        (engine, life): (Engine, u8),
    ) -> Node {
        let who = speaker.member;
        let (mut session, effects) =
            Session::start(&speaker, at(now), self.terms(message), at(LIFE));
        session.round_trip(ROUND_TRIP);
        let signer = self.signer(&speaker, message, life);
        let mut node = Node {
            member: who,
            session,
            asked: Vec::new(),
            sent: Vec::new(),
            told: Vec::new(),
            outcome: None,
            convicted: Vec::new(),
            engine,
            now,
            speaker,
            held: Vec::new(),
            early: Vec::new(),
            signer,
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
                SessionEffect::SendTo(to, bytes) => self.told.push((to, bytes)),
                SessionEffect::Convicted(who, proof) => self.convicted.push((who, proof)),
                SessionEffect::Ended(outcome) => {
                    assert_eq!(self.outcome, None, "a session ends once");
                    self.outcome = Some(outcome);
                }
                SessionEffect::Ask(round, need) => {
                    self.asked.push((round, need.clone()));
                    if self.engine == Engine::Slow {
                        self.held.push((round, need));
                        continue;
                    }
                    effects.extend(self.asks(round, need));
                }
            }
        }
        self.replay();
    }

    fn asks(&mut self, round: u32, need: Need) -> Vec<SessionEffect> {
        let now = at(self.now);
        match self.signer.reply(self.engine, need) {
            Some(answer) => self.session.answer(&self.speaker, now, round, answer),
            None => Vec::new(),
        }
    }

    /// Hears bytes that any peer handed over; what is no signed frame is dropped.
    pub fn hear(&mut self, bytes: &[u8]) {
        let now = at(self.now);
        if let Ok(said) = FinalSignature::parse(bytes) {
            let effects = self.session.finished(now, &said);
            return self.carry_out(effects);
        }
        if let Some(proof) = Evidence::from_frame(bytes) {
            let effects = self.session.proof(&self.speaker, now, proof);
            return self.carry_out(effects);
        }
        let roster = Arc::clone(&self.session.terms().roster);
        let sizes = self.session.terms().sizes();
        let bytes = FromPeer::authenticated(OperatorIndex(0), bytes.to_vec());
        let known = |frame: &Frame| self.session.holds(frame);
        if let Ok(Some(frame)) = intake(bytes, sizes, &roster, known) {
            if self.session.owns(frame.head().context) {
                let effects = self.session.frame(&self.speaker, now, &frame);
                self.carry_out(effects);
            } else {
                self.early.push(frame);
            }
        }
    }

    /// What came before its attempt was open.
    fn replay(&mut self) {
        let session = &self.session;
        let ready = self
            .early
            .iter()
            .position(|f| session.owns(f.head().context));
        if let Some(place) = ready {
            let frame = self.early.remove(place);
            let effects = self.session.frame(&self.speaker, at(self.now), &frame);
            self.carry_out(effects);
        }
    }

    /// The slow engine answers all it was asked, one after another.
    pub fn catch_up(&mut self) {
        self.engine = Engine::Honest;
        for (round, need) in std::mem::take(&mut self.held) {
            let effects = self.asks(round, need);
            self.carry_out(effects);
        }
    }

    /// Time goes on to `until`, at most; every timer on the way is heeded.
    pub fn wait(&mut self, until: Duration) {
        while let Some(due) = self.session.poll_timeout() {
            let due = due.since(at(Duration::ZERO));
            if due > until {
                break;
            }
            self.tick(self.now.max(due));
        }
        self.now = self.now.max(until);
    }

    /// The time is `now`. Whatever was due is not due again.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        let effects = self.session.timeout(&self.speaker, at(now));
        self.carry_out(effects);
        let due = self.session.poll_timeout();
        assert!(
            due.is_none_or(|due| due > at(now)),
            "a timer that stays due"
        );
    }

    /// What it sent of one kind to everybody.
    pub fn said(&self, kind: Kind) -> Vec<Vec<u8>> {
        let sent = self.sent.iter().filter(|bytes| bytes[0] == kind.number());
        sent.cloned().collect()
    }

    /// What it sent of one kind to this member alone.
    pub fn said_to(&self, to: Member, kind: Kind) -> Vec<Vec<u8>> {
        let told = self.told.iter();
        let told = told.filter(|(who, bytes)| *who == to && bytes[0] == kind.number());
        told.map(|(_, bytes)| bytes.clone()).collect()
    }

    pub fn signature(&self) -> Option<Signature> {
        let Some(Outcome::Signed(signature)) = &self.outcome else {
            return None;
        };
        Some(*signature)
    }

    pub fn report(&self, round: usize) -> AttemptReport {
        self.session.reports(at(self.now)).remove(round)
    }

    pub fn chosen(&self) -> Vec<u16> {
        self.report(0).chosen.iter().map(|m| m.number()).collect()
    }

    /// How often the engine was asked for what `wanted` tells.
    pub fn asks_of(&self, wanted: fn(&Need) -> bool) -> usize {
        self.asked.iter().filter(|(_, need)| wanted(need)).count()
    }
}
