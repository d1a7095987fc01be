//! Processes that die, and come back with what their logs hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_dkg::Descriptor;
use hardfrost_engine::{Engine, Log};
use hardfrost_primitives::{Hash32, Limits, Member};
use hardfrost_seat::{Request, ResumeError, Seat, SeatTerms};
use hardfrost_wire::{Incarnation, OperatorIndex, OperatorKey, Roster};

use super::World;

/// An operator's key in a later process: the same, but whatever is signed again has other bytes.
fn again(member: Member) -> OperatorKey {
    OperatorKey::new(&Hash32::of(&member.to_be_bytes()).0, [1; 32]).unwrap()
}

impl World {
    /// All engines and seats are gone; new ones are made from the logs. What was under way is lost.
    pub fn restart(&mut self) {
        self.lose_letters();
        for host in &mut self.hosts {
            let records = host.log.replay().unwrap();
            host.engine = Engine::recover(Limits::default(), BTreeSet::new(), &records).unwrap();
        }
        for index in 0..self.nodes.len() {
            let roster = Arc::clone(&self.roster);
            let (seat, resumed) = self.resumed(index, roster);
            assert_eq!(resumed, vec![Ok(())]);
            self.nodes[index].seat = seat;
        }
    }

    /// One operator's engine and seats are gone, and come back with what the log holds: keys, and the key generations
    /// of these terms where they were pending.
    pub fn reboot(&mut self, operator: OperatorIndex, known: &[&Descriptor]) {
        let host = &mut self.hosts[usize::from(operator.0)];
        let records = host.log.replay().unwrap();
        host.engine = Engine::recover(Limits::default(), BTreeSet::new(), &records).unwrap();
        let ours = |world: &Self, index: &usize| world.nodes[*index].host == operator;
        let all = 0..self.nodes.len();
        let all: Vec<usize> = all.filter(|index| ours(self, index)).collect();
        for index in &all {
            let (seat, _) = self.resumed(*index, Arc::clone(&self.roster));
            self.nodes[*index].seat = seat;
        }
        for share in self.hosts[usize::from(operator.0)].engine.uncertified() {
            let of = |index: &&usize| self.nodes[**index].seat.member() == share.member;
            let index = *all.iter().find(of).unwrap();
            let mut known = known.iter();
            let terms = known.find(|terms| terms.id() == share.ceremony).unwrap();
            self.ask(index, &Request::ResumeKey((*terms).clone(), share));
        }
    }

    /// A new seat in the place of a node's, with the keys that its engine holds.
    pub fn resumed(
        &self,
        index: usize,
        roster: Arc<Roster>,
    ) -> (Seat, Vec<Result<(), ResumeError>>) {
        let node = &self.nodes[index];
        let member = node.seat.member();
        let operator = self.roster.operator_of(member).unwrap();
        let first = self.roster.operators()[usize::from(operator.0)]
            .seats
            .first();
        let mut seat = Seat::new(SeatTerms {
            member,
            key: again(*first.unwrap()),
            incarnation: Incarnation([10; 16]),
            roster,
        });
        let engine = &self.hosts[usize::from(node.host.0)].engine;
        let held = engine.held_keys();
        let resumed = held
            .iter()
            .map(|held| seat.resume(self.now, held))
            .collect();
        let convictions = engine.convictions();
        for conviction in &convictions {
            assert!(seat.resume_conviction(conviction));
        }
        (seat, resumed)
    }
}
