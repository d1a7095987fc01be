#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! `serve` makes all records of a batch durable with one append, and answers every command under its own ticket.

use hardfrost_engine::{serve, Abort, Artifact, Code, Command, LogError, Reply, Round2, Ticket};

mod support;

use support::{approve, at, member, psbt, Bench, Node, Recorder, Scripted};

fn numbered(commands: Vec<Command>) -> Vec<(Ticket, Command)> {
    (10..).map(Ticket).zip(commands).collect()
}

/// Two attempts ready to sign at member 1, and a batch: good, refused, good, immediate.
fn batch(bench: &mut Bench) -> Vec<Command> {
    let first = bench.package(1, &[1, 2]);
    let second = bench.package(2, &[1, 3]);
    let mut bad: Round2 = bench.signing.round2(2, 1, &second);
    bad.package.commitments.pop();
    vec![
        Command::Round2(bench.signing.round2(1, 1, &first)),
        Command::Round2(bad),
        Command::Round2(bench.signing.round2(2, 1, &second)),
        Command::Round1(bench.signing.key(3, 1)),
        Command::Open(bench.signing.open(3, 1)),
        Command::Round1(bench.signing.key(3, 1)),
    ]
}

/// The first word of what was answered, or the code.
fn name(reply: &Reply) -> String {
    if let Reply::Rejected(rejection) = reply {
        return rejection.code().as_str().to_owned();
    }
    let debug = format!("{reply:?}");
    let word = debug.split('(').next().unwrap_or_default();
    word.to_lowercase()
}

fn names(mut replies: Vec<(Ticket, Reply)>) -> Vec<(u64, String)> {
    replies.sort_by_key(|(ticket, _)| *ticket);
    let named = replies
        .iter()
        .map(|(ticket, reply)| (ticket.0, name(reply)));
    named.collect()
}

fn expected(words: [&str; 6]) -> Vec<(u64, String)> {
    (10..).zip(words.map(str::to_owned)).collect()
}

#[test]
fn one_append_carries_every_record_of_a_batch() {
    let mut bench = Bench::new(2, 3);
    let commands = numbered(batch(&mut bench));
    let mut log = Recorder::default();
    let Node { engine, rng, .. } = bench.node(1);
    let replies = serve(engine, &mut log, at(0), rng, commands);
    assert_eq!(log.appends, [vec![4, 4]]);
    let words = [
        "share",
        "validation_error",
        "share",
        "session_not_found",
        "opened",
        "committed",
    ];
    assert_eq!(names(replies), expected(words));
}

#[test]
fn unlike_decisions_of_one_batch_answer_their_own_tickets() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let artifact = Artifact::Psbt(psbt(&bench.group.public, 2_000_000));
    let request = approve(&bench.group.public, artifact);
    let commands = vec![
        (
            Ticket(5),
            Command::Round2(bench.signing.round2(1, 1, &package)),
        ),
        (Ticket(3), Command::Approve(request)),
    ];
    let mut log = Recorder::default();
    let Node { engine, rng, .. } = bench.node(1);
    let replies = serve(engine, &mut log, at(0), rng, commands);
    assert_eq!(log.appends, [vec![4, 3]]);
    let expected = [(3, "approved".to_owned()), (5, "share".to_owned())];
    assert_eq!(names(replies), expected);
}

#[test]
fn a_batch_without_records_touches_no_log() {
    let mut bench = Bench::new(2, 3);
    let commands = numbered(vec![
        Command::Open(bench.signing.open(1, 1)),
        Command::Round1(bench.signing.key(1, 1)),
        Command::DeriveContext(bench.signing.context(1)),
    ]);
    let mut log = Recorder::default();
    let Node { engine, rng, .. } = bench.node(1);
    assert_eq!(serve(engine, &mut log, at(0), rng, commands).len(), 3);
    assert!(serve(engine, &mut log, at(0), rng, vec![]).is_empty());
    assert!(log.appends.is_empty());
}

#[test]
fn a_failing_log_refuses_what_was_staged_and_only_that() {
    let mut bench = Bench::new(2, 3);
    let commands = numbered(batch(&mut bench));
    let mut log = Scripted::failing(LogError::NotWritten);
    let Node { engine, rng, .. } = bench.node(1);
    let replies = serve(engine, &mut log, at(0), rng, commands.clone());
    let words = [
        "capacity_exceeded",
        "validation_error",
        "capacity_exceeded",
        "session_not_found",
        "opened",
        "committed",
    ];
    assert_eq!(names(replies), expected(words));
    // Nothing was lost: the same commands sign once the log takes records again.
    let replies = serve(engine, &mut log, at(0), rng, commands);
    let shares = replies.iter().filter(|(_, r)| matches!(r, Reply::Share(_)));
    assert_eq!(shares.count(), 2);
}

#[test]
fn a_log_of_unknown_content_stops_the_engine_for_every_caller_of_the_batch() {
    let mut bench = Bench::new(2, 3);
    let commands = numbered(batch(&mut bench));
    let mut log = Scripted::failing(LogError::Unknown);
    let Node { engine, rng, .. } = bench.node(1);
    let replies = serve(engine, &mut log, at(0), rng, commands.clone());
    let words = [
        "storage_fault",
        "validation_error",
        "storage_fault",
        "session_not_found",
        "opened",
        "committed",
    ];
    assert_eq!(names(replies), expected(words));
    assert_eq!(engine.live_attempts(), 0);
    let later = names(serve(engine, &mut log, at(0), rng, commands));
    assert_eq!(later, expected(["storage_fault"; 6]));
}

#[test]
fn an_abort_behind_a_share_in_one_batch_changes_nothing() {
    let mut bench = Bench::new(2, 3);
    let package = bench.package(1, &[1, 2]);
    let key = bench.signing.key(1, 1);
    let abort = Abort {
        key_group: key.key_group,
        session: key.session,
        attempt: Some(key.attempt),
        member: Some(member(1)),
    };
    let commands = numbered(vec![
        Command::Round2(bench.signing.round2(1, 1, &package)),
        Command::Round2(bench.signing.round2(1, 1, &package)),
        Command::Abort(abort),
    ]);
    let Node {
        engine, log, rng, ..
    } = bench.node(1);
    let replies: Vec<Reply> = serve(engine, log, at(0), rng, commands)
        .into_iter()
        .map(|(_, reply)| reply)
        .collect();
    let refused = Reply::Rejected(hardfrost_engine::Rejection::ConsumedNonceReplay);
    assert_eq!(replies[..2], [refused, Reply::Aborted(true)]);
    assert!(matches!(replies[2], Reply::Share(_)));
    assert_eq!(engine.live_attempts(), 0);
    let reopened = support::code(bench.open(at(0), 1, 1));
    assert_eq!(reopened, Some(Code::ConsumedNonceReplay));
}
