//! What operators have stopped. The peers keep an operator's word, so that a node restored from before it hears it
//! again when it joins. A word binds its author alone, and nothing that comes back ever lets anybody in.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_engine::{
    About, Changed, Command, EmergencyRekey, OperatorWord, Quarantine, Reason, Rejection, Reply,
    Unquarantine,
};
use hardfrost_primitives::{KeyGroup, Member, Monotonic, Now, UnixTime};
use hardfrost_wire::{
    standing_head, Frame, Kind, OperatorIndex, StandingPayload, StandingPullPayload, Subject,
    Verified,
};

use crate::seat::{Asker, Event, Output, Seat};

/// Sessions of one group that an author may have stopped, as kept here; the oldest word leaves.
const SESSIONS_MAX: usize = 256;
/// Words in one answer.
const ANSWER_MAX: usize = 1024;
/// A peer is answered once in so much time.
const PAUSE: Duration = Duration::from_secs(1);

/// What an operator stops, or lets go on.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The kill switch: there is no way back.
    Key(EmergencyRekey),
    /// Keeps a member out.
    Member(Quarantine),
    /// Lets a member in again, whatever kept it out.
    Pardon(Unquarantine),
}

/// What a word is about, and whose it is.
pub(crate) type WordName = (KeyGroup, Member, Subject);

struct Word {
    at: UnixTime,
    stops: bool,
    frame: Verified<Frame>,
}

/// The latest word of each author on each subject.
#[derive(Default)]
pub(crate) struct Words {
    kept: BTreeMap<WordName, Word>,
    answered: BTreeMap<Member, Monotonic>,
}

impl Words {
    /// Keeps a word that is newer than what is here; of two at one instant the one that stops. Whether it was.
    fn keep(&mut self, name: &WordName, word: Word) -> bool {
        let here = self.kept.get(name);
        if here.is_some_and(|here| (word.at, word.stops) <= (here.at, here.stops)) {
            return false;
        }
        self.kept.insert(name.clone(), word);
        self.bound(name);
        true
    }

    /// Drops the oldest of too many sessions.
    fn bound(&mut self, (group, author, _): &WordName) {
        let sessions = self.kept.iter().filter(|((g, a, subject), _)| {
            g == group && a == author && matches!(subject, Subject::Session(_))
        });
        let of_sessions: Vec<_> = sessions.map(|(name, word)| (word.at, name)).collect();
        if of_sessions.len() > SESSIONS_MAX {
            let oldest = of_sessions.into_iter().min().map(|(_, name)| name.clone());
            oldest.map(|name| self.kept.remove(&name));
        }
    }

    /// Whether these very bytes are here, proven.
    fn holds(&self, frame: &Frame) -> bool {
        let author = frame.head().author;
        let mut kept = self.kept.iter().filter(|((_, a, _), _)| *a == author);
        kept.any(|(_, word)| *word.frame == *frame)
    }

    /// The words on a group: those of `author` first.
    fn on(&self, group: &KeyGroup, author: Member) -> Vec<Vec<u8>> {
        let all = self.kept.iter().filter(|((g, ..), _)| g == group);
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|((_, a, _), _)| *a == author);
        let words = own.into_iter().chain(others).take(ANSWER_MAX);
        words
            .map(|(_, word)| word.frame.as_bytes().to_vec())
            .collect()
    }
}

impl Seat {
    /// Takes up what the operator had said before this process began, as the engine recorded it.
    pub fn resume_word(&mut self, word: &OperatorWord) {
        let subject = match &word.about {
            About::Group => Subject::Group,
            About::Session(session) => Subject::Session(session.clone()),
            About::Member(member) => Subject::Member(*member),
        };
        self.say_word(&word.key_group, subject, word.at, word.reason.as_ref());
    }

    /// A peer can be reached from now on: it is told our words, and asked for all it has, ours above all.
    pub(crate) fn connected(&mut self, peer: OperatorIndex) -> Vec<Output> {
        let us = self.member();
        let mut out = Vec::new();
        for group in self.groups.keys() {
            let incarnation = self.speaker.incarnation;
            let question = StandingPullPayload { incarnation };
            let asked = self
                .speaker
                .say(standing_head(group), &question, &self.roster);
            out.extend(asked.map(|frame| frame.into_inner().as_bytes().to_vec()));
            let ours = self.words.kept.iter();
            let ours = ours.filter(|((g, author, _), _)| g == group && *author == us);
            out.extend(ours.map(|(_, word)| word.frame.as_bytes().to_vec()));
        }
        out.into_iter()
            .map(|bytes| Output::SendTo(peer, bytes))
            .collect()
    }

    /// The operator stops something, or lets a member in again. It is said when the engine has it in its log.
    pub(crate) fn stop(&mut self, now: Now, request: Stop) -> Vec<Output> {
        let (key_group, subject, reason, command) = match request {
            Stop::Key(it) => {
                let subject = it.session.clone().map_or(Subject::Group, Subject::Session);
                let (key_group, reason) = (it.key_group.clone(), Some(it.reason.clone()));
                (key_group, subject, reason, Command::EmergencyRekey(it))
            }
            Stop::Member(it) => {
                let (key_group, reason) = (it.key_group.clone(), Some(it.reason.clone()));
                let subject = Subject::Member(it.member);
                (key_group, subject, reason, Command::Quarantine(it))
            }
            Stop::Pardon(it) => {
                let subject = Subject::Member(it.member);
                (
                    it.key_group.clone(),
                    subject,
                    None,
                    Command::Unquarantine(it),
                )
            }
        };
        let asker = Asker::Stop {
            name: (key_group, self.member(), subject),
            at: now.utc,
            reason,
        };
        vec![self.ask(asker, command)]
    }

    pub(crate) fn stopped(
        &mut self,
        (group, _, subject): WordName,
        (at, reason): (UnixTime, Option<Reason>),
        reply: Reply,
    ) -> Vec<Output> {
        let changed = match reply {
            Reply::Changed(changed) => changed,
            Reply::Rejected(rejection) => return vec![Output::Event(Event::Refused(rejection))],
            Reply::DkgDealt(_)
            | Reply::DkgSealed(_)
            | Reply::DkgPending(_)
            | Reply::Installed(_)
            | Reply::DkgFailed(_)
            | Reply::Approved(_)
            | Reply::Derived(..)
            | Reply::Opened(_)
            | Reply::Committed(_)
            | Reply::Share(_)
            | Reply::Aborted(_)
            | Reply::Signed(_)
            | Reply::Verdict(_) => return vec![Output::Event(Event::Refused(Rejection::Internal))],
        };
        // A repeat reports the first, and that one stands.
        let (at, reason) = match &changed {
            Changed::Rekeyed(first) => (first.at, Some(first.reason.clone())),
            Changed::Finalized | Changed::Quarantine(_) | Changed::Policy(_) => (at, reason),
        };
        if let (Subject::Member(member), None) = (&subject, &reason) {
            self.pardon(&group, *member);
        }
        let said = self.say_word(&group, subject, at, reason.as_ref());
        let said = said.map(Output::Send);
        let event = Output::Event(Event::Changed(changed));
        said.into_iter().chain([event]).collect()
    }

    fn say_word(
        &mut self,
        group: &KeyGroup,
        subject: Subject,
        at: UnixTime,
        reason: Option<&Reason>,
    ) -> Option<Vec<u8>> {
        let payload = StandingPayload {
            subject: subject.clone(),
            at,
            stopped: reason.map(|reason| reason.as_str().to_owned()),
        };
        let head = standing_head(group);
        let frame = self.speaker.say(head, &payload, &self.roster).ok()?;
        let bytes = frame.as_bytes().to_vec();
        let name = (group.clone(), self.member(), subject);
        let stops = reason.is_some();
        self.words.keep(&name, Word { at, stops, frame });
        Some(bytes)
    }

    pub(crate) fn holds_word(&self, frame: &Frame) -> bool {
        frame.kind() == Kind::Standing && self.words.holds(frame)
    }

    /// A word, or a question for words, whose author signed it.
    pub(crate) fn standing_frame(&mut self, now: Now, frame: Verified<Frame>) -> Vec<Output> {
        let context = frame.head().context;
        let mut groups = self.groups.iter();
        let Some((group, known)) = groups.find(|(group, _)| standing_head(group) == context) else {
            return Vec::new();
        };
        let (group, count) = (group.clone(), known.public.count());
        if frame.kind() == Kind::StandingPull {
            return self.words_wanted(now, &group, frame.head().author);
        }
        let Ok(payload) = frame.payload::<StandingPayload>() else {
            return self.dropped();
        };
        let reason = match payload.stopped.as_deref().map(Reason::new) {
            Some(Err(_)) => return self.dropped(),
            Some(Ok(reason)) => Some(reason),
            None => None,
        };
        let means_something = match &payload.subject {
            // Kill switches are one-way: there is no word against them.
            Subject::Group | Subject::Session(_) => reason.is_some(),
            Subject::Member(member) => member.number() <= count,
        };
        let name = (group, frame.head().author, payload.subject);
        let (at, stops) = (payload.at, reason.is_some());
        if !means_something || !self.words.keep(&name, Word { at, stops, frame }) {
            return Vec::new();
        }
        match reason {
            Some(reason) if name.1 == self.member() => self.recall(name, reason),
            Some(_) | None => Vec::new(),
        }
    }

    /// Our own word, and our engine has forgotten it.
    fn recall(&mut self, name: WordName, reason: Reason) -> Vec<Output> {
        let (key_group, _, subject) = name.clone();
        let rekey = |session, reason| {
            Command::EmergencyRekey(EmergencyRekey {
                key_group: key_group.clone(),
                session,
                reason,
            })
        };
        let command = match subject {
            Subject::Group => rekey(None, reason),
            Subject::Session(session) => rekey(Some(session), reason),
            Subject::Member(member) => Command::Quarantine(Quarantine {
                key_group: key_group.clone(),
                member,
                reason,
            }),
        };
        vec![self.ask(Asker::Recall(name), command)]
    }

    /// What the engine cannot take now must be heard again: it is forgotten here.
    pub(crate) fn recalled(&mut self, name: WordName, reply: &Reply) -> Vec<Output> {
        if let Reply::Changed(changed) = reply {
            return vec![Output::Event(Event::Recalled(changed.clone()))];
        }
        self.words.kept.remove(&name);
        Vec::new()
    }

    fn words_wanted(&mut self, now: Now, group: &KeyGroup, asker: Member) -> Vec<Output> {
        let last = self.words.answered.get(&asker);
        let Some(peer) = self.roster.operator_of(asker) else {
            return Vec::new();
        };
        if last.is_some_and(|last| now.mono < last.plus(PAUSE)) {
            return Vec::new();
        }
        self.words.answered.insert(asker, now.mono);
        let words = self.words.on(group, asker).into_iter();
        words.map(|bytes| Output::SendTo(peer, bytes)).collect()
    }
}
