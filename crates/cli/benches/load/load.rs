//! Signings, so many at a time, on loopback.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use hardfrost_api::local::Client;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::consensus;
use crate::federation::coins::Spend;
use crate::federation::{approve, ended, Federation, Site};

/// Many signings at once
#[derive(Args)]
pub struct Load {
    /// Signings
    #[arg(long, default_value_t = 1000)]
    signings: usize,
    /// Of these so many at a time
    #[arg(long, default_value_t = 32)]
    at_once: usize,
    /// Members that must sign
    #[arg(short = 't', default_value_t = 3)]
    threshold: u16,
    /// Members
    #[arg(short = 'n', default_value_t = 5)]
    members: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Figures {
    threshold: u16,
    members: usize,
    at_once: usize,
    loads: Vec<Figure>,
}

/// One load: all figures of one federation that was new before.
#[derive(Serialize)]
struct Figure {
    approving: usize,
    signings: usize,
    seconds: f64,
    per_second: f64,
    p50_millis: f64,
    p99_millis: f64,
    longest_millis: f64,
    nodes: Vec<NodeFigure>,
}

#[derive(Serialize)]
struct NodeFigure {
    memory_before_kib: u64,
    memory_after_kib: u64,
    memory_per_signing_bytes: u64,
    computed_per_signing_millis: f64,
}

pub fn run(load: &Load) {
    let few = usize::from(load.threshold);
    let mut all = vec![load.members];
    if few != load.members {
        all.push(few);
    }
    let figures = Figures {
        threshold: load.threshold,
        members: load.members,
        at_once: load.at_once,
        loads: all
            .into_iter()
            .map(|approving| measure(load, approving))
            .collect(),
    };
    if load.json {
        println!("{}", serde_json::to_string(&figures).unwrap());
    } else {
        figures.print();
    }
}

/// `approving` of the nodes approve each transaction, others each time.
fn measure(load: &Load, approving: usize) -> Figure {
    let mut federation = Federation::start(load.threshold, load.members, Site::Loopback);
    let all: Vec<usize> = (0..load.members).collect();
    // What is allocated once is there before.
    for _ in 0..load.at_once {
        federation.sign(&all);
    }
    let spends = (0..load.signings).map(|_| Arc::new(federation.spend()));
    let spends: Vec<Arc<Spend>> = spends.collect();
    let state = |federation: &mut Federation| -> Vec<(u64, Duration)> {
        let state = |number: &usize| {
            let process = federation.process(*number);
            (process.memory(), process.computed())
        };
        all.iter().map(state).collect()
    };
    let before = state(&mut federation);
    let clients: Vec<Client> = all.iter().map(|n| federation.client(*n).clone()).collect();
    let began = Instant::now();
    let signed = federation.wait(sign_all(&clients, &spends, (approving, load.at_once)));
    let took = began.elapsed();
    let after = state(&mut federation);
    let mut times: Vec<Duration> = signed.iter().map(|(_, took)| *took).collect();
    for (place, (signature, _)) in signed.iter().enumerate() {
        judge(&spends[place], signature);
    }
    times.sort_unstable();
    let nodes = before
        .iter()
        .zip(&after)
        .map(|(before, after)| node(*before, *after, times.len()));
    Figure {
        approving,
        signings: times.len(),
        seconds: took.as_secs_f64(),
        per_second: times.len() as f64 / took.as_secs_f64(),
        p50_millis: millis(times[times.len() / 2]),
        p99_millis: millis(times[times.len() * 99 / 100]),
        longest_millis: millis(times[times.len() - 1]),
        nodes: nodes.collect(),
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn node(before: (u64, Duration), after: (u64, Duration), signings: usize) -> NodeFigure {
    let grown = after.0.saturating_sub(before.0);
    NodeFigure {
        memory_before_kib: before.0 / 1024,
        memory_after_kib: after.0 / 1024,
        memory_per_signing_bytes: grown / signings as u64,
        computed_per_signing_millis: millis(after.1 - before.1) / signings as f64,
    }
}

/// The signature of each and the time from the first approval to it, in order.
async fn sign_all(
    clients: &[Client],
    spends: &[Arc<Spend>],
    (approving, at_once): (usize, usize),
) -> Vec<(String, Duration)> {
    let mut waiting: VecDeque<(usize, Arc<Spend>)> = spends.iter().cloned().enumerate().collect();
    let mut under_way = JoinSet::new();
    let mut done = vec![None; spends.len()];
    loop {
        while under_way.len() < at_once {
            let Some((number, spend)) = waiting.pop_front() else {
                break;
            };
            let turn = |place: usize| clients[(number + place) % clients.len()].clone();
            let on: Vec<Client> = (0..approving).map(turn).collect();
            under_way.spawn(async move { (number, sign(&on, &spend).await) });
        }
        match under_way.join_next().await {
            Some(signed) => {
                let (number, signed) = signed.unwrap();
                done[number] = Some(signed);
            }
            None => return done.into_iter().map(Option::unwrap).collect(),
        }
    }
}

async fn sign(on: &[Client], spend: &Arc<Spend>) -> (String, Duration) {
    let began = Instant::now();
    let mut approving = JoinSet::new();
    for client in on {
        let (client, spend) = (client.clone(), Arc::clone(spend));
        approving.spawn(async move { approve(&client, &spend).await.unwrap() });
    }
    approving.join_all().await;
    let view = ended(on[0].clone(), spend.session().to_owned()).await;
    let view = view.unwrap();
    assert_eq!(view.state, "signed", "{view:?}");
    (view.signature.unwrap(), began.elapsed())
}

/// Consensus has the last word on it.
pub fn judge(spend: &Spend, signature: &str) {
    let signed = spend.complete(signature).unwrap();
    let transaction = signed.finalize().unwrap();
    let spent = signed.spent().unwrap();
    assert!(consensus::accepts(&transaction, &spent, &[0]));
}

impl Figures {
    fn print(&self) {
        let Self {
            threshold,
            members,
            at_once,
            loads,
        } = self;
        println!(
            "{threshold} of {members} on loopback, {at_once} at a time, each judged by consensus"
        );
        for load in loads {
            println!();
            println!(
                "{} signings, each approved at {} nodes",
                load.signings, load.approving
            );
            println!("   {:.1} s, {:.1} a second", load.seconds, load.per_second);
            println!(
                "   p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
                load.p50_millis, load.p99_millis, load.longest_millis
            );
            println!("   node  memory before   after      bytes a signing  computed a signing");
            for (number, node) in load.nodes.iter().enumerate() {
                println!(
                    "   {:>4}  {:>9} KiB  {:>6} KiB  {:>15}  {:>15.2} ms",
                    number + 1,
                    node.memory_before_kib,
                    node.memory_after_kib,
                    node.memory_per_signing_bytes,
                    node.computed_per_signing_millis
                );
            }
        }
    }
}
