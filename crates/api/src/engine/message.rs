//! What goes over the socket: messages, each behind its length. See `docs/format.md`.

use std::io::{self, Read, Write};
use std::time::Duration;

use hardfrost_engine::{
    Command, Conviction, FinalizeSession, HeldKey, OpenApproval, OperatorWord, Reply, Status,
    Ticket, Uncertified,
};
use hardfrost_primitives::REQUEST_BYTES_MAX;

use super::coded::{
    coded_enum, coded_struct, put_count, Bytes, Coded, Malformed, UNFOLDED_BYTES_MAX,
};

/// The version of all this. Node and engine come from one release, and refuse each other otherwise.
pub(crate) const VERSION: u16 = 1;

/// Items of a list that go into one message at the most.
const ITEMS_MAX: usize = 65_536;

const _: () = {
    assert!(ITEMS_MAX * size_of::<(Ticket, Command)>() <= UNFOLDED_BYTES_MAX);
    assert!(ITEMS_MAX * size_of::<(Ticket, Reply)>() <= UNFOLDED_BYTES_MAX);
    assert!(ITEMS_MAX * size_of::<Conviction>() <= UNFOLDED_BYTES_MAX);
    assert!(ITEMS_MAX * size_of::<FinalizeSession>() <= UNFOLDED_BYTES_MAX);
};

/// What the engine's process says first, and so tells a socket of ours from any other.
const GREETING: [u8; 16] = *b"hardfrost-engine";

/// Which engine answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EngineIdentity {
    /// The id of its store.
    pub store: [u8; 16],
    /// The store's generation: it grows at every start of the engine's process.
    pub generation: u64,
}

impl EngineIdentity {
    /// The store's id, shortened for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.store
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl std::fmt::Debug for EngineIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (store, generation) = (self.short(), self.generation);
        write!(f, "EngineIdentity {{ {store}…, generation {generation} }}")
    }
}

/// The first message, from the engine's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Greeting {
    pub(crate) magic: [u8; 16],
    pub(crate) version: u16,
    pub(crate) welcome: Welcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Welcome {
    Come(EngineIdentity),
    /// Another client is being served.
    Busy,
}

/// From the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToEngine {
    /// The first message, once.
    Hello(u16),
    Batch(Vec<(Ticket, Command)>),
    /// A question under a number that its answer carries.
    Ask(u64, Ask),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    HeldKeys,
    OperatorWords,
    Convictions,
    Status,
    LeftBehind(Duration),
    OpenApprovals,
    Uncertified,
}

/// From the engine's process, after its greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FromEngine {
    Replies(Vec<(Ticket, Reply)>),
    /// A part of the answer to a question.
    Part(u64, Answer),
    /// The answer is whole.
    Whole(u64),
    /// The last message: why the connection ends.
    Farewell(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    HeldKeys(Vec<HeldKey>),
    OperatorWords(Vec<OperatorWord>),
    Convictions(Vec<Conviction>),
    Status(Vec<Status>),
    LeftBehind(Vec<FinalizeSession>),
    OpenApprovals(Vec<OpenApproval>),
    Uncertified(Vec<Uncertified>),
}

coded_struct!(EngineIdentity { store, generation });
coded_struct!(Greeting {
    magic,
    version,
    welcome
});
coded_enum!(Welcome { 0 Come(identity), 1 Busy });
coded_enum!(ToEngine { 0 Hello(version), 1 Batch(commands), 2 Ask(number, ask) });
coded_enum!(Ask {
    0 HeldKeys,
    1 OperatorWords,
    2 Convictions,
    3 Status,
    4 LeftBehind(since),
    5 OpenApprovals,
    6 Uncertified,
});
coded_enum!(FromEngine {
    0 Replies(replies),
    1 Part(number, answer),
    2 Whole(number),
    3 Farewell(why),
});
coded_enum!(Answer {
    0 HeldKeys(keys),
    1 OperatorWords(words),
    2 Convictions(convictions),
    3 Status(status),
    4 LeftBehind(sessions),
    5 OpenApprovals(approvals),
    6 Uncertified(shares),
});

/// Why nothing came of a connection, or nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("the other side closed it")]
    Closed,
    #[error("limits and pardons are given with `hardfrost store`, not over the socket")]
    Loosens,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("a message of {0} bytes: at most {REQUEST_BYTES_MAX} are taken")]
    TooLong(usize),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One item alone makes a message that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Greeting {
    pub(crate) fn new(welcome: Welcome) -> Self {
        Self {
            magic: GREETING,
            version: VERSION,
            welcome,
        }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.magic == GREETING
    }
}

impl ToEngine {
    /// As few messages as hold the batch. None holds the command alone whose place is the error.
    pub(crate) fn batches(batch: &[(Ticket, Command)]) -> Vec<Result<Vec<u8>, &Ticket>> {
        let mut lists = Lists::new(&[1]);
        for item in batch {
            lists.push(item, &item.0);
        }
        lists.end()
    }
}

impl FromEngine {
    /// As few messages as hold the replies.
    pub(crate) fn replies(replies: &[(Ticket, Reply)]) -> Result<Vec<Vec<u8>>, TooLong> {
        listed(&[0], replies)
    }

    /// The answer in as few parts as hold it, and its end.
    pub(crate) fn answer(number: u64, answer: &Answer) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut head = vec![1];
        number.put(&mut head);
        let mut with = |kind: u8| {
            head.push(kind);
            head.as_slice().to_vec()
        };
        let mut messages = match answer {
            Answer::HeldKeys(keys) => listed(&with(0), keys),
            Answer::OperatorWords(words) => listed(&with(1), words),
            Answer::Convictions(convictions) => listed(&with(2), convictions),
            Answer::Status(status) => listed(&with(3), status),
            Answer::LeftBehind(sessions) => listed(&with(4), sessions),
            Answer::OpenApprovals(approvals) => listed(&with(5), approvals),
            Answer::Uncertified(shares) => listed(&with(6), shares),
        }?;
        messages.push(Self::Whole(number).to_bytes());
        Ok(messages)
    }
}

fn listed<T: Coded>(head: &[u8], items: &[T]) -> Result<Vec<Vec<u8>>, TooLong> {
    let mut lists = Lists::new(head);
    for item in items {
        lists.push(item, &());
    }
    let messages = lists.end().into_iter();
    messages
        .map(|message| message.map_err(|()| TooLong))
        .collect()
}

/// Items on their way into messages that have one head.
struct Lists<'a, E> {
    head: &'a [u8],
    done: Vec<Result<Vec<u8>, E>>,
    count: usize,
    items: Vec<u8>,
}

impl<'a, E: Copy> Lists<'a, E> {
    fn new(head: &'a [u8]) -> Self {
        Self {
            head,
            done: Vec::new(),
            count: 0,
            items: Vec::new(),
        }
    }

    fn push<T: Coded>(&mut self, item: &T, name: E) {
        let item = item.to_bytes();
        let room = REQUEST_BYTES_MAX - self.head.len() - 4;
        if item.len() > room {
            self.close();
            self.done.push(Err(name));
            return;
        }
        if self.items.len() + item.len() > room || self.count == ITEMS_MAX {
            self.close();
        }
        self.items.extend(item);
        self.count += 1;
    }

    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let mut message = self.head.to_vec();
        put_count(self.count, &mut message);
        message.append(&mut self.items);
        self.done.push(Ok(message));
        self.count = 0;
    }

    fn end(mut self) -> Vec<Result<Vec<u8>, E>> {
        self.close();
        self.done
    }
}

/// Writes one message: its length, u32 big-endian, then its bytes.
pub(crate) fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let len = u32::try_from(message.len()).map_err(io::Error::other)?;
    to.write_all(&len.to_be_bytes())?;
    to.write_all(message)
}

/// Reads one message. Memory is taken as bytes come, not as they are announced.
pub(crate) fn read<T: Coded>(from: &mut impl Read, bytes_max: usize) -> Result<T, LineError> {
    let mut len = [0; 4];
    match from.read_exact(&mut len) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(LineError::Closed);
        }
        Err(error) => return Err(error.into()),
    }
    let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
    if len > bytes_max {
        return Err(LineError::TooLong(len));
    }
    let mut message = Vec::new();
    let limit = u64::try_from(len).unwrap_or(u64::MAX);
    from.take(limit).read_to_end(&mut message)?;
    if message.len() < len {
        return Err(LineError::Closed);
    }
    Ok(Bytes::whole(&message)?)
}
