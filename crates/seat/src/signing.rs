//! Joins signing sessions to the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hardfrost_engine::{Approval, Command, FinalizeSession, Rejection, Reply};
use hardfrost_evidence::Evidence;
use hardfrost_frost::DerivedGroup;
use hardfrost_primitives::{Hash32, KeyGroup, Message, Monotonic, Now, SessionId};
use hardfrost_roast::{AttemptReport, Need, Outcome, Question, Session, SessionEffect, Terms};
use hardfrost_wire::{FinalSignature, Frame, OperatorIndex, Verified};

use crate::question::answer;
use crate::seat::{Asker, Event, Output, Seat};

/// Proofs in vain that a peer may hand over before its proofs are not looked at any more.
const IN_VAIN_MAX: u32 = 64;

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
            let head = session.terms().head();
            self.sessions.insert(input.session.clone(), session);
            self.heads.insert(head, input.session.clone());
            out.extend(self.session_effects(now, &input.session, effects));
            let warned = self.warn(now, &input.session);
            out.extend(self.session_effects(now, &input.session, warned));
            let waiting = self.replay(now, &input.session, &[head].into());
            out.extend(self.session_effects(now, &input.session, waiting));
        }
        out.insert(0, Output::Event(Event::Approved(approval)));
        out
    }

    /// A frame goes to the session that owns it; before that session or attempt is open here, it waits.
    pub(crate) fn session_frame(&mut self, now: Now, frame: Verified<Frame>) -> Vec<Output> {
        let context = frame.head().context;
        let name = self.heads.get(&context).cloned();
        let Some((name, session)) = name.and_then(|name| {
            let session = self.sessions.get_mut(&name)?;
            Some((name, session))
        }) else {
            self.early.keep(frame);
            return Vec::new();
        };
        let effects = session.frame(&self.speaker, now.mono, &frame);
        self.session_effects(now, &name, effects)
    }

    /// Feeds a session what came too early for it, under the heads that it owns from now on.
    fn replay(
        &mut self,
        now: Now,
        name: &SessionId,
        heads: &BTreeSet<Hash32>,
    ) -> Vec<SessionEffect> {
        let waiting = self.early.take(|context| heads.contains(&context));
        let session = self.sessions.get_mut(name);
        let feed = |session: &mut Session| {
            let fed = waiting.iter();
            fed.flat_map(|frame| session.frame(&self.speaker, now.mono, frame))
                .collect()
        };
        session.map(feed).unwrap_or_default()
    }

    /// A proof goes to the session it is about. An honest peer hands on what it has verified itself: whoever comes with
    /// slander again and again is not listened to any more. What a peer only hands on for others is on their account
    /// with it.
    pub(crate) fn proof(
        &mut self,
        now: Now,
        account: (OperatorIndex, Option<OperatorIndex>),
        proof: Evidence,
    ) -> Vec<Output> {
        let Some(name) = proof.session() else {
            return self.dropped();
        };
        let vain = self.in_vain.get(&account).copied().unwrap_or_default();
        let Some(session) = self.sessions.get_mut(&name).filter(|_| vain < IN_VAIN_MAX) else {
            return Vec::new();
        };
        let before = session.doubted();
        let effects = session.proof(&self.speaker, now.mono, proof);
        if session.doubted() > before {
            self.in_vain.insert(account, vain + 1);
        }
        self.session_effects(now, &name, effects)
    }

    pub(crate) fn finished(&mut self, now: Now, said: &FinalSignature) -> Vec<Output> {
        let Some(name) = self.heads.get(&said.head).cloned() else {
            return Vec::new();
        };
        let Some(session) = self.sessions.get_mut(&name) else {
            return Vec::new();
        };
        let effects = session.finished(now.mono, said);
        self.session_effects(now, &name, effects)
    }

    pub(crate) fn cancelled(&mut self, now: Now, name: &SessionId) -> Vec<Output> {
        let Some(session) = self.sessions.get_mut(name) else {
            return vec![Output::Event(Event::Refused(Rejection::SessionNotFound))];
        };
        let effects = session.cancel(now.mono);
        self.session_effects(now, name, effects)
    }

    pub(crate) fn session_timeouts(&mut self, now: Now) -> Vec<Output> {
        let mut out = Vec::new();
        for name in self.timetable.due(now.mono) {
            let Some(session) = self.sessions.get_mut(&name) else {
                continue;
            };
            if session.outcome().is_some() && session.swept_at() <= now.mono {
                out.extend(self.forget(&name));
            } else {
                let effects = session.timeout(&self.speaker, now.mono);
                out.extend(self.session_effects(now, &name, effects));
            }
        }
        out
    }

    /// What is forgotten here is over in the engine too: its markers need not be kept any longer.
    fn forget(&mut self, name: &SessionId) -> Option<Output> {
        let session = self.sessions.remove(name)?;
        self.timetable.strike(name);
        self.swept.insert(name.clone());
        for head in session.contexts() {
            self.heads.remove(&head);
        }
        let key_group = session.terms().group.public().key_group().clone();
        Some(self.tell(Command::FinalizeSession(FinalizeSession {
            key_group,
            session: name.clone(),
        })))
    }

    /// What concerns all sessions that are not over.
    pub(crate) fn in_open_sessions(&mut self, mut change: impl FnMut(&mut Session)) {
        for name in self.timetable.open().clone() {
            if let Some(session) = self.sessions.get_mut(&name) {
                change(session);
                self.timetable.note(&name, session);
            }
        }
    }

    pub(crate) fn session_reply(
        &mut self,
        now: Now,
        name: &SessionId,
        (round, question): (u32, Question),
        reply: Reply,
    ) -> Vec<Output> {
        let Some(answer) = answer(question, reply) else {
            return Vec::new();
        };
        let Some(session) = self.sessions.get_mut(name) else {
            return Vec::new();
        };
        let effects = session.answer(&self.speaker, now.mono, round, answer);
        self.session_effects(now, name, effects)
    }

    /// Carries out what a session wants done. What waited for the attempts it opens is fed to it at once.
    fn session_effects(
        &mut self,
        now: Now,
        name: &SessionId,
        mut effects: Vec<SessionEffect>,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        while !effects.is_empty() {
            let opened = effects.iter().filter_map(|effect| match effect {
                SessionEffect::Ask(_, Need::Derive(context)) => Some(context.hash()),
                SessionEffect::Ask(..)
                | SessionEffect::Send(_)
                | SessionEffect::SendTo(..)
                | SessionEffect::Convicted(..)
                | SessionEffect::Ended(_) => None,
            });
            let opened: BTreeSet<Hash32> = opened.collect();
            let heads = opened.iter().map(|head| (*head, name.clone()));
            self.heads.extend(heads);
            out.extend(self.carried_out(now, name, effects));
            effects = if opened.is_empty() {
                Vec::new()
            } else {
                self.replay(now, name, &opened)
            };
        }
        if let Some(session) = self.sessions.get(name) {
            self.timetable.note(name, session);
        }
        out
    }

    fn carried_out(
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
                    let question = need.question();
                    let Some(command) = self.command(now.mono, name, need) else {
                        continue;
                    };
                    out.push(if matches!(command, Command::Abort(_)) {
                        self.tell(command)
                    } else {
                        self.ask(Asker::Session(name.clone(), round, question), command)
                    });
                }
                SessionEffect::Convicted(member, proof) => {
                    out.extend(self.convicted(name, member, proof));
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
}
