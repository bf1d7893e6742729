//! Whether anybody else has a database open, also one who is doing nothing just then.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::OpenError;
use super::files::file_uri;
use super::own_locks;

/// What only a connection can run that has a database with a log to itself: whoever has one open holds a shared lock on its file for
/// all that time. As long as this connection is open nobody else can open the database.
pub const ALONE: &str = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT";

/// Whether somebody still has the database in file `path` open after `patience`. Nothing is changed. (Of a database without a log
/// only those are seen who are in a transaction.)
///
/// # Errors
/// [`OpenError::Sqlite`] when that cannot be found out.
pub fn is_open_elsewhere(path: &Path, patience: Duration) -> Result<bool, OpenError> {
    own_locks::install();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let look = || -> rusqlite::Result<()> {
        let connection = Connection::open_with_flags(file_uri(path), flags)?;
        // Who has a log that nobody has recovered finds it as it was.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(patience)?;
        connection.execute_batch(ALONE)
    };
    match look() {
        Ok(()) => Ok(false),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(true),
        Err(source) => Err(OpenError::Sqlite { path: path.to_owned(), source }),
    }
}
