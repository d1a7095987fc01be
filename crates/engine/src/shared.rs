//! One engine for many threads. Its lock is held while it decides, and while it settles what was decided; never over
//! the log, the source of randomness, a package's check, a nonce, a share or a sum. So callers share the log's sync,
//! and nobody waits for another's arithmetic.

#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard, PoisonError};

use hardfrost_primitives::Now;
use rand_core::{CryptoRng, RngCore};
#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(test)]
use std::sync::PoisonError;

use crate::command::{refusal, step, Command, Pending, Released, Reply, Step};
use crate::engine::Engine;
use crate::keygen::DkgError;
use crate::log::Log;
use crate::rejection::Rejection;
use crate::round1::Round1Begun;
use crate::staged::Staged;

/// An engine and its log, to be called from any thread. A clone of the log must be another handle on the same log.
pub struct Shared<L> {
    engine: Mutex<Engine>,
    /// Held from the decision to the end by what overrides an earlier word. Signing does not wait for it.
    order: Mutex<()>,
    log: L,
}

impl<L: Log + Clone> Shared<L> {
    /// Takes the engine in; it must have been recovered from this log.
    pub fn new(engine: Engine, log: L) -> Self {
        Self {
            engine: Mutex::new(engine),
            order: Mutex::new(()),
            log,
        }
    }

    /// Asks, and waits until the answer is durable where it must be. What was asked and how it ended is counted.
    pub fn call(&self, now: Now, rng: &mut (impl RngCore + CryptoRng), command: Command) -> Reply {
        let operation = command.operation();
        // Of these the last one counts: they are applied in the order in which they stand in the log.
        let overrides = matches!(
            command,
            Command::Approve(_)
                | Command::Quarantine(_)
                | Command::Unquarantine(_)
                | Command::Convict(_)
                | Command::InstallPolicy(_)
        );
        let lock = || self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let ordered = overrides.then(lock);
        let reply = match self.decide(now, rng, command) {
            Ok(Step::Done(reply)) => reply,
            Ok(Step::Staged(staged)) => self.settle(staged),
            Err(DkgError::Rejected(rejection)) => Reply::Rejected(rejection),
            Err(DkgError::Fault(fault)) => Reply::DkgFailed(fault),
        };
        drop(ordered);
        self.with(|engine| engine.count(operation, &reply));
        reply
    }

    /// Looks at the engine, or asks it something that needs no record. Others wait meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&mut Engine) -> T) -> T {
        look(&mut self.lock())
    }

    /// A panic in here is a bug of ours, and leaves the engine in order all the same: nonces are moved, so what it
    /// interrupts destroys them; a decision that is dropped counts as spent; a gate that was closing stays closed.
    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(
        &self,
        now: Now,
        rng: &mut (impl RngCore + CryptoRng),
        command: Command,
    ) -> Result<Step, DkgError> {
        Ok(match command {
            Command::Round1(key) => {
                let begun = self.lock().round1_begin(now, &key)?;
                let commitments = match begun {
                    Round1Begun::Drawn(commitments) => commitments,
                    Round1Begun::Draw(job) => {
                        let drawn = job.run(rng)?;
                        self.lock().round1_end(now, drawn)?
                    }
                };
                Step::Done(Reply::Committed(commitments))
            }
            Command::Round2(request) => {
                let job = self.lock().round2_begin(now, request)?;
                let judged = job.run()?;
                let staged = self.lock().round2_end(now, judged)?;
                Step::Staged(staged.map(|share| Pending::Share(Box::new(share))))
            }
            Command::Aggregate(request) => {
                let job = self.lock().aggregate(request)?;
                let done = job.run()?;
                let staged = self.lock().complete(done)?;
                Step::Staged(staged.map(Pending::Completion))
            }
            Command::VerifyShare(question) => {
                let job = self.lock().verify_share_begin(&question);
                Step::Done(Reply::Verdict(job.run()))
            }
            Command::Approve(request) => {
                let job = self.lock().approve_begin(request)?;
                let explained = job.run()?;
                let staged = self.lock().approve_end(now, explained)?;
                Step::Staged(staged.map(Pending::Approval))
            }
            other @ (Command::DkgDeal(_)
            | Command::DkgSeal(_)
            | Command::DkgOpen(_)
            | Command::Install(_)
            | Command::DkgAbort(_)
            | Command::DeriveContext(_)
            | Command::Open(_)
            | Command::Abort(_)
            | Command::EmergencyRekey(_)
            | Command::FinalizeSession(_)
            | Command::Quarantine(_)
            | Command::Unquarantine(_)
            | Command::Convict(_)
            | Command::InstallPolicy(_)) => self.decide_key_or_short(now, rng, other)?,
        })
    }

    /// The steps of a key generation, and what takes no time.
    fn decide_key_or_short(
        &self,
        now: Now,
        rng: &mut (impl RngCore + CryptoRng),
        command: Command,
    ) -> Result<Step, DkgError> {
        Ok(match command {
            Command::DkgDeal(seat) => {
                let job = self.lock().dkg_deal_begin(seat)?;
                let dealt = job.run(rng)?;
                Step::Done(Reply::DkgDealt(self.lock().dkg_deal_end(dealt)?))
            }
            Command::DkgSeal(request) => {
                let job = self.lock().dkg_seal_begin(request)?;
                let done = job.run();
                Step::Done(Reply::DkgSealed(self.lock().dkg_seal_end(done)?))
            }
            Command::DkgOpen(request) => {
                let job = self.lock().dkg_open_begin(request)?;
                let done = job.run();
                let staged = self.lock().dkg_open_end(done)?;
                Step::Staged(staged.map(Pending::Key))
            }
            other @ (Command::Round1(_)
            | Command::Round2(_)
            | Command::Aggregate(_)
            | Command::VerifyShare(_)
            | Command::Approve(_)
            | Command::Install(_)
            | Command::DkgAbort(_)
            | Command::DeriveContext(_)
            | Command::Open(_)
            | Command::Abort(_)
            | Command::EmergencyRekey(_)
            | Command::FinalizeSession(_)
            | Command::Quarantine(_)
            | Command::Unquarantine(_)
            | Command::Convict(_)
            | Command::InstallPolicy(_)) => step(&mut self.lock(), now, rng, other)?,
        })
    }

    fn settle(&self, staged: Staged<Pending>) -> Reply {
        let reply = match Staged::commit_all(vec![staged], &mut self.log.clone()) {
            Ok(committed) => {
                let settle = |done| {
                    let released = self.lock().settle(done);
                    released.and_then(Released::reply)
                };
                // One went in, one comes out.
                let mut settled = committed.into_iter().map(settle);
                settled.next().unwrap_or(Err(Rejection::Internal))
            }
            Err(not) => {
                let reply = refusal(&not);
                self.lock().unsettle(not);
                Ok(reply)
            }
        };
        reply.unwrap_or_else(Reply::Rejected)
    }
}

// Built for these tests, the lock is shuttle's: it runs the threads one at a time, in another order each time.
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hardfrost_primitives::Limits;
    use rand_chacha::rand_core::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use shuttle::thread;

    use super::*;
    use crate::support::{at, member, reason, Bench};
    use crate::{
        Abort, EmergencyRekey, EncodedRecord, LogError, MemberCommitments, MemoryLog, Quarantine,
        Round2, Unquarantine,
    };

    /// All handles on one log, which other threads get ahead of at every append.
    #[derive(Clone)]
    struct Handle(Arc<Mutex<MemoryLog>>);

    impl Log for Handle {
        fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
            thread::yield_now();
            let done = self.0.lock().unwrap().append_durably(records);
            thread::yield_now();
            done
        }

        fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
            self.0.lock().unwrap().replay()
        }
    }

    fn rng(seed: u8) -> ChaCha20Rng {
        ChaCha20Rng::from_seed([seed; 32])
    }

    /// A 2-of-2 key with one approved message, made once: its log, and the requests that a race is about.
    struct Race {
        records: Vec<EncodedRecord>,
        bench: Bench,
    }

    impl Race {
        fn new() -> Self {
            let mut bench = Bench::new(2, 2);
            let records = bench.node(1).log.replay().unwrap();
            Self { records, bench }
        }

        fn engine(&self) -> Shared<Handle> {
            let mut log = MemoryLog::default();
            log.append_durably(&self.records).unwrap();
            let engine = Engine::recover(Limits::default(), [].into(), &self.records).unwrap();
            Shared::new(engine, Handle(Arc::new(Mutex::new(log))))
        }

        fn committed(&self) -> (Shared<Handle>, Round2) {
            let shared = self.engine();
            let signing = &self.bench.signing;
            let open = Command::Open(signing.open(1, 1));
            assert!(matches!(
                shared.call(at(0), &mut rng(1), open),
                Reply::Opened(_)
            ));
            let reply = shared.call(at(0), &mut rng(1), Command::Round1(signing.key(1, 1)));
            let Reply::Committed(own) = reply else {
                panic!("{reply:?}");
            };
            let own = MemberCommitments {
                member: member(1),
                hiding: own.hiding(),
                binding: own.binding(),
            };
            let other = MemberCommitments {
                member: member(2),
                ..own
            };
            let package = signing.package(vec![own, other]);
            (shared, signing.round2(1, 1, &package))
        }

        fn kill(&self) -> Command {
            Command::EmergencyRekey(EmergencyRekey {
                key_group: self.bench.signing.public.key_group().clone(),
                session: None,
                reason: reason("a laptop was stolen"),
            })
        }
    }

    /// Runs it often, each time with another order of its threads.
    fn in_many_orders(run: impl Fn() + Send + Sync + 'static) {
        let mut config = shuttle::Config::new();
        // The stack that is wiped after a computation alone is larger than what it gives a thread.
        config.stack_size = 1 << 20;
        let scheduler = shuttle::scheduler::RandomScheduler::new(300);
        shuttle::Runner::new(scheduler, config).run(run);
    }

    /// What every thread was told, in the order in which they were started.
    fn at_once(shared: &Arc<Shared<Handle>>, commands: Vec<Command>) -> Vec<Reply> {
        let ask = |(seed, command)| {
            let shared = Arc::clone(shared);
            thread::spawn(move || shared.call(at(0), &mut rng(seed), command))
        };
        let threads: Vec<_> = (10..).zip(commands).map(ask).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    }

    fn shares(replies: &[Reply]) -> usize {
        let shares = replies
            .iter()
            .filter(|reply| matches!(reply, Reply::Share(_)));
        shares.count()
    }

    /// Markers in the log, which must be as many as shares, or more where a share was stopped after its record.
    fn markers(shared: &Shared<Handle>) -> usize {
        let records = shared.log.clone().replay().unwrap();
        records.iter().filter(|record| record.kind() == 4).count()
    }

    /// Nothing is under way for ever, and what the log says makes the same engine.
    fn in_order(shared: &Shared<Handle>) {
        let mut records = shared.log.clone();
        let again = Engine::recover(Limits::default(), [].into(), &records.replay().unwrap());
        let again = again.unwrap();
        let said = shared.with(|engine| engine.operator_words());
        assert_eq!(said, again.operator_words());
        let (here, there) = (shared.with(|e| e.status()), again.status());
        assert_eq!((here.under_way, here.faulted), (0, false));
        assert_eq!(here.records, there.records);
    }

    #[test]
    fn e02_one_pair_makes_one_share_in_whichever_order_threads_run() {
        let race = Arc::new(Race::new());
        in_many_orders(move || {
            let (shared, request) = race.committed();
            let shared = Arc::new(shared);
            let round2 = || Command::Round2(request.clone());
            let abort = Command::Abort(Abort {
                key_group: request.key.key_group.clone(),
                session: request.key.session.clone(),
                attempt: Some(request.key.attempt),
                member: None,
            });
            let replies = at_once(&shared, vec![round2(), abort, round2(), round2()]);
            let late = at_once(&shared, vec![round2()]);
            let all = [replies, late].concat();
            assert!(shares(&all) <= 1, "{all:?}");
            assert_eq!(markers(&shared), shares(&all), "{all:?}");
            in_order(&shared);
        });
    }

    #[test]
    fn e26_nothing_is_signed_after_the_kill_switch_in_whichever_order_threads_run() {
        let race = Arc::new(Race::new());
        in_many_orders(move || {
            let (shared, request) = race.committed();
            let shared = Arc::new(shared);
            let round2 = || Command::Round2(request.clone());
            let replies = at_once(&shared, vec![round2(), race.kill(), round2()]);
            assert!(shares(&replies) <= 1 && markers(&shared) <= 1);
            assert_eq!(shares(&at_once(&shared, vec![round2()])), 0);
            assert_eq!(shared.with(|engine| engine.live_attempts()), 0);
            in_order(&shared);
        });
    }

    #[test]
    fn the_last_word_in_the_log_is_the_one_that_counts_in_whichever_order_threads_run() {
        let race = Arc::new(Race::new());
        in_many_orders(move || {
            let shared = Arc::new(race.engine());
            let key_group = race.bench.signing.public.key_group();
            let keep_out = Command::Quarantine(Quarantine {
                key_group: key_group.clone(),
                member: member(2),
                reason: reason("strange"),
            });
            let pardon = Command::Unquarantine(Unquarantine {
                key_group: key_group.clone(),
                member: member(2),
            });
            at_once(&shared, vec![keep_out.clone()]);
            at_once(&shared, vec![pardon, keep_out]);
            in_order(&shared);
        });
    }

    #[test]
    fn e01_two_round1_calls_show_one_pair_in_whichever_order_threads_run() {
        let race = Arc::new(Race::new());
        in_many_orders(move || {
            let shared = Arc::new(race.engine());
            let signing = &race.bench.signing;
            let open = || Command::Open(signing.open(1, 1));
            let round1 = || Command::Round1(signing.key(1, 1));
            at_once(&shared, vec![open(), open()]);
            let replies = at_once(&shared, vec![round1(), round1(), round1()]);
            let first = replies.first().unwrap();
            assert!(matches!(first, Reply::Committed(_)), "{first:?}");
            assert!(replies.iter().all(|reply| reply == first), "{replies:?}");
            assert_eq!(shared.with(|engine| engine.live_attempts()), 1);
        });
    }
}
