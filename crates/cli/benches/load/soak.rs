//! Signings for a long time, while processes are killed and paused at random, and nobody does anything by hand.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use hardfrost_api::local::{Client, SessionView};
use rand_core::{OsRng, RngCore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::federation::coins::{GroupKey, Spend};
use crate::federation::{approve, Federation, Site};
use crate::load::judge;

const THRESHOLD: u16 = 3;
const MEMBERS: usize = 5;
const AT_ONCE: usize = 8;
/// A node that is paused answers nothing.
const PATIENCE: Duration = Duration::from_secs(3);
/// Something happens to a process so often, and with every few signatures.
const QUIET_MAX: Duration = Duration::from_millis(500);
/// A signing that lasts longer is one that somebody would have to look at.
const SIGNING_MAX: Duration = Duration::from_secs(180);
/// What a node may occupy, and for each signing that it may still remember.
const MEMORY_MAX: u64 = 96 << 20;
const MEMORY_PER_SIGNING_MAX: u64 = 64 << 10;

/// Signings while processes are killed and paused at random
#[derive(Args)]
pub struct Soak {
    /// How long
    #[arg(default_value_t = 10)]
    minutes: u64,
}

/// A transaction, the signatures that nodes have of it, and how long it took to the first.
struct Signed {
    spend: Arc<Spend>,
    signatures: BTreeSet<String>,
    took: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Runs,
    Paused,
    Down,
}

struct Chaos {
    federation: Federation,
    states: [State; MEMBERS],
    kills: u64,
    pauses: u64,
    all_at_once: u64,
    memory_max: u64,
}

pub fn run(soak: &Soak) {
    let mut chaos = Chaos {
        federation: Federation::start(THRESHOLD, MEMBERS, Site::Loopback),
        states: [State::Runs; MEMBERS],
        kills: 0,
        pauses: 0,
        all_at_once: 0,
        memory_max: 0,
    };
    let all: Vec<usize> = (0..MEMBERS).collect();
    let clients = all
        .iter()
        .map(|n| chaos.federation.client(*n).clone())
        .collect();
    let key = Arc::clone(chaos.federation.key());
    let over = Arc::new(AtomicBool::new(false));
    let (to, signed) = channel();
    let told = Arc::clone(&over);
    let signing = thread::spawn(move || sign_on(clients, &key, &to, &told));
    let tally = chaos.rage(&signed, Duration::from_secs(60 * soak.minutes));
    // Nothing by hand: what is down is started, what is paused goes on.
    all.iter().for_each(|number| chaos.mend(*number));
    over.store(true, Ordering::Relaxed);
    let mut tally = signed.into_iter().fold(tally, Tally::and);
    signing.join().unwrap();
    let began = Instant::now();
    let spend = Arc::new(chaos.federation.key().spend(0));
    tally = tally.and(Signed {
        signatures: chaos.federation.sign_each(&all, &spend),
        spend,
        took: began.elapsed(),
    });
    chaos.look_at_memory(tally.signed);
    chaos.federation.kill_all();
    let records: Vec<u64> = all
        .iter()
        .map(|n| chaos.federation.check_store(*n))
        .collect();
    println!(
        "{} minutes: {} signed and judged by consensus, {} nonces, none twice; {} kills, of these \
         {} times all at once; {} pauses; longest signing {:.1} s; memory at most {} KiB; all \
         stores sound, with {records:?} records",
        soak.minutes,
        tally.signed,
        tally.nonces.len(),
        chaos.kills,
        chaos.all_at_once,
        chaos.pauses,
        tally.longest.as_secs_f64(),
        chaos.memory_max / 1024
    );
}

#[derive(Default)]
struct Tally {
    signed: u64,
    nonces: BTreeSet<String>,
    longest: Duration,
}

impl Tally {
    fn and(mut self, signed: Signed) -> Self {
        self.signed += 1;
        self.longest = self.longest.max(signed.took);
        for signature in signed.signatures {
            judge(&signed.spend, &signature);
            // The first half is the nonce.
            let new = self.nonces.insert(signature[..64].to_owned());
            assert!(new, "a nonce again");
        }
        self
    }
}

impl Chaos {
    /// Something happens to a process with every few signatures, and when there are none for a while.
    fn rage(&mut self, signed: &Receiver<Signed>, during: Duration) -> Tally {
        let (began, mut told) = (Instant::now(), Instant::now());
        let mut tally = Tally::default();
        while began.elapsed() < during {
            match signed.recv_timeout(QUIET_MAX) {
                Ok(one) => tally = tally.and(one),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("the signings stopped"),
            }
            // Whoever watches over the processes starts what is down, a moment later.
            (0..MEMBERS).for_each(|number| self.may_mend(number));
            if random(4) == 0 {
                self.strike(random(MEMBERS));
            }
            if told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                self.look_at_memory(tally.signed);
                let (signed, kills, pauses) = (tally.signed, self.kills, self.pauses);
                let memory = self.memory_max / 1024;
                eprintln!("{signed} signed, {kills} kills, {pauses} pauses, at most {memory} KiB");
            }
        }
        tally
    }

    fn strike(&mut self, number: usize) {
        if random(25) == 0 {
            self.federation.kill_all();
            self.kills += MEMBERS as u64;
            self.all_at_once += 1;
            self.states = [State::Down; MEMBERS];
            return;
        }
        match self.states[number] {
            State::Runs if random(3) == 0 => {
                self.federation.process(number).pause();
                self.pauses += 1;
                self.states[number] = State::Paused;
            }
            State::Runs => {
                self.federation.kill(number);
                self.kills += 1;
                self.states[number] = State::Down;
            }
            State::Paused | State::Down => {}
        }
    }

    fn may_mend(&mut self, number: usize) {
        if random(4) == 0 {
            self.mend(number);
        }
    }

    /// What the machine does by itself: it starts what is down, and goes on with what it had put aside.
    fn mend(&mut self, number: usize) {
        match self.states[number] {
            State::Runs => {}
            State::Paused => self.federation.process(number).go_on(),
            State::Down => self.federation.restart(number),
        }
        self.states[number] = State::Runs;
    }

    fn look_at_memory(&mut self, signings: u64) {
        let most = MEMORY_MAX + MEMORY_PER_SIGNING_MAX * signings;
        for number in 0..MEMBERS {
            if self.federation.is_running(number) {
                let memory = self.federation.process(number).memory();
                assert!(memory < most, "{memory} bytes after {signings} signings");
                self.memory_max = self.memory_max.max(memory);
            }
        }
    }
}

/// A number below this one.
fn random(below: usize) -> usize {
    usize::try_from(OsRng.next_u32()).unwrap() % below
}

/// Has one transaction after another signed, some at a time, until it is over.
fn sign_on(clients: Vec<Client>, key: &GroupKey, to: &Sender<Signed>, over: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let clients: Arc<[Client]> = clients.into();
    runtime.unwrap().block_on(async {
        let mut under_way = JoinSet::new();
        let mut number = 0;
        loop {
            while under_way.len() < AT_ONCE && !over.load(Ordering::Relaxed) {
                number += 1;
                let spend = Arc::new(key.spend(number));
                under_way.spawn(persist(Arc::clone(&clients), spend));
            }
            match under_way.join_next().await {
                Some(signed) => to.send(signed.unwrap()).unwrap(),
                None => return,
            }
        }
    });
}

/// As operators do whose nodes come and go: they approve wherever a node answers, until one of them has the signature.
async fn persist(clients: Arc<[Client]>, spend: Arc<Spend>) -> Signed {
    let began = Instant::now();
    loop {
        let mut asked = JoinSet::new();
        for client in clients.iter() {
            let (client, spend) = (client.clone(), Arc::clone(&spend));
            asked.spawn(async move { signature(&client, &spend).await });
        }
        let found = asked.join_all().await.into_iter().flatten();
        let signatures: BTreeSet<String> = found.collect();
        if !signatures.is_empty() {
            return Signed {
                spend,
                signatures,
                took: began.elapsed(),
            };
        }
        assert!(began.elapsed() < SIGNING_MAX, "nobody signs this");
    }
}

/// Approves at a node, and waits a moment for the signature.
async fn signature(client: &Client, spend: &Spend) -> Option<String> {
    let asking = async {
        approve(client, spend).await.ok()?;
        let path = format!("/v1/sessions/{}?wait=1", spend.session());
        client.get::<SessionView>(&path).await.ok()?.signature
    };
    timeout(PATIENCE, asking).await.ok().flatten()
}
