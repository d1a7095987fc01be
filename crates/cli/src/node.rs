//! One node: a seat, its engine, its log, and the loop that joins them. Whatever the seat asks of the engine in one
//! turn becomes durable with one append before anything that depends on it is sent.

use std::sync::Arc;

use hardfrost_engine::{serve, Engine, MemoryLog};
use hardfrost_primitives::Now;
use hardfrost_seat::{Event, Input, Output, Seat};
use hardfrost_wire::{FromPeer, OperatorIndex};
use rand_core::OsRng;

use crate::cheat::Saboteur;

/// Who receives a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every other node.
    Everybody,
    /// The node at this place.
    One(usize),
}

/// What a node is to read next.
pub enum Mail {
    /// As the seat takes it.
    Input(Input),
    /// A frame from the peer at this place. All who are sent it share its bytes.
    Frame(OperatorIndex, Arc<[u8]>),
}

impl Mail {
    fn opened(self) -> Input {
        match self {
            Self::Input(input) => input,
            Self::Frame(peer, bytes) => Input::Peer(FromPeer::authenticated(peer, bytes.to_vec())),
        }
    }
}

/// A node of the demonstration.
pub struct Node {
    pub seat: Seat,
    pub engine: Engine,
    /// It lives as long as the process: nothing secret is written anywhere.
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
    pub fn turn(&mut self, now: Now, mail: Vec<Mail>) -> Turn {
        let mut turn = Turn::default();
        self.saboteur_sees(&mail);
        let mut inputs: Box<dyn Iterator<Item = Input>> =
            Box::new(mail.into_iter().map(Mail::opened));
        loop {
            let mut commands = Vec::new();
            let seat = &mut self.seat;
            let outputs = inputs.flat_map(|input| seat.handle(now, input));
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
            if commands.is_empty() {
                return self.tampered(turn);
            }
            let replies = serve(&mut self.engine, &mut self.log, now, &mut OsRng, commands);
            let replies = replies
                .into_iter()
                .map(|(t, reply)| Input::Engine(t, reply));
            inputs = Box::new(replies);
        }
    }

    fn saboteur_sees(&mut self, mail: &[Mail]) {
        let Some(saboteur) = &mut self.saboteur else {
            return;
        };
        for item in mail {
            if let Mail::Frame(_, bytes) = item {
                saboteur.sees(bytes);
            }
        }
    }

    fn tampered(&mut self, mut turn: Turn) -> Turn {
        let Some(saboteur) = &mut self.saboteur else {
            return turn;
        };
        let roster = self.seat.roster();
        let mut instead = saboteur.due(roster);
        for (to, bytes) in turn.sends {
            let places = match to {
                To::Everybody => 0..roster.operators().len(),
                To::One(place) => place..place + 1,
            };
            for place in places {
                let frames = saboteur.tamper(place, &bytes, roster).into_iter();
                instead.extend(frames.map(|frame| (place, frame)));
            }
        }
        let sends = instead.into_iter();
        turn.sends = sends.map(|(place, it)| (To::One(place), it)).collect();
        turn
    }
}
