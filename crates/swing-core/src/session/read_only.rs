//! Connections that only read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::checks::{check_format, missing_tables, probe};
use super::error::OpenError;
use super::files::{file_uri, real_path, side_file};
use super::open::{BUSY_TIMEOUT, STATEMENTS};
use super::schema::Table;

pub(super) const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX).union(OpenFlags::SQLITE_OPEN_URI);

/// A reader of a store that has been looked at, and how to open more of them.
pub(super) struct OpenReader {
    pub(super) connection: Connection,
    pub(super) uri: String,
    pub(super) tidy: Tidy,
}

/// Opens a connection that only reads. It sees what is committed, creates no database and checkpoints nothing.
pub(super) fn open_reader(path: &Path, tables: &[&Table]) -> Result<OpenReader, OpenError> {
    probe(path)?;
    let real = real_path(path).map_err(|source| OpenError::Io { what: "find the store", source })?;
    let tidy = Tidy { path: real.clone() };
    let open = |uri: String| {
        let connection = Connection::open_with_flags(&uri, FLAGS)?;
        configure_reader(&connection)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok((connection, uri))
    };
    let uri = file_uri(&real);
    let (connection, uri) = open(uri.clone())
        .or_else(|error: rusqlite::Error| {
            // Where nothing can be created (a read-only mount) SQLite cannot make its index of the WAL. If there is neither,
            // nobody has the store open, and the file alone is all there is. What SQLite then cannot notice is a writer
            // that comes later by another mount.
            let cannot = error.sqlite_error_code() == Some(ErrorCode::CannotOpen);
            let closed = wal_is_empty(&real) && !side_file(&real, "-shm").exists();
            if cannot && closed { open(format!("{uri}?immutable=1")) } else { Err(error) }
        })
        .map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })?;
    check_format(&connection, path)?;
    if let Some(table) = missing_tables(&connection, path, tables)?.first() {
        return Err(OpenError::NoTable { path: path.to_owned(), table: table.name });
    }
    Ok(OpenReader { connection, uri, tidy })
}

pub(super) fn configure_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(
        "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-65536; PRAGMA mmap_size=1073741824;",
    )
}

fn wal_is_empty(path: &Path) -> bool {
    side_file(path, "-wal").metadata().map_or(true, |data| data.len() == 0)
}

/// Takes away, when it is dropped after a reader, what SQLite puts beside a store that nobody has open: the first
/// connection creates an empty WAL and its index, and one that only reads cannot remove them.
pub(super) struct Tidy {
    path: PathBuf,
}

impl Drop for Tidy {
    fn drop(&mut self) {
        if !side_file(&self.path, "-wal").exists() || !wal_is_empty(&self.path) {
            return;
        }
        // A connection that may write removes both when it closes, and SQLite sees to it that nobody else has them open.
        // Files that stay behind are harmless, so nothing is waited for.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let _ = Connection::open_with_flags(file_uri(&self.path), flags).and_then(|connection| {
            connection.busy_timeout(Duration::ZERO)?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        });
    }
}
