//! Seats with real engines and logs, joined by a queue that delivers as a test wants it.
#![allow(
    dead_code,
    unused_imports,
    reason = "not every test binary needs every part"
)]

mod restart;
mod spend;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_engine::{serve, Engine, MemoryLog};
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{Hash32, Limits, Member, Monotonic, Now, Suite, UnixTime};
use hardfrost_seat::{Event, Input, Output, Request, Seat, SeatTerms};
use hardfrost_wire::{FromPeer, Incarnation, Kind, Operator, OperatorIndex, OperatorKey, Roster};
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

pub use spend::{Spend, DAY};

/// What our nodes sign with.
pub const SUITE: Suite = Suite::Bip445;
pub const PATIENCE: Duration = Duration::from_secs(600);

/// One seat, and the operator whose engine it asks.
pub struct Node {
    pub seat: Seat,
    pub events: Vec<Event>,
    pub host: OperatorIndex,
}

/// An operator's engine; all of the operator's seats ask it.
pub struct Host {
    pub engine: Engine,
    pub log: MemoryLog,
    rng: ChaCha20Rng,
}

/// Who is to read what, and who handed it over.
#[derive(Clone)]
pub struct Letter {
    pub to: usize,
    pub from: OperatorIndex,
    pub bytes: Vec<u8>,
}

pub struct World {
    pub nodes: Vec<Node>,
    pub hosts: Vec<Host>,
    pub roster: Arc<Roster>,
    pub now: Now,
    pub sent: Vec<Vec<u8>>,
    /// What is under way.
    pub letters: Vec<Letter>,
    /// Whether a letter may be delivered at all.
    pub passes: fn(&Letter) -> bool,
    /// Whoever hears nothing.
    pub deaf: BTreeSet<usize>,
    /// Of a hundred letters so many are lost.
    pub lost: u64,
    rng: ChaCha20Rng,
}

pub fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

/// The key of the operator whose first seat this is.
pub fn key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

impl World {
    pub fn new(count: u16, seed: u64) -> Self {
        Self::of_operators(&vec![1; usize::from(count)], seed)
    }

    /// Operator after operator, with so many seats each.
    pub fn of_operators(seats: &[u16], seed: u64) -> Self {
        let mut firsts = Vec::new();
        let mut next = 1;
        for count in seats {
            firsts.push((next, next + count));
            next += count;
        }
        let operators = firsts.iter().map(|(first, end)| Operator {
            name: format!("operator-{first}"),
            key: key(member(*first)).public(),
            seats: (*first..*end).map(member).collect(),
        });
        let roster = Arc::new(Roster::new(SUITE, operators.collect()).unwrap());
        let node = |(host, member, first)| Node {
            seat: Seat::new(SeatTerms {
                member,
                key: key(first),
                incarnation: Incarnation([9; 16]),
                roster: Arc::clone(&roster),
            }),
            events: Vec::new(),
            host,
        };
        let host = |index: u64| Host {
            engine: Engine::recover(Limits::default(), BTreeSet::new(), &[]).unwrap(),
            log: MemoryLog::default(),
            rng: ChaCha20Rng::seed_from_u64(seed * 1000 + index),
        };
        let all = firsts.iter().zip(0u16..).flat_map(|((first, end), host)| {
            (*first..*end).map(move |seat| (OperatorIndex(host), member(seat), member(*first)))
        });
        Self {
            nodes: all.map(node).collect(),
            hosts: (0..seats.len() as u64).map(host).collect(),
            roster: Arc::clone(&roster),
            now: Now {
                mono: Monotonic::after_start(Duration::from_secs(5)),
                utc: UnixTime(1_000_000),
            },
            sent: Vec::new(),
            letters: Vec::new(),
            passes: |_| true,
            deaf: BTreeSet::new(),
            lost: 0,
            rng: ChaCha20Rng::seed_from_u64(seed),
        }
    }

    /// One seat reads one input, and its engine answers what it asks, until it asks nothing more.
    pub fn turn(&mut self, index: usize, input: Input) {
        let from = self.nodes[index].host;
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let mut commands = Vec::new();
            let (seat, now) = (&mut self.nodes[index].seat, self.now);
            let outputs: Vec<Output> = inputs
                .into_iter()
                .flat_map(|input| seat.handle(now, input))
                .collect();
            for output in outputs {
                match output {
                    Output::Engine(ticket, command) => commands.push((ticket, command)),
                    Output::Event(event) => self.nodes[index].events.push(event),
                    Output::Send(bytes) => self.post(index, None, bytes),
                    Output::SendTo(peer, bytes) => self.post(index, Some(peer), bytes),
                }
            }
            let Host { engine, log, rng } = &mut self.hosts[usize::from(from.0)];
            let replies = serve(engine, log, self.now, rng, commands);
            inputs = replies
                .into_iter()
                .map(|(t, r)| Input::Engine(t, r))
                .collect();
        }
    }

    /// To all other seats, or to those of one operator.
    fn post(&mut self, index: usize, whom: Option<OperatorIndex>, bytes: Vec<u8>) {
        let from = self.nodes[index].host;
        for (to, node) in self.nodes.iter().enumerate() {
            if to != index && whom.is_none_or(|peer| peer == node.host) {
                let bytes = bytes.clone();
                self.letters.push(Letter { to, from, bytes });
            }
        }
        self.sent.push(bytes);
    }

    pub fn ask(&mut self, index: usize, request: &Request) {
        self.turn(index, Input::Local(request.clone()));
    }

    pub fn ask_all(&mut self, request: &Request) {
        (0..self.nodes.len()).for_each(|index| self.ask(index, request));
    }

    pub fn deliver(&mut self, letter: Letter) {
        let heard = (self.passes)(&letter) && !self.deaf.contains(&letter.to);
        if !heard || self.rng.next_u64() % 100 < self.lost {
            return;
        }
        let Letter { to, from, bytes } = letter;
        self.turn(to, Input::Peer(FromPeer::authenticated(from, bytes)));
    }

    /// The operator of seat 1 hands these bytes over; a question its author himself.
    pub fn hand(&mut self, to: usize, bytes: &[u8]) {
        let asks = [Kind::Pull, Kind::DkgPull].map(|kind| Some(kind.number()));
        let author = bytes
            .get(38)
            .map_or(0, |seat| u16::from(*seat).saturating_sub(1));
        let peer = if asks.contains(&bytes.first().copied()) {
            author
        } else {
            0
        };
        self.hand_from(peer, to, bytes);
    }

    pub fn hand_from(&mut self, peer: u16, to: usize, bytes: &[u8]) {
        let from = FromPeer::authenticated(OperatorIndex(peer), bytes.to_vec());
        self.turn(to, Input::Peer(from));
    }

    /// Everything is read in the order it was sent.
    pub fn run(&mut self) {
        while !self.letters.is_empty() {
            let letter = self.letters.remove(0);
            self.deliver(letter);
        }
    }

    /// Everything is read in any order; one letter in three is read twice.
    pub fn run_shuffled(&mut self) {
        while !self.letters.is_empty() {
            let waiting = u64::try_from(self.letters.len()).unwrap();
            let next = usize::try_from(self.rng.next_u64() % waiting).unwrap();
            let letter = self.letters.swap_remove(next);
            if self.rng.next_u32().is_multiple_of(3) {
                self.letters.push(letter.clone());
            }
            self.deliver(letter);
        }
    }

    /// What is under way is lost.
    pub fn lose_letters(&mut self) {
        self.letters.clear();
    }

    /// Time passes, and everybody whose timer has run is told.
    pub fn wait(&mut self, time: Duration) {
        self.now.mono = self.now.mono.plus(time);
        self.now.utc = UnixTime(1_000_000).plus(self.now.mono.since(start()));
        (0..self.nodes.len()).for_each(|index| self.turn(index, Input::Timeout));
    }

    /// Everything is read; then time jumps to the next timer, again and again, for so long at the most.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now.mono.plus(time);
        loop {
            self.run();
            let due = self.nodes.iter().filter_map(|n| n.seat.poll_timeout());
            match due.min() {
                Some(next) if next <= end => self.wait(next.since(self.now.mono)),
                Some(_) | None => break self.wait(end.since(self.now.mono)),
            }
        }
    }

    pub fn proposal(&self, threshold: u16) -> Descriptor {
        Descriptor {
            kind: CeremonyKind::Generate,
            roster: self.roster.hash(),
            threshold,
            count: self.roster.count(),
            salt: [3; 32],
            deadline: self.now.utc.plus(PATIENCE),
        }
    }

    /// The key that every node says was made.
    pub fn key(&mut self) -> Arc<GroupPublic> {
        let mut made: Vec<Arc<GroupPublic>> = Vec::new();
        for node in &mut self.nodes {
            let events = std::mem::take(&mut node.events);
            let [Event::KeyMade(certificate, public)] = &events[..] else {
                panic!("{events:?}");
            };
            assert_eq!(&certificate.verify(&self.roster).unwrap(), public);
            made.push(Arc::clone(public));
        }
        assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
        made.remove(0)
    }

    pub fn make_key(mut self, threshold: u16) -> (Self, Arc<GroupPublic>) {
        let proposal = self.proposal(threshold);
        self.ask_all(&Request::MakeKey(proposal));
        self.run();
        let key = self.key();
        self.sent.clear();
        (self, key)
    }

    pub fn with_key(count: u16, threshold: u16, seed: u64) -> (Self, Arc<GroupPublic>) {
        Self::new(count, seed).make_key(threshold)
    }
}

fn start() -> Monotonic {
    Monotonic::after_start(Duration::from_secs(5))
}
