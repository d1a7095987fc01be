//! What happened since the process began, for people to look at. Nothing is decided by it.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;

use hardfrost_api::local::{AttemptView, CeremonyView, SessionView};
use hardfrost_dkg::{Ceremony, CeremonyFault, Descriptor, Step};
use hardfrost_engine::Approval;
use hardfrost_primitives::{Hash32, KeyGroup, Member, Message, Monotonic, Now, SessionId};
use hardfrost_roast::{AttemptReport, Outcome, Session};
use hardfrost_seat::{Seat, SessionReport};

use crate::code;

/// Sessions remembered at once; those that ended first go first.
const SESSIONS_MAX: usize = 10_000;
/// Key generations remembered at once.
const CEREMONIES_MAX: usize = 64;

/// Which of a node's seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The roster's place in the configuration.
    pub federation: usize,
    /// The seat's place among the node's own in it.
    pub seat: usize,
}

impl Place {
    /// For what belongs to a roster that is not there any more.
    pub(crate) const FIRST: Self = Self {
        federation: 0,
        seat: 0,
    };
}

struct Signing {
    place: Place,
    key_group: KeyGroup,
    members: u16,
    request: String,
    input: Option<usize>,
    message: Message,
    began: Now,
    ended: Option<(Monotonic, SessionReport)>,
}

enum Making {
    Waiting,
    Made(KeyGroup),
    Failed(CeremonyFault),
}

struct Generation {
    place: Place,
    terms: Descriptor,
    state: Making,
    /// For the order in which they began.
    number: u64,
}

/// Sessions and key generations.
#[derive(Default)]
pub struct Journal {
    sessions: BTreeMap<SessionId, Signing>,
    generations: BTreeMap<Hash32, Generation>,
    count: u64,
}

impl Journal {
    /// A key generation was joined.
    pub fn joined(&mut self, place: Place, terms: Descriptor) {
        if self.generations.len() >= CEREMONIES_MAX {
            let oldest = self.generations.iter().min_by_key(|(_, g)| g.number);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.generations.remove(&id);
            }
        }
        self.count += 1;
        let generation = Generation {
            place,
            state: Making::Waiting,
            number: self.count,
            terms,
        };
        self.generations.insert(generation.terms.id(), generation);
    }

    /// A key was made.
    pub fn made(&mut self, id: &Hash32, key_group: &KeyGroup) {
        if let Some(generation) = self.generations.get_mut(id) {
            generation.state = Making::Made(key_group.clone());
        }
    }

    /// A key generation of a former process, or of before the engine went, if it is not known yet.
    pub fn found(&mut self, place: Place, terms: Descriptor) {
        if !self.generations.contains_key(&terms.id()) {
            self.joined(place, terms);
        }
    }

    /// The same, and it goes on under these terms.
    pub fn goes_on(&mut self, place: Place, terms: Descriptor) {
        let id = terms.id();
        self.found(place, terms.clone());
        if let Some(generation) = self.generations.get_mut(&id) {
            generation.terms = terms;
            generation.state = Making::Waiting;
        }
    }

    /// A key generation that still waited made no key. One that came after all replaces this.
    pub fn failed(&mut self, id: &Hash32, fault: CeremonyFault) {
        let known = self.generations.get_mut(id);
        let waiting = known.filter(|it| matches!(it.state, Making::Waiting));
        if let Some(generation) = waiting {
            generation.state = Making::Failed(fault);
        }
    }

    /// An approval started its sessions, for a group of so many members. Of those that had ended here, the seat says
    /// which `runs` again.
    pub fn approved(
        &mut self,
        (place, now): (Place, Now),
        request: &str,
        (approval, members): (&Approval, u16),
        runs: impl Fn(&SessionId) -> bool,
    ) {
        for input in &approval.inputs {
            if self.sessions.len() >= SESSIONS_MAX {
                self.forget_one();
            }
            let signing = Signing {
                place,
                key_group: approval.key_group.clone(),
                members,
                request: request.to_owned(),
                input: Some(input.index),
                message: input.message,
                began: now,
                ended: None,
            };
            // One that is known already may not know its input yet.
            let again = runs(&input.session);
            match self.sessions.entry(input.session.clone()) {
                Entry::Vacant(free) => drop(free.insert(signing)),
                Entry::Occupied(mut known) if known.get().ended.is_some() && again => {
                    known.insert(signing);
                }
                Entry::Occupied(mut known) => known.get_mut().input = signing.input,
            }
        }
    }

    /// The same for an approval from before this process began: which of its transaction's inputs a session signs is
    /// not known any more.
    pub fn resumed(&mut self, at: (Place, Now), request: &str, about: (&Approval, u16)) {
        self.approved(at, request, about, |_| true);
        for input in &about.0.inputs {
            if let Some(signing) = self.sessions.get_mut(&input.session) {
                signing.input = None;
            }
        }
    }

    /// The one that ended first, else the one that began first.
    fn forget_one(&mut self) {
        let age = |signing: &Signing| {
            let ended = signing.ended.as_ref().map(|(at, _)| *at);
            (ended.is_none(), ended.unwrap_or(signing.began.mono))
        };
        let first = self.sessions.iter().min_by_key(|(_, signing)| age(signing));
        if let Some(name) = first.map(|(name, _)| name.clone()) {
            self.sessions.remove(&name);
        }
    }

    /// A session ended. Of several seats of ours the first one's word is kept, unless a later one has the signature.
    pub fn ended(&mut self, now: Now, report: SessionReport) {
        let Some(signing) = self.sessions.get_mut(&report.session) else {
            return;
        };
        let signed = |report: &SessionReport| matches!(report.outcome, Outcome::Signed(_));
        let better = signing
            .ended
            .as_ref()
            .is_none_or(|(_, known)| !signed(known) && signed(&report));
        if better {
            signing.ended = Some((now.mono, report));
        }
    }

    /// The engine went, and with it every session that was under way. Of key generations it is known when it is back.
    pub fn engine_went(&mut self, now: Now) {
        let why = "the engine went away meanwhile: approve it again".to_owned();
        for (name, signing) in &mut self.sessions {
            if signing.ended.is_none() {
                let report = SessionReport {
                    session: name.clone(),
                    message: signing.message,
                    outcome: Outcome::Stuck(why.clone()),
                    attempts: Vec::new(),
                };
                signing.ended = Some((now.mono, report));
            }
        }
    }

    /// The seat that a session runs in.
    #[must_use]
    pub fn place_of(&self, session: &SessionId) -> Option<Place> {
        self.sessions.get(session).map(|signing| signing.place)
    }

    /// All sessions, the newest last. `seat` finds a seat of the node.
    pub fn sessions<'a>(
        &self,
        now: Now,
        seat: impl Fn(Place) -> Option<&'a Seat>,
    ) -> Vec<SessionView> {
        let mut all: Vec<(&SessionId, &Signing)> = self.sessions.iter().collect();
        all.sort_by_key(|(_, signing)| signing.began.mono);
        let view = |(name, signing): (&SessionId, &Signing)| {
            let open = seat(signing.place).and_then(|seat| seat.session(name));
            signing.view(name, now, open)
        };
        all.into_iter().map(view).collect()
    }

    /// One session.
    pub fn session<'a>(
        &self,
        name: &SessionId,
        now: Now,
        seat: impl Fn(Place) -> Option<&'a Seat>,
    ) -> Option<SessionView> {
        let signing = self.sessions.get(name)?;
        let open = seat(signing.place).and_then(|seat| seat.session(name));
        Some(signing.view(name, now, open))
    }

    /// The roster that a key generation is under, by its place.
    #[must_use]
    pub fn place_of_generation(&self, id: &Hash32) -> Option<Place> {
        self.generations.get(id).map(|generation| generation.place)
    }

    /// All key generations, the newest last.
    pub fn generations<'a>(&self, seat: impl Fn(Place) -> Option<&'a Seat>) -> Vec<CeremonyView> {
        let mut all: Vec<&Generation> = self.generations.values().collect();
        all.sort_by_key(|generation| generation.number);
        let view = |generation: &Generation| {
            let id = generation.terms.id();
            let open = seat(generation.place).and_then(|seat| seat.ceremony_of(&id));
            generation.view(open)
        };
        all.into_iter().map(view).collect()
    }
}

fn numbers<'a>(members: impl IntoIterator<Item = &'a Member>) -> Vec<u16> {
    members.into_iter().map(|member| member.number()).collect()
}

fn millis(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

impl Signing {
    fn view(&self, name: &SessionId, now: Now, open: Option<&Session>) -> SessionView {
        let (state, signature, why) = match &self.ended {
            Some((_, report)) => outcome(&report.outcome),
            None => ("signing", None, None),
        };
        let attempts: Vec<AttemptReport> = match (&self.ended, open) {
            (Some((_, report)), _) => report.attempts.clone(),
            (None, Some(session)) => session.reports(now.mono),
            (None, None) => Vec::new(),
        };
        let until = self.ended.as_ref().map_or(now.mono, |(at, _)| *at);
        let silent = Member::all(self.members)
            .filter(|member| !attempts.iter().any(|a| a.committed.contains(member)))
            .map(Member::number);
        let mut owing: Vec<u16> = attempts.iter().flat_map(|a| numbers(&a.owing)).collect();
        owing.sort_unstable();
        owing.dedup();
        SessionView {
            session: name.to_string(),
            key_group: self.key_group.to_string(),
            request: self.request.clone(),
            input: self.input,
            message: self.message.to_string(),
            state: state.to_owned(),
            signature,
            why,
            began: self.began.utc.0,
            millis: millis(until.since(self.began.mono)),
            silent: silent.collect(),
            owing,
            attempts: attempts.iter().map(attempt).collect(),
        }
    }
}

fn attempt(report: &AttemptReport) -> AttemptView {
    AttemptView {
        number: report.number,
        coordinator: report.coordinator.number(),
        committed: numbers(&report.committed),
        chosen: numbers(&report.chosen),
        owing: numbers(&report.owing),
        millis: millis(report.took),
    }
}

fn outcome(outcome: &Outcome) -> (&'static str, Option<String>, Option<String>) {
    match outcome {
        Outcome::Signed(signature) => ("signed", Some(hex::encode(signature.0)), None),
        Outcome::Infeasible => {
            let why = "too many members are convicted: fewer than t are left".to_owned();
            ("infeasible", None, Some(why))
        }
        Outcome::Refused(why) => ("refused", None, Some(why.clone())),
        Outcome::Cancelled => {
            let why = "this node's operator cancelled it; to have it signed after all, approve it \
                       everywhere under one new name, with --request"
                .to_owned();
            ("cancelled", None, Some(why))
        }
        Outcome::Stuck(why) => ("stuck", None, Some(why.clone())),
        Outcome::Expired => {
            let why = "its approval ended before t members had signed".to_owned();
            ("expired", None, Some(why))
        }
    }
}

impl Generation {
    fn view(&self, open: Option<&Ceremony>) -> CeremonyView {
        let (step, awaited) = match open.map(Ceremony::awaited) {
            Some((step, awaited)) => (in_words(step), numbers(&awaited)),
            None => ("", Vec::new()),
        };
        let (state, key_group, failure) = match &self.state {
            Making::Waiting => ("waiting", None, None),
            Making::Made(key_group) => ("made", Some(key_group.to_string()), None),
            Making::Failed(fault) => ("failed", None, Some(fault.to_string())),
        };
        let pending = open.and_then(Ceremony::pending);
        let waits = state == "waiting" || pending.is_some();
        CeremonyView {
            id: self.terms.id().to_string(),
            roster: self.terms.roster.to_string(),
            code: code::encode(&self.terms),
            threshold: self.terms.threshold,
            members: self.terms.count,
            deadline: self.terms.deadline.0,
            state: state.to_owned(),
            step: step.to_owned(),
            awaited: if waits { awaited } else { Vec::new() },
            key_group,
            failure,
            pending: pending.map(|key| key.key_group().to_string()),
        }
    }
}

fn in_words(step: Step) -> &'static str {
    match step {
        Step::OwnEngine => "this node computes",
        Step::Contributions => "waiting for contributions",
        Step::Echoes => "waiting for echoes of the contributions",
        Step::SealedShares => "waiting for sealed shares",
        Step::Confirmations | Step::Pending => "waiting for confirmations",
        Step::Over => "over",
    }
}
