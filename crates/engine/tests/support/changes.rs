//! Kill switch, quarantine, the end of sessions: asked for, and made durable.

use hardfrost_engine::{
    Changed, Convict, Decision, EmergencyRekey, Engine, FinalizeSession, PendingChange, Quarantine,
    Quarantined, Reason, Rejection, Unquarantine,
};
use hardfrost_primitives::{Hash32, Now, SessionId};

use super::{durable, member, Bench, Node};

pub fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

type Decided = Result<Decision<Changed, PendingChange>, Rejection>;

impl Node {
    /// Asks, and makes it durable where it is new.
    pub fn change(
        &mut self,
        ask: impl FnOnce(&mut Engine) -> Decided,
    ) -> Result<Changed, Rejection> {
        match ask(&mut self.engine)? {
            Decision::Already(changed) => Ok(changed),
            Decision::New(staged) => {
                let committed = durable(staged, &mut self.log);
                self.engine.release_change(committed)
            }
        }
    }
}

impl Bench {
    pub fn rekey_request(&self, session: Option<SessionId>, why: &str) -> EmergencyRekey {
        EmergencyRekey {
            key_group: self.signing.public.key_group().clone(),
            session,
            reason: reason(why),
        }
    }

    pub fn rekey(&mut self, now: Now, seat: u16, session: Option<SessionId>) -> Changed {
        let request = self.rekey_request(session, "a laptop was stolen");
        let node = self.node(seat);
        node.change(|engine| engine.emergency_rekey(now, request))
            .unwrap()
    }

    pub fn finalize(&mut self, now: Now, seat: u16) -> Result<Changed, Rejection> {
        let request = FinalizeSession {
            key_group: self.signing.public.key_group().clone(),
            session: self.signing.session.clone(),
        };
        self.node(seat)
            .change(|engine| engine.finalize_session(now, request))
    }

    pub fn quarantine_request(&self, whom: u16) -> Quarantine {
        Quarantine {
            key_group: self.signing.public.key_group().clone(),
            member: member(whom),
            reason: reason("does not answer the telephone"),
        }
    }

    pub fn quarantine(&mut self, now: Now, seat: u16, whom: u16) -> Quarantined {
        let request = self.quarantine_request(whom);
        let node = self.node(seat);
        standing(node.change(|engine| engine.quarantine(now, request)))
    }

    pub fn unquarantine(&mut self, now: Now, seat: u16, whom: u16) -> Quarantined {
        let request = Unquarantine {
            key_group: self.signing.public.key_group().clone(),
            member: member(whom),
        };
        let node = self.node(seat);
        standing(node.change(|engine| engine.unquarantine(now, request)))
    }

    pub fn convict_request(&self, whom: u16, evidence: u8) -> Convict {
        Convict {
            key_group: self.signing.public.key_group().clone(),
            member: member(whom),
            evidence: Hash32([evidence; 32]),
            proof: vec![evidence; 100],
        }
    }

    pub fn convict(&mut self, now: Now, seat: u16, (whom, evidence): (u16, u8)) -> Quarantined {
        let request = self.convict_request(whom, evidence);
        let node = self.node(seat);
        standing(node.change(|engine| engine.convict(now, request)))
    }
}

fn standing(changed: Result<Changed, Rejection>) -> Quarantined {
    match changed {
        Ok(Changed::Quarantine(standing)) => standing,
        other => panic!("{other:?}"),
    }
}
