//! Deleting the rows of a vat that is nearly all there is.
//!
//! Row by row SQLite writes every page that the rows stood on, although it is free afterwards: for a large vat that is
//! the vat's whole size in the log, again. A table that is emptied as a whole costs next to nothing, since free pages
//! are only listed. So if the other vats' rows are few they are taken out, the table is emptied, and they are put
//! back under the rowids that they had. Anybody who looks sees the same rows either way.

use std::cmp::Ordering;

use swing_core::session::{RowValue, Table};
use swing_core::{Position, SessionError, VatId, Writer};

use crate::schema::{ITEMS, SPANS};

/// Below this many rows of the vat's the ordinary way is as good.
const PAYS_FROM: u64 = 256;
/// The vat's rows must be this many times the others'.
const TIMES: u64 = 4;
/// How much of others' rows is held.
const MOST_BYTES: usize = 32 << 20;
/// SQLite's cache meanwhile, which stays in the processor's.
const KIBIBYTES: u32 = 256;

/// Deletes all items of `vat`, which are about so many.
pub(crate) fn delete_items(writer: &mut Writer<'_>, vat: &VatId, about: u64) -> Result<(), SessionError> {
    delete::<Item>(writer, vat, about)
}

/// Deletes all spans of `vat`, which are about so many.
pub(crate) fn delete_spans(writer: &mut Writer<'_>, vat: &VatId, about: u64) -> Result<(), SessionError> {
    delete::<Span>(writer, vat, about)
}

/// If it fails the session is poisoned: what goes with the rows, such as the digest of them, may have been changed before.
fn delete<R: Row>(writer: &mut Writer<'_>, vat: &VatId, about: u64) -> Result<(), SessionError> {
    // Where others' rows cannot be read the vat's may go all the same.
    let (others, unread) = match few_others::<R>(writer, vat, about) {
        Ok(others) => (others, None),
        Err(error) => (None, Some(error)),
    };
    let deleted = match others {
        Some(others) => others.leave_only(writer),
        None => writer.run(R::DELETE, [vat]).map(drop),
    };
    // What failed first is why.
    deleted.map_err(|error| writer.give_up(unread.unwrap_or(error)))
}

/// The rows of all other vats, by their rowids.
struct Others<R> {
    rows: Vec<R>,
    /// How many rows, of all vats, the index of the table leads to.
    indexed: usize,
}

impl<R: Row> Others<R> {
    /// Empties the table but for them. Nothing in them breaks a constraint of it. If there is more that a row can break, a trigger say, it fails.
    fn leave_only(self, writer: &mut Writer<'_>) -> Result<(), SessionError> {
        // Rows that the index does not lead to were not found among others'.
        if writer.in_passing(KIBIBYTES, |writer| writer.run(R::EMPTY, []))? != self.indexed {
            return Err(SessionError::Unindexed { table: R::TABLE.name });
        }
        R::put(writer, self.rows)
    }
}

/// A row of another vat.
trait Row: Sized {
    const TABLE: &Table;
    /// Deletes the vat's.
    const DELETE: &str;
    /// Deletes everybody's.
    const EMPTY: &str;
    /// How many rows there are, by the index of the keys, whose pages say it.
    const INDEXED: &str;
    /// The others', in the order of their keys, and then such as are nobody's.
    const OTHERS: [&str; 3];

    fn read(row: &RowValue<'_, '_>) -> Result<Self, SessionError>;

    fn put(writer: &mut Writer<'_>, rows: Vec<Self>) -> Result<(), SessionError>;

    fn rowid(&self) -> i64;

    fn bytes(&self) -> usize;

    /// Whether the table takes it after the row before it, or as the first.
    fn fits(&self, before: Option<&Self>) -> bool;
}

struct Item {
    rowid: i64,
    vat: String,
    position: Position,
    text: String,
    incarnation: i64,
}

impl Row for Item {
    const TABLE: &Table = ITEMS;
    const DELETE: &str = "DELETE FROM transcriptItems WHERE vatID = ?1";
    const EMPTY: &str = "DELETE FROM transcriptItems";
    const INDEXED: &str = "SELECT count(*) FROM transcriptItems INDEXED BY sqlite_autoindex_transcriptItems_1";
    const OTHERS: [&str; 3] = [
        "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID < ?1
ORDER BY vatID, position",
        "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID > ?1
ORDER BY vatID, position",
        "SELECT rowid, vatID, position, item, incarnation FROM transcriptItems WHERE vatID IS NULL AND ?1 IS NOT NULL",
    ];

    fn read(row: &RowValue<'_, '_>) -> Result<Self, SessionError> {
        let (position, text) = (row.get(2)?, row.get(3)?);
        Ok(Self { rowid: row.get(0)?, vat: row.get(1)?, position, text, incarnation: row.get(4)? })
    }

    fn put(writer: &mut Writer<'_>, rows: Vec<Self>) -> Result<(), SessionError> {
        const PUT: &str = "\
INSERT INTO transcriptItems (rowid, vatID, position, item, incarnation) VALUES (?1, ?2, ?3, ?4, ?5)";
        let columns = |Self { rowid, vat, position, text, incarnation }| (rowid, vat, position, text, incarnation);
        writer.run_all(PUT, rows.into_iter().map(columns))
    }

    fn rowid(&self) -> i64 {
        self.rowid
    }

    fn bytes(&self) -> usize {
        self.vat.len() + self.text.len()
    }

    fn fits(&self, before: Option<&Self>) -> bool {
        before.is_none_or(|before| (&before.vat, before.position) < (&self.vat, self.position))
    }
}

struct Span {
    rowid: i64,
    vat: String,
    start: Position,
    end: Position,
    hash: String,
    is_current: Option<i64>,
    incarnation: i64,
}

impl Row for Span {
    const TABLE: &Table = SPANS;
    const DELETE: &str = "DELETE FROM transcriptSpans WHERE vatID = ?1";
    const EMPTY: &str = "DELETE FROM transcriptSpans";
    const INDEXED: &str = "SELECT count(*) FROM transcriptSpans INDEXED BY sqlite_autoindex_transcriptSpans_1";
    const OTHERS: [&str; 3] = [
        "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID < ?1
ORDER BY vatID, startPos",
        "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans WHERE vatID > ?1
ORDER BY vatID, startPos",
        "SELECT rowid, vatID, startPos, endPos, hash, isCurrent, incarnation FROM transcriptSpans
WHERE vatID IS NULL AND ?1 IS NOT NULL",
    ];

    fn read(row: &RowValue<'_, '_>) -> Result<Self, SessionError> {
        let (start, end, hash) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let (is_current, incarnation) = (row.get(5)?, row.get(6)?);
        Ok(Self { rowid: row.get(0)?, vat: row.get(1)?, start, end, hash, is_current, incarnation })
    }

    fn put(writer: &mut Writer<'_>, rows: Vec<Self>) -> Result<(), SessionError> {
        const PUT: &str = "\
INSERT INTO transcriptSpans (rowid, vatID, startPos, endPos, hash, isCurrent, incarnation)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let columns = |Self { rowid, vat, start, end, hash, is_current, incarnation }| {
            (rowid, vat, start, end, hash, is_current, incarnation)
        };
        writer.run_all(PUT, rows.into_iter().map(columns))
    }

    fn rowid(&self) -> i64 {
        self.rowid
    }

    fn bytes(&self) -> usize {
        self.vat.len() + self.hash.len()
    }

    fn fits(&self, before: Option<&Self>) -> bool {
        let follows = before.is_none_or(|before| match before.vat.cmp(&self.vat) {
            Ordering::Less => true,
            // The current one is its vat's last, so that there is but one.
            Ordering::Equal => before.start < self.start && before.is_current.is_none(),
            Ordering::Greater => false,
        });
        follows && matches!(self.is_current, None | Some(1))
    }
}

/// Those of others, if they are few, and all as they should be: what is odd is better left where it is.
fn few_others<R: Row>(writer: &Writer<'_>, vat: &VatId, about: u64) -> Result<Option<Others<R>>, SessionError> {
    const MORE_COLUMNS: &str = "SELECT 1 FROM pragma_table_xinfo(?1) LIMIT 1 OFFSET ?2";
    if about < PAYS_FROM {
        return Ok(None);
    }
    // Nobody here knows what would have to be put back in those.
    let known = R::TABLE.columns.len() as i64;
    if writer.read().one(MORE_COLUMNS, (R::TABLE.name, known), |_| Ok(()))?.is_some() {
        return Ok(None);
    }
    let (mut others, mut held, mut few) = (Vec::<R>::new(), 0, true);
    for sql in R::OTHERS {
        writer.read().each(sql, [vat], |row| {
            match R::read(row) {
                Ok(other) => {
                    held += size_of::<R>() + other.bytes();
                    few = held <= MOST_BYTES && other.fits(others.last());
                    others.push(other);
                }
                Err(SessionError::Corrupt { .. }) => few = false,
                Err(error) => return Err(error),
            }
            few = few && (others.len() as u64).saturating_mul(TIMES) <= about;
            Ok::<_, SessionError>(few)
        })?;
        if !few {
            return Ok(None);
        }
    }
    others.sort_unstable_by_key(R::rowid);
    let indexed: usize = writer.read().one(R::INDEXED, [], |row| row.get(0))?.unwrap_or_default();
    // Of the vat's some may not be there: pruned items, and what is not written yet.
    let pays = indexed.saturating_sub(others.len()) as u64 >= (others.len() as u64).saturating_mul(TIMES);
    let sound = others.is_sorted_by(|one, next| one.rowid() < next.rowid());
    Ok((pays && sound).then_some(Others { rows: others, indexed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: u64) -> Position {
        Position::new(position).unwrap()
    }

    #[test]
    fn items_fit_in_the_order_of_their_keys() {
        let item = |vat: &str, position| Item {
            rowid: 1,
            vat: vat.to_owned(),
            position: at(position),
            text: String::new(),
            incarnation: 0,
        };
        let first = item("v1", 7);
        assert!(first.fits(None));
        for (vat, position, fits) in
            [("v1", 6, false), ("v1", 7, false), ("v1", 8, true), ("v2", 0, true), ("v0", 9, false)]
        {
            assert_eq!(item(vat, position).fits(Some(&first)), fits, "{vat} {position}");
        }
        assert_eq!(first.bytes(), 2);
    }

    #[test]
    fn of_the_spans_of_a_vat_only_the_last_may_be_current() {
        let span = |vat: &str, start, is_current| Span {
            rowid: 1,
            vat: vat.to_owned(),
            start: at(start),
            end: at(start),
            hash: "abc".to_owned(),
            is_current,
            incarnation: 0,
        };
        let (closed, current) = (span("v1", 7, None), span("v1", 7, Some(1)));
        assert!(closed.fits(None) && current.fits(None) && !span("v1", 0, Some(0)).fits(None));
        assert_eq!(closed.bytes(), 5);
        for (vat, start, after_closed, after_current) in
            [("v1", 7, false, false), ("v1", 8, true, false), ("v2", 0, true, true), ("v0", 9, false, false)]
        {
            for is_current in [None, Some(1)] {
                let next = span(vat, start, is_current);
                assert_eq!(next.fits(Some(&closed)), after_closed, "{vat} {start}");
                assert_eq!(next.fits(Some(&current)), after_current, "{vat} {start}");
            }
        }
    }
}
