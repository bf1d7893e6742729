//! The floor of an import: a store's rows, inserted in the order of their keys by plain SQL, with the importer's settings.
//!
//! Rows are read a few megabytes at a time, so that a store of any size can be measured; only inserting, committing and flushing count.

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::super::work::Figures;
use super::timing::{Moment, figures, nanos};

const FILE: &str = "swingstore.sqlite";

/// The tables of the original, in the order in which an import fills them, and the order of their keys.
const TABLES: [(&str, &str); 5] = [
    ("kvStore", "key"),
    ("transcriptSpans", "vatID, startPos"),
    ("transcriptItems", "vatID, position"),
    ("snapshots", "vatID, snapPos"),
    ("bundles", "bundleID"),
];

/// So many bytes are in memory at a time.
const BATCH: usize = 8 << 20;

pub(super) fn measure(dir: &Path, store: &Path) -> Result<Figures> {
    let from = Connection::open_with_flags(store.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    fs::create_dir_all(dir)?;
    let file = dir.join(FILE);
    let to = Connection::open(&file)?;
    to.execute_batch(
        "PRAGMA journal_mode=memory; PRAGMA synchronous=off; PRAGMA cache_size=-24576; PRAGMA mmap_size=0;",
    )?;
    for (table, _) in TABLES {
        let mut created = from.prepare(
            "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL",
        )?;
        let statements = created.query_map([table], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        to.execute_batch(&format!("{};", statements.join(";")))?;
    }
    let (mut all, mut rows) = (0.0, 0);
    to.execute_batch("BEGIN")?;
    for (table, order) in TABLES {
        let (took, count) = fill(&from, &to, table, order).with_context(|| format!("table {table}"))?;
        (all, rows) = (all + took, rows + count);
    }
    let start = Moment::now();
    to.execute_batch("COMMIT")?;
    fs::File::open(&file)?.sync_all()?;
    all += nanos(start.elapsed());
    Ok(figures([("insert", all), ("rows", rows as f64)]))
}

/// Nanoseconds of inserting, and how many rows.
fn fill(from: &Connection, to: &Connection, table: &str, order: &str) -> Result<(f64, u64)> {
    let mut read = from.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
    let columns = read.column_count();
    let mut insert = to.prepare(&format!("INSERT INTO {table} VALUES ({})", vec!["?"; columns].join(",")))?;
    let mut found = read.query([])?;
    let (mut all, mut count) = (0.0, 0);
    loop {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH {
            let Some(row) = found.next()? else { break };
            let values = (0..columns).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?;
            bytes += values.iter().map(size).sum::<usize>();
            batch.push(values);
        }
        if batch.is_empty() {
            return Ok((all, count));
        }
        let start = Moment::now();
        for values in &batch {
            insert.execute(params_from_iter(values))?;
        }
        all += nanos(start.elapsed());
        count += batch.len() as u64;
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(blob) => blob.len(),
        _ => 8,
    }
}

/// Bytes that a store's pairs, items, heaps and bundles come to, none of them compressed.
pub(super) fn content(dir: &Path) -> Result<f64> {
    let store = Connection::open_with_flags(dir.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sums = [
        "SELECT TOTAL(OCTET_LENGTH(key) + OCTET_LENGTH(value)) FROM kvStore",
        "SELECT TOTAL(OCTET_LENGTH(item)) FROM transcriptItems",
        "SELECT TOTAL(uncompressedSize) FROM snapshots WHERE compressedSnapshot IS NOT NULL",
        "SELECT TOTAL(OCTET_LENGTH(bundle)) FROM bundles",
    ];
    let mut bytes = 0.0;
    for sum in sums {
        bytes += store.query_row(sum, [], |row| row.get::<_, f64>(0))?;
    }
    Ok(bytes)
}
