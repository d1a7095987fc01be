//! What our engine answers, and what follows from it.

use std::collections::BTreeSet;

use hardfrost_frost::{verify_share, Candidate, Commitments, ShareVerdict, SignatureShare};
use hardfrost_primitives::{Member, Monotonic};
use hardfrost_wire::{CommitmentsPayload, Kind, Payload, SharePayload};

use super::{Attempt, Stage};
use crate::chosen::Chosen;
use crate::question::{Answer, Effect, Need, Question, Refusal};
use crate::speaker::Speaker;

impl Attempt {
    /// Takes the engine's answer.
    pub fn answer(&mut self, speaker: &Speaker, now: Monotonic, answer: Answer) -> Vec<Effect> {
        match (self.stage, answer) {
            (Stage::Deriving, Answer::Derived(coordinator, fingerprint, id)) => {
                let ours = (self.coordinator, self.context.fingerprint(), self.id);
                if (coordinator, fingerprint, id) != ours {
                    return vec![Effect::Stuck("our engine derives another attempt".into())];
                }
                self.ask(Stage::Opening, Need::Open(self.context.clone()))
            }
            (Stage::Opening, Answer::Opened(id)) => {
                self.id = id;
                self.ask(Stage::Drawing, Need::Round1(id))
            }
            (Stage::Drawing, Answer::Committed(commitments)) => {
                self.stage = Stage::Committed;
                self.commit(speaker, now, &commitments)
            }
            (Stage::Signing, Answer::Share(share)) => self.share(speaker, now, share),
            (_, Answer::Signed(signature)) if self.aggregating => {
                // That the sum is good says nothing of each share: two that are off can make up for each other.
                self.end(now);
                vec![Effect::Signed(signature)]
            }
            (_, Answer::BadShares(candidates)) if self.aggregating => self.blame(&candidates),
            (_, Answer::Refused(question, refusal)) => self.refused(now, question, refusal),
            _ => Vec::new(),
        }
    }

    /// A refusal spends nothing. What may be asked again later waits for [`Self::ask_again`].
    fn refused(&mut self, now: Monotonic, question: Question, refusal: Refusal) -> Vec<Effect> {
        if self.awaits() != Some(question) && !(question == Question::Aggregate && self.aggregating)
        {
            return Vec::new();
        }
        let opening = matches!(
            self.stage,
            Stage::Deriving | Stage::Opening | Stage::Drawing
        );
        match refusal {
            Refusal::Spent if opening => {
                self.end(now);
                self.spent = true;
                Vec::new()
            }
            Refusal::Final(why) if opening => {
                self.end(now);
                vec![Effect::Unopened(why)]
            }
            // Without our share, or our sum, the attempt may still come to a signature elsewhere.
            Refusal::Final(_) | Refusal::Spent => Vec::new(),
            Refusal::Gate(why) if opening => {
                self.refused.insert(question);
                vec![Effect::Closed(why)]
            }
            Refusal::Gate(_) | Refusal::Later(_) => {
                self.refused.insert(question);
                Vec::new()
            }
        }
    }

    /// The question that the stage waits for.
    fn awaits(&self) -> Option<Question> {
        match self.stage {
            Stage::Deriving => Some(Question::Derive),
            Stage::Opening => Some(Question::Open),
            Stage::Drawing => Some(Question::Round1),
            Stage::Signing => Some(Question::Round2),
            Stage::Committed | Stage::Signed | Stage::Over => None,
        }
    }

    /// Asks the engine again what it refused for now.
    pub(crate) fn ask_again(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for question in std::mem::take(&mut self.refused) {
            if question == Question::Aggregate {
                self.aggregating = false;
                effects.extend(self.try_aggregate());
            } else if self.awaits() == Some(question) {
                effects.extend(self.awaited().map(Effect::Ask));
            }
        }
        effects
    }

    fn awaited(&self) -> Option<Need> {
        match self.awaits()? {
            Question::Derive => Some(Need::Derive(self.context.clone())),
            Question::Open => Some(Need::Open(self.context.clone())),
            Question::Round1 => Some(Need::Round1(self.id)),
            Question::Round2 => {
                let chosen = self.chosen.as_ref()?.turn.package.commitments();
                Some(Need::Round2(self.id, chosen.clone()))
            }
            Question::Aggregate | Question::Abort => None,
        }
    }

    /// The engine's candidates, each checked here against the frames: proofs for those that are guilty.
    fn blame(&mut self, candidates: &[Candidate]) -> Vec<Effect> {
        let whom: BTreeSet<Member> = candidates.iter().map(|c| c.member).collect();
        self.undelivered();
        let proofs = self.bad_shares(|_| false).into_iter();
        let asked = proofs.filter(|p| p.accused().is_some_and(|m| whom.contains(&m)));
        asked.map(Effect::Prove).collect()
    }

    /// Ends the attempt; the engine destroys what is still live of it.
    pub fn abort(&mut self, now: Monotonic) -> Vec<Effect> {
        if self.stage == Stage::Over {
            return Vec::new();
        }
        self.end(now);
        vec![Effect::Ask(Need::Abort(self.id))]
    }

    pub(super) fn ask(&mut self, next: Stage, need: Need) -> Vec<Effect> {
        self.stage = next;
        vec![Effect::Ask(need)]
    }

    fn end(&mut self, now: Monotonic) {
        self.stage = Stage::Over;
        self.ended = Some(now);
    }

    /// Signs a statement, records it as our own, then sends it. A member signs one body per kind and attempt.
    pub(super) fn say<P: Payload>(
        &mut self,
        speaker: &Speaker,
        now: Monotonic,
        payload: &P,
    ) -> Vec<Effect> {
        match speaker.say(self.hash, payload, &self.terms.roster) {
            Ok(own) => {
                let noted = self.frame(speaker, now, &own);
                [vec![Effect::Send(own.into_inner())], noted].concat()
            }
            Err(error) => vec![Effect::Stuck(format!("our operator key: {error}"))],
        }
    }

    /// A peer that shows our commitments of a former life here keeps us from committing again.
    fn commit(&mut self, speaker: &Speaker, now: Monotonic, ours: &Commitments) -> Vec<Effect> {
        if self
            .collector
            .first(Kind::Commitments, speaker.member)
            .is_some()
        {
            return self.abort(now);
        }
        let payload = CommitmentsPayload {
            incarnation: speaker.incarnation,
            hiding: ours.hiding(),
            binding: ours.binding(),
            refuses: Vec::new(),
        };
        let mut effects = self.say(speaker, now, &payload);
        effects.extend(self.sign_if_chosen(speaker));
        // Package and shares may all have come while the engine was opening the attempt.
        effects.extend(self.try_aggregate());
        effects
    }

    /// Before a member sends its share it verifies it itself.
    fn share(&mut self, speaker: &Speaker, now: Monotonic, share: SignatureShare) -> Vec<Effect> {
        self.stage = Stage::Signed;
        let Some(Chosen { turn, .. }) = &self.chosen else {
            return Vec::new();
        };
        if verify_share(&turn.package, speaker.member, &share) != ShareVerdict::Valid {
            return vec![Effect::Stuck("our own share does not verify".into())];
        }
        let (incarnation, package) = (speaker.incarnation, turn.body);
        self.say(
            speaker,
            now,
            &SharePayload {
                incarnation,
                package,
                share: share.0,
            },
        )
    }
}
