//! The seat: routes every input to the machine it concerns, and every question to the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_dkg::{Ceremony, CeremonyFault, Certificate};
use hardfrost_engine::{
    Approval, Approve, Artifact, Changed, Command, Reason, Rejection, Reply, Ticket, Uncertified,
};
use hardfrost_evidence::Evidence;
use hardfrost_frost::GroupPublic;
use hardfrost_primitives::{
    Hash32, KeyGroup, Member, Monotonic, Now, RequestId, SessionId, UnixTime,
};
use hardfrost_roast::{Question, Session, Speaker};
use hardfrost_wire::{FromPeer, Incarnation, Kind, OperatorIndex, OperatorKey, Roster};

use crate::early::Early;
use crate::keygen::Proposal;
use crate::signing::SessionReport;
use crate::timetable::Timetable;
use crate::words::{Stop, WordName, Words};

/// What reaches a seat.
#[derive(Debug)]
pub enum Input {
    /// Bytes that an authenticated peer handed over.
    Peer(FromPeer<Vec<u8>>),
    /// The engine's reply to a command.
    Engine(Ticket, Reply),
    /// The t-th smallest round-trip time to a peer has changed.
    RoundTrip(Duration),
    /// An authenticated peer can be reached from now on, for the first time or again. After the groups are taken up:
    /// what is asked is asked of them.
    Connected(OperatorIndex),
    /// `poll_timeout` has come.
    Timeout,
    /// The operator.
    Local(Request),
}

/// What an operator asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Take part in a key generation.
    MakeKey(Proposal),
    /// A share that the engine has from before this process began, and the terms that it was made under: its key
    /// generation goes on.
    ResumeKey(Proposal, Uncertified),
    /// End our part in a key generation. What the others do it cannot take back; theirs fails at its deadline.
    CancelKey(Hash32),
    /// Approve a PSBT, and sign what it asks of this group.
    Approve {
        /// Which group.
        key_group: KeyGroup,
        /// Binary or base64.
        psbt: Vec<u8>,
        /// The request's name.
        request: RequestId,
        /// How long approval and sessions live.
        life: Duration,
    },
    /// An approval that the engine has from before this process began: its session goes on.
    Resume(Approval),
    /// End a session here. What other members do, and what was sent already, it cannot take back.
    Cancel(SessionId),
    /// Set the kill switch, keep a member out, or let it in again.
    Stop(Stop),
}

/// What a seat wants done.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes to every roster peer, and hand them to the node's other seats.
    Send(Vec<u8>),
    /// Send these bytes to one operator. It is our own where they are for another seat of this node.
    SendTo(OperatorIndex, Vec<u8>),
    /// Ask the engine; feed the reply back with the same ticket.
    Engine(Ticket, Command),
    /// For whoever watches.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key is certified and signs.
    KeyMade(Box<Certificate>, Arc<GroupPublic>),
    /// The key generation with this id is over without a key, as far as can be seen here: where our confirmation is out
    /// its certificate may still come.
    KeyFailed(Hash32, CeremonyFault),
    /// The approval is in force; its sessions have started.
    Approved(Approval),
    /// The engine refused the operator's request.
    Refused(Rejection),
    /// A member is convicted by a proof that anybody can verify.
    Convicted(Member, Evidence),
    /// What the operator asked for is so from now on.
    Changed(Changed),
    /// The operator had stopped this, our log did not know it any more, and peers did: it is stopped again.
    Recalled(Changed),
    /// A session is over.
    Ended(SessionReport),
}

/// Who a seat is.
pub struct SeatTerms {
    /// Its number.
    pub member: Member,
    /// Its operator's key.
    pub key: OperatorKey,
    /// 16 random bytes, drawn at process start.
    pub incarnation: Incarnation,
    /// The group's operators.
    pub roster: Arc<Roster>,
}

/// Whom an engine reply is for.
pub(crate) enum Asker {
    /// Of the ceremony with this id.
    Ceremony(Hash32),
    Session(SessionId, u32, Question),
    Approval {
        key_group: KeyGroup,
        ends: Monotonic,
    },
    /// The operator, who stops something or lets a member in.
    Stop {
        name: WordName,
        at: UnixTime,
        reason: Option<Reason>,
    },
    /// Our own word, which peers kept.
    Recall(WordName, Reason),
}

/// A group this seat signs for.
pub(crate) struct KnownGroup {
    pub(crate) public: Arc<GroupPublic>,
    pub(crate) share_epoch: u32,
}

/// One seat of one node.
pub struct Seat {
    pub(crate) speaker: Speaker,
    pub(crate) roster: Arc<Roster>,
    pub(crate) groups: BTreeMap<KeyGroup, KnownGroup>,
    /// In the order in which they were joined; the last is the one under way. Older ones may still be certified, or
    /// serve what others lack.
    pub(crate) ceremonies: Vec<Ceremony>,
    /// By their heads, those that are over and made a key: they serve its certificate. As many as there are keys.
    pub(crate) certified: BTreeMap<Hash32, Ceremony>,
    /// The ids of all key generations that were joined. None is joined twice in one process: a second contribution
    /// would look like a contradiction.
    pub(crate) joined: BTreeSet<Hash32>,
    pub(crate) sessions: BTreeMap<SessionId, Session>,
    pub(crate) timetable: Timetable,
    /// By what heads their frames, the sessions and their attempts.
    pub(crate) heads: BTreeMap<Hash32, SessionId>,
    /// When a question of each author that others handed over was last heard.
    pub(crate) relayed: BTreeMap<(Member, Kind), Monotonic>,
    /// How many proofs on each account proved nothing.
    pub(crate) in_vain: BTreeMap<(OperatorIndex, Option<OperatorIndex>), u32>,
    /// Sessions that were forgotten. They never start again in this process: a second commitment under one incarnation
    /// would convict us.
    pub(crate) swept: BTreeSet<SessionId>,
    /// Whom some session has convicted, and by what.
    pub(crate) convicts: BTreeMap<(KeyGroup, Member), Evidence>,
    pub(crate) words: Words,
    askers: BTreeMap<Ticket, Asker>,
    next_ticket: u64,
    pub(crate) noise: u64,
    pub(crate) early: Early,
    pub(crate) round_trip: Duration,
}

impl Seat {
    /// A seat that holds no key yet.
    #[must_use]
    pub fn new(terms: SeatTerms) -> Self {
        let SeatTerms {
            member,
            key,
            incarnation,
            roster,
        } = terms;
        Self {
            speaker: Speaker {
                member,
                key,
                incarnation,
            },
            roster,
            groups: BTreeMap::new(),
            ceremonies: Vec::new(),
            certified: BTreeMap::new(),
            joined: BTreeSet::new(),
            sessions: BTreeMap::new(),
            timetable: Timetable::default(),
            heads: BTreeMap::new(),
            relayed: BTreeMap::new(),
            in_vain: BTreeMap::new(),
            swept: BTreeSet::new(),
            convicts: BTreeMap::new(),
            words: Words::default(),
            askers: BTreeMap::new(),
            next_ticket: 0,
            noise: 0,
            early: Early::default(),
            round_trip: Duration::ZERO,
        }
    }

    /// Its number.
    #[must_use]
    pub fn member(&self) -> Member {
        self.speaker.member
    }

    /// Who the operators are.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Advances everything the input concerns.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Output> {
        match input {
            Input::Peer(bytes) => self.peer(now, bytes),
            Input::Engine(ticket, reply) => match self.askers.remove(&ticket) {
                Some(asker) => self.reply(now, asker, reply),
                None => Vec::new(),
            },
            Input::RoundTrip(d) => {
                self.round_trip = d;
                self.in_open_sessions(|session| session.round_trip(d));
                Vec::new()
            }
            Input::Connected(peer) => self.connected(now, peer),
            Input::Timeout => self.timeout(now),
            Input::Local(request) => self.local(now, request),
        }
    }

    /// When to call `handle` with [`Input::Timeout`] at the latest. A session that is over waits to be forgotten.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        let ceremonies = self.ceremonies.iter();
        let ceremonies = ceremonies.filter_map(Ceremony::poll_timeout);
        let sessions = self.timetable.next();
        ceremonies.chain(sessions).chain(self.words.due()).min()
    }

    /// The key generation that was joined last, and what it waits for.
    #[must_use]
    pub fn ceremony(&self) -> Option<&Ceremony> {
        self.ceremonies.last()
    }

    /// Frames dropped before their signature counted.
    #[must_use]
    pub fn noise(&self) -> u64 {
        self.noise
    }

    pub(crate) fn ask(&mut self, asker: Asker, command: Command) -> Output {
        self.askers.insert(Ticket(self.next_ticket), asker);
        self.tell(command)
    }

    /// A command whose reply concerns nobody.
    pub(crate) fn tell(&mut self, command: Command) -> Output {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        Output::Engine(ticket, command)
    }

    fn reply(&mut self, now: Now, asker: Asker, reply: Reply) -> Vec<Output> {
        match asker {
            Asker::Ceremony(ceremony) => self.ceremony_reply(ceremony, reply),
            Asker::Session(session, round, question) => {
                self.session_reply(now, &session, (round, question), reply)
            }
            Asker::Approval { key_group, ends } => match reply {
                Reply::Approved(approval) => self.approved(now, &key_group, ends, approval),
                Reply::Rejected(rejection) => vec![Output::Event(Event::Refused(rejection))],
                Reply::DkgDealt(_)
                | Reply::DkgSealed(_)
                | Reply::DkgPending(_)
                | Reply::Installed(_)
                | Reply::DkgFailed(_)
                | Reply::Derived(..)
                | Reply::Opened(_)
                | Reply::Committed(_)
                | Reply::Share(_)
                | Reply::Aborted(_)
                | Reply::Signed(_)
                | Reply::Verdict(_)
                | Reply::Changed(_) => vec![Output::Event(Event::Refused(Rejection::Internal))],
            },
            Asker::Stop { name, at, reason } => self.stopped(name, (at, reason), reply),
            Asker::Recall(name, reason) => self.recalled(now, (name, reason), reply),
        }
    }

    fn timeout(&mut self, now: Now) -> Vec<Output> {
        let mut out = self.ceremony_timeouts(now);
        out.extend(self.session_timeouts(now));
        out.extend(self.words_timeout(now));
        out
    }

    fn local(&mut self, now: Now, request: Request) -> Vec<Output> {
        match request {
            Request::MakeKey(proposal) => self.make_key(now, proposal),
            Request::ResumeKey(terms, share) => self.resume_ceremony(now, terms, share),
            Request::CancelKey(ceremony) => self.cancel_key(ceremony),
            Request::Approve {
                key_group,
                psbt,
                request,
                life,
            } => {
                let asker = Asker::Approval {
                    key_group: key_group.clone(),
                    ends: now.mono.plus(life),
                };
                let artifact = Artifact::Psbt(psbt);
                let approve = Approve {
                    key_group,
                    artifact,
                    suite: self.roster.suite(),
                    request,
                    life,
                    replaces: None,
                };
                vec![self.ask(asker, Command::Approve(approve))]
            }
            Request::Resume(approval) => {
                let left = Duration::from_secs(approval.expires.0.saturating_sub(now.utc.0));
                let key_group = approval.key_group.clone();
                self.approved(now, &key_group, now.mono.plus(left), approval)
            }
            Request::Cancel(session) => self.cancelled(now, &session),
            Request::Stop(stop) => self.stop(now, stop),
        }
    }
}
