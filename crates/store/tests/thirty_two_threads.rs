#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! Thirty-two threads sign on one engine and one store, each asking everything twice, and one seat against the other.

#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "crashes/operator.rs"]
mod operator;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "crashes/said.rs"]
mod said;
#[allow(dead_code, reason = "other tests need the rest of it")]
#[path = "../../engine/tests/support/signing.rs"]
mod signing;
mod support;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use hardfrost_engine::{
    Aggregate, Command, MemberCommitments, Rejection, Reply, Shared, SigningPackage,
};
use hardfrost_primitives::{Hash32, Member};
use hardfrost_store::{Opened, Writer};
use operator::{now, Operator};
use rand_core::OsRng;
use signing::{open, Signing};
use support::Shelf;

const THREADS: u32 = 32;
const SESSIONS: usize = 8;
/// How long a session lives in these tests.
const SESSION_LIFE: Duration = Duration::from_secs(600);

fn member(number: u16) -> Member {
    Member::new(number).unwrap()
}

fn call(shared: &Shared<Writer>, command: Command) -> Reply {
    shared.call(now(), &mut OsRng, command)
}

fn drawn(shared: &Shared<Writer>, signing: &Signing, number: u32) -> SigningPackage {
    let drawn = [1, 2].map(|seat| {
        let request = open(signing.context(number), seat);
        call(shared, Command::Open(request));
        let reply = call(shared, Command::Round1(signing.key(number, seat)));
        let Reply::Committed(drawn) = reply else {
            panic!("{reply:?}");
        };
        MemberCommitments {
            member: member(seat),
            hiding: drawn.hiding(),
            binding: drawn.binding(),
        }
    });
    signing.package(drawn.into())
}

/// Both seats of an attempt at once, each asked twice at once: one share each, and two refusals.
fn shares(
    shared: &Shared<Writer>,
    (signing, number): (&Signing, u32),
    package: &SigningPackage,
) -> BTreeMap<Member, hardfrost_frost::SignatureShare> {
    let start = Barrier::new(4);
    let ask = |seat: u16| {
        let round2 = signing.round2(number, seat, package);
        start.wait();
        (member(seat), call(shared, Command::Round2(round2)))
    };
    let replies = thread::scope(|scope| {
        let threads = [1, 2, 1, 2].map(|seat| scope.spawn(move || ask(seat)));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut shares = BTreeMap::new();
    for (seat, reply) in replies {
        if let Reply::Share(share) = reply {
            assert!(shares.insert(seat, share).is_none(), "two shares");
        } else {
            assert_eq!(reply, Reply::Rejected(Rejection::ConsumedNonceReplay));
        }
    }
    shares
}

#[test]
fn e02_thirty_two_threads_sign_on_one_engine_and_no_pair_signs_twice() {
    let shelf = Shelf::new();
    let Opened { store, records } = shelf.open();
    let mut operator = Operator::new(&records, store.writer(), drop);
    let public = operator.make_key(Hash32([1; 32])).unwrap();
    let sats = (0..).map(|number| 50_000 + number);
    let signings = sats
        .take(SESSIONS)
        .map(|sats| operator.approve(&public, sats));
    let signings: Vec<Signing> = signings.map(Result::unwrap).collect();
    let shared = Shared::new(operator.engine, store.writer());
    let start = Barrier::new(THREADS as usize);
    let life = |which: u32| {
        let signing = &signings[which as usize % SESSIONS];
        let number = 1 + which / SESSIONS as u32;
        start.wait();
        let package = drawn(&shared, signing, number);
        let shares = shares(&shared, (signing, number), &package);
        assert_eq!(shares.len(), 2);
        let aggregate = Aggregate {
            key: signing.key(number, 1),
            package: package.clone(),
            shares,
        };
        let reply = call(&shared, Command::Aggregate(aggregate));
        let Reply::Signed(signature) = reply else {
            panic!("{reply:?}");
        };
        assert!(signing.is_signed_by(&signature));
        signing.round2(number, 1, &package)
    };
    let spent: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|which| scope.spawn(move || life(which)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let status = shared.with(|engine| engine.status());
    assert_eq!((status.under_way, status.live_attempts), (0, 0));
    assert_eq!(status.records.consumed, 2 * THREADS as usize);
    store.close().unwrap();
    let Opened { store, records } = shelf.open();
    let mut again = Operator::new(&records, store.writer(), drop);
    assert_eq!(again.engine.status().records, status.records);
    for request in spent {
        let refused = again.ask(Command::Round2(request));
        assert_eq!(refused.unwrap_err().0, Rejection::ConsumedNonceReplay);
    }
}
