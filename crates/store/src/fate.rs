//! What a failure inside SQLite says about the disk: the difference decides whether nonces live.
//!
//! With `cache_spill` off, SQLite gives no byte of a transaction to a write call before COMMIT. So whatever fails
//! earlier wrote nothing, unless the error itself speaks of a write. COMMIT writes and syncs; whatever it says, what is
//! on the disk is not known then.

use std::ffi::c_int;

use hardfrost_engine::LogError;
use rusqlite::ffi;

use crate::database::Interrupted;

/// Where in a transaction it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// BEGIN, INSERT, UPDATE.
    BeforeCommit,
    /// COMMIT itself.
    Commit,
}

/// What whoever waits is told, and whether the store goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) told: LogError,
    /// Otherwise it is faulted: every later append answers [`LogError::Unknown`] until it is opened again.
    pub(crate) goes_on: bool,
}

const RETRY: Fate = Fate {
    told: LogError::NotWritten,
    goes_on: true,
};
const STOP: Fate = Fate {
    told: LogError::NotWritten,
    goes_on: false,
};
const UNKNOWN: Fate = Fate {
    told: LogError::Unknown,
    goes_on: false,
};

/// Every primary result code that is an error, as it is before COMMIT. What may pass by itself lets the store go on;
/// what says that something is broken, or that we are, does not.
const BEFORE_COMMIT: [(c_int, Fate); 28] = [
    (ffi::SQLITE_ERROR, STOP),
    (ffi::SQLITE_INTERNAL, STOP),
    (ffi::SQLITE_PERM, STOP),
    (ffi::SQLITE_ABORT, RETRY),
    (ffi::SQLITE_BUSY, RETRY),
    (ffi::SQLITE_LOCKED, RETRY),
    (ffi::SQLITE_NOMEM, RETRY),
    (ffi::SQLITE_READONLY, STOP),
    (ffi::SQLITE_INTERRUPT, RETRY),
    // The extended code decides: see `IOERR_OF_A_READ`.
    (ffi::SQLITE_IOERR, UNKNOWN),
    (ffi::SQLITE_CORRUPT, STOP),
    (ffi::SQLITE_NOTFOUND, STOP),
    // Before COMMIT this is the largest number of pages, not the disk.
    (ffi::SQLITE_FULL, RETRY),
    (ffi::SQLITE_CANTOPEN, STOP),
    (ffi::SQLITE_PROTOCOL, STOP),
    (ffi::SQLITE_EMPTY, STOP),
    (ffi::SQLITE_SCHEMA, STOP),
    (ffi::SQLITE_TOOBIG, RETRY),
    (ffi::SQLITE_CONSTRAINT, STOP),
    (ffi::SQLITE_MISMATCH, STOP),
    (ffi::SQLITE_MISUSE, STOP),
    (ffi::SQLITE_NOLFS, STOP),
    (ffi::SQLITE_AUTH, STOP),
    (ffi::SQLITE_FORMAT, STOP),
    (ffi::SQLITE_RANGE, STOP),
    (ffi::SQLITE_NOTADB, STOP),
    (ffi::SQLITE_NOTICE, STOP),
    (ffi::SQLITE_WARNING, STOP),
];

/// I/O errors of calls that do not write.
const IOERR_OF_A_READ: [c_int; 11] = [
    ffi::SQLITE_IOERR_READ,
    ffi::SQLITE_IOERR_SHORT_READ,
    ffi::SQLITE_IOERR_FSTAT,
    ffi::SQLITE_IOERR_UNLOCK,
    ffi::SQLITE_IOERR_RDLOCK,
    ffi::SQLITE_IOERR_NOMEM,
    ffi::SQLITE_IOERR_ACCESS,
    ffi::SQLITE_IOERR_CHECKRESERVEDLOCK,
    ffi::SQLITE_IOERR_LOCK,
    ffi::SQLITE_IOERR_SEEK,
    ffi::SQLITE_IOERR_CORRUPTFS,
];

/// The fate of a transaction that failed with this extended result code.
pub(crate) fn of_code(stage: Stage, extended: c_int) -> Fate {
    match stage {
        Stage::Commit => UNKNOWN,
        Stage::BeforeCommit if IOERR_OF_A_READ.contains(&extended) => STOP,
        Stage::BeforeCommit => BEFORE_COMMIT
            .iter()
            .find(|(primary, _)| *primary == extended & 0xff)
            .map_or(UNKNOWN, |(_, fate)| *fate),
    }
}

/// The fate of a transaction. An error of the binding's own, not SQLite's, comes from a value that does not fit:
/// nothing was written, and we are at fault.
pub(crate) fn of(interrupted: &Interrupted<rusqlite::Error>) -> Fate {
    let (stage, error) = match interrupted {
        Interrupted::Before(error) => (Stage::BeforeCommit, error),
        Interrupted::Commit(error) => (Stage::Commit, error),
    };
    match (error.sqlite_error(), stage) {
        (Some(error), stage) => of_code(stage, error.extended_code),
        (None, Stage::BeforeCommit) => STOP,
        (None, Stage::Commit) => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All there are in SQLite's header, but for OK, ROW and DONE, which are none.
    #[test]
    fn e04_every_result_code_has_a_fate() {
        for code in 1..=28 {
            let listed = BEFORE_COMMIT.iter().filter(|(row, _)| *row == code).count();
            assert_eq!(listed, 1, "code {code}");
        }
    }

    #[test]
    fn e04_commit_never_says_that_nothing_was_written() {
        for extended in 0..0x4000 {
            let fate = of_code(Stage::Commit, extended);
            assert_eq!(fate.told, LogError::Unknown, "code {extended:#x}");
            assert!(!fate.goes_on, "code {extended:#x}");
        }
    }

    #[test]
    fn e04_an_error_that_speaks_of_a_write_is_unknown_wherever_it_comes() {
        for extended in [
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_DELETE,
            ffi::SQLITE_IOERR_CLOSE,
            ffi::SQLITE_IOERR_DATA,
            0x7f,
        ] {
            let fate = of_code(Stage::BeforeCommit, extended);
            assert_eq!(fate, UNKNOWN, "code {extended:#x}");
        }
    }

    #[test]
    fn e04_what_passes_by_itself_lets_the_store_go_on() {
        for (code, fate) in [
            (ffi::SQLITE_FULL, RETRY),
            (ffi::SQLITE_NOMEM, RETRY),
            (ffi::SQLITE_BUSY, RETRY),
            (ffi::SQLITE_BUSY | 1 << 8, RETRY),
            (ffi::SQLITE_CORRUPT, STOP),
            (ffi::SQLITE_IOERR_READ, STOP),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, STOP),
        ] {
            assert_eq!(of_code(Stage::BeforeCommit, code), fate, "code {code:#x}");
        }
    }

    #[test]
    fn e04_an_error_of_the_binding_wrote_nothing_before_commit() {
        let error = || rusqlite::Error::InvalidQuery;
        assert_eq!(of(&Interrupted::Before(error())), STOP);
        assert_eq!(of(&Interrupted::Commit(error())), UNKNOWN);
    }
}
