//! An engine that holds both seats of a 2-of-2 key, and a log that counts.
#![allow(dead_code, reason = "not every test binary needs every part")]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use hardfrost_api::engine::EngineHandle;
use hardfrost_engine::{
    CeremonySeat, Command, DkgOpen, DkgSeal, EncodedRecord, Engine, Install, Log, LogError,
    MemoryLog, Reply, Ticket,
};
use hardfrost_frost::dkg::Seat;
use hardfrost_primitives::{Hash32, Limits, Member, Monotonic, Now, UnixTime};
use tokio::sync::mpsc::UnboundedReceiver;

pub type Inbox = UnboundedReceiver<(Ticket, Reply)>;

const CEREMONY: Hash32 = Hash32([0xce; 32]);
const TRANSCRIPT: Hash32 = Hash32([0x7a; 32]);

/// Counts its appends.
#[derive(Clone, Default)]
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub fn appends(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Log for Counted {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        MemoryLog::default().append_durably(records)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        Err(LogError::Unknown)
    }
}

pub fn engine() -> Engine {
    Engine::recover(Limits::default(), [].into(), &[]).unwrap()
}

pub fn clock() -> Now {
    Now {
        mono: Monotonic::after_start(Duration::from_secs(10)),
        utc: UnixTime(1_750_000_000),
    }
}

/// Runs a question.
pub fn wait<T>(question: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(question)
}

pub fn deal(member: Member) -> Command {
    Command::DkgDeal(Seat {
        ceremony: CEREMONY,
        member,
        threshold: 2,
        count: 2,
    })
}

fn at(member: Member) -> CeremonySeat {
    CeremonySeat {
        ceremony: CEREMONY,
        member,
    }
}

/// Both members' commands as one batch, under these tickets, and what came back under them.
fn both(
    engine: &EngineHandle,
    inbox: &mut Inbox,
    command: impl FnMut(Member) -> Command,
) -> BTreeMap<Member, Reply> {
    let commands = Member::all(2).map(command);
    engine
        .ask((7..).map(Ticket).zip(commands).collect())
        .unwrap();
    let mut next = |ticket| {
        let (answered, reply) = inbox.blocking_recv().unwrap();
        assert_eq!(answered, Ticket(ticket));
        reply
    };
    let replies = [next(7), next(8)];
    Member::all(2).zip(replies).collect()
}

/// Makes the key, a batch for each step.
pub fn make_key(engine: &EngineHandle, inbox: &mut Inbox) {
    let dealt = both(engine, inbox, deal);
    let others = |of: Member| {
        let others = dealt.iter().filter(move |(member, _)| **member != of);
        let others = others.map(|(member, reply)| {
            let Reply::DkgDealt(shown) = reply else {
                panic!("{reply:?}");
            };
            (*member, shown.clone())
        });
        others.collect()
    };
    let sealed = both(engine, inbox, |member| {
        Command::DkgSeal(DkgSeal {
            seat: at(member),
            transcript: TRANSCRIPT,
            others: others(member),
        })
    });
    let to = |whom: Member| {
        let from = sealed.iter().filter(move |(member, _)| **member != whom);
        let from = from.map(|(member, reply)| {
            let Reply::DkgSealed(sealed) = reply else {
                panic!("{reply:?}");
            };
            (*member, sealed[&whom])
        });
        from.collect()
    };
    let opened = both(engine, inbox, |member| {
        Command::DkgOpen(DkgOpen {
            seat: at(member),
            sealed: to(member),
            transcript: TRANSCRIPT,
        })
    });
    assert!(
        opened
            .values()
            .all(|reply| matches!(reply, Reply::DkgPending(_))),
        "{opened:?}"
    );
    let installed = both(engine, inbox, |member| {
        Command::Install(Install {
            seat: at(member),
            certificate: Hash32([0xce; 32]),
            file: b"certificate".to_vec(),
        })
    });
    assert!(
        installed
            .values()
            .all(|reply| matches!(reply, Reply::Installed(_))),
        "{installed:?}"
    );
}
