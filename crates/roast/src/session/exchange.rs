//! What repairs itself: pulls and their answers, offers, late shares, restarted members.

use hardfrost_primitives::{Hash32, Member, Monotonic};
use hardfrost_wire::{
    pulled_turns, AdvancePayload, Frame, HeldTurn, Kind, OfferPayload, PullPayload, Verified,
    PULLED_TURNS_MAX,
};

use super::{Outcome, Session, SessionEffect};
use crate::attempt::Attempt;
use crate::speaker::Speaker;

/// What one pull is answered with at the most. The largest frame fits; what does not, the next pull asks for.
const ANSWER_BYTES_MAX: usize = 4 << 20;

fn prefix(body: Hash32) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = body.0;
    [a, b, c, d, e, f, g, h]
}

/// Bit `place` of a bitmap whose bytes begin with their lowest bit.
fn bit(bits: &[u8], place: usize) -> bool {
    bits.get(place / 8)
        .is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

fn set_bit(bits: &mut [u8], place: usize) {
    if let Some(byte) = bits.get_mut(place / 8) {
        *byte |= 1 << (place % 8);
    }
}

/// Where a member's bits stand: its commitments', then its share's.
fn places(member: Member, count: u16) -> (usize, usize) {
    let place = usize::from(member.number()) - 1;
    (place, place + usize::from(count))
}

fn held(attempt: &Attempt, count: u16) -> HeldTurn {
    let mut members = vec![0; (2 * usize::from(count)).div_ceil(8)];
    for member in attempt.committed() {
        set_bit(&mut members, places(*member, count).0);
    }
    for member in attempt.shares().keys() {
        set_bit(&mut members, places(*member, count).1);
    }
    let package = attempt
        .package()
        .map(|(_, frame)| prefix(frame.body_hash()));
    HeldTurn {
        package: package.unwrap_or_default(),
        members,
    }
}

/// The frames of an attempt that its asker lacks, in an order in which they can be used.
fn missing(attempt: &Attempt, theirs: &HeldTurn, count: u16) -> Vec<Vec<u8>> {
    let collector = attempt.collector();
    let mut out = Vec::new();
    // Most lack nothing, and everybody asks everybody: the bits are looked at before anything is looked up.
    let lacks = |m: &Member| !bit(&theirs.members, places(*m, count).0);
    for member in Member::all(count).filter(lacks) {
        let frame = collector.first(Kind::Commitments, member);
        out.extend(frame.map(|frame| frame.as_bytes().to_vec()));
    }
    let Some((_, package)) = attempt.package() else {
        return out;
    };
    let same = theirs.package == prefix(package.body_hash());
    if !same {
        out.push(package.as_bytes().to_vec());
    }
    for member in attempt.shares().into_keys() {
        let lacks = !(same && bit(&theirs.members, places(member, count).1));
        let frame = collector.first(Kind::Share, member).filter(|_| lacks);
        out.extend(frame.map(|frame| frame.as_bytes().to_vec()));
    }
    out
}

impl Session {
    /// Says what we hold of the latest turns, so that peers send what we lack.
    pub(super) fn pull(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        self.pulls.sent(now, self.timers.round_trip);
        let first = self.pulls.first_turn(
            self.attempts.len(),
            pulled_turns(self.terms.public().count()),
        );
        let question = self.question(speaker, first);
        question.into_iter().map(SessionEffect::Send).collect()
    }

    fn convicted_bits(&self) -> Vec<u8> {
        let Some((last, _)) = self.convicted().last_key_value() else {
            return Vec::new();
        };
        let mut bits = vec![0; usize::from(last.number()).div_ceil(8)];
        for member in self.convicted().keys() {
            set_bit(&mut bits, usize::from(member.number()) - 1);
        }
        bits
    }

    /// What we hold of the turns from the `first` that is open here.
    fn question(&self, speaker: &Speaker, first: usize) -> Option<Vec<u8>> {
        let count = self.terms.public().count();
        let turns = self
            .attempts
            .iter()
            .skip(first)
            .take(pulled_turns(self.terms.public().count()));
        let turns: Vec<(u32, HeldTurn)> = turns
            .map(|(turn, attempt)| (*turn, held(attempt, count)))
            .collect();
        let payload = PullPayload {
            incarnation: speaker.incarnation,
            round: self.rounds.round(),
            convicted: self.convicted_bits(),
            first_turn: turns.first().map_or(0, |(turn, _)| *turn),
            held: turns.into_iter().map(|(_, held)| held).collect(),
        };
        let said = speaker.say(self.terms.head(), &payload, &self.terms.roster);
        said.ok().map(|frame| frame.as_bytes().to_vec())
    }

    /// Answers with what the asker lacks: the signature if there is one, else the certificate of our round first, then
    /// frames.
    pub(super) fn answer_pull(
        &mut self,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let asker = frame.head().author;
        let Ok(asked) = frame.payload::<PullPayload>() else {
            return Vec::new();
        };
        let here = frame.head().context == self.terms.head();
        let few = asked.held.len() <= PULLED_TURNS_MAX;
        if !here || !few || !self.pulls.may_answer(asker, frame.body_hash(), now) {
            return Vec::new();
        }
        let answers = match self.outcome() {
            Some(Outcome::Signed(signature)) => vec![self.signature(signature).to_bytes()],
            Some(
                Outcome::Infeasible
                | Outcome::Refused(_)
                | Outcome::Cancelled
                | Outcome::Stuck(_)
                | Outcome::Expired,
            )
            | None => self.lacking(&asked),
        };
        let mut left = ANSWER_BYTES_MAX;
        let within = answers.into_iter().take_while(|bytes| {
            let fits = bytes.len() <= left;
            left = left.saturating_sub(bytes.len());
            fits
        });
        within
            .map(|bytes| SessionEffect::SendTo(asker, bytes))
            .collect()
    }

    fn lacking(&self, asked: &PullPayload) -> Vec<Vec<u8>> {
        let count = self.terms.public().count();
        let mut answers = self.rounds.certificate_beyond(asked.round);
        let known = |m: &Member| bit(&asked.convicted, places(*m, count).0);
        let proofs = self.convicted().iter().filter(|(m, _)| !known(m));
        answers.extend(proofs.map(|(_, proof)| proof.to_frame()));
        let none = HeldTurn {
            package: [0; 8],
            members: Vec::new(),
        };
        // Beyond what it told of, the asker lacks what it has not opened; as much as one pull can tell of is enough.
        let most = u32::try_from(PULLED_TURNS_MAX).unwrap_or(u32::MAX);
        let unopened = asked.round.saturating_add(1)..=asked.round.saturating_add(most);
        for (turn, attempt) in self.attempts.range(asked.first_turn..) {
            if answers.iter().map(Vec::len).sum::<usize>() > ANSWER_BYTES_MAX {
                break;
            }
            let place = usize::try_from(*turn - asked.first_turn).unwrap_or(usize::MAX);
            match asked.held.get(place) {
                Some(theirs) => answers.extend(missing(attempt, theirs, count)),
                None if unopened.contains(turn) => answers.extend(missing(attempt, &none, count)),
                None => {}
            }
        }
        answers
    }

    /// Whether that is new.
    pub(super) fn note_advance(&mut self, frame: &Verified<Frame>) -> bool {
        let Ok(AdvancePayload { round, .. }) = frame.payload() else {
            return false;
        };
        let new = self.rounds.advanced(frame, round);
        if new {
            self.pulls.progressed();
        }
        new
    }

    /// The first change of a member's incarnation ends what its former self owes. Whether anything changed.
    pub(super) fn note_incarnation(
        &mut self,
        frame: &Verified<Frame>,
        committed: Option<u32>,
    ) -> bool {
        let member = frame.head().author;
        let life = frame.incarnation();
        life.is_some_and(|life| self.incarnations.note(member, life, committed))
    }

    /// We are chosen in a package that we have not seen: ask its offerer at once, and nobody else.
    pub(super) fn take_offer(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        round: u32,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let Ok(OfferPayload { package, .. }) = frame.payload() else {
            return Vec::new();
        };
        let here = self.attempts.get(&round).and_then(Attempt::package);
        let offerer = frame.head().author;
        let known = here.is_some_and(|(_, frame)| frame.body_hash() == package);
        if known || !self.pulls.may_ask(offerer, now) {
            return Vec::new();
        }
        let latest = self
            .attempts
            .len()
            .saturating_sub(pulled_turns(self.terms.public().count()));
        let question = self.question(speaker, latest);
        question
            .into_iter()
            .map(|bytes| SessionEffect::SendTo(offerer, bytes))
            .collect()
    }

    /// Whoever is chosen in a package and has not delivered after d is offered it, once; the coordinator's sending of
    /// the package was its offer.
    pub(super) fn offer(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let d = self.timers.round_trip;
        let mut out = Vec::new();
        for (round, attempt) in &mut self.attempts {
            let wait = self.timers.answer(self.turns.cycle(*round));
            let Some((seen, _)) = attempt.package() else {
                continue;
            };
            let Some((package, members)) = attempt.unoffered() else {
                continue;
            };
            let ours = attempt.coordinator() == speaker.member;
            if !ours && now < seen.plus(d) {
                continue;
            }
            for member in members {
                if ours || member == speaker.member {
                    attempt.offered(member, seen, wait);
                    continue;
                }
                attempt.offered(member, now, wait.saturating_mul(2));
                let payload = OfferPayload {
                    incarnation: speaker.incarnation,
                    package,
                };
                let said = speaker.say(attempt.hash(), &payload, &self.terms.roster);
                out.extend(
                    said.map(|frame| SessionEffect::SendTo(member, frame.as_bytes().to_vec())),
                );
            }
        }
        out
    }

    /// A share first seen after its attempt ran out is relayed once to everybody.
    pub(super) fn relay_if_late(
        &self,
        now: Monotonic,
        round: u32,
        frame: &Verified<Frame>,
    ) -> Option<SessionEffect> {
        let (seen, _) = self.attempts.get(&round)?.package()?;
        let late = seen.plus(self.timers.answer(self.turns.cycle(round))) <= now;
        let relay = frame.kind() == Kind::Share && late;
        relay.then(|| SessionEffect::Send(frame.as_bytes().to_vec()))
    }
}
