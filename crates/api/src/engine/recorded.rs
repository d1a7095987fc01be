//! What goes over the engine's socket, as releases have sent it. Both ends are of one release (see [`VERSION`]), so
//! this is no promise to another: it shows that a change here is meant, and comes with another version.

use std::collections::BTreeMap;
use std::fmt::Debug;

use hardfrost_engine::Ticket;

use super::coded::{Bytes, Coded};
use super::message::{EngineIdentity, FromEngine, Greeting, ToEngine, Welcome, VERSION};
use super::specimens::{answers, asks, commands, replies};
use crate::recorded::{add, held_to, Specimen};

const FILE: &str = "engine-socket.txt";

/// A number each, where a name comes more than once.
#[derive(Default)]
struct Named(BTreeMap<String, u32>, Vec<Specimen>);

impl Named {
    fn push<T: Coded + PartialEq + Debug + 'static>(&mut self, kind: &str, name: &str, value: T) {
        // The variant's own name is what `Debug` begins with.
        let end = name.find(|c: char| !c.is_alphanumeric());
        let name = format!("{kind}/{}", &name[..end.unwrap_or(name.len())]);
        let number = self.0.entry(name.clone()).or_default();
        *number += 1;
        let name = format!("{name}/{number}");
        let bytes = value.to_bytes();
        let reads = move |bytes: &[u8]| Bytes::whole::<T>(bytes).as_ref() == Ok(&value);
        self.1.push(Specimen::new(name, bytes, reads));
    }
}

fn greetings(named: &mut Named) {
    let store = [7; 16];
    let generation = 12;
    let come = Welcome::Come(EngineIdentity { store, generation });
    named.push("greeting", "come", Greeting::new(come));
    named.push("greeting", "busy", Greeting::new(Welcome::Busy));
    named.push("to-engine", "hello", ToEngine::Hello(VERSION));
    named.push("from-engine", "whole", FromEngine::Whole(8));
    let why = "the engine was stopped".to_owned();
    named.push("from-engine", "farewell", FromEngine::Farewell(why));
}

fn specimens() -> Vec<Specimen> {
    let mut named = Named::default();
    greetings(&mut named);
    for ask in asks() {
        named.push("ask", &format!("{ask:?}"), ToEngine::Ask(8, ask));
    }
    for command in commands() {
        let name = format!("{command:?}");
        named.push(
            "command",
            &name,
            ToEngine::Batch(vec![(Ticket(5), command)]),
        );
    }
    for reply in replies() {
        let name = format!("{reply:?}");
        named.push(
            "reply",
            &name,
            FromEngine::Replies(vec![(Ticket(5), reply)]),
        );
    }
    for answer in answers() {
        let name = format!("{answer:?}");
        named.push("answer", &name, FromEngine::Part(8, answer));
    }
    named.1
}

#[test]
fn the_engines_socket_carries_what_was_recorded() {
    held_to(FILE, &specimens());
}

#[test]
#[ignore = "adds what is new to vectors/frames"]
fn add_to_what_is_recorded() {
    add(FILE, &specimens());
}
