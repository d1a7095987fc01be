//! Logs that fail as they are told to, or remember how they were called.

use std::collections::VecDeque;

use hardfrost_engine::{EncodedRecord, Log, LogError, MemoryLog};

/// Fails at the appends that its script says, in order; an append without an entry succeeds.
#[derive(Default)]
pub struct Scripted {
    pub script: VecDeque<Option<LogError>>,
    pub records: MemoryLog,
}

impl Scripted {
    pub fn failing(error: LogError) -> Self {
        Self {
            script: VecDeque::from([Some(error)]),
            records: MemoryLog::default(),
        }
    }
}

impl Log for Scripted {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        match self.script.pop_front().flatten() {
            Some(error) => Err(error),
            None => self.records.append_durably(records),
        }
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.records.replay()
    }
}

/// Remembers the kinds of the records of every append.
#[derive(Default)]
pub struct Recorder {
    pub appends: Vec<Vec<u8>>,
    pub records: MemoryLog,
}

impl Log for Recorder {
    fn append_durably(&mut self, records: &[EncodedRecord]) -> Result<(), LogError> {
        self.appends
            .push(records.iter().map(EncodedRecord::kind).collect());
        self.records.append_durably(records)
    }

    fn replay(&mut self) -> Result<Vec<EncodedRecord>, LogError> {
        self.records.replay()
    }
}
