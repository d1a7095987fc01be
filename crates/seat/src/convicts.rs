//! What one session has proven, the engine records and later sessions know: a convict is not chosen in them either.

use hardfrost_engine::{Command, Convict, Conviction};
use hardfrost_evidence::Evidence;
use hardfrost_primitives::{KeyGroup, Member, Now, SessionId};
use hardfrost_roast::SessionEffect;

use crate::seat::{Event, Output, Seat};

impl Seat {
    /// Takes up a proof that the engine recorded before this process began, unless the operator has let the member in
    /// again. Each session verifies it for itself.
    /// Returns whether it is a proof at all.
    pub fn resume_conviction(&mut self, recorded: &Conviction) -> bool {
        let proof = Evidence::from_frame(&recorded.proof);
        let Some(proof) = proof.filter(|proof| proof.hash() == recorded.evidence) else {
            return false;
        };
        let name = (recorded.key_group.clone(), recorded.member);
        if recorded.in_force {
            self.convicts.entry(name).or_insert(proof);
        }
        true
    }

    /// The operator lets a convict in again: sessions that begin from now on may choose it, where the engine does.
    pub fn pardon(&mut self, key_group: &KeyGroup, member: Member) {
        self.convicts.remove(&(key_group.clone(), member));
    }

    /// A proof goes to the log and to whoever watches, once.
    pub(crate) fn convicted(
        &mut self,
        session: &SessionId,
        member: Member,
        proof: Evidence,
    ) -> Vec<Output> {
        let Some(session) = self.sessions.get(session) else {
            return Vec::new();
        };
        let key_group = session.terms().public().key_group().clone();
        let name = (key_group.clone(), member);
        if self.convicts.contains_key(&name) {
            return Vec::new();
        }
        self.convicts.insert(name, proof.clone());
        let record = self.tell(Command::Convict(Convict {
            key_group,
            member,
            evidence: proof.hash(),
            proof: proof.to_frame(),
        }));
        vec![record, Output::Event(Event::Convicted(member, proof))]
    }

    /// Tells a session that has just begun who is convicted already.
    pub(crate) fn warn(&mut self, now: Now, name: &SessionId) -> Vec<SessionEffect> {
        let Some(session) = self.sessions.get_mut(name) else {
            return Vec::new();
        };
        let key_group = session.terms().public().key_group().clone();
        let known = self.convicts.iter();
        let known = known.filter(|((group, _), _)| *group == key_group);
        known
            .flat_map(|(_, proof)| session.warned(now.mono, proof.clone()))
            .collect()
    }
}
