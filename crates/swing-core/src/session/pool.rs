//! Readers beside a writer: a pool of read-only connections, and one pinned to a single moment of the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::Connection;

use super::error::{OpenError, SessionError};
use super::read_only::{FLAGS, OpenReader, Tidy, configure_reader, open_reader};
use super::reader::Reader;
use super::schema::{PENDING_EXPORTS, Table};

/// A connection of the pool. The last one to go tidies up, and since the pool's own threads may hold one for a moment
/// longer than anybody else, that may be a moment after the pool is dropped.
struct Kept {
    connection: Connection,
    _tidy: Arc<Tidy>,
}

struct Manager {
    sqlite: SqliteConnectionManager,
    tidy: Arc<Tidy>,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Kept;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Kept, rusqlite::Error> {
        Ok(Kept { connection: self.sqlite.connect()?, _tidy: Arc::clone(&self.tidy) })
    }

    fn is_valid(&self, kept: &mut Kept) -> Result<(), rusqlite::Error> {
        self.sqlite.is_valid(&mut kept.connection)
    }

    fn has_broken(&self, kept: &mut Kept) -> bool {
        self.sqlite.has_broken(&mut kept.connection)
    }
}

/// Read-only connections to one store, opened when needed and used again.
#[derive(Clone)]
pub struct Readers {
    path: PathBuf,
    pool: r2d2::Pool<Manager>,
}

impl Readers {
    /// Prepares for up to `most` readers of the store in file `path` at once. Nothing is created.
    ///
    /// # Errors
    /// [`OpenError`] when there is no store there that has `tables`.
    pub fn open(path: &Path, tables: &[Table], most: u32) -> Result<Self, OpenError> {
        let tables: Vec<_> = tables.iter().chain([&PENDING_EXPORTS]).collect();
        let OpenReader { connection, uri, tidy } = open_reader(path, &tables)?;
        let sqlite =
            SqliteConnectionManager::file(uri).with_flags(FLAGS).with_init(|connection| configure_reader(connection));
        let manager = Manager { sqlite, tidy: Arc::new(tidy) };
        drop(connection);
        let pool = r2d2::Pool::builder()
            .max_size(most.max(1))
            .min_idle(Some(0))
            .test_on_check_out(false)
            .build(manager)
            .map_err(|source| OpenError::Pool { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), pool })
    }

    /// A reader of the last commit, which it goes on seeing whatever is committed later.
    ///
    /// # Errors
    /// [`OpenError`] when no connection is free or the store cannot be read.
    pub fn pin(&self) -> Result<Pinned, OpenError> {
        let kept = self.pool.get().map_err(|source| OpenError::Pool { path: self.path.clone(), source })?;
        let pinned = Pinned { kept };
        // BEGIN pins nothing; the first read does.
        pinned
            .kept
            .connection
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
            .map_err(|source| OpenError::Sqlite { path: self.path.clone(), source })?;
        Ok(pinned)
    }
}

/// A reader that sees one commit until it is dropped.
pub struct Pinned {
    kept: r2d2::PooledConnection<Manager>,
}

impl Pinned {
    /// Reads.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(&self.kept.connection)
    }

    /// Gives the pinned commit up.
    ///
    /// # Errors
    /// [`SessionError`] when SQLite cannot end the transaction.
    pub fn close(self) -> Result<(), SessionError> {
        self.rollback()
    }

    fn rollback(&self) -> Result<(), SessionError> {
        const SQL: &str = "ROLLBACK";
        if self.kept.connection.is_autocommit() {
            return Ok(());
        }
        self.kept.connection.execute_batch(SQL).map_err(|source| SessionError::new(SQL, source))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Otherwise the next user of this connection would see the old commit.
        let _ = self.rollback();
    }
}
