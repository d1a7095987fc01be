//! Nodes with real engines and logs, joined by a queue that delivers as a test wants it.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hardfrost_dkg::{CeremonyKind, Descriptor};
use hardfrost_engine::{serve, Engine, MemoryLog};
use hardfrost_frost::{DerivedGroup, GroupPublic, Signature};
use hardfrost_primitives::derive::{coordinator, session_id, ElectionSeed};
use hardfrost_primitives::{
    Hash32, KeySpec, Limits, Member, Monotonic, Now, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_roast::Outcome;
use hardfrost_seat::{Event, Input, Output, Request, Seat, SeatTerms};
use hardfrost_spend::{
    address, funding_transaction, spending_psbt, Amount, Network, Payment, ScriptBuf, SpendPlan,
    UnsignedPsbt,
};
use hardfrost_wire::{FromPeer, Incarnation, Operator, OperatorIndex, OperatorKey, Roster};
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

pub const PATIENCE: Duration = Duration::from_secs(600);

pub struct Node {
    pub seat: Seat,
    pub events: Vec<Event>,
    engine: Engine,
    log: MemoryLog,
    rng: ChaCha20Rng,
}

/// Who is to read what, and who handed it over.
type Letter = (usize, OperatorIndex, Vec<u8>);

pub struct World {
    pub nodes: Vec<Node>,
    pub roster: Arc<Roster>,
    pub now: Now,
    pub sent: Vec<Vec<u8>>,
    letters: Vec<Letter>,
    rng: ChaCha20Rng,
}

/// What a group is asked to sign.
pub struct Spend {
    pub psbt: UnsignedPsbt,
    pub plan: SpendPlan,
}

pub fn key(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [0; 32]).unwrap()
}

impl World {
    pub fn new(count: u16, seed: u64) -> Self {
        let operators = Member::all(count).map(|member| Operator {
            name: format!("operator-{member}"),
            key: key(member).public(),
            seats: BTreeSet::from([member]),
        });
        let roster = Arc::new(Roster::new(Suite::Tr, operators.collect()).unwrap());
        let node = |member: Member| Node {
            seat: Seat::new(SeatTerms {
                member,
                key: key(member),
                incarnation: Incarnation([9; 16]),
                roster: Arc::clone(&roster),
            }),
            events: Vec::new(),
            engine: Engine::recover(Limits::default(), BTreeSet::new(), &[]).unwrap(),
            log: MemoryLog::default(),
            rng: ChaCha20Rng::seed_from_u64(seed * 1000 + u64::from(member.number())),
        };
        Self {
            nodes: Member::all(count).map(node).collect(),
            roster: Arc::clone(&roster),
            now: Now {
                mono: Monotonic::after_start(Duration::from_secs(5)),
                utc: UnixTime(1_000_000),
            },
            sent: Vec::new(),
            letters: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(seed),
        }
    }

    /// One node reads one input, and its engine answers what it asks, until it asks nothing more.
    pub fn turn(&mut self, index: usize, input: Input) {
        let node = &mut self.nodes[index];
        let mut inputs = vec![input];
        while !inputs.is_empty() {
            let mut commands = Vec::new();
            for input in inputs {
                for output in node.seat.handle(self.now, input) {
                    match output {
                        Output::Engine(ticket, command) => commands.push((ticket, command)),
                        Output::Event(event) => node.events.push(event),
                        Output::SendTo(..) => {}
                        Output::Send(bytes) => {
                            let from = OperatorIndex(u16::try_from(index).unwrap());
                            let others = (0..usize::from(self.roster.count()))
                                .filter(|to| *to != index)
                                .map(|to| (to, from, bytes.clone()));
                            self.letters.extend(others);
                            self.sent.push(bytes);
                        }
                    }
                }
            }
            let (engine, log) = (&mut node.engine, &mut node.log);
            let replies = serve(engine, log, self.now, &mut node.rng, commands);
            inputs = replies
                .into_iter()
                .map(|(t, r)| Input::Engine(t, r))
                .collect();
        }
    }

    pub fn ask(&mut self, index: usize, request: &Request) {
        self.turn(index, Input::Local(request.clone()));
    }

    pub fn ask_all(&mut self, request: &Request) {
        (0..self.nodes.len()).for_each(|index| self.ask(index, request));
    }

    fn deliver(&mut self, (to, from, bytes): Letter) {
        self.turn(to, Input::Peer(FromPeer::authenticated(from, bytes)));
    }

    pub fn hand(&mut self, to: usize, bytes: &[u8]) {
        self.deliver((to, OperatorIndex(0), bytes.to_vec()));
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
            if self.rng.next_u32() % 3 == 0 {
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
        self.now.utc = self.now.utc.plus(time);
        (0..self.nodes.len()).for_each(|index| self.turn(index, Input::Timeout));
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

    pub fn with_key(count: u16, threshold: u16, seed: u64) -> (Self, Arc<GroupPublic>) {
        let mut world = Self::new(count, seed);
        let proposal = world.proposal(threshold);
        world.ask_all(&Request::MakeKey(proposal));
        world.run();
        let key = world.key();
        (world, key)
    }

    /// How each node's sessions ended.
    pub fn outcomes(&self, index: usize) -> Vec<Outcome> {
        let ended = |event: &Event| {
            let Event::Ended(report) = event else {
                return None;
            };
            Some(report.outcome.clone())
        };
        self.nodes[index].events.iter().filter_map(ended).collect()
    }

    /// The node's one session ended with a signature of the plan's one input.
    pub fn assert_signed(&self, index: usize, spend: &Spend) {
        let outcomes = self.outcomes(index);
        let [Outcome::Signed(signature)] = outcomes[..] else {
            panic!("node {index}: {outcomes:?}");
        };
        spend.assert_signed(signature);
    }
}

impl Spend {
    pub fn new(group: &Arc<GroupPublic>) -> Self {
        let bare = DerivedGroup::new(Arc::clone(group), KeySpec::group_key()).unwrap();
        let ours = address(&bare, Network::Regtest).script_pubkey();
        let funding = funding_transaction(ours.clone(), Amount::from_sat(50_000));
        let payment = Payment {
            to: ScriptBuf::from_bytes([&[0, 20], &[7; 20][..]].concat()),
            amount: Amount::from_sat(20_000),
            fee: Amount::from_sat(500),
        };
        let psbt = spending_psbt(&funding, 0, group, payment).unwrap();
        let plan = SpendPlan::new(&psbt, group).unwrap();
        Self { psbt, plan }
    }

    pub fn request(&self, group: &GroupPublic, name: &str) -> Request {
        Request::Approve {
            key_group: group.key_group().clone(),
            psbt: self.psbt.to_bytes(),
            request: RequestId::new(name).unwrap(),
            life: PATIENCE,
        }
    }

    pub fn session(&self, group: &GroupPublic, name: &str) -> SessionId {
        let input = &self.plan.inputs()[0];
        let request = RequestId::new(name).unwrap();
        let (message, spec) = (&input.message, &input.key_spec);
        session_id(group.key_group(), message, spec, Suite::Tr, &request)
    }

    /// The index of the node that coordinates the first attempt.
    pub fn coordinator(&self, group: &GroupPublic, name: &str) -> usize {
        let session = self.session(group, name);
        let message = &self.plan.inputs()[0].message;
        let seed = ElectionSeed::derive(group.key_group(), &session, message);
        let elected = coordinator(seed, 1, &group.members().collect()).unwrap();
        usize::from(elected.number()) - 1
    }

    /// The signature completes the transaction.
    pub fn assert_signed(&self, signature: Signature) {
        let signatures = [(0, signature)].into();
        let signed = self.plan.complete(self.psbt.clone(), &signatures).unwrap();
        signed.finalize().unwrap();
    }
}
