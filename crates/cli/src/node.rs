//! One node: a seat, its engine, its log, and the loop that joins them. Whatever the seat asks of the engine in one
//! turn becomes durable with one append before anything that depends on it is sent.

use std::sync::Arc;

use hardfrost_engine::{serve, EncodedRecord, Engine, Log, LogError, MemoryLog};
use hardfrost_primitives::Now;
use hardfrost_seat::{Event, Input, Output, Seat};
use hardfrost_store::{Store, StoreError, Writer};
use hardfrost_wire::{FromPeer, OperatorIndex};
use rand_core::OsRng;

use crate::cheat::{Saboteur, To};

/// A node's log.
pub enum NodeLog {
    /// It lives as long as the process: nothing secret is written anywhere.
    Memory(MemoryLog),
    /// It is kept.
    Kept(Store, Writer),
}

impl NodeLog {
    /// The log in an open store.
    pub fn kept(store: Store) -> Self {
        let writer = store.writer();
        Self::Kept(store, writer)
    }

    /// Whether it outlives the process.
    pub fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(..))
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// The store's last write failed; what was acknowledged is there all the same.
    pub fn close(self) -> Result<(), StoreError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Kept(store, _) => store.close(),
        }
    }
}

impl Log for NodeLog {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        match self {
            Self::Memory(log) => log.append_durably(records),
            Self::Kept(_, writer) => writer.append_durably(records),
        }
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        match self {
            Self::Memory(log) => log.replay(),
            Self::Kept(_, writer) => writer.replay(),
        }
    }
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
    pub log: NodeLog,
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
