#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! One engine, many threads: nobody waits for another's sync or arithmetic, and a panic stays where it happened.

mod support;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use hardfrost_engine::{
    Command, EncodedRecord, Engine, Log, LogError, MemberCommitments, MemoryLog, Rejection, Reply,
    Shared, SigningPackage,
};
use hardfrost_primitives::Limits;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore};
use support::{at, member, Bench, Signing};

/// What a log does at an append.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Plain,
    /// It says that it has begun, and waits until it is told to go on.
    Waits,
    Panics,
}

/// A handle on a log that does as it is told.
#[derive(Clone)]
struct Told {
    log: Arc<Mutex<MemoryLog>>,
    manner: Arc<Mutex<Manner>>,
    begun: Sender<()>,
    go_on: Arc<Mutex<Receiver<()>>>,
}

impl Log for Told {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        let manner = *self.manner.lock().unwrap();
        assert!(manner != Manner::Panics, "a panic, on purpose");
        if manner == Manner::Waits {
            self.begun.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
        }
        self.log.lock().unwrap().append_durably(records)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.log.lock().unwrap().replay()
    }
}

/// An engine with all seats of a 2-of-2 group, and the other ends of its log.
struct Stage {
    shared: Shared<Told>,
    log: Told,
    begun: Mutex<Receiver<()>>,
    go_on: Sender<()>,
    signing: Signing,
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([46; 32])
}

impl Stage {
    fn new() -> Self {
        let bench = Bench::of(support::Group::seated(2, &[vec![1, 2]], Limits::default()));
        let signing = bench.signing.clone();
        let log = bench.group.nodes.into_iter().next().unwrap().log;
        let (begin, begun) = channel();
        let (go_on, told) = channel();
        let mut log = Told {
            log: Arc::new(Mutex::new(log)),
            manner: Arc::new(Mutex::new(Manner::Plain)),
            begun: begin,
            go_on: Arc::new(Mutex::new(told)),
        };
        Self {
            shared: Shared::new(recovered(&mut log), log.clone()),
            log,
            begun: Mutex::new(begun),
            go_on,
            signing,
        }
    }

    fn set(&self, manner: Manner) {
        *self.log.manner.lock().unwrap() = manner;
    }

    /// Waits until an append has begun.
    fn has_begun(&self) {
        self.begun.lock().unwrap().recv().unwrap();
    }

    fn call(&self, command: Command) -> Reply {
        self.shared.call(at(0), &mut rng(), command)
    }

    fn open(&self, number: u32) {
        for seat in [1, 2] {
            let reply = self.call(Command::Open(self.signing.open(number, seat)));
            assert!(matches!(reply, Reply::Opened(_)), "{reply:?}");
        }
    }

    fn package(&self, number: u32) -> SigningPackage {
        self.open(number);
        let drawn = [1, 2].map(|seat| {
            let reply = self.call(Command::Round1(self.signing.key(number, seat)));
            let Reply::Committed(drawn) = reply else {
                panic!("{reply:?}");
            };
            MemberCommitments {
                member: member(seat),
                hiding: drawn.hiding(),
                binding: drawn.binding(),
            }
        });
        self.signing.package(drawn.into())
    }

    fn round2(&self, number: u32, package: &SigningPackage) -> Reply {
        self.call(Command::Round2(self.signing.round2(number, 1, package)))
    }
}

fn recovered(log: &mut Told) -> Engine {
    Engine::recover(Limits::default(), [].into(), &log.replay().unwrap()).unwrap()
}

#[test]
fn nobody_waits_for_anothers_sync() {
    let stage = Stage::new();
    let package = stage.package(1);
    stage.set(Manner::Waits);
    let stage = &stage;
    thread::scope(|scope| {
        let signing = scope.spawn(|| stage.round2(1, &package));
        stage.has_begun();
        // The sync has begun and does not end before we say so. Whatever needs no record is answered meanwhile.
        let other = stage.package(2);
        assert_eq!(stage.shared.with(|engine| engine.status().under_way), 1);
        let again = stage.round2(1, &package);
        assert_eq!(again, Reply::Rejected(Rejection::ConsumedNonceReplay));
        assert!(!signing.is_finished());
        // A second one comes as far as the log while the first is still there.
        let second = scope.spawn(move || stage.round2(2, &other));
        stage.go_on.send(()).unwrap();
        stage.has_begun();
        stage.go_on.send(()).unwrap();
        for thread in [signing, second] {
            let reply = thread.join().unwrap();
            assert!(matches!(reply, Reply::Share(_)), "{reply:?}");
        }
    });
}

/// Randomness that says that it is asked, and comes when it is told to.
struct Slow<'a>(&'a Sender<()>, &'a Receiver<()>, ChaCha20Rng);

impl RngCore for Slow<'_> {
    fn next_u32(&mut self) -> u32 {
        self.2.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.2.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.send(()).unwrap();
        self.1.recv().unwrap();
        self.2.fill_bytes(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Slow<'_> {}

#[test]
fn nobody_waits_for_anothers_nonces_and_the_first_pair_stays() {
    let stage = Stage::new();
    stage.open(1);
    let (asked, is_asked) = channel();
    let (give, given) = channel();
    let round1 = Command::Round1(stage.signing.key(1, 1));
    thread::scope(|scope| {
        let (shared, slow) = (&stage.shared, round1.clone());
        let drawing = scope.spawn(move || {
            let mut rng = Slow(&asked, &given, ChaCha20Rng::from_seed([47; 32]));
            shared.call(at(0), &mut rng, slow)
        });
        is_asked.recv().unwrap();
        let first = stage.call(round1.clone());
        give.send(()).unwrap();
        assert_eq!(drawing.join().unwrap(), first);
        assert_eq!(stage.call(round1), first);
    });
}

/// Randomness that is none.
struct Broken;

impl RngCore for Broken {
    fn next_u32(&mut self) -> u32 {
        panic!("a panic, on purpose")
    }

    fn next_u64(&mut self) -> u64 {
        panic!("a panic, on purpose")
    }

    fn fill_bytes(&mut self, _: &mut [u8]) {
        panic!("a panic, on purpose")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), rand_core::Error> {
        panic!("a panic, on purpose")
    }
}

impl CryptoRng for Broken {}

#[test]
fn e46_a_panic_of_one_caller_is_its_own() {
    let stage = Stage::new();
    stage.open(1);
    let round1 = Command::Round1(stage.signing.key(1, 1));
    let broken = AssertUnwindSafe(|| stage.shared.call(at(0), &mut Broken, round1));
    assert!(catch_unwind(broken).is_err());
    // Even one under the lock poisons nothing.
    let inside = AssertUnwindSafe(|| stage.shared.with(|_| panic!("a panic, on purpose")));
    assert!(catch_unwind(inside).is_err());
    let package = stage.package(1);
    let reply = stage.round2(1, &package);
    assert!(matches!(reply, Reply::Share(_)), "{reply:?}");
    let status = stage.shared.with(|engine| engine.status());
    assert_eq!((status.faulted, status.under_way), (false, 0));
}

#[test]
fn e46_a_log_that_panics_is_a_log_that_does_not_know() {
    let stage = Stage::new();
    let (package, other) = (stage.package(1), stage.package(2));
    stage.set(Manner::Panics);
    let fault = Reply::Rejected(Rejection::StorageFault);
    assert_eq!(stage.round2(1, &package), fault);
    stage.set(Manner::Plain);
    assert_eq!(stage.round2(2, &other), fault, "until it is opened again");
    assert_eq!(stage.shared.with(|engine| engine.live_attempts()), 0);
    let mut log = stage.log.clone();
    let again = Stage {
        shared: Shared::new(recovered(&mut log), log),
        ..stage
    };
    let package = again.package(3);
    let reply = again.round2(3, &package);
    assert!(matches!(reply, Reply::Share(_)), "{reply:?}");
}
