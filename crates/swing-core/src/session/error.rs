//! What can go wrong between a session and its file.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use super::lock::LockError;

/// A statement that could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// An earlier write failed, so what the block would commit is no longer what was asked for.
    #[error(
        "the store is poisoned by an earlier failure ({reason}): nothing of this block can be committed, reopen the store"
    )]
    Poisoned {
        /// The failure that poisoned it.
        reason: String,
    },
    /// The store was opened for reading.
    #[error("the store is open read-only")]
    ReadOnly,
    /// Another process holds the write lock for longer than the busy timeout.
    #[error("another process is writing to the store")]
    Busy {
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is damaged, or holds something that no swing-store writes.
    #[error("the database is corrupt (found by: {statement})")]
    Corrupt {
        /// The statement that found it.
        statement: String,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no room left where the file is.
    #[error("the disk is full (writing: {statement})")]
    Full {
        /// The statement that ran out of it.
        statement: String,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// Anything else.
    #[error("database error (running: {statement})")]
    Sql {
        /// The statement.
        statement: String,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// The directory could not be flushed, so the log's name in it might not outlast a loss of power.
    #[error("could not flush the store's directory")]
    Directory {
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
    /// A store that was read without locks, since nothing could be created beside it, was written to meanwhile.
    #[error("{path} was written to while it was read without locks: what was read may not be one commit")]
    WrittenMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// Savepoints are open, so what was changed may yet be rolled back.
    #[error("export data cannot be handed over inside a crank ({open} savepoints are open)")]
    InCrank {
        /// How many.
        open: usize,
    },
    /// Rows came in another order than asked for: a b-tree of the file is damaged, and a walk over it would not end.
    #[error("the database is corrupt: rows of {table} are out of order")]
    OutOfOrder {
        /// The table.
        table: &'static str,
    },
    /// A table has rows that its index does not lead to, or the other way round: it is damaged, and what changes it by its index would lose rows.
    #[error("the database is corrupt: rows of {table} are not those of its index")]
    Unindexed {
        /// The table.
        table: &'static str,
    },
    /// What a part had put off could not be done before the commit, so the block would lack it.
    #[error("{what} could not be finished")]
    PutOff {
        /// What it was.
        what: String,
        /// The part's own error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The digests of the rows are of a later form, and so somebody else's to make anew.
    #[error("the row digests have version {found}, which this release does not know: they are not replaced")]
    NewerRowDigests {
        /// Their version.
        found: i64,
    },
    /// A part that may hold changes is not among those that were given.
    #[error("a part that may hold changes was left out: give all of the session's parts to each of these calls")]
    PartMissing,
    /// No savepoint of that name is open.
    #[error("no such savepoint as {name:?}")]
    NoSuchSavepoint {
        /// The name.
        name: String,
    },
}

impl SessionError {
    /// Whether it is the statement that is wrong, or what is bound to it, and not the database.
    #[must_use]
    pub fn is_of_the_statement(&self) -> bool {
        use ErrorCode::{ParameterOutOfRange, TooBig, TypeMismatch, Unknown};
        let Self::Sql { source, .. } = self else { return false };
        let code = source.sqlite_error_code();
        code.is_none_or(|code| matches!(code, Unknown | TooBig | ParameterOutOfRange | TypeMismatch))
    }

    pub(crate) fn new(statement: &str, source: rusqlite::Error) -> Self {
        let statement = || statement.split_whitespace().collect::<Vec<_>>().join(" ");
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { source },
            Some(ErrorCode::DiskFull) => Self::Full { statement: statement(), source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { statement: statement(), source }
            }
            None => match source {
                // A value of a type or range that the column never has.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Corrupt { statement: statement(), source },
                _ => Self::Sql { statement: statement(), source },
            },
            Some(_) => Self::Sql { statement: statement(), source },
        }
    }

    /// Whether a row broke a constraint: the only failure after which the transaction is as it was.
    #[must_use]
    pub fn is_constraint(&self) -> bool {
        matches!(self, Self::Sql { source, .. } if source.sqlite_error_code() == Some(ErrorCode::ConstraintViolation))
    }
}

/// A store that could not be opened. Nothing was created or changed, unless the store was to be created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store there, and none was to be created.
    #[error("no swing-store at {path}")]
    Missing {
        /// Where its file would be.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a SQLite database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// A SQLite database, but somebody else's.
    #[error(
        "{path} is a SQLite database but not a swing-store (it has the table {table:?} and none of a swing-store's)"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// One of its tables.
        table: String,
    },
    /// A table has other columns than it should.
    #[error("table {table:?} in {path} does not have the columns of a swing-store ({columns})")]
    Schema {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
        /// The columns it should have.
        columns: String,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// A store opened read-only lacks a table.
    #[error("{path} has no table {table:?}")]
    NoTable {
        /// The file.
        path: PathBuf,
        /// The table.
        table: &'static str,
    },
    /// A later version of the format.
    #[error("{path} has format version {found}; this release knows version 0: use a newer release")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
    },
    /// The file cannot be put in WAL mode.
    #[error("could not set {path} to WAL mode (it is in {mode} mode)")]
    NotWal {
        /// The file.
        path: PathBuf,
        /// The mode it is in.
        mode: String,
    },
    /// The SQLite that was linked can corrupt a WAL that two connections checkpoint at once.
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// Its last writer was killed, and what is in its WAL can be read only where a file can be created beside it.
    #[error(
        "{path} was not closed by its last writer and cannot be recovered here: open it once where it can be written"
    )]
    Unrecovered {
        /// The file.
        path: PathBuf,
    },
    /// Another writer has it.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// The directory or file cannot be had.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not, with the path.
        #[source]
        source: std::io::Error,
    },
    /// SQLite cannot open it.
    #[error("could not open {path}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
    /// Whether the store keeps a digest of its rows could not be found out.
    #[error("{path} could not be read")]
    RowDigests {
        /// The file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: SessionError,
    },
    /// A connection could not be had from the pool.
    #[error("no connection to {path} could be had")]
    Pool {
        /// The file.
        path: PathBuf,
        /// The pool's own words.
        #[source]
        source: r2d2::Error,
    },
}

/// A commit that did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Savepoints are open: a crank is under way.
    #[error("cannot commit inside a crank ({open} savepoints are open)")]
    InCrank {
        /// How many.
        open: usize,
    },
    /// The block could not be written. It is not committed.
    #[error("the block is not committed")]
    NotCommitted(#[from] SessionError),
    /// SQLite failed in the middle of COMMIT: the block may be durable or not.
    #[error("the outcome of the commit is unknown: reopen the store and ask for its height")]
    Unknown {
        /// SQLite's own words.
        #[source]
        source: rusqlite::Error,
    },
}
