//! Verifying: every row by itself, its bytes against it, and the rows of a vat against each other.
//!
//! Rows are read as whatever they are, so that one of a wrong type is a finding like any other.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};

use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use swing_core::session::{Reader, SessionError, paged};
use swing_core::substore::{Finding, Limits, SubstoreError};
use swing_core::{ArtifactName, Digest, Position, VatId};

use crate::bytes::read_gzip;
use crate::codec::{Expected, ReadAhead, SnapshotReader};

const PAGE: i64 = 1000;

/// A value that may be of any type.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Other(&'static str),
}

impl FromSql for Cell {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(_) => Self::Other("a fraction"),
            ValueRef::Blob(_) => Self::Other("a blob"),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Self::Text(text.to_owned()),
                Err(_) => Self::Other("text that is not UTF-8"),
            },
        })
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{:?}", text.chars().take(80).collect::<String>()),
            Self::Other(what) => f.write_str(what),
        }
    }
}

struct RawRow {
    rowid: i64,
    vat: Cell,
    position: Cell,
    in_use: Cell,
    hash: Cell,
    uncompressed_size: Cell,
    compressed_size: Cell,
    /// The type of the bytes, and their length if they are a blob.
    bytes: (String, i64),
}

/// What went wrong while one row was looked at.
struct Problems<'f> {
    what: String,
    found: &'f mut dyn FnMut(Finding),
}

impl Problems<'_> {
    fn add(&mut self, problem: impl Into<String>) {
        (self.found)(Finding { what: self.what.clone(), problem: problem.into() });
    }

    /// The value of a cell, or `None` with a finding.
    fn parse<T>(&mut self, column: &str, cell: &Cell, parse: impl FnOnce(&Cell) -> Option<T>) -> Option<T> {
        let value = parse(cell);
        if value.is_none() {
            self.add(format!("{column} is {cell}"));
        }
        value
    }
}

pub(super) fn verify(db: Reader<'_>, found: &mut dyn FnMut(Finding)) -> Result<(), SubstoreError> {
    let mut known = HashSet::new();
    let mut in_use = HashMap::<VatId, String>::new();
    for row in rows(db) {
        let row = row?;
        let (vat, position) = (vat(&row.vat), position(&row.position));
        let name = vat.clone().zip(position).map(|(vat, position)| ArtifactName::Snapshot { vat, position });
        let what = name.as_ref().map_or_else(|| format!("snapshots row {}", row.rowid), ToString::to_string);
        let mut problems = Problems { what, found: &mut *found };
        problems.parse("vatID", &row.vat, self::vat);
        problems.parse("snapPos", &row.position, self::position);
        if let Some(name) = name
            && !known.insert(name)
        {
            problems.add("there is another row of the same vat and position");
        }
        match row.in_use {
            Cell::Null => {}
            Cell::Integer(1) => {
                let other = vat.and_then(|vat| in_use.insert(vat, problems.what.clone()));
                if let Some(other) = other {
                    problems.add(format!("it is in use, and so is {other}"));
                }
            }
            Cell::Integer(0) => problems.add("inUse is 0 (unused is NULL)"),
            ref other => problems.add(format!("inUse is {other}")),
        }
        verify_bytes(db, &row, &mut problems);
    }
    Ok(())
}

fn rows<'a>(db: Reader<'a>) -> impl Iterator<Item = Result<RawRow, SessionError>> + 'a {
    // By rowid: the table itself is read, and not an index of it.
    const SQL: &str = "SELECT rowid, vatID, snapPos, inUse, hash, uncompressedSize, compressedSize,
            typeof(compressedSnapshot), CASE typeof(compressedSnapshot) WHEN 'blob' THEN length(compressedSnapshot) ELSE 0 END
        FROM snapshots WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2";
    let mut from = Some(i64::MIN);
    paged(move || {
        let Some(rowid) = from else { return Ok(Vec::new()) };
        let page = db.all(SQL, (rowid, PAGE), |row| {
            Ok(RawRow {
                rowid: row.get(0)?,
                vat: row.get(1)?,
                position: row.get(2)?,
                in_use: row.get(3)?,
                hash: row.get(4)?,
                uncompressed_size: row.get(5)?,
                compressed_size: row.get(6)?,
                bytes: (row.get(7)?, row.get(8)?),
            })
        })?;
        if page.last().is_some_and(|last| last.rowid < rowid) {
            return Err(SessionError::OutOfOrder { table: "snapshots" });
        }
        from = page.last().and_then(|last| last.rowid.checked_add(1));
        Ok(page)
    })
}

fn verify_bytes(db: Reader<'_>, row: &RawRow, problems: &mut Problems<'_>) {
    let hash = problems.parse("hash", &row.hash, hash);
    let raw_len = problems.parse("uncompressedSize", &row.uncompressed_size, size);
    let stored_len = problems.parse("compressedSize", &row.compressed_size, size);
    match row.bytes.0.as_str() {
        "blob" => {}
        "null" => return,
        other => return problems.add(format!("compressedSnapshot is {other}")),
    }
    let absent = "is absent, although the bytes are there";
    match stored_len {
        Some(None) => problems.add(format!("compressedSize {absent}")),
        Some(Some(size)) if i64::try_from(size) != Ok(row.bytes.1) => {
            problems.add(format!("compressedSize is {size}, but {} bytes are stored", row.bytes.1));
        }
        _ => {}
    }
    if raw_len == Some(None) {
        problems.add(format!("uncompressedSize {absent}"));
    }
    let Some(hash) = hash else { return };
    let gzip = match read_gzip(db, row.rowid, &row.bytes.0) {
        Ok(gzip) => gzip.unwrap_or_default(),
        Err(error) => return problems.add(chain(&error)),
    };
    let expected = Expected { hash, raw_len: raw_len.flatten() };
    let most = Limits::default().artifact;
    if let Err(error) = drain(&mut SnapshotReader::new(gzip, expected, ReadAhead::WhenItPays), most) {
        problems.add(chain(&error));
    }
}

/// Reads to the end, and no further than an import of it would, which takes `most` bytes.
fn drain(bytes: &mut dyn Read, most: u64) -> io::Result<()> {
    let read = io::copy(&mut bytes.take(most + 1), &mut io::sink())?;
    if read > most {
        return Err(io::Error::other(format!("it is longer than {most} bytes")));
    }
    Ok(())
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn vat(cell: &Cell) -> Option<VatId> {
    match cell {
        Cell::Text(text) => VatId::parse(text).ok(),
        _ => None,
    }
}

fn position(cell: &Cell) -> Option<Position> {
    match cell {
        Cell::Integer(number) => u64::try_from(*number).ok().and_then(Position::new),
        _ => None,
    }
}

fn hash(cell: &Cell) -> Option<Digest> {
    match cell {
        Cell::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// A size, which may be absent.
fn size(cell: &Cell) -> Option<Option<u64>> {
    match cell {
        Cell::Null => Some(None),
        Cell::Integer(number) => u64::try_from(*number).ok().map(Some),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_to_the_end_or_to_one_past_what_an_import_takes() {
        for (length, read) in [(0, 0), (9, 9), (10, 10)] {
            let mut bytes = io::repeat(0).take(length);
            drain(&mut bytes, 10).unwrap();
            assert_eq!(length - bytes.limit(), read);
        }
        for length in [11, 12, 1000] {
            let mut bytes = io::repeat(0).take(length);
            assert_eq!(drain(&mut bytes, 10).unwrap_err().to_string(), "it is longer than 10 bytes");
            assert_eq!(length - bytes.limit(), 11);
        }
    }
}
