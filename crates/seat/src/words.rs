//! What operators have stopped. The peers keep an operator's word, so that a node restored from before it hears it
//! again when it joins. A word binds its author alone, and nothing that comes back ever lets anybody in.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_dkg::Ceremony;
use hardfrost_engine::{
    About, Changed, Command, EmergencyRekey, OperatorWord, Quarantine, Reason, Rejection, Reply,
    Unquarantine,
};
use hardfrost_primitives::{Framed, Hash32, KeyGroup, Member, Monotonic, Now, Pace, UnixTime};
use hardfrost_roast::Session;
use hardfrost_wire::{
    standing_head, Frame, Head, Kind, OperatorIndex, StandingPayload, StandingPullPayload, Subject,
    Verified,
};

use crate::seat::{Asker, Event, Output, Seat};

/// Sessions of one group that an author may have stopped, as kept here; the oldest word leaves.
const SESSIONS_MAX: usize = 256;
/// Words in one answer.
const ANSWER_MAX: usize = 1024;
/// A question is answered once in so much time.
const PAUSE: Duration = Duration::from_secs(1);
/// So often everybody is asked after a connection: questions and answers can be lost.
const QUESTIONS: u8 = 5;

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

/// Which group, whose word, what about.
pub(crate) type WordName = (KeyGroup, Member, Subject);

struct Word {
    at: UnixTime,
    stops: bool,
    frame: Verified<Frame>,
}

/// An author's latest words on a group.
type Said = BTreeMap<Subject, Word>;

/// When a question was answered, and where the next answer goes on.
struct Answered {
    at: Monotonic,
    from: usize,
}

/// The latest word of each author on each subject.
#[derive(Default)]
pub(crate) struct Words {
    /// By what heads a group's words, and their author.
    kept: BTreeMap<(Hash32, Member), Said>,
    /// Our own, which the engine could not take yet.
    owed: BTreeMap<WordName, Reason>,
    /// When everybody is asked next, and how often still.
    asking: Option<(Pace, u8)>,
    /// Questions that their author handed over himself have an account of their own: whoever repeats an old one does
    /// not use it up.
    answered: BTreeMap<(Hash32, Member, bool), Answered>,
}

impl Words {
    fn of(&self, head: Hash32, author: Member) -> impl Iterator<Item = (&Subject, &Word)> {
        self.kept.get(&(head, author)).into_iter().flatten()
    }

    fn get(&self, (group, author, subject): &WordName) -> Option<&Word> {
        self.kept
            .get(&(standing_head(group), *author))?
            .get(subject)
    }

    /// Keeps a word that is newer than what is here; of two at one instant the one that stops. Whether it is kept now.
    fn keep(&mut self, (group, author, subject): &WordName, word: Word) -> bool {
        let said = self
            .kept
            .entry((standing_head(group), *author))
            .or_default();
        let here = said.get(subject);
        if here.is_some_and(|here| (word.at, word.stops) <= (here.at, here.stops)) {
            return false;
        }
        said.insert(subject.clone(), word);
        let sessions = said
            .iter()
            .filter(|(s, _)| matches!(s, Subject::Session(_)));
        let sessions: Vec<_> = sessions.map(|(s, word)| (word.at, s.clone())).collect();
        if sessions.len() > SESSIONS_MAX {
            let oldest = sessions.into_iter().min();
            oldest.map(|(_, session)| said.remove(&session));
        }
        said.contains_key(subject)
    }

    /// Whether these very bytes are here, proven.
    fn holds(&self, frame: &Frame) -> bool {
        let mut kept = self.of(frame.head().context, frame.head().author);
        kept.any(|(_, word)| *word.frame == *frame)
    }

    /// What is kept of a group, as a hash: whoever has the same lacks nothing. A word that is signed again, by a
    /// process that comes back, is the same word.
    fn digest(&self, head: Hash32) -> Hash32 {
        let mut all = Framed::domain("hardfrost/words-known/v1");
        for (_, said) in self
            .kept
            .range((head, Member::FIRST)..)
            .take_while(|((h, _), _)| *h == head)
        {
            for word in said.values() {
                all = all.frame(&word.frame.body_hash().0);
            }
        }
        all.hash()
    }

    /// The words on a group, as many as one answer has: those of `author`, then the others', one of each in turn. Where
    /// the last answer ended among these it goes on.
    fn answer(&self, head: Hash32, author: Member, from: usize) -> (Vec<Vec<u8>>, usize) {
        let bytes = |word: &Word| word.frame.as_bytes().to_vec();
        let mut out: Vec<_> = self.of(head, author).map(|(_, word)| bytes(word)).collect();
        out.truncate(ANSWER_MAX);
        let groups = self.kept.range((head, Member::FIRST)..);
        let groups = groups.take_while(|((h, _), _)| *h == head);
        let groups = groups.filter(|((_, a), _)| *a != author);
        let mut others: Vec<(usize, Member, &Word)> = groups
            .flat_map(|((_, a), said)| said.values().enumerate().map(|(n, word)| (n, *a, word)))
            .collect();
        others.sort_by_key(|(n, author, _)| (*n, *author));
        let room = (ANSWER_MAX - out.len()).min(others.len());
        let from = from.checked_rem(others.len()).unwrap_or_default();
        let told = others.iter().cycle().skip(from).take(room);
        out.extend(told.map(|(_, _, word)| bytes(word)));
        (out, from + room)
    }

    pub(crate) fn due(&self) -> Option<Monotonic> {
        self.asking.as_ref().map(|(pace, _)| pace.due())
    }
}

/// What the engine says to an order.
fn changed(reply: Reply) -> Result<Changed, Rejection> {
    match reply {
        Reply::Changed(changed) => Ok(changed),
        Reply::Rejected(rejection) => Err(rejection),
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
        | Reply::Verdict(_) => Err(Rejection::Internal),
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
    pub(crate) fn connected(&mut self, now: Now, peer: OperatorIndex) -> Vec<Output> {
        self.in_open_sessions(Session::reconnected);
        self.ceremonies.iter_mut().for_each(Ceremony::reconnected);
        // Whoever comes and goes does not put off what is due.
        let pace = self.words.asking.take().map(|(pace, _)| pace);
        let pace = pace.unwrap_or_else(|| Pace::after_a_pause(now.mono));
        self.words.asking = Some((pace, QUESTIONS));
        let mut out = self.questions();
        for group in self.groups.keys() {
            let ours = self.words.of(standing_head(group), self.voice());
            out.extend(ours.map(|(_, word)| word.frame.as_bytes().to_vec()));
        }
        out.into_iter()
            .map(|bytes| Output::SendTo(peer, bytes))
            .collect()
    }

    /// Who speaks for our operator: its first seat, whichever of them this is, so that its words are one operator's.
    fn voice(&self) -> Member {
        let us = self.member();
        let operator = self.roster.operator_of(us);
        let seats = operator.and_then(|o| self.roster.operators().get(usize::from(o.0)));
        let first = seats.and_then(|operator| operator.seats.first().copied());
        first.unwrap_or(us)
    }

    fn questions(&self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        for group in self.groups.keys() {
            let head = standing_head(group);
            let question = StandingPullPayload {
                incarnation: self.speaker.incarnation,
                known: self.words.digest(head),
            };
            let said = self.speaker.say(head, &question, &self.roster);
            out.extend(said.map(|frame| frame.as_bytes().to_vec()));
        }
        out
    }

    /// Everybody is asked again, and the engine what it could not take.
    pub(crate) fn words_timeout(&mut self, now: Now) -> Vec<Output> {
        let Some((mut pace, left)) = self
            .words
            .asking
            .take_if(|(pace, _)| pace.due() <= now.mono)
        else {
            return Vec::new();
        };
        let mut out = Vec::new();
        if left > 0 {
            out.extend(self.questions().into_iter().map(Output::Send));
        }
        let owed = std::mem::take(&mut self.words.owed);
        let waits = !owed.is_empty();
        for (name, reason) in owed {
            out.extend(self.recall(name, reason));
        }
        if left > 1 || waits {
            pace.sent(now.mono, PAUSE);
            self.words.asking = Some((pace, left.saturating_sub(1)));
        }
        out
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
        let name = (key_group, self.voice(), subject);
        // A clock that was ahead must not make the older word the later one.
        let here = self.words.get(&name);
        let at = here.map_or(now.utc, |here| now.utc.max(here.at.plus(PAUSE)));
        let asker = Asker::Stop { name, at, reason };
        vec![self.ask(asker, command)]
    }

    pub(crate) fn stopped(
        &mut self,
        (group, _, subject): WordName,
        (at, reason): (UnixTime, Option<Reason>),
        reply: Reply,
    ) -> Vec<Output> {
        let changed = match changed(reply) {
            Ok(changed) => changed,
            Err(rejection) => return vec![Output::Event(Event::Refused(rejection))],
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
        let author = self.voice();
        let head = Head {
            context: head,
            author,
        };
        let frame = Frame::sign(head, &payload, &self.speaker.key);
        let frame = frame.verify(&self.roster).ok()?;
        let bytes = frame.as_bytes().to_vec();
        let name = (group.clone(), author, subject);
        let stops = reason.is_some();
        self.words.keep(&name, Word { at, stops, frame });
        Some(bytes)
    }

    pub(crate) fn holds_word(&self, frame: &Frame) -> bool {
        frame.kind() == Kind::Standing && self.words.holds(frame)
    }

    /// A word, or a question for words, whose author signed it.
    pub(crate) fn standing_frame(
        &mut self,
        now: Now,
        peer: OperatorIndex,
        frame: Verified<Frame>,
    ) -> Vec<Output> {
        let context = frame.head().context;
        let mut groups = self.groups.iter();
        let Some((group, known)) = groups.find(|(group, _)| standing_head(group) == context) else {
            return Vec::new();
        };
        let (group, count) = (group.clone(), known.public.count());
        if frame.kind() == Kind::StandingPull {
            return self.words_wanted(now, peer, &frame);
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
        let stood = self.words.get(&name).is_some_and(|word| word.stops);
        if !means_something || !self.words.keep(&name, Word { at, stops, frame }) {
            return Vec::new();
        }
        match reason {
            // Where our latest word stopped it already, the engine knows.
            Some(reason) if name.1 == self.voice() && !stood => self.recall(name, reason),
            Some(_) | None => Vec::new(),
        }
    }

    /// Our own word, and our engine has forgotten it.
    fn recall(&mut self, name: WordName, reason: Reason) -> Vec<Output> {
        let (key_group, _, subject) = name.clone();
        let rekey = |session| {
            Command::EmergencyRekey(EmergencyRekey {
                key_group: key_group.clone(),
                session,
                reason: reason.clone(),
            })
        };
        let command = match subject {
            Subject::Group => rekey(None),
            Subject::Session(session) => rekey(Some(session)),
            Subject::Member(member) => Command::Quarantine(Quarantine {
                key_group: key_group.clone(),
                member,
                reason: reason.clone(),
            }),
        };
        vec![self.ask(Asker::Recall(name, reason), command)]
    }

    /// What the engine cannot take now it is asked to take again, and the operator hears of it.
    pub(crate) fn recalled(
        &mut self,
        now: Now,
        (name, reason): (WordName, Reason),
        reply: Reply,
    ) -> Vec<Output> {
        match changed(reply) {
            Ok(changed) => vec![Output::Event(Event::Recalled(changed))],
            Err(rejection) => {
                self.words.owed.insert(name, reason);
                let begun = || (Pace::after_a_pause(now.mono), 0);
                self.words.asking.get_or_insert_with(begun);
                vec![Output::Event(Event::Refused(rejection))]
            }
        }
    }

    fn words_wanted(
        &mut self,
        now: Now,
        peer: OperatorIndex,
        frame: &Verified<Frame>,
    ) -> Vec<Output> {
        let (head, asker) = (frame.head().context, frame.head().author);
        let (Some(operator), Ok(StandingPullPayload { known, .. })) =
            (self.roster.operator_of(asker), frame.payload())
        else {
            return Vec::new();
        };
        let account = (head, asker, operator == peer);
        let last = self.words.answered.get(&account);
        let soon = last.is_some_and(|last| now.mono < last.at.plus(PAUSE));
        if soon || known == self.words.digest(head) {
            return Vec::new();
        }
        let from = last.map_or(0, |last| last.from);
        let operators = self.roster.operators().get(usize::from(operator.0));
        let voice = operators.and_then(|operator| operator.seats.first().copied());
        let (words, from) = self.words.answer(head, voice.unwrap_or(asker), from);
        let answered = Answered { at: now.mono, from };
        self.words.answered.insert(account, answered);
        let words = words.into_iter();
        words.map(|bytes| Output::SendTo(operator, bytes)).collect()
    }
}
