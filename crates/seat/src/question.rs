//! A session's questions as the engine's commands, and the engine's replies as answers.

use std::collections::BTreeMap;

use hardfrost_engine::{
    Abort, Aggregate, AttemptIds, AttemptKey, Command, MemberCommitments, Open, Rejection, Reply,
    Round2, SigningPackage,
};
use hardfrost_frost::Commitments;
use hardfrost_primitives::{AttemptId, Member, Monotonic, SessionId};
use hardfrost_roast::{Answer, Need, Question, Refusal, Terms};

use crate::seat::Seat;

impl Seat {
    pub(crate) fn command(&self, now: Monotonic, name: &SessionId, need: Need) -> Option<Command> {
        let session = self.sessions.get(name)?;
        let terms = session.terms();
        let member = self.speaker.member;
        let key_group = terms.public().key_group().clone();
        let key = |attempt: AttemptId| AttemptKey {
            key_group: key_group.clone(),
            session: name.clone(),
            attempt,
            member,
        };
        Some(match need {
            Need::Derive(context) => Command::DeriveContext(context),
            Need::Open(context) => {
                let ids = AttemptIds {
                    coordinator: context.coordinator()?,
                    fingerprint: context.fingerprint(),
                    attempt: context.attempt_id()?,
                };
                let life = session.deadline().since(now);
                Command::Open(Open {
                    member,
                    context,
                    ids,
                    life,
                })
            }
            Need::Round1(attempt) => Command::Round1(key(attempt)),
            Need::Round2(attempt, chosen) => Command::Round2(Round2 {
                key: key(attempt),
                package: package(terms, &chosen),
            }),
            Need::Aggregate(attempt, chosen, shares) => {
                let package = package(terms, &chosen);
                Command::Aggregate(Aggregate {
                    key: key(attempt),
                    package,
                    shares,
                })
            }
            Need::Abort(attempt) => Command::Abort(Abort {
                key_group,
                session: name.clone(),
                attempt: Some(attempt),
                member: Some(member),
            }),
        })
    }
}

/// The engine's package: computed from the chosen commitments and the session's own message, never sent beside them.
fn package(terms: &Terms, chosen: &BTreeMap<Member, Commitments>) -> SigningPackage {
    let commitments = chosen.iter().map(|(member, points)| MemberCommitments {
        member: *member,
        hiding: points.hiding(),
        binding: points.binding(),
    });
    SigningPackage {
        message: terms.message,
        key_spec: terms.group.spec().clone(),
        commitments: commitments.collect(),
    }
}

/// What may be done about a rejection.
fn refusal(rejection: &Rejection) -> Refusal {
    let why = rejection.to_string();
    match rejection {
        // After a storage fault the host begins engine and seats anew; until then the session may still end with a
        // signature that others make.
        Rejection::CapacityExceeded(_) | Rejection::StorageFault => Refusal::Later(why),
        Rejection::SigningPolicy(_)
        | Rejection::Quarantine(_)
        | Rejection::Lifecycle(_)
        | Rejection::SessionFinalized => Refusal::Gate(why),
        Rejection::ConsumedNonceReplay
        | Rejection::AttemptSuperseded
        | Rejection::AttemptAlreadyAggregated => Refusal::Spent,
        Rejection::Validation(_)
        | Rejection::SessionConflict(_)
        | Rejection::SessionNotFound
        | Rejection::DkgNotReady
        | Rejection::Round1NotStarted
        | Rejection::InvalidSignatureShare(_)
        | Rejection::Internal => Refusal::Final(why),
    }
}

pub(crate) fn answer(question: Question, reply: Reply) -> Option<Answer> {
    Some(match reply {
        Reply::Derived(ids, _) => Answer::Derived(ids.coordinator, ids.fingerprint, ids.attempt),
        Reply::Opened(opened) => Answer::Opened(opened.attempt),
        Reply::Committed(commitments) => Answer::Committed(commitments),
        Reply::Share(share) => Answer::Share(share),
        Reply::Signed(signature) => Answer::Signed(signature),
        Reply::Rejected(Rejection::InvalidSignatureShare(all)) => Answer::BadShares(all),
        Reply::Rejected(rejection) => Answer::Refused(question, refusal(&rejection)),
        Reply::DkgDealt(_)
        | Reply::DkgSealed(_)
        | Reply::DkgPending(_)
        | Reply::Installed(_)
        | Reply::DkgFailed(_)
        | Reply::Approved(_)
        | Reply::Aborted(_)
        | Reply::Verdict(_)
        | Reply::Changed(_) => return None,
    })
}
