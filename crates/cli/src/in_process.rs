//! All nodes in this process, each with its own engine, operator key and seat, over queues in memory.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{bail, Context};
use hardfrost_dkg::{CeremonyKind, Descriptor, Step};
use hardfrost_engine::{Engine, MemoryLog};
use hardfrost_frost::Region;
use hardfrost_node::{random, Clock};
use hardfrost_primitives::{KeyGroup, Limits, Member, Now, RequestId};
use hardfrost_seat::{Event, Input, Request, Seat, SeatTerms};
use hardfrost_spend::UnsignedPsbt;
use hardfrost_wire::{Incarnation, OperatorIndex, OperatorKey, Roster};
use zeroize::Zeroizing;

use crate::cheat::Saboteur;
use crate::cluster::{Cluster, Faults, MadeKey, Signing};
use crate::homes::{Home, Homes};
use crate::node::{Mail, Node, To, Turn};
use crate::progress::Progress;
use crate::watched::Watched;

/// How long a key generation or a signing may take before it is called failed.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// n nodes and the queues between them.
///
/// Its clock is the machine's, but waiting is skipped: when no node has anything to read, time jumps to the next timer.
pub struct InProcess {
    roster: Arc<Roster>,
    nodes: Vec<Node>,
    secrets: Vec<Zeroizing<[u8; 32]>>,
    inboxes: Vec<Vec<Mail>>,
    faults: Faults,
    clock: Clock,
    skipped: Duration,
    longest_tick: Duration,
}

impl InProcess {
    /// Nodes that know each other and begin with what they have at home, each as a new incarnation.
    ///
    /// # Errors
    /// A log that makes no engine.
    pub fn new(homes: Homes) -> anyhow::Result<Self> {
        let Homes { roster, homes } = homes;
        let roster = Arc::new(roster);
        let (mut nodes, mut secrets) = (Vec::new(), Vec::new());
        let region = Region::new()?;
        for home in homes {
            let Home { member, secret } = home;
            let engine =
                Engine::recover_in(region.clone(), Limits::default(), BTreeSet::new(), &[])
                    .with_context(|| format!("node {member}"))?;
            let seat = Seat::new(SeatTerms {
                member,
                key: OperatorKey::new(&secret, random())?,
                incarnation: Incarnation(random()),
                roster: Arc::clone(&roster),
            });
            nodes.push(Node {
                seat,
                engine,
                log: MemoryLog::default(),
                saboteur: None,
            });
            secrets.push(secret);
        }
        let inboxes = nodes.iter().map(|_| Vec::new()).collect();
        Ok(Self {
            roster,
            nodes,
            secrets,
            inboxes,
            faults: Faults::default(),
            clock: Clock::start(),
            skipped: Duration::ZERO,
            longest_tick: Duration::ZERO,
        })
    }

    fn now(&self) -> Now {
        let Now { mono, utc } = self.clock.now();
        Now {
            mono: mono.plus(self.skipped),
            utc,
        }
    }

    fn ask_everybody(&mut self, request: &Request) {
        for inbox in &mut self.inboxes {
            inbox.push(Mail::Input(Input::Local(request.clone())));
        }
    }

    /// The seat at a place among the nodes.
    fn member_at(&self, place: usize) -> Option<Member> {
        self.nodes.get(place).map(|node| node.seat.member())
    }

    /// Whether the node at this place does its part.
    fn is_honest(&self, place: usize) -> bool {
        let member = self.member_at(place);
        member.is_some_and(|m| {
            !self.faults.silent.contains(&m) && !self.faults.cheats.contains_key(&m)
        })
    }

    /// Wakes the nodes whose timer has come. Where nobody has anything to read, time first jumps to the next timer.
    fn wake(&mut self) {
        let due = |node: &Node| node.seat.poll_timeout();
        if self.is_quiet() {
            let active = self
                .nodes
                .iter()
                .filter(|n| !self.faults.silent.contains(&n.seat.member()));
            if let Some(next) = active.filter_map(due).min() {
                self.skipped += next.since(self.now().mono);
            }
        }
        let now = self.now().mono;
        for (node, inbox) in self.nodes.iter().zip(&mut self.inboxes) {
            let awake = !self.faults.silent.contains(&node.seat.member());
            if awake && node.seat.poll_timeout().is_some_and(|at| at <= now) {
                inbox.push(Mail::Input(Input::Timeout));
            }
        }
    }

    /// One turn of every node that has something to read, on all cores; then the frames move to the other inboxes.
    fn tick(&mut self, progress: &dyn Progress) -> Vec<(usize, Event)> {
        let (now, begun) = (self.now(), Instant::now());
        let mut work: Vec<(usize, &mut Node, Vec<Mail>)> = self
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
            threads.into_iter().flat_map(joined).collect()
        });
        let mut events = Vec::new();
        for (from, turn) in turns {
            events.extend(turn.events.into_iter().map(|event| (from, event)));
            self.deliver(from, turn.sends);
        }
        self.measure(begun.elapsed());
        events
    }

    /// A message and its answer take two ticks: that is a round trip here.
    fn measure(&mut self, tick: Duration) {
        if tick > self.longest_tick {
            self.longest_tick = tick;
            for inbox in self.inboxes.iter_mut().filter(|inbox| !inbox.is_empty()) {
                inbox.insert(0, Mail::Input(Input::RoundTrip(tick * 2)));
            }
        }
    }

    fn deliver(&mut self, from: usize, sends: Vec<(To, Vec<u8>)>) {
        let peer = OperatorIndex(u16::try_from(from).unwrap_or(u16::MAX));
        let silent: Vec<bool> = (0..self.nodes.len())
            .map(|place| {
                self.member_at(place)
                    .is_some_and(|m| self.faults.silent.contains(&m))
            })
            .collect();
        for (whom, bytes) in sends {
            let bytes: Arc<[u8]> = bytes.into();
            for (to, (inbox, silent)) in self.inboxes.iter_mut().zip(&silent).enumerate() {
                let meant = match whom {
                    To::Everybody => true,
                    To::One(place) => to == place,
                };
                if to != from && meant && !silent {
                    inbox.push(Mail::Frame(peer, Arc::clone(&bytes)));
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
            Some(Step::Confirmations | Step::Pending) => "certifying the key",
            Some(Step::Over) => "finishing",
        }
    }
}

/// What a thread made. Its panic is ours: a node that broke must not look like one that is silent.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn run(
    now: Now,
    chunk: &mut [(usize, &mut Node, Vec<Mail>)],
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
            for (_, event) in self.tick(progress) {
                match event {
                    Event::KeyMade(certificate, public) => made.push((certificate, public)),
                    Event::KeyFailed(_, fault) => bail!("no key was made: {fault}"),
                    Event::Approved(_)
                    | Event::Refused(_)
                    | Event::Convicted(..)
                    | Event::Changed(_)
                    | Event::Recalled(_)
                    | Event::Ended(_) => {}
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

    fn turn_faulty(&mut self, faults: &Faults, _: &dyn Progress) -> anyhow::Result<()> {
        self.faults = faults.clone();
        let first = self.nodes.first().context("a group has members")?;
        let sizes = first.seat.sizes();
        for (node, secret) in self.nodes.iter_mut().zip(&self.secrets) {
            let member = node.seat.member();
            node.saboteur = match faults.cheats.get(&member) {
                Some(kind) => {
                    let key = OperatorKey::new(secret, random())?;
                    Some(Saboteur::new(*kind, member, key, sizes))
                }
                None => None,
            };
        }
        Ok(())
    }

    fn sign(
        &mut self,
        key_group: &KeyGroup,
        psbt: &UnsignedPsbt,
        request: &RequestId,
        progress: &dyn Progress,
    ) -> anyhow::Result<Signing> {
        // Key generation's ticks say nothing of a round trip in signing.
        self.longest_tick = Duration::ZERO;
        self.ask_everybody(&Request::Approve {
            key_group: key_group.clone(),
            psbt: psbt.to_bytes(),
            request: request.clone(),
            life: Duration::from_secs(3600),
        });
        for (node, inbox) in self.nodes.iter().zip(&mut self.inboxes) {
            if self.faults.silent.contains(&node.seat.member()) {
                inbox.clear();
            }
        }
        let mut watched = Watched::default();
        let honest = (0..self.nodes.len())
            .filter(|place| self.is_honest(*place))
            .count();
        while !(self.is_quiet() && watched.all_ended(honest)) {
            self.wake();
            if self.is_quiet() {
                bail!("the nodes wait for nothing and are not done");
            }
            progress.step("signing", self.nodes.len());
            for (place, event) in self.tick(progress) {
                if self.is_honest(place) {
                    watched.event(event)?;
                }
            }
        }
        watched.signing()
    }

    fn known_key(&mut self) -> anyhow::Result<Option<MadeKey>> {
        Ok(None)
    }

    fn convicted(&self) -> BTreeSet<Member> {
        BTreeSet::new()
    }

    fn close(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_panic_in_a_thread_of_nodes_is_not_swallowed() {
        let broken = || {
            thread::scope(|scope| {
                let thread = scope.spawn(|| -> Vec<u8> { resume_unwind(Box::new("a node broke")) });
                joined(thread)
            })
        };
        let caught = catch_unwind(broken).unwrap_err();
        assert_eq!(caught.downcast_ref(), Some(&"a node broke"));
        assert_eq!(thread::scope(|scope| joined(scope.spawn(|| 7))), 7);
    }
}
