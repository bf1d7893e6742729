//! What a store says, read by plain SQL: the truth that a verification is measured by.

use std::hash::{DefaultHasher, Hasher as _};
use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// The tables of a store, and the columns by which they are asked.
const TABLES: [(&str, &str); 6] = [
    ("kvStore", "key"),
    ("transcriptItems", "vatID, position"),
    ("transcriptSpans", "vatID, startPos"),
    ("snapshots", "vatID, snapPos"),
    ("bundles", "bundleID"),
    ("pendingExports", "key"),
];

/// A hash of everything that the tables say, row by row, and of every key that their indexes lead to. An error if that cannot
/// be read.
pub(super) fn content(database: &Path) -> Result<u64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    let mut hash = DefaultHasher::new();
    for (table, keys) in TABLES {
        rows(&connection, &format!("SELECT rowid, * FROM {table} NOT INDEXED ORDER BY rowid"), true, &mut hash)?;
        let index = format!("{table} INDEXED BY sqlite_autoindex_{table}_1");
        rows(&connection, &format!("SELECT {keys}, rowid FROM {index} ORDER BY {keys}"), false, &mut hash)?;
    }
    Ok(hash.finish())
}

fn rows(connection: &Connection, sql: &str, ascending: bool, hash: &mut DefaultHasher) -> Result<()> {
    const MOST: u64 = 1_000_000;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let (mut last, mut count) = (i64::MIN, 0);
    while let Some(row) = rows.next()? {
        if ascending {
            // A damaged tree may lead in a circle.
            let rowid = row.get(0)?;
            ensure!(rowid > last, "rows out of order");
            last = rowid;
        }
        count += 1;
        ensure!(count < MOST, "rows without end");
        for column in 0..columns {
            if ascending && column == 0 {
                continue;
            }
            let (kind, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (0, Vec::new()),
                ValueRef::Integer(number) => (1, number.to_le_bytes().to_vec()),
                ValueRef::Real(number) => (2, number.to_bits().to_le_bytes().to_vec()),
                ValueRef::Text(text) => (3, text.to_vec()),
                ValueRef::Blob(bytes) => (4, bytes.to_vec()),
            };
            hash.write_u8(kind);
            hash.write_usize(bytes.len());
            hash.write(&bytes);
        }
    }
    hash.write_u64(count);
    Ok(())
}
