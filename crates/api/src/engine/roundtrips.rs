//! Tests of the codec: every value that travels comes back, and nothing else does.

use std::collections::BTreeSet;
use std::fmt::Debug;

use hardfrost_engine::{Command, Reply, Ticket};
use hardfrost_primitives::REQUEST_BYTES_MAX;
use proptest::prelude::*;

use super::coded::{Bytes, Coded, Malformed};
use super::message::{
    read, write, Answer, EngineIdentity, FromEngine, Greeting, LineError, ToEngine, TooLong,
    Welcome,
};
use super::specimens::{answers, asks, commands, replies};

fn comes_back<T: Coded + PartialEq + Debug>(value: &T) {
    let bytes = value.to_bytes();
    assert_eq!(Bytes::whole::<T>(&bytes).as_ref(), Ok(value));
    for len in 0..bytes.len() {
        assert!(
            Bytes::whole::<T>(&bytes[..len]).is_err(),
            "{value:?} cut to {len}"
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(Bytes::whole::<T>(&longer).is_err(), "{value:?} and a byte");
}

fn to_engine() -> Vec<ToEngine> {
    let mut all = vec![ToEngine::Hello(1)];
    all.extend(
        (0..)
            .zip(asks())
            .map(|(number, ask)| ToEngine::Ask(number, ask)),
    );
    let one = |(ticket, command)| ToEngine::Batch(vec![(Ticket(ticket), command)]);
    all.extend((0..).zip(commands()).map(one));
    all.push(ToEngine::Batch((5..).map(Ticket).zip(commands()).collect()));
    all
}

fn from_engine() -> Vec<FromEngine> {
    let mut all = vec![
        FromEngine::Whole(u64::MAX),
        FromEngine::Farewell("the engine was stopped".to_owned()),
    ];
    all.extend(
        (0..)
            .zip(answers())
            .map(|(number, answer)| FromEngine::Part(number, answer)),
    );
    let one = |(ticket, reply)| FromEngine::Replies(vec![(Ticket(ticket), reply)]);
    all.extend((0..).zip(replies()).map(one));
    all
}

#[test]
fn every_value_comes_back_and_no_part_of_it() {
    to_engine().iter().for_each(comes_back);
    from_engine().iter().for_each(comes_back);
    let identity = EngineIdentity {
        store: [7; 16],
        generation: 12,
    };
    for welcome in [Welcome::Come(identity), Welcome::Busy] {
        comes_back(&Greeting::new(welcome));
    }
}

/// The bytes that begin the values of a list: one for each variant of what they are.
fn variants(values: impl Iterator<Item = Vec<u8>>) -> BTreeSet<u8> {
    values.map(|bytes| bytes[0]).collect()
}

#[test]
fn no_variant_is_left_out() {
    let commands = variants(commands().iter().map(Command::to_bytes));
    assert_eq!(commands, (0..=18).collect());
    let replies = variants(replies().iter().map(Reply::to_bytes));
    assert_eq!(replies, (0..=14).collect());
    let answers = variants(answers().iter().map(Answer::to_bytes));
    assert_eq!(answers, (0..=6).collect());
    // One more of each does not read.
    for (next, what) in [(19, "Command"), (15, "Reply"), (7, "Answer")] {
        let bytes = [&[next][..], &[0; 64]].concat();
        let read = match what {
            "Command" => Bytes::whole::<Command>(&bytes).err(),
            "Reply" => Bytes::whole::<Reply>(&bytes).err(),
            _ => Bytes::whole::<Answer>(&bytes).err(),
        };
        assert_eq!(read, Some(Malformed(what)));
    }
}

#[test]
fn the_messages_that_are_written_in_parts_are_the_same_messages() {
    let batch: Vec<_> = (5..).map(Ticket).zip(commands()).collect();
    let written = ToEngine::batches(&batch);
    assert_eq!(written, [Ok(ToEngine::Batch(batch.clone()).to_bytes())]);
    let said: Vec<_> = (5..).map(Ticket).zip(replies()).collect();
    let written = FromEngine::replies(&said).unwrap();
    assert_eq!(written, [FromEngine::Replies(said).to_bytes()]);
    for answer in answers() {
        let written = FromEngine::answer(8, &answer).unwrap();
        let expected = [FromEngine::Part(8, answer), FromEngine::Whole(8)];
        assert_eq!(written, expected.map(|message| message.to_bytes()));
    }
}

/// A command whose bytes are about so many.
fn large(ticket: u64, bytes: usize) -> (Ticket, Command) {
    let mut all = commands().into_iter();
    let convict = all.find_map(|command| {
        let Command::Convict(convict) = command else {
            return None;
        };
        Some(convict)
    });
    let mut convict = convict.unwrap();
    convict.proof = vec![1; bytes];
    (Ticket(ticket), Command::Convict(convict))
}

#[test]
fn a_batch_is_cut_where_a_message_is_full() {
    let third = REQUEST_BYTES_MAX / 3;
    let batch = [
        large(1, third),
        large(2, third),
        large(3, third),
        large(4, REQUEST_BYTES_MAX),
        large(5, 9),
    ];
    let written = ToEngine::batches(&batch);
    let [Ok(first), Ok(second), Err(Ticket(4)), Ok(last)] = &written[..] else {
        panic!("{} messages", written.len());
    };
    for (message, commands) in [
        (first, &batch[..2]),
        (second, &batch[2..3]),
        (last, &batch[4..]),
    ] {
        assert!(message.len() <= REQUEST_BYTES_MAX);
        let batch = Bytes::whole(message).unwrap();
        assert_eq!(ToEngine::Batch(commands.to_vec()), batch);
    }
    let text = "x".repeat(REQUEST_BYTES_MAX);
    let reply = Reply::Rejected(hardfrost_engine::Rejection::Validation(text));
    assert_eq!(FromEngine::replies(&[(Ticket(1), reply)]), Err(TooLong));
}

#[test]
fn a_count_or_a_length_that_lies_takes_no_memory() {
    // A batch of 2³² − 1 commands, in nine bytes.
    let lie = [&[1][..], &u32::MAX.to_le_bytes(), &[0; 4]].concat();
    assert!(Bytes::whole::<ToEngine>(&lie).is_err());
    // As many as there are bytes, and still more than memory is taken for.
    let mut lie = vec![1];
    lie.extend(u32::to_le_bytes(1 << 23));
    lie.resize(1 << 24, 4);
    let refused = Bytes::whole::<ToEngine>(&lie);
    assert_eq!(refused, Err(Malformed("a list of too many items")));
    let announced = u32::try_from(REQUEST_BYTES_MAX + 1).unwrap();
    let refused = read::<ToEngine>(&mut &announced.to_be_bytes()[..], REQUEST_BYTES_MAX);
    assert!(matches!(refused, Err(LineError::TooLong(len)) if len == REQUEST_BYTES_MAX + 1));
    let mut line = Vec::new();
    write(&mut line, &ToEngine::Hello(1).to_bytes()).unwrap();
    for len in 0..line.len() {
        let cut = read::<ToEngine>(&mut &line[..len], REQUEST_BYTES_MAX);
        assert!(matches!(cut, Err(LineError::Closed)), "cut to {len}");
    }
}

/// Whatever reads is written as it was read: there is one encoding.
fn reads_in_one_way<T: Coded>(bytes: &[u8]) -> bool {
    Bytes::whole::<T>(bytes).is_ok_and(|value| {
        assert_eq!(value.to_bytes(), bytes);
        true
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_byte_reads_as_another_value_or_not_at_all(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=u8::MAX,
    ) {
        let (asked, said) = (to_engine(), from_engine());
        let which = which.index(asked.len() + said.len());
        let mut bytes = match asked.get(which) {
            Some(asked) => asked.to_bytes(),
            None => said[which - asked.len()].to_bytes(),
        };
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        reads_in_one_way::<ToEngine>(&bytes);
        reads_in_one_way::<FromEngine>(&bytes);
    }

    #[test]
    fn noise_reads_in_one_way_or_not_at_all(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        reads_in_one_way::<ToEngine>(&bytes);
        reads_in_one_way::<FromEngine>(&bytes);
        reads_in_one_way::<Greeting>(&bytes);
    }
}
