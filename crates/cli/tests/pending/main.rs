#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! A key generation among real nodes, whose processes are killed (kill -9) at each of its durable steps: with a durable
//! share the key comes by itself, without one the node says plainly that it does not.

mod apart;
#[allow(dead_code, reason = "the faults need the rest of it")]
#[path = "../federation/mod.rs"]
mod federation;

use std::fs;
use std::process::Output;

use apart::{Apart, ALL, COMPUTES, CONFIRMATIONS, HOLDS, OTHER, VICTIM};
use federation::hardfrost;

/// What a command says of a node that runs.
fn asked(apart: &Apart, words: &[&str], number: usize) -> String {
    let folder = apart.federation.folder(number);
    let output: Output = hardfrost()
        .args(words)
        .arg("--node")
        .arg(folder)
        .output()
        .unwrap();
    federation::said(output)
}

/// Its share is durable, the certificate has not come; its node, its engine or both die. The others may have restarted
/// too since they had the certificate.
#[test]
fn k14_a_member_that_dies_while_its_key_is_pending_has_it_when_it_is_back() {
    for (node, engine) in [(true, false), (false, true), (true, true)] {
        let mut apart = Apart::start(&ALL);
        apart.until_pending(VICTIM);
        let pending = apart.view(VICTIM).unwrap().pending.unwrap();
        for words in [["key", "list"], ["node", "status"]] {
            let told = asked(&apart, &words, VICTIM);
            assert!(told.contains(&pending), "{told}");
            assert!(told.contains("pending: waits for member 1"), "{told}");
        }
        if node {
            apart.federation.kill(VICTIM);
        }
        if engine {
            apart.kill_engine(VICTIM);
        }
        apart.engine(HOLDS).go_on();
        if node || engine {
            // Its confirmation was out: the key is made without it.
            apart.until_made(&[HOLDS, OTHER]);
        }
        if node && engine {
            for number in [HOLDS, OTHER] {
                apart.federation.kill(number);
                apart.federation.restart(number);
            }
        }
        if engine {
            apart.start_engine(VICTIM);
        }
        if node {
            apart.federation.restart(VICTIM);
        }
        apart.all_sign();
    }
}

/// The same with the engine in the node's process.
#[test]
fn k14_a_node_that_has_its_engine_in_it_goes_on_too() {
    let mut apart = Apart::start(&[HOLDS, OTHER]);
    apart.until_pending(OTHER);
    apart.federation.kill(VICTIM);
    apart.federation.restart(VICTIM);
    apart.until_waits(VICTIM, CONFIRMATIONS, HOLDS);
    apart.engine(HOLDS).go_on();
    apart.all_sign();
}

/// All shares are durable, nobody has all confirmations; every process dies.
#[test]
fn k14_all_processes_die_while_the_key_is_pending_everywhere() {
    let mut apart = Apart::start(&ALL);
    apart.until_pending(VICTIM);
    apart.federation.kill_all();
    // Its node has asked it already.
    apart.engine(HOLDS).go_on();
    for number in ALL {
        assert_eq!(apart.uncertified(number).len(), 1, "{number}");
        apart.kill_engine(number);
    }
    for number in ALL {
        apart.start_engine(number);
        apart.federation.restart(number);
    }
    apart.all_sign();
}

/// The certificate is here and the engine has been asked to keep it; it dies, with its node or without.
#[test]
fn k14_an_engine_that_dies_over_the_certificate_gets_it_again() {
    for node in [false, true] {
        let mut apart = Apart::start(&ALL);
        apart.until_pending(VICTIM);
        apart.engine(VICTIM).pause();
        apart.engine(HOLDS).go_on();
        apart.until_step(VICTIM, COMPUTES);
        apart.until_made(&[HOLDS, OTHER]);
        apart.restart_engine(VICTIM, node);
        apart.all_sign();
    }
}

/// The key is installed; the node dies before it has forgotten the terms.
#[test]
fn terms_that_outlive_their_ceremony_do_no_harm() {
    let mut apart = Apart::start(&ALL);
    apart.until_pending(VICTIM);
    let kept = fs::read_dir(apart.kept(VICTIM)).unwrap();
    let file = kept.map(|entry| entry.unwrap().path()).next().unwrap();
    let terms = fs::read(&file).unwrap();
    apart.engine(HOLDS).go_on();
    apart.until_made(&ALL);
    apart.federation.kill(VICTIM);
    fs::write(&file, terms).unwrap();
    apart.federation.restart(VICTIM);
    apart.all_sign();
}

/// The terms are lost with the node's folder, the share is not: the code that the operators read to each other is
/// enough.
#[test]
fn k14_a_pending_key_without_its_terms_goes_on_when_the_code_is_given_again() {
    let mut apart = Apart::start(&ALL);
    apart.until_pending(VICTIM);
    apart.federation.kill(VICTIM);
    fs::remove_dir_all(apart.kept(VICTIM)).unwrap();
    apart.engine(HOLDS).go_on();
    apart.until_made(&[HOLDS, OTHER]);
    apart.federation.restart(VICTIM);
    assert!(apart.view(VICTIM).is_err());
    apart.join(VICTIM);
    apart.all_sign();
}

/// The same, and the code that is given has another deadline: the share goes on where nobody hears it, until the right
/// one is given; in the same process, or in one that found the wrong terms.
#[test]
fn a_pending_key_that_goes_on_under_a_wrong_deadline_is_put_right_by_the_right_code() {
    let mut apart = Apart::start(&ALL);
    apart.until_pending(VICTIM);
    let deadline = apart.view(VICTIM).unwrap().deadline;
    apart.federation.kill(VICTIM);
    fs::remove_dir_all(apart.kept(VICTIM)).unwrap();
    apart.federation.restart(VICTIM);
    let terms = |apart: &Apart| {
        let kept = fs::read_dir(apart.kept(VICTIM)).unwrap();
        let kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept
    };
    let wrong = apart.join_under(VICTIM, deadline + 60);
    let (head, code) = (terms(&apart), wrong.code.clone());
    assert_eq!(wrong.deadline, deadline + 60);
    assert_eq!(apart.join(VICTIM).deadline, deadline);
    assert_ne!(terms(&apart), head);
    let again = apart.join_under(VICTIM, deadline + 60);
    assert_eq!((again.code, terms(&apart)), (code, head));
    apart.engine(HOLDS).go_on();
    apart.until_made(&[HOLDS, OTHER]);
    apart.federation.kill(VICTIM);
    apart.federation.restart(VICTIM);
    assert_eq!(apart.view(VICTIM).unwrap().deadline, deadline + 60);
    apart.join(VICTIM);
    apart.all_sign();
    // Certified: nothing is replaced.
    assert_eq!(apart.join_under(VICTIM, deadline + 60).state, "made");
    apart.all_sign();
}

/// Before the share is durable its secrets go with the process. That is told, nobody gets a key, and the member does
/// not contribute a second time.
#[test]
fn a_member_that_dies_before_its_share_is_durable_says_so_and_joins_no_second_time() {
    let steps: [fn(&mut Apart); 3] = [
        |apart| {
            apart.engine(VICTIM).pause();
            apart.begin(VICTIM);
            apart.until_step(VICTIM, COMPUTES);
            apart.engine(VICTIM).go_on();
        },
        Apart::until_contributions,
        |apart| apart.until_sealing(VICTIM),
    ];
    for (reached, node) in steps.iter().flat_map(|step| [(step, true), (step, false)]) {
        let mut apart = Apart::start(&ALL);
        reached(&mut apart);
        apart.restart_engine(VICTIM, node);
        apart.engine(HOLDS).go_on();
        let failed = apart.until(VICTIM, |view| view.state == "failed");
        let why = failed.failure.clone().unwrap();
        assert!(why.contains("before the share was durable"), "{why}");
        assert_eq!(failed.pending, None);
        assert_eq!(apart.join(VICTIM), failed);
        for number in ALL {
            let node = apart.federation.status(number);
            assert!(node.federations[0].keys.is_empty());
            assert!(node.federations[0].pending.is_empty());
        }
    }
}
