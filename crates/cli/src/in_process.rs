//! All nodes in this process, each with its own engine, operator key and seat, over queues in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{bail, Context};
use hardfrost_dkg::{CeremonyKind, Descriptor, Step};
use hardfrost_engine::{Approval, Engine, MemoryLog};
use hardfrost_primitives::{
    KeyGroup, Limits, Member, Monotonic, Now, RequestId, SessionId, Suite, UnixTime,
};
use hardfrost_seat::{Event, Input, Request, Seat, SeatTerms, SessionReport};
use hardfrost_wire::{FromPeer, Incarnation, Operator, OperatorIndex, OperatorKey, Roster};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use crate::cluster::{Cluster, MadeKey, Signing};
use crate::node::{Node, Turn};
use crate::progress::Progress;

/// How long a key generation or a signing may take before it is called failed.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// n nodes and the queues between them.
pub struct InProcess {
    roster: Arc<Roster>,
    nodes: Vec<Node>,
    inboxes: Vec<Vec<Input>>,
    started: Instant,
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

fn operator_key() -> OperatorKey {
    loop {
        let secret = Zeroizing::new(random::<32>());
        if let Ok(key) = OperatorKey::new(&secret, random()) {
            return key;
        }
    }
}

impl InProcess {
    /// `count` nodes that know each other and hold no key.
    ///
    /// # Errors
    /// A roster or engine of that size is refused.
    pub fn new(count: u16) -> anyhow::Result<Self> {
        let keys: Vec<(Member, OperatorKey)> = Member::all(count)
            .map(|member| (member, operator_key()))
            .collect();
        let operators = keys.iter().map(|(member, key)| Operator {
            name: format!("operator-{member}"),
            key: key.public(),
            seats: BTreeSet::from([*member]),
        });
        let roster = Arc::new(Roster::new(Suite::Tr, operators.collect())?);
        let node = |(member, key)| -> anyhow::Result<Node> {
            let incarnation = Incarnation(random());
            let roster = Arc::clone(&roster);
            let seat = Seat::new(SeatTerms {
                member,
                key,
                incarnation,
                roster,
            });
            let engine = Engine::recover(Limits::default(), BTreeSet::new(), &[])?;
            Ok(Node {
                seat,
                engine,
                log: MemoryLog::default(),
            })
        };
        let nodes = keys
            .into_iter()
            .map(node)
            .collect::<anyhow::Result<Vec<_>>>()?;
        let inboxes = nodes.iter().map(|_| Vec::new()).collect();
        Ok(Self {
            roster,
            nodes,
            inboxes,
            started: Instant::now(),
        })
    }

    fn now(&self) -> Now {
        let utc = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            mono: Monotonic::after_start(self.started.elapsed()),
            utc: UnixTime(utc.as_secs()),
        }
    }

    fn ask_everybody(&mut self, request: &Request) {
        for inbox in &mut self.inboxes {
            inbox.push(Input::Local(request.clone()));
        }
    }

    /// One turn of every node that has something to read, on all cores; then the frames move to the other inboxes.
    fn tick(&mut self, progress: &dyn Progress) -> Vec<Event> {
        let now = self.now();
        let mut work: Vec<(usize, &mut Node, Vec<Input>)> = self
            .nodes
            .iter_mut()
            .zip(&mut self.inboxes)
            .enumerate()
            .map(|(index, (node, inbox))| (index, node, std::mem::take(inbox)))
            .filter(|(_, _, inbox)| !inbox.is_empty())
            .collect();
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = work.len().div_ceil(cores).max(1);
        let turns: Vec<(usize, Turn)> = thread::scope(|scope| {
            let threads: Vec<_> = work
                .chunks_mut(share)
                .map(|chunk| scope.spawn(move || run(now, chunk, progress)))
                .collect();
            threads
                .into_iter()
                .flat_map(|t| t.join().unwrap_or_default())
                .collect()
        });
        let mut events = Vec::new();
        for (from, turn) in turns {
            events.extend(turn.events);
            self.deliver(from, turn.sends);
        }
        events
    }

    fn deliver(&mut self, from: usize, sends: Vec<Vec<u8>>) {
        let peer = OperatorIndex(u16::try_from(from).unwrap_or(u16::MAX));
        for bytes in sends {
            for (to, inbox) in self.inboxes.iter_mut().enumerate() {
                if to != from {
                    inbox.push(Input::Peer(FromPeer::authenticated(peer, bytes.clone())));
                }
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.inboxes.iter().all(Vec::is_empty)
    }

    /// What the first node's key generation waits for, in words.
    fn ceremony_step(&self) -> &'static str {
        let awaited = self.nodes.first().and_then(|node| node.seat.ceremony());
        match awaited.map(|ceremony| ceremony.awaited().0) {
            None | Some(Step::OwnEngine) => "drawing polynomials",
            Some(Step::Contributions) => "echoing contributions",
            Some(Step::Echoes) => "checking contributions, sealing shares",
            Some(Step::SealedShares) => "opening and checking shares",
            Some(Step::Confirmations) => "certifying the key",
            Some(Step::Over) => "finishing",
        }
    }
}

fn run(
    now: Now,
    chunk: &mut [(usize, &mut Node, Vec<Input>)],
    progress: &dyn Progress,
) -> Vec<(usize, Turn)> {
    let mut turns = Vec::new();
    for (index, node, inbox) in chunk {
        turns.push((*index, node.turn(now, std::mem::take(inbox))));
        progress.member_done();
    }
    turns
}

impl Cluster for InProcess {
    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn make_key(&mut self, threshold: u16, progress: &dyn Progress) -> anyhow::Result<MadeKey> {
        let proposal = Descriptor {
            kind: CeremonyKind::Generate,
            roster: self.roster.hash(),
            threshold,
            count: self.roster.count(),
            salt: random(),
            deadline: self.now().utc.plus(PATIENCE),
        };
        self.ask_everybody(&Request::MakeKey(proposal));
        let mut made = Vec::new();
        while !self.is_quiet() {
            progress.step(self.ceremony_step(), self.nodes.len());
            for event in self.tick(progress) {
                match event {
                    Event::KeyMade(certificate, public) => made.push((certificate, public)),
                    Event::KeyFailed(fault) => bail!("no key was made: {fault}"),
                    Event::Approved(_) | Event::Refused(_) | Event::Ended(_) => {}
                }
            }
        }
        if made.len() != self.nodes.len() {
            bail!(
                "{} of {} members certified the key",
                made.len(),
                self.nodes.len()
            );
        }
        let (certificate, public) = made.pop().context("a group has members")?;
        if made
            .iter()
            .any(|(other, _)| other.hash() != certificate.hash())
        {
            bail!("the members certified different keys");
        }
        Ok(MadeKey {
            certificate: *certificate,
            public,
        })
    }

    fn sign(
        &mut self,
        key_group: &KeyGroup,
        psbt: &[u8],
        request: &RequestId,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing> {
        self.ask_everybody(&Request::Approve {
            key_group: key_group.clone(),
            psbt: psbt.to_vec(),
            request: request.clone(),
            life: Duration::from_secs(3600),
        });
        let mut approvals: Vec<Approval> = Vec::new();
        let mut ended: BTreeMap<SessionId, SessionReport> = BTreeMap::new();
        while !self.is_quiet() {
            progress.step("signing", self.nodes.len());
            for event in self.tick(progress) {
                match event {
                    Event::Approved(approval) => approvals.push(approval),
                    Event::Refused(rejection) => bail!("a node refused: {rejection}"),
                    Event::Ended(report) => {
                        ended.entry(report.session.clone()).or_insert(report);
                    }
                    Event::KeyMade(..) | Event::KeyFailed(_) => {}
                }
            }
        }
        let approval = approvals
            .pop()
            .context("no node approved the transaction")?;
        if approvals
            .iter()
            .any(|other| other.inputs != approval.inputs)
        {
            bail!("the nodes explain the transaction differently");
        }
        let wanted = approval.inputs.iter();
        let sessions = wanted
            .filter_map(|input| ended.remove(&input.session))
            .collect();
        Ok(Signing { approval, sessions })
    }
}
