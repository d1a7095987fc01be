//! Joins signing sessions to the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_engine::{
    Abort, Aggregate, Approval, AttemptIds, AttemptKey, Command, MemberCommitments, Open,
    Rejection, Reply, Round2, SigningPackage,
};
use hardfrost_evidence::Evidence;
use hardfrost_frost::{Commitments, DerivedGroup};
use hardfrost_primitives::{AttemptId, KeyGroup, Member, Message, Monotonic, Now, SessionId};
use hardfrost_roast::{Answer, AttemptReport, Need, Outcome, Session, SessionEffect, Terms};
use hardfrost_wire::{FinalSignature, Frame, Verified};

use crate::seat::{Asker, Event, Output, Seat};

/// How a session ended, and what its attempts looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// The session.
    pub session: SessionId,
    /// What was to be signed.
    pub message: Message,
    /// The end.
    pub outcome: Outcome,
    /// In the order of their numbers.
    pub attempts: Vec<AttemptReport>,
}

impl Seat {
    /// An approval starts the sessions it names, all side by side.
    pub(crate) fn approved(
        &mut self,
        now: Now,
        key_group: &KeyGroup,
        ends: Monotonic,
        approval: Approval,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        let mut derived = BTreeMap::new();
        for input in &approval.inputs {
            let Some(known) = self.groups.get(key_group) else {
                continue;
            };
            let started = self.sessions.contains_key(&input.session);
            if started || self.swept.contains(&input.session) {
                continue;
            }
            let spec = input.key_spec.clone();
            let group = match derived.get(&spec) {
                Some(group) => Arc::clone(group),
                None => match DerivedGroup::new(Arc::clone(&known.public), spec.clone()) {
                    Ok(group) => Arc::clone(derived.entry(spec).or_insert(Arc::new(group))),
                    Err(_) => continue,
                },
            };
            let terms = Terms {
                session: input.session.clone(),
                message: input.message,
                group,
                share_epoch: known.share_epoch,
                roster: Arc::clone(&self.roster),
            };
            let (mut session, effects) = Session::start(&self.speaker, now.mono, terms, ends);
            session.round_trip(self.round_trip);
            self.sessions.insert(input.session.clone(), session);
            out.extend(self.session_effects(now, &input.session, effects));
            out.extend(self.replay(now, &input.session));
        }
        out.insert(0, Output::Event(Event::Approved(approval)));
        out
    }

    /// A frame goes to the session that owns it; before that session or attempt is open here, it waits.
    pub(crate) fn session_frame(&mut self, now: Now, frame: Verified<Frame>) -> Vec<Output> {
        let context = frame.head().context;
        let Some((name, session)) = self.sessions.iter_mut().find(|(_, s)| s.owns(context)) else {
            self.early.keep(frame);
            return Vec::new();
        };
        let name = name.clone();
        let effects = session.frame(&self.speaker, now.mono, &frame);
        let mut out = self.session_effects(now, &name, effects);
        out.extend(self.replay(now, &name));
        out
    }

    /// Feeds a session what came too early for it, until nothing waits that it owns.
    fn replay(&mut self, now: Now, name: &SessionId) -> Vec<Output> {
        let mut out = Vec::new();
        loop {
            let Some(session) = self.sessions.get(name) else {
                return out;
            };
            let waiting = self.early.take(|context| session.owns(context));
            if waiting.is_empty() {
                return out;
            }
            for frame in waiting {
                let Some(session) = self.sessions.get_mut(name) else {
                    return out;
                };
                let effects = session.frame(&self.speaker, now.mono, &frame);
                out.extend(self.session_effects(now, name, effects));
            }
        }
    }

    /// A proof goes to the session it is about.
    pub(crate) fn proof(&mut self, now: Now, proof: Evidence) -> Vec<Output> {
        let Some(name) = proof.session() else {
            return self.dropped();
        };
        let Some(session) = self.sessions.get_mut(&name) else {
            return Vec::new();
        };
        let effects = session.proof(&self.speaker, now.mono, proof);
        self.session_effects(now, &name, effects)
    }

    pub(crate) fn finished(&mut self, now: Now, said: &FinalSignature) -> Vec<Output> {
        let Some((name, session)) = self.sessions.iter_mut().find(|(_, s)| s.owns(said.head))
        else {
            return Vec::new();
        };
        let name = name.clone();
        let effects = session.finished(now.mono, said);
        self.session_effects(now, &name, effects)
    }

    pub(crate) fn session_timeouts(&mut self, now: Now) -> Vec<Output> {
        let over = |s: &Session| s.outcome().is_some() && s.swept_at() <= now.mono;
        let names = self.sessions.iter().filter(|(_, session)| over(session));
        self.swept
            .extend(names.map(|(name, _)| name.clone()).collect::<Vec<_>>());
        self.sessions.retain(|_, session| !over(session));
        let due: Vec<(SessionId, Vec<SessionEffect>)> = self
            .sessions
            .iter_mut()
            .map(|(name, session)| (name.clone(), session.timeout(&self.speaker, now.mono)))
            .collect();
        let mut out = Vec::new();
        for (name, effects) in due {
            out.extend(self.session_effects(now, &name, effects));
            out.extend(self.replay(now, &name));
        }
        out
    }

    pub(crate) fn session_reply(
        &mut self,
        now: Now,
        name: &SessionId,
        round: u32,
        reply: Reply,
    ) -> Vec<Output> {
        let Some(answer) = answer(reply) else {
            return Vec::new();
        };
        let Some(session) = self.sessions.get_mut(name) else {
            return Vec::new();
        };
        let effects = session.answer(&self.speaker, now.mono, round, answer);
        let mut out = self.session_effects(now, name, effects);
        out.extend(self.replay(now, name));
        out
    }

    fn session_effects(
        &mut self,
        now: Now,
        name: &SessionId,
        effects: Vec<SessionEffect>,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        for effect in effects {
            match effect {
                SessionEffect::Send(bytes) => out.push(Output::Send(bytes)),
                // Our own question, handed back by a peer, is not answered.
                SessionEffect::SendTo(seat, _) if seat == self.speaker.member => {}
                SessionEffect::SendTo(seat, bytes) => {
                    let peer = self.roster.operator_of(seat);
                    out.extend(peer.map(|peer| Output::SendTo(peer, bytes)));
                }
                SessionEffect::Ask(round, need) => {
                    let Some(command) = self.command(now.mono, name, need) else {
                        continue;
                    };
                    out.push(if matches!(command, Command::Abort(_)) {
                        self.tell(command)
                    } else {
                        self.ask(Asker::Session(name.clone(), round), command)
                    });
                }
                SessionEffect::Convicted(member, proof) => {
                    out.push(Output::Event(Event::Convicted(member, proof)));
                }
                SessionEffect::Ended(outcome) => {
                    let Some(session) = self.sessions.get(name) else {
                        continue;
                    };
                    out.push(Output::Event(Event::Ended(SessionReport {
                        session: name.clone(),
                        message: session.terms().message,
                        outcome,
                        attempts: session.reports(now.mono),
                    })));
                }
            }
        }
        out
    }

    fn command(&self, now: Monotonic, name: &SessionId, need: Need) -> Option<Command> {
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

fn answer(reply: Reply) -> Option<Answer> {
    Some(match reply {
        Reply::Derived(ids, _) => Answer::Derived(ids.coordinator, ids.fingerprint, ids.attempt),
        Reply::Opened(opened) => Answer::Opened(opened.attempt),
        Reply::Committed(commitments) => Answer::Committed(commitments),
        Reply::Share(share) => Answer::Share(share),
        Reply::Signed(signature) => Answer::Signed(signature),
        Reply::Rejected(Rejection::InvalidSignatureShare(all)) => Answer::BadShares(all),
        // Another seat of this engine has finished the attempt: there is nothing left to do in it, and its signature
        // comes from whoever has it.
        Reply::Rejected(Rejection::AttemptAlreadyAggregated) => return None,
        Reply::Rejected(rejection) => Answer::Refused(rejection.to_string()),
        Reply::DkgDealt(_)
        | Reply::DkgSealed(_)
        | Reply::DkgPending(_)
        | Reply::Installed(_)
        | Reply::DkgFailed(_)
        | Reply::Approved(_)
        | Reply::Aborted(_)
        | Reply::Verdict(_) => return None,
    })
}
