//! Everything a database file holds, as text that the model can be asked for too.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use swing_core::Digest;
use swing_core::session::{Pinned, store_file};
use swing_core::testing::model::Model;
use swing_export::{DigestVerdict, digest_verdict};
use swing_store::{SUBSTORES, tables};

/// Every row of every table that the contract has, one a line, in key order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dump(String);

impl Dump {
    /// Of a store that holds nothing.
    pub(crate) fn empty() -> Self {
        Self(String::new())
    }

    /// What the model says that the file must hold.
    pub(crate) fn of_model(model: &Model) -> Self {
        let mut text = String::new();
        for row in model.rows() {
            writeln!(text, "{row}").expect("writing to a String cannot fail");
        }
        Self(text)
    }

    /// What the file of the store in directory `dir` holds, after SQLite's own check of it.
    pub(crate) fn of_store(dir: &Path) -> Result<Self> {
        let connection = Connection::open_with_flags(store_file(dir), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        Self::of_connection(&connection)
    }

    pub(crate) fn of_connection(connection: &Connection) -> Result<Self> {
        let sound: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        ensure!(sound == "ok", "integrity_check: {sound}");
        let mut text = String::new();
        for (table, sql) in TABLES {
            let mut statement = connection.prepare(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let mut values = vec![json!(table)];
                for column in 0..columns {
                    let found = row.get_ref(column)?;
                    let found = if *table == *"bundles" && column == 3 { content(found) } else { value(found) };
                    values.push(found.with_context(|| format!("a row of {table}"))?);
                }
                writeln!(text, "{}", Value::Array(values)).expect("writing to a String cannot fail");
            }
        }
        Ok(Self(text))
    }

    /// The first line that only one of both has.
    pub(crate) fn difference(&self, expected: &Self) -> String {
        let only = |mine: &Self, theirs: &Self| {
            let theirs: std::collections::HashSet<_> = theirs.0.lines().collect();
            mine.0.lines().find(|line| !theirs.contains(line)).map(str::to_owned)
        };
        format!("found {:?}, expected {:?}", only(self, expected), only(expected, self))
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }

    /// The host's height in it; 0 before the first commit.
    pub(crate) fn height(&self) -> u64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(r#"["kvStore","host.height",""#));
        line.and_then(|rest| rest.strip_suffix(r#""]"#)?.parse().ok()).unwrap_or(0)
    }
}

/// The store in directory `dir`, which its own writer alone has written, must vouch for each of its rows.
pub(crate) fn insist_on_row_digests(dir: &Path) -> Result<()> {
    let pinned = Pinned::open(&store_file(dir), &tables())?;
    let (verdict, findings) = digest_verdict(pinned.read(), SUBSTORES)?;
    ensure!(
        matches!(verdict, DigestVerdict::Agrees { .. }) && findings.is_empty(),
        "the digest of the rows: {verdict:?}, {findings:?}"
    );
    Ok(pinned.close()?)
}

/// The tables with their columns, such that the model's rows look the same.
const TABLES: [(&str, &str); 6] = [
    ("kvStore", "SELECT key, value FROM kvStore ORDER BY key"),
    ("transcriptItems", "SELECT vatID, position, item, incarnation FROM transcriptItems ORDER BY vatID, position"),
    (
        "transcriptSpans",
        "SELECT vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans ORDER BY vatID, startPos",
    ),
    (
        "snapshots",
        "SELECT vatID, snapPos, inUse, hash, uncompressedSize,
                CASE WHEN compressedSize IS NOT NULL THEN 'set' END, compressedSnapshot
         FROM snapshots ORDER BY vatID, snapPos",
    ),
    ("bundles", "SELECT bundleID, typeof(bundle), length(CAST(bundle AS BLOB)), bundle FROM bundles ORDER BY bundleID"),
    ("pendingExports", "SELECT key, value FROM pendingExports ORDER BY key"),
];

/// What a bundle's stored bytes are told by.
fn content(found: rusqlite::types::ValueRef<'_>) -> Result<Value> {
    Ok(json!(Digest::of(found.as_bytes()?).to_string()))
}

fn value(found: rusqlite::types::ValueRef<'_>) -> Result<Value> {
    use rusqlite::types::ValueRef;
    Ok(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(std::str::from_utf8(text)?),
        ValueRef::Blob(gzip) => {
            let mut bytes = Vec::new();
            flate2::read::MultiGzDecoder::new(gzip).read_to_end(&mut bytes).context("a snapshot's gzip")?;
            json!(Digest::of(&bytes).to_string())
        }
    })
}
