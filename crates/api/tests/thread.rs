#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! An engine in a thread: batches, their order, their syncs, and its end.

mod support;

use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Duration;

use hardfrost_api::engine::{EngineGone, EngineThread};
use hardfrost_engine::{
    Command, EmergencyRekey, EncodedRecord, FinalizeSession, Log, LogError, MemoryLog, Quarantine,
    Reason, Rejection, Reply, Ticket,
};
use hardfrost_primitives::{KeyGroup, Member, SessionId};
use support::{clock, deal, engine, make_key, wait, Counted};
use tokio::sync::mpsc::unbounded_channel;

#[test]
fn a_batch_is_one_sync_and_its_replies_keep_its_order() {
    let log = Counted::default();
    let thread = EngineThread::start(engine(), log.clone(), clock).unwrap();
    let (replies, mut inbox) = unbounded_channel();
    let handle = thread.handle(replies);
    make_key(&handle, &mut inbox);
    // Two shares became pending with one append, and were installed with one.
    assert_eq!(log.appends(), 2);
    let held = wait(handle.held_keys()).unwrap();
    assert_eq!(held[0].seats.len(), 2);
    // What needs a record is answered after what needs none; who asked sees the order of its commands.
    let group = held[0].public.key_group();
    let quarantine = |number| quarantine(group, number);
    let unknown = |member| {
        Command::FinalizeSession(FinalizeSession {
            key_group: group.clone(),
            session: SessionId::new(member).unwrap(),
        })
    };
    let batch = [quarantine(1), unknown("a"), quarantine(2), unknown("b")];
    handle.ask((1..).map(Ticket).zip(batch).collect()).unwrap();
    for (ticket, is_changed) in [(1, true), (2, false), (3, true), (4, false)] {
        let (answered, reply) = inbox.blocking_recv().unwrap();
        assert_eq!(answered, Ticket(ticket));
        assert_eq!(matches!(reply, Reply::Changed(_)), is_changed, "{reply:?}");
    }
    assert_eq!(log.appends(), 3);
}

fn quarantine(group: &KeyGroup, number: u16) -> Command {
    Command::Quarantine(Quarantine {
        key_group: group.clone(),
        member: Member::new(number).unwrap(),
        reason: Reason::new("a laptop was stolen").unwrap(),
    })
}

fn kill(group: &KeyGroup, session: &str) -> Command {
    Command::EmergencyRekey(EmergencyRekey {
        key_group: group.clone(),
        session: Some(SessionId::new(session).unwrap()),
        reason: Reason::new("a laptop was stolen").unwrap(),
    })
}

/// Says when it is asked to append, and waits until it is let.
struct Gated {
    at: Sender<usize>,
    go: Receiver<()>,
}

impl Log for Gated {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        self.at.send(records.len()).unwrap();
        self.go.recv().map_err(|_| LogError::NotWritten)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        Err(LogError::Unknown)
    }
}

#[test]
fn what_waits_while_the_disk_is_slow_shares_the_next_sync() {
    let (at, reached) = channel();
    let (let_go, go) = channel();
    let thread = EngineThread::start(engine(), Gated { at, go }, clock).unwrap();
    let (replies, mut inbox) = unbounded_channel();
    let handle = thread.handle(replies);
    // For the key: two appends.
    let_go.send(()).unwrap();
    let_go.send(()).unwrap();
    make_key(&handle, &mut inbox);
    assert_eq!([reached.recv(), reached.recv()], [Ok(2), Ok(2)]);
    let held = wait(handle.held_keys()).unwrap();
    let group = held[0].public.key_group();
    let (others, mut other_inbox) = unbounded_channel();
    let other = thread.handle(others);
    handle.ask(vec![(Ticket(1), kill(group, "a"))]).unwrap();
    assert_eq!(reached.recv(), Ok(1));
    // The disk is busy: three batches of two askers queue up.
    other.ask(vec![(Ticket(1), kill(group, "b"))]).unwrap();
    handle.ask(vec![(Ticket(2), quarantine(group, 2))]).unwrap();
    other.ask(vec![(Ticket(2), quarantine(group, 1))]).unwrap();
    let_go.send(()).unwrap();
    assert_eq!(reached.recv(), Ok(3));
    let_go.send(()).unwrap();
    for inbox in [&mut inbox, &mut other_inbox] {
        let answered = [inbox.blocking_recv(), inbox.blocking_recv()];
        assert_eq!(answered.map(|said| said.unwrap().0), [Ticket(1), Ticket(2)]);
    }
}

#[test]
fn what_was_asked_before_the_end_is_answered_and_then_everybody_is_told() {
    let thread = EngineThread::start(engine(), Counted::default(), clock).unwrap();
    let (replies, mut inbox) = unbounded_channel();
    let handle = thread.handle(replies);
    assert_eq!(handle.gone(), None);
    let one = Member::FIRST;
    handle.ask(vec![(Ticket(3), deal(one))]).unwrap();
    thread.stop().unwrap();
    let (ticket, reply) = inbox.blocking_recv().unwrap();
    assert_eq!(ticket, Ticket(3));
    assert!(matches!(reply, Reply::DkgDealt(_)), "{reply:?}");
    assert_eq!(inbox.blocking_recv(), None);
    assert_eq!(handle.gone(), Some(EngineGone::Stopped));
    assert_eq!(
        handle.ask(vec![(Ticket(4), deal(one))]),
        Err(EngineGone::Stopped)
    );
    assert_eq!(wait(handle.status()), Err(EngineGone::Stopped));
    let since = Duration::from_secs(1);
    assert_eq!(wait(handle.left_behind(since)), Err(EngineGone::Stopped));
}

#[test]
fn a_thread_that_breaks_is_told_once() {
    // A bug of ours, somewhere under an engine.
    let broken = || panic!("a bug");
    let thread = EngineThread::start(engine(), Counted::default(), broken).unwrap();
    let (replies, mut inbox) = unbounded_channel();
    let handle = thread.handle(replies);
    handle.ask(vec![(Ticket(1), deal(Member::FIRST))]).unwrap();
    assert_eq!(inbox.blocking_recv(), None);
    assert_eq!(handle.gone(), Some(EngineGone::Broke));
    assert_eq!(wait(handle.held_keys()), Err(EngineGone::Broke));
    assert_eq!(thread.stop(), Err(EngineGone::Broke));
}

/// A disk that takes so many appends, and then fails in the middle of one.
struct Failing(usize, MemoryLog);

impl Log for Failing {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        self.0 = self.0.checked_sub(1).ok_or(LogError::Unknown)?;
        self.1.append_durably(records)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.1.replay()
    }
}

#[test]
fn e04_an_engine_whose_disk_failed_says_so_and_ends() {
    let log = Failing(2, MemoryLog::default());
    let thread = EngineThread::start(engine(), log, clock).unwrap();
    let (replies, mut inbox) = unbounded_channel();
    let handle = thread.handle(replies);
    make_key(&handle, &mut inbox);
    let held = wait(handle.held_keys()).unwrap();
    let order = quarantine(held[0].public.key_group(), 1);
    handle.ask(vec![(Ticket(1), order)]).unwrap();
    let (_, reply) = inbox.blocking_recv().unwrap();
    assert_eq!(reply, Reply::Rejected(Rejection::StorageFault));
    assert_eq!(inbox.blocking_recv(), None);
    assert_eq!(handle.gone(), Some(EngineGone::Faulted));
    assert_eq!(thread.stop(), Err(EngineGone::Faulted));
}
