//! Connections that only read.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::checks::{check_format, missing_tables, probe};
use super::database::Database;
use super::error::{OpenError, SessionError};
use super::files::{file_uri, real_path, side_file};
use super::open::BUSY_TIMEOUT;
use super::own_locks;
use super::schema::Table;
use super::sole_use::is_seen_open;
use super::swap::SwapLock;

pub(super) const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(OpenFlags::SQLITE_OPEN_URI);

/// A reader goes through a file once, so a large cache is of no use to it. And it maps nothing: mapped pages are counted
/// as the process's memory, and one that cannot be read ends the process where a read is an error.
const READING: &str = "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-16384; PRAGMA mmap_size=0;";

/// A connection that only reads, and what it stands on.
pub(super) struct Reading {
    pub(super) connection: Database,
    // Dropped after the connection.
    pub(super) footing: Footing,
}

/// Opens a connection that only reads. It sees what is committed, creates no database and checkpoints nothing.
pub(super) fn open_reader(path: &Path, tables: &[&Table]) -> Result<Reading, OpenError> {
    own_locks::install();
    probe(path)?;
    let real = real_path(path).map_err(|source| OpenError::Io { what: "find the store", source })?;
    let uris = Uris::of(&real);
    let open = |uri: &str| {
        let mut connection = Connection::open_with_flags(uri, FLAGS)?;
        begin_reading(&mut connection)?;
        Ok(connection)
    };
    let reading = connect(&real, || open(&uris.locked), || open(&uris.unlocked))
        .map_err(|source| unreadable(path.to_owned(), &real, source))?;
    let present = check_format(&reading.connection, path)?;
    if let Some(table) = missing_tables(&reading.connection, path, tables, &present)?.first() {
        return Err(OpenError::NoTable { path: path.to_owned(), table: table.name });
    }
    Ok(reading)
}

/// Why a file cannot be read: a log that nobody has recovered needs an index, which cannot be made here, or as SQLite says.
pub(super) fn unreadable(path: PathBuf, real: &Path, source: rusqlite::Error) -> OpenError {
    let unrecovered = cannot_create(&source) && !wal_is_empty(real) && !side_file(real, "-shm").exists();
    if unrecovered { OpenError::Unrecovered { path } } else { OpenError::Sqlite { path, source } }
}

/// The two ways in which SQLite can read a file.
pub(super) struct Uris {
    pub(super) locked: String,
    pub(super) unlocked: String,
}

impl Uris {
    pub(super) fn of(path: &Path) -> Self {
        let locked = file_uri(path);
        Self { unlocked: format!("{locked}?immutable=1"), locked }
    }
}

/// Sets a new connection up, and reads once: only then is it known whether it can.
pub(super) fn begin_reading(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(READING)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Connects with locks, or without where locks cannot be had and are not needed.
///
/// Where nothing can be created (a read-only mount, somebody else's directory) SQLite cannot make its index of the WAL.
/// If there is no WAL nobody has the store open, and the file alone is all there is. A writer may still come by another
/// way while it is being read; that is noticed [at the end](Footing::check).
pub(super) fn connect(
    path: &Path,
    locked: impl FnOnce() -> rusqlite::Result<Connection>,
    unlocked: impl FnOnce() -> rusqlite::Result<Connection>,
) -> rusqlite::Result<Reading> {
    let _lock = SwapLock::share(path);
    let error = match locked() {
        Ok(connection) => {
            let footing = Footing { path: path.to_owned(), unlocked: None };
            return Ok(Reading { connection: Database::new(connection), footing });
        }
        Err(error) => error,
    };
    let stamp = Stamp::of(path);
    if !cannot_create(&error) || stamp.is_open {
        return Err(error);
    }
    let connection = Database::new(unlocked()?);
    let reading = Reading { connection, footing: Footing { path: path.to_owned(), unlocked: Some(stamp) } };
    if reading.footing.check().is_err() { Err(error) } else { Ok(reading) }
}

fn cannot_create(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn wal_is_empty(path: &Path) -> bool {
    side_file(path, "-wal").metadata().map_or(true, |data| data.len() == 0)
}

/// How a file looked at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Somebody has it open, or left it so.
    is_open: bool,
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let data = path.metadata().ok();
        Self {
            length: data.as_ref().map_or(0, |data| data.len()),
            modified: data.and_then(|data| data.modified().ok()),
            is_open: !wal_is_empty(path) || side_file(path, "-shm").exists(),
        }
    }
}

/// What a reader stands on: the file, with locks or as it was when it was found without.
///
/// Dropped after the reader, it takes away what SQLite puts beside a store that nobody has open: the first connection
/// creates an empty WAL and its index, and one that only reads cannot remove them.
#[derive(Debug)]
pub(super) struct Footing {
    path: PathBuf,
    unlocked: Option<Stamp>,
}

impl Footing {
    /// Whether the file is read without locks, which is all right only as long as nobody writes.
    pub(super) fn is_unlocked(&self) -> bool {
        self.unlocked.is_some()
    }

    /// Whether what was read so far is one commit.
    pub(super) fn check(&self) -> Result<(), SessionError> {
        match self.unlocked {
            Some(stamp) if stamp != Stamp::of(&self.path) => {
                Err(SessionError::WrittenMeanwhile { path: self.path.clone() })
            }
            _ => Ok(()),
        }
    }

    fn tidy_up(&self) -> rusqlite::Result<()> {
        // Two at once would keep each other from being the last.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is replacing the file removes both.
        let Some(_lock) = SwapLock::share_now(&self.path) else { return Ok(()) };
        // SQLite does not see another copy of it in this process, whose locks went when we closed the file.
        if is_seen_open(&self.path) {
            return Ok(());
        }
        // A connection that may write removes both when it closes, and SQLite sees to it that nobody else has them open.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(file_uri(&self.path), flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
    }
}

impl Drop for Footing {
    fn drop(&mut self) {
        let wal_was_left = side_file(&self.path, "-wal").exists() && wal_is_empty(&self.path);
        if self.unlocked.is_none() && wal_was_left {
            // Files that stay behind are harmless.
            let _ = self.tidy_up();
        }
    }
}
