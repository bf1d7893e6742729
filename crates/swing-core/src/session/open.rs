//! Opening a database file: what must be true of it, and what is set on every connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::checkpoints::Checkpointer;
use super::checks::{check_format, missing_tables, probe};
use super::controls;
use super::database::Database;
use super::error::OpenError;
use super::files::{create_dir_durably, directory, file_uri, remove_store_files, side_file, sync_dir};
use super::lock::WriterLock;
use super::log_name::LogName;
use super::own_locks;
use super::read_only::{Footing, Reading, open_reader};
use super::reader::Reader;
use super::schema::{PENDING_EXPORTS, Table};
use super::swap::SwapLock;
use super::transaction::Session;
use super::wal_index::LogSize;
use crate::row_digest::{self, RowDigests};

/// The oldest SQLite that is safe here: before it, two connections that checkpoint a WAL at once can corrupt it, and
/// an exporter is a second connection, and so is the thread that checkpoints.
pub const SQLITE_OLDEST: i32 = 3_051_003;
const _: () = assert!(rusqlite::ffi::SQLITE_VERSION_NUMBER >= SQLITE_OLDEST, "the SQLite being built is too old");

pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A log that one large block has blown up is cut when it begins anew; otherwise it stays as long as it ever was.
const LOG: &str = "PRAGMA journal_size_limit=67108864;";

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory, for tests and tools; gone when the session is.
    Memory,
    /// In a file.
    File(PathBuf),
}

impl Location {
    /// The file, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::File(path) => Some(path),
        }
    }
}

/// What to do about a file that is there or is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It must be there.
    Never,
    /// Create it if it is absent (or empty, as a crash in the first moment leaves it).
    IfAbsent,
    /// Erase it and create it anew.
    Fresh,
}

/// How to open a session.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What to do about a file that is there or is not.
    pub creation: Creation,
    /// Only read. Takes no lock and creates nothing.
    pub read_only: bool,
    /// The journal only in memory and no flushing: fast, and a crash destroys the file. Only for a file that is thrown
    /// away then.
    pub unsafe_fast: bool,
    /// Whether to keep the digest of the rows.
    pub row_digests: RowDigests,
    /// For a session in memory: the image to start from.
    pub image: Option<Vec<u8>>,
    /// How much of the file SQLite may keep in memory; 64 KiB at least.
    pub cache_bytes: u64,
    /// How much of the file to map into memory. What is mapped counts as the process's own on most meters.
    pub map_bytes: u64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            creation: Creation::IfAbsent,
            read_only: false,
            unsafe_fast: false,
            row_digests: RowDigests::Ignore,
            image: None,
            cache_bytes: 64 << 20,
            map_bytes: 1 << 30,
        }
    }
}

/// What goes when the session goes, after its connection.
pub(super) enum Beside {
    Nothing,
    Lock(#[expect(dead_code, reason = "held to be dropped")] WriterLock),
    Footing(Footing),
}

impl Session {
    /// A new, empty database in memory with these tables.
    ///
    /// # Errors
    /// [`OpenError`] when SQLite cannot create it.
    pub fn in_memory(tables: &[Table]) -> Result<Self, OpenError> {
        Self::open(Location::Memory, &OpenOptions::default(), tables)
    }

    /// Opens a database, creating the tables that are missing.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file. Nothing was created or changed then, unless the file was to be
    /// erased.
    pub fn open(location: Location, options: &OpenOptions, tables: &[Table]) -> Result<Self, OpenError> {
        Self::open_if(location, options, tables, |_| Ok(()))
    }

    /// As [`Session::open`], if `check` agrees to what is there; `None` is no database, or one that is to be erased. A file that it
    /// refuses is left as it is, its log too, and one that is not there is not created.
    ///
    /// # Errors
    /// As [`Session::open`], or the error of `check`.
    pub fn open_if<E: From<OpenError>>(
        location: Location,
        options: &OpenOptions,
        tables: &[Table],
        check: impl FnOnce(Option<Reader<'_>>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if rusqlite::version_number() < SQLITE_OLDEST {
            return Err(OpenError::OldSqlite { found: rusqlite::version() }.into());
        }
        own_locks::install();
        let declared = tables;
        let tables: Vec<_> = tables.iter().chain([&PENDING_EXPORTS]).collect();
        match &location {
            Location::Memory => {
                let shown = PathBuf::from(":memory:");
                let sqlite = |source| OpenError::Sqlite { path: shown.clone(), source };
                let mut connection = Connection::open_in_memory().map_err(sqlite)?;
                if let Some(image) = &options.image {
                    connection.deserialize_read_exact("main", &image[..], image.len(), false).map_err(sqlite)?;
                }
                configure(&connection, &shown, options)?;
                let present = check_format(&connection, &shown)?;
                let missing = missing_tables(&connection, &shown, &tables, &present)?;
                create_tables(&connection, &shown, &missing, first_digests(options, &missing, declared))?;
                let session = Self::new(Database::new(connection), location, options.read_only, Beside::Nothing);
                check(Some(session.read()))?;
                let session = session.digesting(options.row_digests, declared);
                Ok(session.map_err(|source| OpenError::RowDigests { path: shown.clone(), source })?)
            }
            Location::File(path) if options.read_only => {
                let reading = open_reader(path, &tables)?;
                check(Some(Reader::new(&reading.connection)))?;
                let Reading { connection, footing } = reading;
                Ok(Self::new(connection, whole(path)?, true, Beside::Footing(footing)))
            }
            Location::File(path) => {
                let path = path.clone();
                Self::open_to_write(&path, options, declared, None, check)
            }
        }
    }

    /// Opens the database file that `lock` was taken for.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_locked(lock: WriterLock, options: &OpenOptions, tables: &[Table]) -> Result<Self, OpenError> {
        let path = lock.database().to_owned();
        Self::open_to_write(&path, options, tables, Some(lock), |_| Ok(()))
    }

    fn open_to_write<E: From<OpenError>>(
        path: &Path,
        options: &OpenOptions,
        tables: &[Table],
        lock: Option<WriterLock>,
        check: impl FnOnce(Option<Reader<'_>>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let (connection, lock) = open_writer(path, options, tables, lock, check)?;
        let real = lock.database().to_owned();
        let log_name =
            if options.unsafe_fast { Ok(LogName::default()) } else { LogName::in_directory(directory(&real)) };
        let log_name = log_name.map_err(|source| OpenError::Io { what: "open the store's directory", source })?;
        let mut session = Self::new(connection, whole(path)?, false, Beside::Lock(lock));
        session.log_name = log_name;
        let mut session = if options.unsafe_fast { session } else { session.with_wal() };
        // Who commits from now on is another writer; what is read and remembered before that holds.
        let mut session = session
            .look_for_other_writers()
            .and_then(|()| session.digesting(options.row_digests, tables))
            .map_err(|source| OpenError::RowDigests { path: path.to_owned(), source })?;
        if !options.unsafe_fast {
            session.checkpointer = checkpoint_behind(session.connection(), &real)
                .map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })?;
        }
        Ok(session)
    }
}

/// Where a file is, wherever the process goes meanwhile.
fn whole(path: &Path) -> Result<Location, OpenError> {
    let whole = std::path::absolute(path).map_err(|source| OpenError::Io { what: "find the store", source })?;
    Ok(Location::File(whole))
}

/// Whether what is at `path`, if anything, is a store, maybe a damaged one: not a stranger's file, nor a store of a later
/// format.
///
/// # Errors
/// [`OpenError::Foreign`] or [`OpenError::NotADatabase`] when it is a stranger's, [`OpenError::NewerFormat`].
pub fn check_replaceable(path: &Path) -> Result<(), OpenError> {
    match probe(path) {
        // Damaged or not there at all, it has nothing to lose.
        Ok(()) | Err(OpenError::Missing { .. } | OpenError::Sqlite { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_writer<E: From<OpenError>>(
    path: &Path,
    options: &OpenOptions,
    declared: &[Table],
    lock: Option<WriterLock>,
    check: impl FnOnce(Option<Reader<'_>>) -> Result<(), E>,
) -> Result<(Database, WriterLock), E> {
    let tables: Vec<_> = declared.iter().chain([&PENDING_EXPORTS]).collect();
    let present = match options.creation {
        Creation::Fresh => check_replaceable(path).map(|()| false)?,
        creation => match probe(path) {
            Err(OpenError::Missing { .. }) if creation == Creation::IfAbsent => false,
            seen => seen.map(|()| true)?,
        },
    };
    let io = |what| move |source| OpenError::Io { what, source };
    let mut check = Some(check);
    if !present {
        check.take().map_or(Ok(()), |check| check(None))?;
        let create_dir = if options.unsafe_fast { fs::create_dir_all } else { create_dir_durably };
        create_dir(directory(path)).map_err(io("create the store's directory"))?;
    }
    let lock = lock.map_or_else(|| WriterLock::acquire(path), Ok).map_err(OpenError::from)?;
    let real = lock.database();
    if options.creation == Creation::Fresh {
        let _swapping = SwapLock::alone(real);
        remove_store_files(real).map_err(io("erase the old store"))?;
        if !options.unsafe_fast {
            // Otherwise a loss of power could leave the old file beside the new log, or the new one beside the old log.
            sync_dir(directory(real)).map_err(io("flush the store's directory"))?;
        }
    }
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, !present);
    let has_log = fs::metadata(side_file(real, "-wal")).is_ok_and(|log| log.len() > 0);
    let connection = Database::new(Connection::open_with_flags(file_uri(real), flags).map_err(sqlite)?);
    // What is refused now is left as it is, its WAL too. Where there is none, the one that is made meanwhile goes.
    let checkpoint_on_close =
        |on: bool| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !on).map(drop).map_err(sqlite);
    checkpoint_on_close(!has_log)?;
    configure(&connection, path, options)?;
    let tables_present = check_format(&connection, path)?;
    let missing = missing_tables(&connection, path, &tables, &tables_present)?;
    check.take().map_or(Ok(()), |check| check(Some(Reader::new(&connection))))?;
    checkpoint_on_close(true)?;
    let (journal, synchronous) = if options.unsafe_fast { ("memory", "off") } else { ("wal", "full") };
    let mode: String =
        connection.query_row(&format!("PRAGMA journal_mode={journal}"), [], |row| row.get(0)).map_err(sqlite)?;
    if mode != journal {
        return Err(OpenError::NotWal { path: path.to_owned(), mode }.into());
    }
    connection.pragma_update(None, "synchronous", synchronous).map_err(sqlite)?;
    connection.execute_batch(LOG).map_err(sqlite)?;
    create_tables(&connection, path, &missing, first_digests(options, &missing, declared))?;
    if !options.unsafe_fast && (!present || !missing.is_empty()) {
        // Tables are committed already.
        sync_dir(directory(real)).map_err(io("flush the store's directory"))?;
    }
    Ok((connection, lock))
}

fn configure(connection: &Connection, path: &Path, options: &OpenOptions) -> Result<(), OpenError> {
    let set = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Of 0 SQLite would make a switch.
        let (cache, map) = ((options.cache_bytes >> 10).max(64), options.map_bytes);
        // Nor is more of a block written ahead of its commit while the cache is smaller for a time.
        connection.execute_batch(&format!(
            "PRAGMA trusted_schema=OFF; PRAGMA cache_size=-{cache}; PRAGMA cache_spill=-{cache}; PRAGMA mmap_size={map};"
        ))
    };
    set().map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })
}

/// Takes the checkpoints off SQLite's hands, at as many pages as it would have made them, where the log can be looked at.
fn checkpoint_behind(database: &Database, path: &Path) -> rusqlite::Result<Option<Checkpointer>> {
    const PAGES: &str = "wal_autocheckpoint";
    let pages: i64 = database.pragma_query_value(None, PAGES, |row| row.get(0))?;
    match u32::try_from(pages) {
        Ok(pages) if pages > 0 && LogSize::read(database).is_some() => {
            database.pragma_update_and_check(None, PAGES, 0, |_| Ok(()))?;
            let page_bytes = database.pragma_query_value(None, "page_size", |row| row.get(0))?;
            Ok(Some(Checkpointer::new(controls::checkpoint_pages(pages), page_bytes, path)))
        }
        _ => Ok(None),
    }
}

/// What makes the digests of a database that is made now. One that is there already may have rows, of which they would
/// not be.
fn first_digests(options: &OpenOptions, missing: &[&Table], declared: &[Table]) -> String {
    let is_new = missing.len() == declared.len() + 1;
    if options.row_digests == RowDigests::Keep && is_new { row_digest::stored::create(declared) } else { String::new() }
}

fn create_tables(connection: &Connection, path: &Path, missing: &[&Table], digests: String) -> Result<(), OpenError> {
    if missing.is_empty() {
        return Ok(());
    }
    let tables = missing.iter().map(|table| format!("{}\n", table.create));
    let create: String = tables.chain([digests]).collect();
    connection
        .execute_batch(&format!("BEGIN IMMEDIATE;\n{create}COMMIT;"))
        .map_err(|source| OpenError::Sqlite { path: path.to_owned(), source })
}
