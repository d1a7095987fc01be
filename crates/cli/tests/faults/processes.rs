//! Processes that are killed, stopped and started again.

use std::collections::BTreeSet;

use crate::federation::{Federation, Site};

/// Two of five have approved before anything happens to them.
fn two_are_waiting(federation: &mut Federation) -> crate::federation::coins::Spend {
    let spend = federation.spend();
    federation.approve(3, &spend).unwrap();
    federation.approve(4, &spend).unwrap();
    spend
}

#[test]
fn as_many_as_may_be_missing_are_killed() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    let spend = two_are_waiting(&mut federation);
    federation.kill(3);
    federation.kill(4);
    let signature = federation.sign_this(&[0, 1, 2], &spend);
    federation.restart(3);
    federation.restart(4);
    // Who missed it takes it from the others.
    assert_eq!(federation.sign_this(&[3, 4], &spend), signature);
    federation.sign(&[0, 3, 4]);
}

#[test]
fn as_many_as_may_be_missing_are_paused_and_catch_up() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    let spend = two_are_waiting(&mut federation);
    federation.process(3).pause();
    federation.process(4).pause();
    let signature = federation.sign_this(&[0, 1, 2], &spend);
    federation.process(3).go_on();
    federation.process(4).go_on();
    let others = federation.ends_signed(&[3, 4], &spend);
    assert_eq!(others, BTreeSet::from([signature]));
    federation.sign(&[2, 3, 4]);
}

#[test]
fn all_are_killed_at_once_in_the_middle_and_start_again() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    let all = [0, 1, 2, 3, 4];
    let mut nonces = BTreeSet::new();
    for round in 0..4 {
        let spends: Vec<_> = (0..8).map(|_| federation.spend()).collect();
        // Nobody waits for an end: the last approval is hardly acknowledged when all are gone.
        for spend in &spends {
            for number in all.iter().take(2 + round) {
                federation.approve(*number, spend).unwrap();
            }
        }
        federation.kill_all();
        for number in all {
            federation.check_store(number);
        }
        all.iter().for_each(|number| federation.restart(*number));
        for spend in &spends {
            // Attempts of before and after may both have ended, each with a nonce of its own: the first half.
            for signature in federation.sign_each(&all, spend) {
                assert!(nonces.insert(signature[..64].to_owned()), "a nonce again");
            }
        }
    }
    federation.kill_all();
    let records = all.map(|number| federation.check_store(number));
    println!(
        "all killed at once 4 times: {} signed, records {records:?}",
        nonces.len()
    );
}
