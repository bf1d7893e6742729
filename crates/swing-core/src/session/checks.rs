//! What a file must be to be opened as a store.

use std::io::Read as _;
use std::path::Path;

use fs_err as fs;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::OpenError;
use super::files::{file_uri, side_file};
use super::own_locks;
use super::schema::{MARK_TABLES, Table};

/// A connection to the file alone, without its WAL. It creates nothing and locks nothing.
///
/// Whoever looks at a database must do it through SQLite: closing a file descriptor of one's own would give up the POSIX
/// locks that other connections of this process have on it, and with them the WAL to whoever closes next. Only where all
/// locks are [of another kind](own_locks) may it be done by hand, and there [`SoleUse`](super::sole_use::SoleUse) does.
fn look_into(path: &Path) -> rusqlite::Result<Connection> {
    own_locks::install();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("{}?immutable=1", file_uri(path)), flags)
}

fn is_no_database(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
}

enum Entry {
    Nothing,
    File,
    Other,
}

fn entry_at(path: &Path) -> std::io::Result<Entry> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match fs::metadata(path) {
        Ok(data) if !data.is_file() => Ok(Entry::Other),
        Ok(data) if data.len() == 0 => Ok(Entry::Nothing),
        Ok(_) => Ok(Entry::File),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(Entry::Nothing),
        Err(error) => Err(error),
    }
}

/// Whether SQLite has left a log beside the file with which it may mend it: power that fails during a checkpoint can
/// tear the file's first page, header and all, of which the log has the whole.
fn has_log(path: &Path) -> bool {
    const WAL: [&[u8]; 2] = [&[0x37, 0x7f, 0x06, 0x82], &[0x37, 0x7f, 0x06, 0x83]];
    const JOURNAL: [&[u8]; 1] = [&[0xd9, 0xd5, 0x05, 0xf9]];
    let begins = |suffix, marks: &[&[u8]]| {
        let mut found = [0; 4];
        let read = fs::File::open(side_file(path, suffix)).and_then(|mut log| log.read_exact(&mut found));
        read.is_ok() && marks.contains(&&found[..])
    };
    begins("-wal", &WAL) || begins("-journal", &JOURNAL)
}

/// Whether there is a SQLite database at `path`, as far as its header tells. An absent or empty file is none; one with a
/// torn header and a log that may mend it is one.
///
/// # Errors
/// Whatever keeps the file from being read, with its path.
pub fn has_store_header(path: &Path) -> std::io::Result<bool> {
    let Entry::File = entry_at(path)? else { return Ok(false) };
    let seen = look_into(path).and_then(|file| file.query_row("PRAGMA schema_version", [], |_| Ok(())));
    match seen {
        Ok(()) => Ok(true),
        Err(error) if is_no_database(&error) => Ok(has_log(path)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => Ok(true),
        Err(error) => Err(std::io::Error::other(format!("failed to read {}: {error}", path.display()))),
    }
}

/// Looks at the file before anything is created or locked because of it.
pub(super) fn probe(path: &Path) -> Result<(), OpenError> {
    let shown = || path.to_owned();
    match entry_at(path).map_err(|source| OpenError::Io { what: "read the store", source })? {
        Entry::Nothing => return Err(OpenError::Missing { path: shown() }),
        Entry::Other => return Err(OpenError::NotADatabase { path: shown() }),
        Entry::File => {}
    }
    let Ok(file) = look_into(path) else { return Ok(()) };
    match check_format(&file, path) {
        // What is wrong with the file alone may be right with its WAL, which the real open sees.
        Ok(_) | Err(OpenError::Sqlite { .. }) => Ok(()),
        Err(OpenError::NotADatabase { .. }) if has_log(path) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Refuses a later format, and a database that is somebody else's. Answers the names of the tables that are there.
pub(super) fn check_format(connection: &Connection, path: &Path) -> Result<Vec<String>, OpenError> {
    let look = || -> rusqlite::Result<(i64, Vec<String>)> {
        let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let names = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok((version, names))
    };
    let (found, names) = look().map_err(|source| {
        let path = path.to_owned();
        if is_no_database(&source) { OpenError::NotADatabase { path } } else { OpenError::Sqlite { path, source } }
    })?;
    if let Some(table) = names.first()
        && !names.iter().any(|name| MARK_TABLES.contains(&name.as_str()))
    {
        return Err(OpenError::Foreign { path: path.to_owned(), table: table.clone() });
    }
    if found != 0 {
        return Err(OpenError::NewerFormat { path: path.to_owned(), found });
    }
    Ok(names)
}

/// Those of `tables` that are not among `present`, after checking the columns of those that are.
pub(super) fn missing_tables<'t>(
    connection: &Connection,
    path: &Path,
    tables: &[&'t Table],
    present: &[String],
) -> Result<Vec<&'t Table>, OpenError> {
    let mut missing = Vec::new();
    for &table in tables {
        if present.iter().any(|name| name == table.name) {
            check_columns(connection, path, table)?;
        } else {
            missing.push(table);
        }
    }
    Ok(missing)
}

fn check_columns(connection: &Connection, path: &Path, table: &Table) -> Result<(), OpenError> {
    // To look a name up costs a tenth of preparing a statement that has it.
    let is_there = |column: &str| connection.column_exists(Some("main"), table.name, column).unwrap_or(false);
    let columns = if !table.columns.iter().all(|column| is_there(column)) {
        table.columns.join(", ")
    } else if !is_there("rowid") {
        // Rows are also found by their ids, which a table need not have.
        "rowid".to_owned()
    } else {
        return Ok(());
    };
    // A column that is missing is an error; written bare, since SQLite takes an unknown name in quotes for a string.
    connection.prepare(&format!("SELECT {columns} FROM {}", table.name)).map(drop).map_err(|source| OpenError::Schema {
        path: path.to_owned(),
        table: table.name,
        columns,
        source,
    })
}
