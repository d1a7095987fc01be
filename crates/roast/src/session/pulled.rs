//! Pulls: what we hold, so that peers send what we lack; and what we answer to theirs.

use hardfrost_evidence::Evidence;
use hardfrost_primitives::{Hash32, Member, Monotonic};
use hardfrost_wire::{
    pulled_turns, Frame, HeldTurn, Kind, PullPayload, Verified, PULLED_TURNS_MAX,
};

use super::{Outcome, Session, SessionEffect};
use crate::attempt::Attempt;
use crate::pulls::PartAnswered;
use crate::speaker::Speaker;

/// What the n − 1 peers together answer to one pull, about.
const ANSWERS_BYTES: usize = 16 << 20;
/// One answer may always be as large as this. The first frame of an answer is sent whatever its size.
const ANSWER_BYTES_MIN: usize = 64 << 10;

/// In a pull, where no package is held.
const NO_PACKAGE: [u8; 8] = [0; 8];

/// Something that a peer lacks.
enum Lacking<'a> {
    Frame(&'a Verified<Frame>),
    Proof(&'a Evidence),
}

/// Which of all frames and proofs something is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LackingName {
    Frame(Hash32, Kind, Member),
    Proof(Option<Member>),
}

impl Lacking<'_> {
    fn name(&self) -> LackingName {
        match self {
            Self::Frame(frame) => {
                let head = frame.head();
                LackingName::Frame(head.context, frame.kind(), head.author)
            }
            Self::Proof(proof) => LackingName::Proof(proof.accused()),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Frame(frame) => frame.as_bytes().to_vec(),
            Self::Proof(proof) => proof.to_frame(),
        }
    }
}

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

/// The package of an attempt that is here: the one that counts, or one that was first and is none. Whoever has that one
/// never takes another.
fn held_package(attempt: &Attempt) -> Option<Hash32> {
    let first = || {
        let coordinator = attempt.coordinator();
        let frame = attempt.collector().first(Kind::Package, coordinator)?;
        Some(frame.body_hash())
    };
    attempt.package_body().or_else(first)
}

fn held(attempt: &Attempt, count: u16) -> HeldTurn {
    let mut members = vec![0; (2 * usize::from(count)).div_ceil(8)];
    for member in attempt.committed() {
        set_bit(&mut members, places(*member, count).0);
    }
    for member in attempt.shares() {
        set_bit(&mut members, places(member, count).1);
    }
    HeldTurn {
        package: held_package(attempt).map_or(NO_PACKAGE, prefix),
        members,
    }
}

/// The frames of an attempt that its asker lacks, in an order in which they can be used; and whether the asker knows
/// that the attempt's coordinator is convicted.
fn missing<'a>(
    attempt: &'a Attempt,
    theirs: &HeldTurn,
    (count, knows_coordinator): (u16, bool),
) -> Vec<&'a Verified<Frame>> {
    let collector = attempt.collector();
    // Most lack nothing, and everybody asks everybody: the bits are looked at before anything is looked up.
    let lacks = |m: &Member| !bit(&theirs.members, places(*m, count).0);
    let members = Member::all(count).filter(lacks);
    let mut out: Vec<_> = members
        .filter_map(|m| collector.first(Kind::Commitments, m))
        .collect();
    let Some((_, package)) = attempt.package() else {
        return out;
    };
    let same = attempt.package_body().map(prefix) == Some(theirs.package);
    // Of two packages it has the other: the shares for this one are of no use to it, and this one is until it has the
    // proof.
    if !same && theirs.package != NO_PACKAGE {
        out.extend((!knows_coordinator).then_some(package));
        return out;
    }
    out.extend((!same).then_some(package));
    let has = |m: &Member| same && bit(&theirs.members, places(*m, count).1);
    let members = attempt.shares().filter(|m| !has(m));
    out.extend(members.filter_map(|m| collector.first(Kind::Share, m)));
    out
}

/// As much of `all` as fits, from the place `first` on and around. The first frame is sent whatever its size.
fn part<T>(all: &[T], first: usize, bytes_max: usize, to_bytes: fn(&T) -> Vec<u8>) -> Vec<Vec<u8>> {
    let (mut out, mut left) = (Vec::new(), bytes_max);
    for item in all.iter().cycle().skip(first).take(all.len()) {
        let bytes = to_bytes(item);
        if bytes.len() > left && !out.is_empty() {
            break;
        }
        left = left.saturating_sub(bytes.len());
        out.push(bytes);
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
    pub(super) fn question(&self, speaker: &Speaker, first: usize) -> Option<Vec<u8>> {
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
        let said = speaker.say(self.head, &payload, &self.terms.roster);
        said.ok().map(|frame| frame.as_bytes().to_vec())
    }

    /// Answers with what the asker lacks: the signature if there is one, else the certificate of our round first, then
    /// frames.
    pub(super) fn answer_pull(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        frame: &Verified<Frame>,
    ) -> Vec<SessionEffect> {
        let asker = frame.head().author;
        let Ok(asked) = frame.payload::<PullPayload>() else {
            return Vec::new();
        };
        let here = frame.head().context == self.head;
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
            | None => self.answers(speaker, asker, &asked),
        };
        let answers = answers.into_iter();
        answers
            .map(|bytes| SessionEffect::SendTo(asker, bytes))
            .collect()
    }

    /// The certificate, then a part of what the asker lacks. Whoever lacks much asks many: each peer begins at another
    /// place, so that together they answer all of it, and about once; and each goes on where its last answer ended.
    fn answers(&mut self, speaker: &Speaker, asker: Member, asked: &PullPayload) -> Vec<Vec<u8>> {
        let count = usize::from(self.terms.public().count());
        let mut out = self
            .rounds
            .certificate_beyond(asked.round, self.certificate());
        let certificate = out.len();
        let lacking = self.lacking(asked);
        let ours = lacking.len() * (usize::from(speaker.member.number()) - 1) / count;
        let name = |place: usize| lacking.get(place).map(Lacking::name);
        let first = self
            .pulls
            .goes_on(asker, lacking.len(), name)
            .unwrap_or(ours);
        let bytes_max = (ANSWERS_BYTES / count).max(ANSWER_BYTES_MIN);
        out.extend(part(&lacking, first, bytes_max, Lacking::to_bytes));
        let answer = PartAnswered {
            first,
            name: name(first),
            ended: first + out.len() - certificate,
        };
        self.pulls.answered(asker, answer);
        out
    }

    fn lacking(&self, asked: &PullPayload) -> Vec<Lacking<'_>> {
        let count = self.terms.public().count();
        let known = |m: &Member| bit(&asked.convicted, places(*m, count).0);
        let proofs = self.convicted().iter().filter(|(m, _)| !known(m));
        let mut out: Vec<_> = proofs.map(|(_, proof)| Lacking::Proof(proof)).collect();
        let none = HeldTurn {
            package: NO_PACKAGE,
            members: Vec::new(),
        };
        // Beyond what it told of, the asker lacks what it has not opened; as much as one pull can tell of is enough.
        let most = u32::try_from(PULLED_TURNS_MAX).unwrap_or(u32::MAX);
        let unopened = asked.round.saturating_add(1)..=asked.round.saturating_add(most);
        for (turn, attempt) in self.attempts.range(asked.first_turn..) {
            let place = usize::try_from(*turn - asked.first_turn).unwrap_or(usize::MAX);
            let theirs = asked.held.get(place);
            let theirs = theirs.or_else(|| unopened.contains(turn).then_some(&none));
            let of = (count, known(&attempt.coordinator()));
            let frames = theirs.map(|theirs| missing(attempt, theirs, of));
            out.extend(frames.into_iter().flatten().map(Lacking::Frame));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Frames of 1 to 9 bytes that tell of their places.
    fn parts(all: &[u8], first: usize, bytes_max: usize) -> Vec<u8> {
        let to_bytes = |place: &u8| vec![*place; usize::from(place % 9) + 1];
        let said = part(all, first, bytes_max, to_bytes);
        let bytes: usize = said.iter().map(Vec::len).sum();
        assert!(said.len() == 1 || bytes <= bytes_max);
        said.iter().map(|bytes| bytes[0]).collect()
    }

    #[test]
    fn peers_that_begin_at_their_own_places_answer_all_of_it_together() {
        let all: Vec<u8> = (0..200).collect();
        let answers = (0..20).map(|peer| parts(&all, 200 * peer / 20, 60));
        let answers: Vec<Vec<u8>> = answers.collect();
        assert!(answers.iter().all(|part| part.len() < 20));
        let told: BTreeSet<u8> = answers.into_iter().flatten().collect();
        assert_eq!(told.len(), 200);
    }

    #[test]
    fn one_peer_alone_answers_all_of_it_one_part_after_the_other() {
        let all: Vec<u8> = (0..50).collect();
        for bytes_max in [0, 5, 20, 1000] {
            let (mut first, mut told) = (17, BTreeSet::new());
            for _ in 0..50 {
                let said = parts(&all, first % all.len(), bytes_max);
                first += said.len();
                told.extend(said);
            }
            assert_eq!(told.len(), 50, "{bytes_max}");
        }
        assert_eq!(parts(&[], 0, 9), []);
    }
}
