//! Sessions over queues: a virtual clock, and links that delay, repeat, reorder and lose by a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hardfrost_primitives::{Hash32, Member, Message};
use hardfrost_roast::Need;
use hardfrost_wire::Kind;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::faults::{Fault, Mask};
use super::{at, member, reborn, Engine, Group, Node, LIFE};

/// How every link behaves. Delays are drawn for each frame, so frames overtake each other.
#[derive(Clone, Copy, Debug)]
pub struct Links {
    pub delay_max: Duration,
    /// Of a hundred frames.
    pub lost: u32,
    /// Of a hundred frames.
    pub repeated: u32,
}

pub const GOOD: Links = Links {
    delay_max: Duration::from_millis(20),
    lost: 0,
    repeated: 0,
};

/// A rule of the protocol that nobody keeps: what the checks at the end must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Nobody asks for what it lacks.
    NoPulls,
    /// Nobody says that it goes on.
    NoAdvances,
    /// A restarted process takes its former incarnation.
    SameIncarnation,
}

/// A group at work on one message.
pub struct Net<'a> {
    pub group: &'a Group,
    pub message: Message,
    pub nodes: BTreeMap<Member, Node>,
    pub masks: BTreeMap<Member, Mask>,
    /// Frames that these hold back from those, until they are taken out.
    pub cut: BTreeSet<(Member, Member)>,
    pub now: Duration,
    /// Frames handed over.
    pub carried: usize,
    pub weakness: Option<Weakness>,
    links: Links,
    rng: ChaCha20Rng,
    queue: BTreeMap<(Duration, u64), (Member, Vec<u8>)>,
    sequence: u64,
    restarts: Vec<(Duration, Member)>,
}

impl<'a> Net<'a> {
    /// Nobody has started yet.
    pub fn new(group: &'a Group, message: Message, links: Links, seed: u64) -> Self {
        Self {
            group,
            message,
            nodes: BTreeMap::new(),
            masks: BTreeMap::new(),
            cut: BTreeSet::new(),
            now: Duration::ZERO,
            carried: 0,
            weakness: None,
            links,
            rng: ChaCha20Rng::seed_from_u64(seed),
            queue: BTreeMap::new(),
            sequence: 0,
            restarts: Vec::new(),
        }
    }

    /// Everybody has started, the faulty with their faults.
    pub fn with(mut self, faults: &[(u16, Fault)]) -> Self {
        for (number, fault) in faults {
            if let Fault::Restart(when) = fault {
                self.restarts.push((*when, member(*number)));
            } else {
                let seed = u64::from(*number);
                self.masks.insert(member(*number), Mask::new(*fault, seed));
            }
        }
        for number in 1..=self.group.count() {
            self.start(number);
        }
        self
    }

    /// One member starts now.
    pub fn start(&mut self, number: u16) {
        self.start_as(number, 0);
    }

    /// One member starts now, for the `times`-th time; what it held before is gone.
    pub fn start_as(&mut self, number: u16, times: u8) {
        let life = match self.weakness {
            Some(Weakness::SameIncarnation) => reborn(member(number), 0),
            Some(_) | None => reborn(member(number), times),
        };
        let speaker = self.group.speaker(number, life);
        let (group, engine) = (self.group, Engine::Honest);
        let node = group.node_at(speaker, self.now, self.message, (engine, times));
        self.nodes.insert(member(number), node);
        self.collect();
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound.max(1)
    }

    fn put(&mut self, from: Member, to: Member, bytes: Vec<u8>) {
        let unsaid = match self.weakness {
            Some(Weakness::NoPulls) => Some(Kind::Pull),
            Some(Weakness::NoAdvances) => Some(Kind::Advance),
            Some(Weakness::SameIncarnation) | None => None,
        };
        if unsaid.is_some_and(|kind| kind.number() == bytes[0]) {
            return;
        }
        if self.cut.contains(&(from, to)) || self.below(100) < self.links.lost {
            return;
        }
        let times = 1 + u32::from(self.below(100) < self.links.repeated);
        for _ in 0..times {
            let micros = u32::try_from(self.links.delay_max.as_micros()).unwrap();
            let delay = Duration::from_micros(1 + u64::from(self.below(micros)));
            self.sequence += 1;
            let place = (self.now + delay, self.sequence);
            self.queue.insert(place, (to, bytes.clone()));
        }
    }

    /// A faulty member's own words, to everybody.
    pub fn inject(&mut self, from: Member, bytes: &[u8]) {
        for number in 1..=self.group.count() {
            self.put(from, member(number), bytes.to_vec());
        }
    }

    /// Takes what the nodes have said and puts it on the links.
    pub fn collect(&mut self) {
        let all: Vec<Member> = Member::all(self.group.count()).collect();
        let mut said = Vec::new();
        for (from, node) in &mut self.nodes {
            for bytes in std::mem::take(&mut node.sent) {
                said.extend(all.iter().map(|to| (*from, *to, bytes.clone())));
            }
            let told = std::mem::take(&mut node.told);
            said.extend(told.into_iter().map(|(to, bytes)| (*from, to, bytes)));
        }
        for (from, to, bytes) in said {
            if from == to {
                continue;
            }
            let passed = match self.masks.get_mut(&from) {
                Some(mask) => mask.pass(self.group, from, to, bytes),
                None => vec![bytes],
            };
            for bytes in passed {
                self.put(from, to, bytes);
            }
        }
    }

    fn next_event(&self) -> Option<Duration> {
        let carried = self.queue.keys().next().map(|(when, _)| *when);
        let timers = self.nodes.values().filter_map(|n| n.session.poll_timeout());
        let timers = timers.map(|due| due.since(at(Duration::ZERO)));
        let restarts = self.restarts.iter().map(|(when, _)| *when);
        carried.into_iter().chain(timers).chain(restarts).min()
    }

    /// Runs until `until`, or until nothing is left to happen.
    pub fn run(&mut self, until: Duration) {
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.restart_due();
            while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
                let (to, bytes) = entry.remove();
                self.deliver(to, &bytes);
            }
            for node in self.nodes.values_mut() {
                let due = node.session.poll_timeout();
                if due.is_some_and(|due| due <= at(self.now)) {
                    node.tick(self.now);
                }
            }
            self.collect();
            if self.all_ended() {
                return;
            }
        }
        self.now = self.now.max(until);
    }

    fn deliver(&mut self, to: Member, bytes: &[u8]) {
        self.carried += 1;
        if let Some(mask) = self.masks.get_mut(&to) {
            mask.hears(bytes);
        }
        if let Some(node) = self.nodes.get_mut(&to) {
            node.now = self.now;
            node.hear(bytes);
        }
        self.collect();
    }

    fn restart_due(&mut self) {
        let now = self.now;
        let due: Vec<Member> = self
            .restarts
            .iter()
            .filter(|r| r.0 <= now)
            .map(|r| r.1)
            .collect();
        self.restarts.retain(|r| r.0 > now);
        for who in due {
            self.start_as(who.number(), 1);
        }
    }

    fn all_ended(&self) -> bool {
        let honest = self.honest();
        self.restarts.is_empty() && honest.iter().all(|m| self.nodes[m].outcome.is_some())
    }

    /// Members without a mask; whoever restarted is one of them.
    pub fn honest(&self) -> Vec<Member> {
        let started = self.nodes.keys().copied();
        started.filter(|m| !self.masks.contains_key(m)).collect()
    }

    /// Every honest session has a good signature, no honest member is convicted anywhere, and all agree on every
    /// attempt's context; or what is wrong.
    pub fn verdict(&self) -> Result<(), String> {
        let mut contexts: BTreeMap<u32, Hash32> = BTreeMap::new();
        for who in self.honest() {
            let node = &self.nodes[&who];
            let Some(signature) = node.signature() else {
                return Err(format!("{who}: {:?}", node.outcome));
            };
            if !signature.verifies(&self.message, &self.group.derived.output_key()) {
                return Err(format!("{who} ends with a bad signature"));
            }
            let mut convicted = node.convicted.iter();
            if let Some((m, proof)) = convicted.find(|(m, _)| !self.masks.contains_key(m)) {
                return Err(format!("{m} is honest, and convicted by {proof:?}"));
            }
            for (round, need) in &node.asked {
                let Need::Open(context) = need else {
                    continue;
                };
                let (round, hash) = (*round, context.hash());
                if *contexts.entry(round).or_insert(hash) != hash {
                    return Err(format!("{who} has another context in round {round}"));
                }
            }
        }
        Ok(())
    }

    /// Runs to the end and checks it.
    pub fn finish(&mut self) {
        self.run(LIFE);
        let sound = self.verdict();
        assert_eq!(sound, Ok(()));
    }

    /// Whatever is still under way arrives.
    pub fn settle(&mut self) {
        while let Some(((when, _), (to, bytes))) = self.queue.pop_first() {
            self.now = self.now.max(when);
            self.deliver(to, &bytes);
        }
    }

    /// Attempts whose package chose `who`, coordinated by an honest member, as `by` sees them.
    pub fn chosen_in(&self, by: Member, who: Member) -> usize {
        let honest = self.honest();
        let reports = self.nodes[&by].session.reports(at(self.now));
        let by_honest = reports.iter().filter(|r| honest.contains(&r.coordinator));
        by_honest.filter(|r| r.chosen.contains(&who)).count()
    }
}
