//! One node: a seat, its engine, its log, and the loop that joins them. Whatever the seat asks of the engine in one
//! turn becomes durable with one append before anything that depends on it is sent.

use hardfrost_engine::{serve, Engine, MemoryLog};
use hardfrost_primitives::Now;
use hardfrost_seat::{Event, Input, Output, Seat};
use rand_core::OsRng;

use crate::cheat::{Saboteur, To};

/// A node of the demonstration. Its log lives as long as the process: nothing secret is written anywhere.
pub struct Node {
    pub seat: Seat,
    pub engine: Engine,
    pub log: MemoryLog,
    /// Tampers with what this node sends, where it plays a traitor.
    pub saboteur: Option<Saboteur>,
}

/// What one turn of a node produced.
#[derive(Default)]
pub struct Turn {
    /// To the other nodes.
    pub sends: Vec<(To, Vec<u8>)>,
    /// For whoever watches.
    pub events: Vec<Event>,
}

impl Node {
    /// Feeds the inputs to the seat, and the engine's replies back to it, until it asks nothing more.
    pub fn turn(&mut self, now: Now, mut inputs: Vec<Input>) -> Turn {
        let mut turn = Turn::default();
        self.saboteur_sees(&inputs);
        while !inputs.is_empty() {
            let mut commands = Vec::new();
            let seat = &mut self.seat;
            let outputs = inputs.into_iter().flat_map(|input| seat.handle(now, input));
            for output in outputs {
                match output {
                    Output::Send(bytes) => turn.sends.push((To::Everybody, bytes)),
                    Output::SendTo(peer, bytes) => {
                        turn.sends.push((To::One(usize::from(peer.0)), bytes));
                    }
                    Output::Engine(ticket, command) => commands.push((ticket, command)),
                    Output::Event(event) => turn.events.push(event),
                }
            }
            let replies = serve(&mut self.engine, &mut self.log, now, &mut OsRng, commands);
            inputs = replies
                .into_iter()
                .map(|(t, reply)| Input::Engine(t, reply))
                .collect();
        }
        self.tampered(turn)
    }

    fn saboteur_sees(&mut self, inputs: &[Input]) {
        let Some(saboteur) = &mut self.saboteur else {
            return;
        };
        for input in inputs {
            if let Input::Peer(bytes) = input {
                saboteur.sees(bytes.value());
            }
        }
    }

    fn tampered(&mut self, mut turn: Turn) -> Turn {
        if let Some(saboteur) = &mut self.saboteur {
            let roster = self.seat.roster();
            let sends = turn.sends.into_iter();
            turn.sends = sends
                .flat_map(|(to, bytes)| saboteur.tamper(to, bytes, roster))
                .collect();
        }
        turn
    }
}
