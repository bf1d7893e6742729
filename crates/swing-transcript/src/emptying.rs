//! Deleting the rows of a vat that is nearly all there is.
//!
//! Row by row SQLite writes every page that the rows stood on, although it is free afterwards: for a large vat that is
//! the vat's whole size in the log, again. A table that is emptied as a whole costs next to nothing, since free pages
//! are only listed. So if the other vats' rows are few they are taken out, the table is emptied, and they are put
//! back under the rowids that they had. Anybody who looks sees the same rows either way.

use swing_core::session::RowValue;
use swing_core::{Position, SessionError, VatId, Writer};

/// Below this many rows of the vat's the ordinary way is as good.
const PAYS_FROM: u64 = 4096;
/// The vat's rows must be this many times the others'.
const TIMES: u64 = 4;
/// How much of others' rows is held.
const MOST_BYTES: usize = 32 << 20;

const DELETE_ITEMS: &str = "DELETE FROM transcriptItems WHERE vatID = ?1";
const EMPTY_ITEMS: &str = "DELETE FROM transcriptItems";
const PUT_ITEM: &str = "\
INSERT INTO transcriptItems (rowid, vatID, position, item, incarnation) VALUES (?1, ?2, ?3, ?4, ?5)";
const OTHER_ITEMS: [&str; 3] = [
    "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID < ?1",
    "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID > ?1",
    "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID IS NULL AND ?1 IS NOT NULL",
];

const DELETE_SPANS: &str = "DELETE FROM transcriptSpans WHERE vatID = ?1";
const EMPTY_SPANS: &str = "DELETE FROM transcriptSpans";
const PUT_SPAN: &str = "\
INSERT INTO transcriptSpans (rowid, vatID, startPos, endPos, hash, isCurrent, incarnation)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const OTHER_SPANS: [&str; 3] = [
    "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID < ?1",
    "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID > ?1",
    "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans
WHERE vatID IS NULL AND ?1 IS NOT NULL",
];

struct OtherItem {
    rowid: i64,
    vat: String,
    position: Position,
    text: String,
    incarnation: i64,
}

struct OtherSpan {
    rowid: i64,
    vat: String,
    start: Position,
    end: Position,
    hash: String,
    is_current: Option<i64>,
    incarnation: i64,
}

/// Deletes all items of `vat`, which are about so many.
pub(crate) fn delete_items(writer: &mut Writer<'_>, vat: &VatId, about: u64) -> Result<(), SessionError> {
    let read = |row: &RowValue<'_, '_>| {
        let text: String = row.get(3)?;
        let (bytes, position) = (text.len(), row.get(2)?);
        Ok((OtherItem { rowid: row.get(0)?, vat: row.get(1)?, position, text, incarnation: row.get(4)? }, bytes))
    };
    if let Some(mut others) = few_others(writer, vat, about, OTHER_ITEMS, read)? {
        others.sort_unstable_by_key(|item| item.rowid);
        let emptied = emptied(writer, EMPTY_ITEMS, |writer| {
            let row = |OtherItem { rowid, vat, position, text, incarnation }| (rowid, vat, position, text, incarnation);
            writer.run_all(PUT_ITEM, others.into_iter().map(row))
        })?;
        if emptied {
            return Ok(());
        }
    }
    writer.run(DELETE_ITEMS, [vat]).map(drop)
}

/// Deletes all spans of `vat`, which are about so many.
pub(crate) fn delete_spans(writer: &mut Writer<'_>, vat: &VatId, about: u64) -> Result<(), SessionError> {
    let read = |row: &RowValue<'_, '_>| {
        let (start, end, hash) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let (is_current, incarnation) = (row.get(5)?, row.get(6)?);
        Ok((OtherSpan { rowid: row.get(0)?, vat: row.get(1)?, start, end, hash, is_current, incarnation }, 128))
    };
    if let Some(mut others) = few_others(writer, vat, about, OTHER_SPANS, read)? {
        others.sort_unstable_by_key(|span| span.rowid);
        let emptied = emptied(writer, EMPTY_SPANS, |writer| {
            let row = |OtherSpan { rowid, vat, start, end, hash, is_current, incarnation }| {
                (rowid, vat, start, end, hash, is_current, incarnation)
            };
            writer.run_all(PUT_SPAN, others.into_iter().map(row))
        })?;
        if emptied {
            return Ok(());
        }
    }
    writer.run(DELETE_SPANS, [vat]).map(drop)
}

/// Empties a table and has it filled again. False, and nothing is changed, if what was in it breaks the table's own
/// constraints, as rows of a damaged file may.
fn emptied(
    writer: &mut Writer<'_>,
    empty: &str,
    fill: impl FnOnce(&mut Writer<'_>) -> Result<(), SessionError>,
) -> Result<bool, SessionError> {
    writer.run("SAVEPOINT emptying", [])?;
    writer.run_through(empty)?;
    let filled = match fill(writer) {
        Ok(()) => true,
        Err(error) if error.is_constraint() => {
            writer.run("ROLLBACK TO emptying", [])?;
            false
        }
        Err(error) => return Err(error),
    };
    writer.run("RELEASE emptying", [])?;
    Ok(filled)
}

/// The rows of all other vats, if they are few, and all as they should be: what is odd is better left where it is.
fn few_others<T>(
    writer: &Writer<'_>,
    vat: &VatId,
    about: u64,
    queries: [&str; 3],
    mut read: impl FnMut(&RowValue<'_, '_>) -> Result<(T, usize), SessionError>,
) -> Result<Option<Vec<T>>, SessionError> {
    if about < PAYS_FROM {
        return Ok(None);
    }
    let (mut others, mut held, mut few) = (Vec::new(), 0, true);
    for sql in queries {
        writer.read().each(sql, [vat], |row| {
            match read(row) {
                Ok((other, bytes)) => {
                    others.push(other);
                    held += bytes + size_of::<T>();
                }
                Err(SessionError::Corrupt { .. }) => few = false,
                Err(error) => return Err(error),
            }
            few = few && held <= MOST_BYTES && (others.len() as u64).saturating_mul(TIMES) <= about;
            Ok::<_, SessionError>(few)
        })?;
        if !few {
            return Ok(None);
        }
    }
    Ok(Some(others))
}
