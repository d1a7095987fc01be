//! How a session ends, what it keeps after that, and for how long.

use std::time::Duration;

use hardfrost_primitives::Monotonic;

use super::{Outcome, Session, SessionEffect};
use crate::question::{Answer, AttemptReport, Effect};

/// After its end a session still hears what was under way, for so long: a second body may be behind the last slot. Then
/// its frames are dropped.
const HEARD_AFTER: Duration = Duration::from_secs(60);

/// The end of a session.
pub(super) struct End {
    pub(super) outcome: Outcome,
    at: Monotonic,
    /// What its attempts looked like, once their frames are dropped.
    reports: Option<Vec<AttemptReport>>,
}

impl Session {
    /// How it ended, if it did.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.end.as_ref().map(|end| &end.outcome)
    }

    /// When the session gives up.
    #[must_use]
    pub fn deadline(&self) -> Monotonic {
        self.deadline
    }

    /// When the session may be forgotten, with the signature that is kept until then.
    #[must_use]
    pub fn swept_at(&self) -> Monotonic {
        self.deadline.plus(Duration::from_secs(24 * 3600))
    }

    /// What each attempt looks like at `now`.
    #[must_use]
    pub fn reports(&self, now: Monotonic) -> Vec<AttemptReport> {
        let kept = self.end.as_ref().and_then(|end| end.reports.clone());
        kept.unwrap_or_else(|| self.attempts.values().map(|a| a.report(now)).collect())
    }

    /// The operator ends it.
    pub fn cancel(&mut self, now: Monotonic) -> Vec<SessionEffect> {
        self.finish(now, Outcome::Cancelled)
    }

    /// At every end of the session what is live of its attempts is destroyed.
    pub(super) fn finish(&mut self, now: Monotonic, outcome: Outcome) -> Vec<SessionEffect> {
        if self.end.is_some() {
            return Vec::new();
        }
        self.end = Some(End {
            outcome: outcome.clone(),
            at: now,
            reports: None,
        });
        let mut out = self.last_proofs(now);
        for (round, attempt) in &mut self.attempts {
            for effect in attempt.abort(now) {
                if let Effect::Ask(need) = effect {
                    out.push(SessionEffect::Ask(*round, need));
                }
            }
        }
        out.push(SessionEffect::Ended(outcome));
        out
    }

    /// A signature that our engine made while the session ended otherwise is the last there may be of this attempt: it
    /// is kept and told.
    pub(super) fn answer_after_the_end(&mut self, answer: Answer) -> Vec<SessionEffect> {
        let unsigned = !matches!(self.outcome(), Some(Outcome::Signed(_)));
        let (Answer::Signed(signature), true) = (answer, unsigned) else {
            return Vec::new();
        };
        if let Some(end) = &mut self.end {
            end.outcome = Outcome::Signed(signature);
        }
        vec![SessionEffect::Send(self.signature(&signature).to_bytes())]
    }

    /// When the frames of a session that is over are dropped; `None` once they are.
    pub(super) fn drops_frames_at(&self) -> Option<Monotonic> {
        let end = self.end.as_ref().filter(|end| end.reports.is_none())?;
        Some(end.at.plus(HEARD_AFTER))
    }

    /// Every share and contradiction in them was looked at when it came, or at the end.
    pub(super) fn drop_frames(&mut self, now: Monotonic) {
        let reports = self.reports(now);
        self.attempts.clear();
        if let Some(end) = &mut self.end {
            end.reports = Some(reports);
        }
    }
}
