//! Kill switch, quarantine, limits and the end of sessions, in a walk.

use hardfrost_engine::{
    Changed, Code, Convict, Decision, EmergencyRekey, Engine, FinalizeSession, InstallPolicy,
    PendingChange, Quarantine, Rejection, Unquarantine,
};
use hardfrost_primitives::{Hash32, KeyGroup};
use hardfrost_spend::Policy;

use super::{Seat, SessionNo, Step, Walk, SESSIONS_A_KEY};
use crate::reference::{key_of, Reference};
use crate::support::{at, durable, member, reason};

type Decided = Result<Decision<Changed, PendingChange>, Rejection>;

impl Walk {
    fn key_group(&self, key: usize) -> KeyGroup {
        let signing = &self.sessions[key * SESSIONS_A_KEY];
        signing.public.key_group().clone()
    }

    pub(super) fn kill(
        &mut self,
        which: usize,
        step: &Step,
        key: usize,
        session: Option<SessionNo>,
    ) {
        let (now, key) = (self.now, session.map_or(key, key_of));
        let request = EmergencyRekey {
            key_group: self.key_group(key),
            session: session.map(|session| self.sessions[session].session.clone()),
            reason: reason("a walk"),
        };
        let ask = |engine: &mut Engine| engine.emergency_rekey(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.kill(now, key, session)
        });
    }

    pub(super) fn finalize(&mut self, which: usize, step: &Step, session: SessionNo) {
        let now = self.now;
        let request = FinalizeSession {
            key_group: self.key_group(key_of(session)),
            session: self.sessions[session].session.clone(),
        };
        let ask = |engine: &mut Engine| engine.finalize_session(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.finalize(now, session)
        });
    }

    pub(super) fn quarantine(&mut self, which: usize, step: &Step, whom: (usize, Seat)) {
        let now = self.now;
        let request = Quarantine {
            key_group: self.key_group(whom.0),
            member: member(whom.1),
            reason: reason("a walk"),
        };
        let ask = |engine: &mut Engine| engine.quarantine(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.ready()?;
            reference.facts.kept_out.insert(whom);
            Ok(())
        });
    }

    pub(super) fn unquarantine(&mut self, which: usize, step: &Step, whom: (usize, Seat)) {
        let now = self.now;
        let request = Unquarantine {
            key_group: self.key_group(whom.0),
            member: member(whom.1),
        };
        let ask = |engine: &mut Engine| engine.unquarantine(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.ready()?;
            reference.let_in(whom);
            Ok(())
        });
    }

    pub(super) fn convict(&mut self, which: usize, step: &Step, whom: (usize, Seat), proof: u8) {
        let now = self.now;
        let request = Convict {
            key_group: self.key_group(whom.0),
            member: member(whom.1),
            evidence: Hash32([proof; 32]),
            proof: vec![proof],
        };
        let ask = |engine: &mut Engine| engine.convict(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.ready()?;
            reference.convict(whom, proof);
            Ok(())
        });
    }

    /// Messages of a walk are no transactions, so its limits refuse nothing; but they are kept.
    pub(super) fn limit(&mut self, which: usize, step: &Step, key: usize, most: u64) {
        let now = self.now;
        let policy = |fee_sats_max| Policy {
            fee_sats_max,
            ..Policy::default()
        };
        let key_group = self.key_group(key);
        let body = &self.bodies[which];
        let before = body.reference.facts.limits.get(&key).copied();
        assert_eq!(body.engine.policy(&key_group), policy(before), "{step:?}");
        let request = InstallPolicy {
            key_group,
            policy: policy(Some(most)),
        };
        let ask = |engine: &mut Engine| engine.install_policy(at(now), request);
        self.change(which, step, ask, |reference| {
            reference.ready()?;
            reference.facts.limits.insert(key, most);
            Ok(())
        });
    }

    fn change(
        &mut self,
        which: usize,
        step: &Step,
        ask: impl FnOnce(&mut Engine) -> Decided,
        expect: impl FnOnce(&mut Reference) -> Result<(), Code>,
    ) {
        let body = &mut self.bodies[which];
        let expected = expect(&mut body.reference);
        let done = ask(&mut body.engine).map(|decision| {
            if let Decision::New(staged) = decision {
                let committed = durable(staged, &mut body.log);
                body.engine.release_change(committed).unwrap();
            }
        });
        self.same(step, done, expected);
    }
}
