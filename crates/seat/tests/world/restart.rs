//! Processes that die, and come back with what their logs hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use hardfrost_engine::{Engine, Log};
use hardfrost_primitives::Limits;
use hardfrost_seat::{ResumeError, Seat, SeatTerms};
use hardfrost_wire::{Incarnation, Roster};

use super::{key, World};

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
            key: key(*first.unwrap()),
            incarnation: Incarnation([10; 16]),
            roster,
        });
        let engine = &self.hosts[usize::from(node.host.0)].engine;
        let held = engine.held_keys();
        let resumed = held.iter().map(|held| seat.resume(held)).collect();
        let convictions = engine.convictions();
        for conviction in &convictions {
            assert!(seat.resume_conviction(conviction));
        }
        (seat, resumed)
    }
}
