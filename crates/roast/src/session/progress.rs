//! Everything that state and time allow: choosing, offers, timers, advances, the next round.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_evidence::Evidence;
use hardfrost_primitives::{Member, Monotonic};
use hardfrost_wire::{AdvancePayload, Incarnation};

use super::{Outcome, Session, SessionEffect};
use crate::attempt::Attempt;
use crate::question::Effect;
use crate::speaker::Speaker;

/// Attempts of one session at the most: what the engine keeps of one seat.
const ATTEMPTS_MAX: u32 = 2048;

/// One of the things that state and time may allow.
type Step = fn(&mut Session, &Speaker, Monotonic) -> Vec<SessionEffect>;

impl Session {
    /// When to call [`Self::timeout`] at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        if self.end.is_some() {
            return self.drops_frames_at();
        }
        let (d, q) = (self.timers.round_trip, self.tolerated() + 1);
        let current = self.attempts.get(&self.rounds.round());
        let package = current.and_then(|attempt| attempt.package());
        let go_on = package.and_then(|_| self.rounds.by_package_from(d, q));
        let certificate = (current.is_some() && self.rounds.going_on() >= self.certificate())
            .then(|| self.rounds.by_certificate_from(d));
        let runs_out = self.runs_out().filter(|_| !self.rounds.has_said());
        let fixed = [
            go_on,
            certificate,
            runs_out,
            Some(self.deadline),
            Some(self.pulls.due()),
        ];
        let unoffered = self.attempts.values().filter(|a| a.is_unoffered());
        let offers = unoffered.filter_map(|a| Some(a.package()?.0.plus(d)));
        fixed.into_iter().flatten().chain(offers).min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        if self.end.is_some() {
            if self.drops_frames_at().is_some_and(|at| at <= now) {
                self.drop_frames(now);
            }
            return Vec::new();
        }
        if now >= self.deadline {
            return self.finish(now, Outcome::Expired);
        }
        self.progress(speaker, now)
    }

    /// n − t.
    fn tolerated(&self) -> u32 {
        u32::from(self.terms.public().count() - self.terms.public().threshold())
    }

    /// min(t, q) advances are a certificate.
    pub(super) fn certificate(&self) -> usize {
        let threshold = usize::from(self.terms.public().threshold());
        threshold.min(usize::try_from(self.tolerated()).unwrap_or(usize::MAX) + 1)
    }

    pub(super) fn open_round(&mut self, now: Monotonic) -> Vec<SessionEffect> {
        let round = self.rounds.round();
        let started = (round < ATTEMPTS_MAX)
            .then(|| self.turns.number(round))
            .flatten()
            .and_then(|number| Attempt::start(now, Arc::clone(&self.terms), number));
        let Some((attempt, effects)) = started else {
            return Vec::new();
        };
        self.heads.insert(attempt.hash(), round);
        self.attempts.insert(round, Box::new(attempt));
        self.carried(now, round, effects)
    }

    /// Round after round, as far as state and time allow. A loop, and no step calls it: whatever peers arrange, the
    /// stack does not grow.
    pub(super) fn progress(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let mut out = Vec::new();
        let steps: [Step; 5] = [
            Self::coordinate,
            Self::offer,
            Self::run_out,
            Self::go_on,
            Self::pull_if_due,
        ];
        loop {
            let round = self.rounds.round();
            for step in steps {
                if self.end.is_none() {
                    out.extend(step(self, speaker, now));
                }
            }
            if self.end.is_some() || self.rounds.round() == round {
                return out;
            }
        }
    }

    fn pull_if_due(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        if self.pulls.due() <= now {
            [self.pull(speaker, now), self.ask_again()].concat()
        } else {
            Vec::new()
        }
    }

    /// What our engine refused for now is asked again at the pace of pulls.
    fn ask_again(&mut self) -> Vec<SessionEffect> {
        let mut out = Vec::new();
        for (round, attempt) in &mut self.attempts {
            for effect in attempt.ask_again() {
                if let Effect::Ask(need) = effect {
                    out.push(SessionEffect::Ask(*round, need));
                }
            }
        }
        out
    }

    /// Chooses for the attempts that we coordinate: first among members that are free; once the attempt's timer has
    /// run, also among those that were chosen before and neither delivered nor owe yet.
    fn coordinate(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let threshold = usize::from(self.terms.public().threshold());
        let ready = |a: &Attempt| {
            let ours = a.coordinator() == speaker.member && a.package().is_none();
            ours && a.usable().count() >= threshold
        };
        let attempts = self.attempts.iter().filter(|(_, attempt)| ready(attempt));
        let rounds: Vec<u32> = attempts.map(|(round, _)| *round).collect();
        let mut out = Vec::new();
        for round in rounds {
            let undelivered = self.bound(Attempt::undelivered);
            let convicted = |m: Member| self.convictions.holds(m);
            let attempts = self.attempts.values();
            let proofs: Vec<Evidence> = attempts.flat_map(|a| a.bad_shares(convicted)).collect();
            for proof in proofs {
                out.extend(self.convict(now, proof));
            }
            out.extend(self.choose(speaker, now, round, &undelivered));
            if self
                .attempts
                .get(&round)
                .is_some_and(|a| a.package().is_none())
                && self.timer_has_run(round, now)
            {
                let owing = self.owing(now);
                out.extend(self.choose(speaker, now, round, &owing));
            }
        }
        out
    }

    fn choose(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        round: u32,
        barred: &BTreeSet<Member>,
    ) -> Vec<SessionEffect> {
        if self.end.is_some() {
            return Vec::new();
        }
        let (convictions, incarnations) = (&self.convictions, &self.incarnations);
        let may = |member: Member, incarnation: Incarnation| {
            !barred.contains(&member)
                && !convictions.holds(member)
                && !incarnations.is_former(member, incarnation)
        };
        let Some(attempt) = self.attempts.get_mut(&round) else {
            return Vec::new();
        };
        let effects = attempt.choose(speaker, now, &may);
        self.carried(now, round, effects)
    }

    /// Whoever is among `those` of an attempt whose package binds them. A convicted coordinator's does not: it may have
    /// shown each member another package, and whoever signed one of them can never deliver for the other. Nor does any
    /// package bind whom it chose as its former self.
    fn bound(&mut self, those: impl Fn(&mut Attempt) -> BTreeSet<Member>) -> BTreeSet<Member> {
        let (convictions, incarnations) = (&self.convictions, &self.incarnations);
        let mut out = BTreeSet::new();
        for attempt in self.attempts.values_mut() {
            if !attempt.binds() || convictions.holds(attempt.coordinator()) {
                continue;
            }
            let former = |attempt: &Attempt, m: Member| {
                let life = attempt.chosen_as(m);
                life.is_some_and(|life| incarnations.is_former(m, life))
            };
            let members = those(attempt);
            out.extend(members.into_iter().filter(|m| !former(attempt, *m)));
        }
        out
    }

    /// Whoever owes us, in any attempt.
    fn owing(&mut self, now: Monotonic) -> BTreeSet<Member> {
        self.bound(|attempt| attempt.owing(now))
    }

    fn timer_has_run(&self, round: u32, now: Monotonic) -> bool {
        let from = self
            .attempts
            .get(&round)
            .and_then(|attempt| attempt.awaited_from);
        from.is_some_and(|from| from.plus(self.timers.answer(self.turns.cycle(round))) <= now)
    }

    /// The package is awaited from the moment at which t members have committed that are neither convicted nor owe.
    /// Restarted members count, although they are not chosen: else a round that only they complete would never run out.
    fn start_timer(&mut self, now: Monotonic) {
        let threshold = usize::from(self.terms.public().threshold());
        let round = self.rounds.round();
        let waiting = self.attempts.get(&round).is_some_and(|attempt| {
            attempt.awaited_from.is_none() && attempt.offering().count() >= threshold
        });
        if !waiting {
            return;
        }
        let owing = self.owing(now);
        let convictions = &self.convictions;
        if let Some(attempt) = self.attempts.get_mut(&round) {
            let fit = |m: &Member| !convictions.holds(*m) && !owing.contains(m);
            if attempt.offering().filter(fit).count() >= threshold {
                attempt.awaited_from = Some(now);
            }
        }
    }

    /// When the current attempt has run out: no package in time, no signature in time after it; at once where its
    /// coordinator is convicted, or where our own part was spent by our former self.
    fn runs_out(&self) -> Option<Monotonic> {
        let round = self.rounds.round();
        let attempt = self.attempts.get(&round)?;
        let wait = self.timers.answer(self.turns.cycle(round));
        if attempt.spent {
            return Some(self.rounds.entered());
        }
        if self.convictions.holds(attempt.coordinator()) {
            return attempt.awaited_from;
        }
        match attempt.package() {
            Some((seen, _)) => Some(seen.plus(wait)),
            None => attempt.awaited_from.map(|from| from.plus(wait)),
        }
    }

    fn run_out(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        self.start_timer(now);
        let over = self.runs_out().is_some_and(|at| at <= now);
        if over || self.rounds.going_on() >= self.certificate() {
            self.say_advance(speaker)
        } else {
            Vec::new()
        }
    }

    fn say_advance(&mut self, speaker: &Speaker) -> Vec<SessionEffect> {
        let Some(round) = self.rounds.may_say() else {
            return Vec::new();
        };
        let payload = AdvancePayload {
            incarnation: speaker.incarnation,
            round,
        };
        match speaker.say(self.head, &payload, &self.terms.roster) {
            Ok(frame) => {
                self.rounds.advanced(&frame, round);
                vec![SessionEffect::Send(frame.as_bytes().to_vec())]
            }
            Err(_) => Vec::new(),
        }
    }

    /// Enters the next round by a valid package of this one, or by certificate. However it enters, it says so, and
    /// relays the package by which it entered.
    fn go_on(&mut self, speaker: &Speaker, now: Monotonic) -> Vec<SessionEffect> {
        let (d, q) = (self.timers.round_trip, self.tolerated() + 1);
        let Some(attempt) = self.attempts.get(&self.rounds.round()) else {
            return Vec::new();
        };
        let package = attempt.package().map(|(_, frame)| frame.clone());
        let from = self
            .rounds
            .by_package_from(d, q)
            .filter(|_| package.is_some());
        let by_package = from.is_some_and(|from| from <= now);
        let by_certificate = self.rounds.going_on() >= self.certificate()
            && self.rounds.by_certificate_from(d) <= now;
        if !by_package && !by_certificate {
            return Vec::new();
        }
        let mut out = self.say_advance(speaker);
        if let Some(frame) = package.filter(|f| by_package && f.head().author != speaker.member) {
            out.push(SessionEffect::Send(frame.as_bytes().to_vec()));
        }
        self.rounds.enter_next(now, by_package && !by_certificate);
        out.extend(self.open_round(now));
        out
    }
}
