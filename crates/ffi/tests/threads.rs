//! Eight threads of one host, several seats and sessions: every session has one signature, and no share comes twice.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod host;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;

use host::{verifies, Host, Key, Signing};

const THREADS: usize = 8;

/// All threads at once ask for one share: one gets it.
fn raced(host: &Host, signing: &Signing, package: &str, start: &Barrier) -> usize {
    let shares = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                match host.round2(signing, 1, package) {
                    Ok(_) => {
                        shares.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(refused) => assert_eq!(refused.code(), "consumed_nonce_replay"),
                }
            });
        }
    });
    shares.into_inner()
}

#[test]
fn eight_threads_sign_their_own_sessions_with_all_seats() {
    let host = Host::new();
    let keys: Vec<Key> = ["a", "b"]
        .iter()
        .map(|name| host.make_key(name, 2, 3))
        .collect();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (host, key) = (&host, &keys[thread % 2]);
            scope.spawn(move || {
                for round in 0..4 {
                    let session = format!("spend-{thread}-{round}");
                    let value = 100_000 + 1000 * thread as u64 + round;
                    let signing = host.approve(key, &session, value);
                    let seats = [[1, 2], [2, 3], [1, 3]][(thread + round as usize) % 3];
                    let signature = host.sign(key, &signing, &seats);
                    assert!(verifies(&signature, &signing.message, &key.group[2..]));
                }
            });
        }
    });
}

#[test]
fn e02_threads_that_race_for_one_share_get_it_once() {
    let host = Host::new();
    let key = host.make_key("wallet", 2, 2);
    let start = Barrier::new(THREADS);
    for round in 0..10 {
        let signing = host.approve(&key, &format!("spend-{round}"), 100_000 + round);
        let package = host.packed(&key, &signing, &[1, 2]);
        assert_eq!(raced(&host, &signing, &package, &start), 1);
    }
}

#[test]
fn threads_that_generate_keys_at_once_do_not_meet() {
    let host = Host::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let host = &host;
            scope.spawn(move || {
                let key = if thread % 2 == 0 {
                    host.make_key(&format!("wallet-{thread}"), 2, 3)
                } else {
                    host.make_sealed_key(&format!("wallet-{thread}"), 2, 3)
                };
                let signing = host.approve(&key, &format!("spend-{thread}"), 50_000);
                host.sign(&key, &signing, &[1, 3]);
            });
        }
    });
}
