//! One honest member, and everybody else's frames written by hand with their own keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_frost::{sign, CheckedPackage, Commitments, DerivedShare};
use hardfrost_primitives::derive::AttemptContext;
use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_roast::Turns;
use hardfrost_wire::{
    AdvancePayload, CommitmentsPayload, FinalSignature, Frame, Incarnation, Kind, OfferPayload,
    PackagePayload, Payload, SharePayload,
};

use super::{incarnation, member, say, Engine, Group, Node};

/// Member 1 of 5, threshold 3, and a message for which the turns' coordinators are as asked.
pub struct Desk {
    pub group: Group,
    pub message: Message,
    pub node: Node,
}

pub const ME: u16 = 1;

impl Desk {
    /// Coordinators of the first turns: this member for `true`, somebody else for `false`.
    pub fn new(mine: &[bool]) -> Self {
        Self::with_engine(mine, Engine::Honest)
    }

    pub fn with_engine(mine: &[bool], engine: Engine) -> Self {
        let group = Group::new((3, 5), 1);
        let fits = |message: &Message| {
            let coordinators = coordinators(&group, *message, mine.len());
            let is_mine = coordinators.iter().map(|m| m.number() == ME);
            is_mine.eq(mine.iter().copied())
        };
        let messages = (0..=255).map(|byte| Message([byte; 32]));
        let message = messages.into_iter().find(fits).unwrap();
        let node = group.node(ME, message, engine);
        Self {
            group,
            message,
            node,
        }
    }

    /// Turn 0 is somebody else's, turn 1 ours. The coordinator of turn 0 shows us, at time zero, a package that chose
    /// us and two others. Returns those two and the package.
    pub fn withheld() -> (Self, [Member; 2], Frame) {
        Self::withheld_by(Engine::Honest)
    }

    pub fn withheld_by(engine: Engine) -> (Self, [Member; 2], Frame) {
        let mut desk = Self::with_engine(&[false, true], engine);
        let others = desk.others(&[desk.coordinator(0)]);
        let chosen = [others[0], others[1]];
        let frames = [
            desk.own_commitments(0),
            desk.commitments(chosen[0], 0),
            desk.commitments(chosen[1], 0),
        ];
        let package = desk.package(0, &frames);
        desk.hear(&package);
        (desk, chosen, package)
    }

    /// These commit for a turn.
    pub fn commit(&mut self, members: &[Member], turn: u32) {
        for who in members {
            let frame = self.commitments(*who, turn);
            self.hear(&frame);
        }
    }

    pub fn context(&self, turn: u32) -> AttemptContext {
        context(&self.group, self.message, turn)
    }

    pub fn coordinator(&self, turn: u32) -> Member {
        self.context(turn).coordinator().unwrap()
    }

    /// Everybody but this member and these.
    pub fn others(&self, without: &[Member]) -> Vec<Member> {
        let all = (1..=5).map(member);
        all.filter(|m| m.number() != ME && !without.contains(m))
            .collect()
    }

    pub fn hear(&mut self, frame: &Frame) {
        self.node.hear(frame.as_bytes());
    }

    pub fn say<P: Payload>(&self, who: Member, turn: u32, payload: &P) -> Frame {
        say(who, self.context(turn).hash(), payload)
    }

    pub fn commitments(&self, who: Member, turn: u32) -> Frame {
        self.commitments_of(who, turn, incarnation(who))
    }

    /// A member's commitments for a turn; they depend on nothing else.
    pub fn commitments_of(&self, who: Member, turn: u32, life: Incarnation) -> Frame {
        let (_, drawn) = self.group.commitment(who.number(), 50 + u64::from(turn));
        let incarnation = life;
        let payload = CommitmentsPayload {
            incarnation,
            ..drawn
        };
        self.say(who, turn, &payload)
    }

    /// This member's own commitments for a turn, as it sent them.
    pub fn own_commitments(&self, turn: u32) -> Frame {
        let said = self.node.said(Kind::Commitments);
        let mut frames = said.iter().map(|bytes| super::read(bytes));
        let context = self.context(turn).hash();
        frames.find(|f| f.head().context == context).unwrap()
    }

    /// The turn's coordinator chooses these.
    pub fn package(&self, turn: u32, chosen: &[Frame]) -> Frame {
        let mut chosen = chosen.to_vec();
        chosen.sort_by_key(|frame| frame.head().author);
        let coordinator = self.coordinator(turn);
        self.say(coordinator, turn, &self.group.package(coordinator, &chosen))
    }

    /// A chosen member's good share.
    pub fn share(&self, who: Member, turn: u32, package: &Frame) -> Frame {
        let payload: PackagePayload = self.group.verified(package.clone()).payload().unwrap();
        let mut chosen = BTreeMap::new();
        for bytes in &payload.commitments {
            let frame = self.group.verified(super::read(bytes));
            let said: CommitmentsPayload = frame.payload().unwrap();
            let points = Commitments::from_bytes(&said.hiding, &said.binding).unwrap();
            chosen.insert(frame.head().author, points);
        }
        let derived = Arc::clone(&self.group.derived);
        let group = Arc::clone(&derived);
        let checked = CheckedPackage::new(super::SUITE, group, self.message, chosen).unwrap();
        let key_share = &self.group.shares[usize::from(who.number()) - 1];
        let (nonces, _) = self.group.commitment(who.number(), 50 + u64::from(turn));
        let share = DerivedShare::new(key_share, derived).unwrap();
        let share = sign(&share, nonces, &checked).unwrap().0;
        self.say_share(who, turn, (package.body_hash(), share))
    }

    pub fn say_share(&self, who: Member, turn: u32, (package, share): (Hash32, [u8; 32])) -> Frame {
        let incarnation = incarnation(who);
        let payload = SharePayload {
            incarnation,
            package,
            share,
        };
        self.say(who, turn, &payload)
    }

    pub fn advance(&self, who: Member, round: u32) -> Frame {
        let incarnation = incarnation(who);
        let head = self.group.terms(self.message).head();
        say(who, head, &AdvancePayload { incarnation, round })
    }

    pub fn offer(&self, who: Member, turn: u32, package: Hash32) -> Frame {
        let incarnation = incarnation(who);
        let payload = OfferPayload {
            incarnation,
            package,
        };
        self.say(who, turn, &payload)
    }

    /// Whom this member's own package of a turn chose; `None` before it sent one.
    pub fn chose(&self, turn: usize) -> Option<Vec<Member>> {
        let chosen = self.node.report(turn).chosen;
        (!chosen.is_empty()).then(|| chosen.into_iter().collect())
    }

    pub fn rounds(&self) -> usize {
        self.node.session.reports(super::at(Duration::ZERO)).len()
    }

    /// The session's signature as it travels.
    pub fn finished(&self, signature: [u8; 64]) -> Vec<u8> {
        let terms = self.group.terms(self.message);
        let said = FinalSignature {
            head: terms.head(),
            message: self.message,
            key_spec: terms.group.spec().clone(),
            signature,
        };
        said.to_bytes()
    }

    pub fn convicted(&self) -> Vec<Member> {
        self.node.convicted.iter().map(|(m, _)| *m).collect()
    }
}

fn context(group: &Group, message: Message, turn: u32) -> AttemptContext {
    let terms = group.terms(message);
    let first = terms.context(1);
    let mut turns = Turns::new(first.seed(), first.included.clone());
    terms.context(turns.number(turn).unwrap())
}

/// Who coordinates the first turns.
pub fn coordinators(group: &Group, message: Message, turns: usize) -> Vec<Member> {
    let turns = 0..u32::try_from(turns).unwrap();
    turns
        .map(|turn| context(group, message, turn).coordinator().unwrap())
        .collect()
}
