//! What a node does with what reaches it: every input to the seat it concerns, every question to the engine, every
//! frame to the transport. What depends on the engine comes out only with the engine's reply, and that only once its
//! record is durable; so nothing is sent before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::{Context, Poll};

use hardfrost_api::engine::{EngineGone, EngineHandle};
use hardfrost_api::local::UnplacedView;
use hardfrost_engine::{
    Approval, Changed, Command, OpenApproval, Rejection, Reply, Ticket, Uncertified,
};
use hardfrost_primitives::{Monotonic, Now, SessionId, UnixTime};
use hardfrost_seat::{Event, Input, Output, Request, Seat};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::federation::{Federation, Mail};
use crate::home::Keys;
use crate::journal::{Journal, Place};
use crate::kept::Kept;
use crate::orders::{OrderId, Orders};

/// Things taken from one federation's transport in a turn, before the others and the engine have theirs.
const ARRIVALS_MAX: usize = 256;

/// Whom a reply of the engine is for.
struct Asker {
    place: Place,
    ticket: Ticket,
    order: Option<OrderId>,
}

/// A node's seats, its engine, and what is under way between them.
pub struct Core {
    clock: Clock,
    federations: Vec<Federation>,
    engine: EngineHandle,
    askers: BTreeMap<Ticket, Asker>,
    next_ticket: u64,
    batch: Vec<(Ticket, Command)>,
    pub(crate) orders: Orders,
    pub(crate) journal: Journal,
    pub(crate) kept: Kept,
    /// Shares that wait for their certificate and whose terms are not kept. None is too many: the log holds them too.
    pub(crate) orphans: Vec<Uncertified>,
    /// Shares that went on from the engine's records, under the terms that are kept.
    pub(crate) resumed: Vec<Uncertified>,
    /// Keys of the engine whose rosters are not configured.
    pub(crate) unplaced: BTreeSet<UnplacedView>,
    faulted: bool,
    changed: bool,
}

impl Core {
    /// Seats that hold what the engine holds come in; nothing has reached them yet.
    #[must_use]
    pub fn new(
        clock: Clock,
        federations: Vec<Federation>,
        engine: EngineHandle,
        kept: Kept,
    ) -> Self {
        Self {
            clock,
            federations,
            engine,
            askers: BTreeMap::new(),
            next_ticket: 0,
            batch: Vec::new(),
            orders: Orders::default(),
            journal: Journal::default(),
            kept,
            orphans: Vec::new(),
            resumed: Vec::new(),
            unplaced: BTreeSet::new(),
            faulted: false,
            changed: false,
        }
    }

    /// Begins again with another engine: seats of other incarnations, that know nothing yet. What the operator can look
    /// at stays.
    #[must_use]
    pub fn reborn(self, keys: &Keys, engine: EngineHandle) -> Self {
        let federations = self.federations.into_iter();
        let again = Self::new(
            self.clock,
            federations.map(|all| all.reborn(keys)).collect(),
            engine,
            self.kept,
        );
        let mut journal = self.journal;
        journal.engine_went(again.now());
        Self { journal, ..again }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// When the process began.
    #[must_use]
    pub fn began(&self) -> UnixTime {
        self.clock.began()
    }

    /// The rosters, in the order of the configuration.
    #[must_use]
    pub fn federations(&self) -> &[Federation] {
        &self.federations
    }

    pub(crate) fn federations_mut(&mut self) -> &mut [Federation] {
        &mut self.federations
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// A seat of this node.
    #[must_use]
    pub fn seat(&self, place: Place) -> Option<&Seat> {
        let federation = self.federations.get(place.federation)?;
        federation.seats().get(place.seat)
    }

    /// The engine's disk failed: it answers nothing more until it is opened again.
    #[must_use]
    pub fn is_faulted(&self) -> bool {
        self.faulted
    }

    /// Whether anything may look different since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Sessions without an end, over all seats.
    #[must_use]
    pub fn open_sessions(&self) -> usize {
        let seats = self.federations.iter().flat_map(Federation::seats);
        seats.map(Seat::open_sessions).sum()
    }

    /// When a timer comes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<std::time::Instant> {
        let federations = self.federations.iter();
        let next = federations.filter_map(Federation::poll_timeout).min();
        next.map(|at: Monotonic| self.clock.instant(at))
    }

    /// Whether something has come over a network.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = Poll::Pending;
        for federation in &mut self.federations {
            if federation.poll_ready(cx).is_ready() {
                ready = Poll::Ready(());
            }
        }
        ready
    }

    /// Reads what has come over the networks, a bounded part of it.
    pub fn receive(&mut self) {
        for at in 0..self.federations.len() {
            let now = self.now();
            let Some(federation) = self.federations.get_mut(at) else {
                continue;
            };
            let mail = federation.receive(now, ARRIVALS_MAX);
            self.feed(at, mail, None);
        }
    }

    /// Tells new seats who can be reached already.
    pub fn meet(&mut self) {
        for at in 0..self.federations.len() {
            let met = self.federations.get(at).map(Federation::reached);
            self.feed(at, met.unwrap_or_default(), None);
        }
    }

    /// What was approved before goes on.
    pub fn resume(&mut self, open: OpenApproval) {
        let OpenApproval { request, approval } = open;
        let mut federations = self.federations.iter();
        let ours = |all: &Federation| {
            let mut seats = all.seats().iter();
            seats.any(|seat| seat.groups().any(|group| *group == approval.key_group))
        };
        let Some(at) = federations.position(ours) else {
            return;
        };
        let place = Place {
            federation: at,
            seat: 0,
        };
        let about = (&approval, self.members(place));
        let when = (place, self.clock.now());
        self.journal.resumed(when, request.as_str(), about);
        let order = Request::Resume(approval);
        let mail = self.federations.get(at).map(|all| all.ordered(&order));
        self.feed(at, mail.unwrap_or_default(), None);
    }

    /// Wakes the seats whose timer has come.
    pub fn wake(&mut self) {
        let now = self.now().mono;
        for at in 0..self.federations.len() {
            let due = self.federations.get(at).map(|all| all.due(now));
            self.feed(at, due.unwrap_or_default(), None);
        }
    }

    /// Hands a reply of the engine to whoever asked.
    pub fn reply(&mut self, ticket: Ticket, reply: Reply) {
        if matches!(reply, Reply::Rejected(Rejection::StorageFault)) {
            self.faulted = true;
        }
        let Some(asker) = self.askers.remove(&ticket) else {
            return;
        };
        let mail = Mail {
            seat: asker.place.seat,
            input: Input::Engine(asker.ticket, reply),
        };
        self.feed(asker.place.federation, vec![mail], asker.order);
    }

    /// Puts a command of the node itself on the batch; nobody waits for its reply.
    pub fn tell(&mut self, command: Command) {
        let ticket = self.next_ticket();
        self.batch.push((ticket, command));
    }

    /// Hands what was asked since the last time to the engine.
    ///
    /// # Errors
    /// [`EngineGone`]: all that waited for it is lost.
    pub fn flush(&mut self) -> Result<(), EngineGone> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.engine.ask(std::mem::take(&mut self.batch))
    }

    fn next_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    /// Feeds a federation's seats, and each other with what they say, until nothing is left to read.
    pub(crate) fn feed(&mut self, at: usize, mail: Vec<Mail>, order: Option<OrderId>) {
        if mail.is_empty() {
            return;
        }
        self.changed = true;
        let now = self.now();
        let mut inbox = VecDeque::from(mail);
        while let Some(Mail { seat, input }) = inbox.pop_front() {
            let place = Place {
                federation: at,
                seat,
            };
            let outputs = self.handle(now, place, input);
            for output in outputs {
                match output {
                    Output::Engine(ticket, command) => self.ask(place, ticket, command, order),
                    Output::Event(event) => self.event(now, place, event, order),
                    sent @ (Output::Send(_) | Output::SendTo(..)) => {
                        let federation = self.federations.get_mut(at);
                        federation
                            .into_iter()
                            .for_each(|all| all.deliver(seat, &sent, &mut inbox));
                    }
                }
            }
        }
    }

    fn handle(&mut self, now: Now, place: Place, input: Input) -> Vec<Output> {
        let federation = self.federations.get_mut(place.federation);
        let seat = federation.and_then(|all| all.seats_mut().get_mut(place.seat));
        seat.map(|seat| seat.handle(now, input)).unwrap_or_default()
    }

    fn ask(&mut self, place: Place, seats: Ticket, command: Command, order: Option<OrderId>) {
        let ticket = self.next_ticket();
        let asker = Asker {
            place,
            ticket: seats,
            order,
        };
        self.askers.insert(ticket, asker);
        self.batch.push((ticket, command));
    }

    fn event(&mut self, now: Now, place: Place, event: Event, order: Option<OrderId>) {
        match event {
            Event::KeyMade(certificate, public) => {
                let key = public.key_group();
                info!(%key, t = public.threshold(), n = public.count(), "a key was made");
                let id = certificate.descriptor().id();
                self.journal.made(&id, key);
                self.key_made(place.federation, &id);
            }
            Event::KeyFailed(id, fault) => {
                warn!(%fault, "no key was made");
                self.journal.failed(&id, fault.clone());
                self.key_failed(place.federation, &id);
                self.orders.failed(order, &fault);
            }
            Event::Approved(approval) => self.approved((place, now), approval, order),
            Event::Refused(rejection) => {
                warn!(%rejection, "the engine refused the operator's request");
                self.orders.refused(order, &rejection);
            }
            Event::Convicted(member, proof) => {
                error!(%member, kind = %proof.kind(), "a member is convicted");
            }
            Event::Changed(changed) => info!("{}", changed_in_words(&changed)),
            Event::Recalled(changed) => {
                let changed = changed_in_words(&changed);
                warn!("peers knew what our log had forgotten: {changed}");
            }
            Event::Ended(report) => {
                info!(session = %report.session, outcome = outcome(&report), "a session ended");
                self.journal.ended(now, report);
            }
        }
    }

    fn approved(&mut self, at: (Place, Now), approval: Approval, order: Option<OrderId>) {
        if let Some(request) = self.orders.request(order) {
            let seat = self.seat(at.0);
            let open = |name: &SessionId| {
                let session = seat.and_then(|seat| seat.session(name));
                session.is_some_and(|open| open.outcome().is_none())
            };
            let sessions = approval.inputs.iter().map(|input| &input.session);
            let open: BTreeSet<SessionId> = sessions.filter(|name| open(name)).cloned().collect();
            let about = (&approval, self.members(at.0));
            let runs = |name: &SessionId| open.contains(name);
            self.journal.approved(at, request.as_str(), about, runs);
            info!(%request, sessions = approval.inputs.len(), "approved");
        }
        self.orders.approved(order, approval);
    }

    fn members(&self, place: Place) -> u16 {
        let federation = self.federations.get(place.federation);
        federation.map_or(0, |all| all.roster().count())
    }
}

/// In a word: a signature is nobody's secret, but a log is no place for it.
fn outcome(report: &hardfrost_seat::SessionReport) -> &'static str {
    use hardfrost_roast::Outcome;
    match report.outcome {
        Outcome::Signed(_) => "signed",
        Outcome::Infeasible => "infeasible",
        Outcome::Refused(_) => "refused",
        Outcome::Cancelled => "cancelled",
        Outcome::Stuck(_) => "stuck",
        Outcome::Expired => "expired",
    }
}

fn changed_in_words(changed: &Changed) -> String {
    match changed {
        Changed::Rekeyed(rekeyed) => format!("stopped for good: {}", rekeyed.reason.as_str()),
        Changed::Finalized => "a session is over for good".to_owned(),
        Changed::Quarantine(standing) if standing.quarantined => "a member is kept out".to_owned(),
        Changed::Quarantine(_) => "a member is let in".to_owned(),
        Changed::Policy(limits) => format!("the limits {limits} are in force"),
    }
}
