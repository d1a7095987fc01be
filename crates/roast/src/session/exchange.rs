//! What repairs itself beside pulls: advances, offers, late shares, restarted members.

use hardfrost_primitives::Monotonic;
use hardfrost_wire::{pulled_turns, AdvancePayload, Frame, Kind, OfferPayload, Verified};

use super::{Session, SessionEffect};
use crate::speaker::Speaker;

impl Session {
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
        let here = self.attempts.get(&round);
        let here = here.and_then(|attempt| attempt.package_body());
        let offerer = frame.head().author;
        let known = here == Some(package);
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
            let Some(package) = attempt.package_body() else {
                continue;
            };
            let ours = attempt.coordinator() == speaker.member;
            if !ours && now < seen.plus(d) {
                continue;
            }
            for member in attempt.to_offer() {
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
