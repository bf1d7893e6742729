//! Readers beside a writer: a pool of read-only connections, and one pinned to a single moment of the store.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use r2d2_sqlite::SqliteConnectionManager;

use super::controls;
use super::error::{OpenError, SessionError};
use super::files::real_path;
use super::read_only::{FLAGS, Reading, Uris, begin_reading, connect, open_reader};
use super::reader::Reader;
use super::schema::{PENDING_EXPORTS, Table};

struct Manager {
    path: PathBuf,
    locked: SqliteConnectionManager,
    unlocked: SqliteConnectionManager,
}

impl Manager {
    fn of(path: PathBuf) -> Self {
        let uris = Uris::of(&path);
        let sqlite = |uri| SqliteConnectionManager::file(uri).with_flags(FLAGS).with_init(begin_reading);
        Self { path, locked: sqlite(uris.locked), unlocked: sqlite(uris.unlocked) }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Reading;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Reading, rusqlite::Error> {
        connect(&self.path, || self.locked.connect(), || self.unlocked.connect())
    }

    fn is_valid(&self, reading: &mut Reading) -> Result<(), rusqlite::Error> {
        reading.connection.execute_batch("SELECT 1")
    }

    fn has_broken(&self, reading: &mut Reading) -> bool {
        // What is true of a file that nobody writes need not be true the next time.
        reading.footing.is_unlocked()
    }
}

/// Read-only connections to one store, opened when needed and used again. Its own threads may hold a connection for a
/// moment longer than whoever drops it.
#[derive(Clone)]
pub struct Readers {
    path: PathBuf,
    pool: r2d2::Pool<Manager>,
}

crate::opaque!(Readers);

impl Readers {
    /// Prepares for up to `most` readers of the store in file `path` at once. Nothing is created.
    ///
    /// # Errors
    /// [`OpenError`] when there is no store there that has `tables`.
    pub fn open(path: &Path, tables: &[Table], most: u32) -> Result<Self, OpenError> {
        let tables: Vec<_> = tables.iter().chain([&PENDING_EXPORTS]).collect();
        drop(open_reader(path, &tables)?);
        let real = real_path(path).map_err(|source| OpenError::Io { what: "find the store", source })?;
        let manager = Manager::of(real);
        let pool = r2d2::Pool::builder()
            .max_size(most.max(1))
            .min_idle(Some(0))
            // With either of these the pool's threads outlive it by half a minute, and exporters come and go.
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            .build(manager)
            .map_err(|source| OpenError::Pool { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), pool })
    }

    /// A reader of the last commit, which it goes on seeing whatever is committed later. Waits up to 30 seconds for a connection to be
    /// free.
    ///
    /// # Errors
    /// [`OpenError`] when none is by then, or the store cannot be read.
    pub fn pin(&self) -> Result<Pinned, OpenError> {
        let reading = self.pool.get().map_err(|source| OpenError::Pool { path: self.path.clone(), source })?;
        Pinned::begin(Held::Pooled(reading), &self.path)
    }
}

enum Held {
    Pooled(r2d2::PooledConnection<Manager>),
    Own(Reading),
}

impl Deref for Held {
    type Target = Reading;

    fn deref(&self) -> &Reading {
        match self {
            Self::Pooled(reading) => reading,
            Self::Own(reading) => reading,
        }
    }
}

/// A reader that sees one commit until it is dropped.
pub struct Pinned {
    reading: Held,
}

crate::opaque!(Pinned);

impl Pinned {
    /// A reader of the last commit of the store in file `path`, with a connection of its own. Nothing is created. One that
    /// cannot be had is an error at once, where a pool would go on trying for a while.
    ///
    /// # Errors
    /// [`OpenError`] when there is no store there that has `tables`, or it cannot be read.
    pub fn open(path: &Path, tables: &[Table]) -> Result<Self, OpenError> {
        let tables: Vec<_> = tables.iter().chain([&PENDING_EXPORTS]).collect();
        Self::begin(Held::Own(open_reader(path, &tables)?), path)
    }

    fn begin(reading: Held, path: &Path) -> Result<Self, OpenError> {
        if controls::nothing_is_pinned() {
            return Ok(Self { reading });
        }
        // BEGIN pins nothing; the first read does.
        reading
            .connection
            .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")
            .map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })?;
        Ok(Self { reading })
    }

    /// Reads.
    #[must_use]
    pub fn read(&self) -> Reader<'_> {
        Reader::new(&self.reading.connection)
    }

    /// Gives the pinned commit up, and says whether it was one.
    ///
    /// # Errors
    /// [`SessionError::WrittenMeanwhile`] when the store was read without locks, as it is where nothing can be created
    /// beside it, and a writer came. Any other when SQLite cannot end the transaction.
    pub fn close(self) -> Result<(), SessionError> {
        self.reading.footing.check()?;
        self.rollback()
    }

    fn rollback(&self) -> Result<(), SessionError> {
        const SQL: &str = "ROLLBACK";
        if self.reading.connection.is_autocommit() {
            return Ok(());
        }
        self.reading.connection.execute_batch(SQL).map_err(|source| SessionError::new(SQL, source))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // Otherwise the next user of this connection would see the old commit.
        let _ = self.rollback();
    }
}

#[cfg(test)]
mod tests {
    use r2d2::ManageConnection as _;
    use rusqlite::Connection;

    use super::*;

    /// A reader without locks, as of a store where nothing can be created.
    fn unlocked(path: &Path) -> Reading {
        let refuse = || {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            Err(rusqlite::Error::SqliteFailure(code, None))
        };
        connect(path, refuse, || Connection::open_with_flags(Uris::of(path).unlocked, FLAGS)).unwrap()
    }

    #[test]
    fn a_connection_without_locks_is_used_once_and_one_with_locks_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let manager = Manager::of(path.clone());
        assert!(manager.has_broken(&mut unlocked(&path)));
        assert!(!manager.has_broken(&mut manager.connect().unwrap()));
    }

    #[test]
    fn whoever_read_without_locks_is_told_at_the_end_that_a_writer_came() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let pin = || Pinned::begin(Held::Own(unlocked(&path)), &path).unwrap();
        pin().close().unwrap();
        let pinned = pin();
        writer.execute_batch("CREATE TABLE u (a)").unwrap();
        assert!(matches!(pinned.close(), Err(SessionError::WrittenMeanwhile { .. })));
    }
}
