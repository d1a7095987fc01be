//! An engine of a few lines, and how it may misbehave.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::{
    aggregate, sign, AggregateError, Candidate, CheckedPackage, Commitments, DerivedShare,
    KeyShare, Region, ShareFault, SigningNonces,
};
use hardfrost_primitives::{AttemptId, Member, Message};
use hardfrost_roast::{Answer, Need, Question, Refusal, Speaker};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::{member, Group, SUITE};

/// How a member's engine misbehaves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    #[default]
    Honest,
    /// Answers nothing until told to.
    Slow,
    /// Its shares are off by a bit.
    BadShares,
    /// Derives another coordinator, fingerprint or attempt id.
    OtherIds(u8),
    /// Opens nothing now.
    Full,
    /// A gate is closed.
    Closed,
    /// Opens nothing, ever.
    Broken,
    /// Takes no record now: neither signs nor completes.
    DiskFull,
    /// Says of every sum that all its shares are bad.
    Accuser,
    /// Its signatures are lost on the way back.
    Mute,
}

/// What an engine holds of one seat.
pub struct Signer {
    key_share: KeyShare,
    share: DerivedShare,
    nonces: BTreeMap<AttemptId, SigningNonces>,
    message: Message,
    rng: ChaCha20Rng,
}

impl Group {
    pub fn signer(&self, speaker: &Speaker, message: Message, life: u8) -> Signer {
        let who = speaker.member;
        let share = &self.shares[usize::from(who.number()) - 1];
        let public = Arc::clone(share.group());
        let region = Region::new().unwrap();
        let bytes = share.dangerous_to_bytes();
        let copy = KeyShare::from_bytes(who, &bytes, public, &region).unwrap();
        let [high, low] = who.to_be_bytes();
        Signer {
            key_share: copy,
            share: DerivedShare::new(share, Arc::clone(&self.derived)).unwrap(),
            nonces: BTreeMap::new(),
            message,
            rng: ChaCha20Rng::seed_from_u64(u64::from_be_bytes([0, 0, 0, 0, 1, high, low, life])),
        }
    }
}

/// What an engine that cannot now, may not, or never will says.
fn refusal(engine: Engine, need: &Need) -> Option<Refusal> {
    match (engine, need.question()) {
        (Engine::Full, Question::Open) => Some(Refusal::Later("full".into())),
        (Engine::Closed, Question::Open) => Some(Refusal::Gate("not approved".into())),
        (Engine::Broken, Question::Open) => Some(Refusal::Final("broken".into())),
        (Engine::DiskFull, Question::Round2 | Question::Aggregate) => {
            Some(Refusal::Later("disk full".into()))
        }
        _ => None,
    }
}

impl Signer {
    pub fn reply(&mut self, engine: Engine, need: Need) -> Option<Answer> {
        if let Some(refusal) = refusal(engine, &need) {
            return Some(Answer::Refused(need.question(), refusal));
        }
        Some(match need {
            Need::Derive(context) => {
                let mut coordinator = context.coordinator().unwrap();
                let mut fingerprint = context.fingerprint();
                let mut id = context.attempt_id().unwrap();
                match engine {
                    Engine::OtherIds(0) => coordinator = member(coordinator.number() % 5 + 1),
                    Engine::OtherIds(1) => fingerprint = "ab".repeat(32).parse().unwrap(),
                    Engine::OtherIds(_) => id = "ab".repeat(32).parse().unwrap(),
                    Engine::Honest
                    | Engine::Slow
                    | Engine::BadShares
                    | Engine::Full
                    | Engine::Closed
                    | Engine::Broken
                    | Engine::DiskFull
                    | Engine::Accuser
                    | Engine::Mute => {}
                }
                Answer::Derived(coordinator, fingerprint, id)
            }
            Need::Open(context) => Answer::Opened(context.attempt_id().unwrap()),
            Need::Round1(id) => {
                let nonces = self.key_share.commit(SUITE, &mut self.rng).unwrap();
                let commitments = nonces.commitments();
                assert!(
                    self.nonces.insert(id, nonces).is_none(),
                    "Round1 is asked once"
                );
                Answer::Committed(commitments)
            }
            Need::Round2(id, chosen) => self.sign(engine, id, chosen),
            Need::Aggregate(_, chosen, shares) => match aggregate(&self.package(chosen), &shares) {
                Ok(_) if engine == Engine::Accuser => {
                    let all = shares.keys().map(|m| Candidate {
                        member: *m,
                        fault: ShareFault::Invalid,
                    });
                    Answer::BadShares(all.collect())
                }
                Ok(_) if engine == Engine::Mute => return None,
                Ok(signature) => Answer::Signed(signature),
                Err(AggregateError::BadShares(all)) => Answer::BadShares(all),
                Err(other) => {
                    Answer::Refused(Question::Aggregate, Refusal::Final(other.to_string()))
                }
            },
            Need::Abort(id) => {
                self.nonces.remove(&id);
                return None;
            }
        })
    }

    /// Nonces leave the engine once, and only for their own commitments.
    fn sign(
        &mut self,
        engine: Engine,
        id: AttemptId,
        chosen: BTreeMap<Member, Commitments>,
    ) -> Answer {
        let ours = self.nonces.get(&id).map(SigningNonces::commitments);
        if ours.is_none() || chosen.get(&self.share.member()) != ours.as_ref() {
            let why = Refusal::Final("not our commitments".into());
            return Answer::Refused(Question::Round2, why);
        }
        let nonces = self.nonces.remove(&id).unwrap();
        let mut share = sign(&self.share, nonces, &self.package(chosen)).unwrap();
        if engine == Engine::BadShares {
            share.0[31] ^= 1;
        }
        Answer::Share(share)
    }

    fn package(&self, chosen: BTreeMap<Member, Commitments>) -> CheckedPackage {
        let group = Arc::clone(self.share.group());
        CheckedPackage::new(SUITE, group, self.message, chosen).unwrap()
    }
}
