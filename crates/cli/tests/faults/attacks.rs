//! What a hostile member or a stranger costs the others: its own account, and nothing of theirs.

use std::fs;
use std::time::{Duration, Instant};

use hardfrost_api::local::{NodeView, PeerView};

use crate::federation::network::Network;
use crate::federation::{Federation, Site};
use crate::hostile::{stranger, Stolen};
use crate::or_skip;

const HONEST: [usize; 4] = [0, 1, 2, 3];
const HOSTILE: usize = 4;
const MIB: u64 = 1 << 20;

fn hostile(view: &NodeView) -> &PeerView {
    let peers = &view.federations[0].peers;
    peers.iter().find(|peer| peer.operator == "n5").unwrap()
}

/// Frames of honest members, or to them, that a node dropped.
fn dropped_of_others(view: &NodeView) -> u64 {
    let peers = view.federations[0].peers.iter();
    let others = peers.filter(|peer| peer.operator != "n5");
    others.map(|peer| peer.dropped).sum()
}

fn memory(federation: &mut Federation) -> [u64; 4] {
    HONEST.map(|number| federation.process(number).memory())
}

fn computed(federation: &mut Federation) -> Duration {
    HONEST
        .map(|number| federation.process(number).computed())
        .iter()
        .sum()
}

/// Signs until this is true at all honest nodes; says how often.
fn sign_until(federation: &mut Federation, done: impl Fn(&NodeView) -> bool) -> u32 {
    let (began, mut signed) = (Instant::now(), 0);
    while signed < 3
        || !HONEST
            .iter()
            .all(|number| done(&federation.status(*number)))
    {
        federation.sign(&[0, 1, 2]);
        signed += 1;
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{:?}",
            federation.status(0)
        );
    }
    signed
}

fn assert_bounded(before: [u64; 4], after: [u64; 4], mib: u64) {
    for (before, after) in before.into_iter().zip(after) {
        assert!(after < before + mib * MIB, "{before} to {after}");
    }
}

#[test]
fn n03_a_member_that_floods_hurts_only_itself() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    federation.kill(HOSTILE);
    let stolen = Stolen::from(&federation, HOSTILE);
    federation.sign(&[0, 1, 2]);
    let (before, busy, began) = (
        memory(&mut federation),
        computed(&mut federation),
        Instant::now(),
    );
    // Before all were connected some was for nobody.
    let already = HONEST.map(|number| dropped_of_others(&federation.status(number)));
    let flood = stolen.flood();
    // What is dropped is over its quota; the rest, more on a slower machine, was within it, and no frame of a member.
    let signed = sign_until(&mut federation, |view| {
        hostile(view).received > 10_000 && hostile(view).dropped > 2000
    });
    drop(flood);
    let after = memory(&mut federation);
    let (busy, took) = (computed(&mut federation) - busy, began.elapsed());
    let views = HONEST.map(|number| federation.status(number));
    let received: u64 = views.iter().map(|view| hostile(view).received).sum();
    let dropped = views.each_ref().map(|view| hostile(view).dropped);
    println!(
        "flood: {signed} signed in {took:?} under {received} frames, {busy:?} computed, \
         {dropped:?} dropped, memory {before:?} to {after:?}"
    );
    assert_eq!(views.each_ref().map(dropped_of_others), already);
    assert_bounded(before, after, 48);
    // A frame costs a look at its first bytes.
    assert!(
        u128::from(received) > busy.as_millis(),
        "more than a millisecond for a frame"
    );
}

#[test]
fn n01_a_stranger_that_floods_hurts_nobody() {
    let mut federation = Federation::start(3, 5, Site::Loopback);
    let before = memory(&mut federation);
    let flood = HONEST.map(|number| stranger(federation.status(number).listen[0].clone()));
    let counted = |view: &NodeView| {
        let refused = view.refused.iter().map(|(_, count)| count);
        refused.sum::<u64>() > 500
    };
    let signed = sign_until(&mut federation, counted);
    drop(flood);
    let after = memory(&mut federation);
    println!("strangers: {signed} signed, memory {before:?} to {after:?}");
    assert_bounded(before, after, 32);
}

#[test]
fn n04_a_member_that_never_reads_delays_nobody() {
    let Some(network) = or_skip("never reads", Network::new(5)) else {
        return;
    };
    // The kernels between keep next to nothing, so that what is not read is felt at once.
    for number in 0..5 {
        network.node(number).within(|| {
            fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 4096 4096").unwrap();
            fs::write("/proc/sys/net/ipv4/tcp_wmem", "4096 4096 4096").unwrap();
        });
    }
    let mut federation = Federation::furnish(5, Site::Network(network));
    federation.limit("send_frames_max = 64\n");
    federation.begin(3);
    federation.kill(HOSTILE);
    let stolen = Stolen::from(&federation, HOSTILE);
    let before = memory(&mut federation);
    let deaf = federation
        .network()
        .node(HOSTILE)
        .within(|| stolen.never_read());
    for number in HONEST {
        federation.watch(number, |view| hostile(view).link == "direct");
    }
    let already = HONEST.map(|number| dropped_of_others(&federation.status(number)));
    let mut longest = Duration::ZERO;
    for _ in 0..60 {
        let began = Instant::now();
        federation.sign(&[0, 1, 2]);
        longest = longest.max(began.elapsed());
    }
    for number in [0, 1, 2] {
        let view = federation.status(number);
        let peers = view.federations[0].peers.iter();
        let sent = |name: &str| {
            peers
                .clone()
                .find(|peer| peer.operator == name)
                .unwrap()
                .sent
        };
        // What the kernels between did not take waited in its own queue until that was full; all others got theirs.
        assert!(2 * sent("n5") < sent("n4"), "it reads: {view:?}");
        assert!(hostile(&view).dropped > 64, "{view:?}");
        assert_eq!(dropped_of_others(&view), already[number]);
    }
    drop(deaf);
    let after = memory(&mut federation);
    println!("never reads: 60 signed, each within {longest:?}, memory {before:?} to {after:?}");
    assert_bounded(before, after, 32);
}
