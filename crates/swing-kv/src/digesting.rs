//! What a flush does to the digest of the rows.
//!
//! Of each changed row the digest needs to know what the table said before. Mostly that stands beside the change, since a kernel reads
//! a key before it sets it, or the gaps know it of a new one; otherwise the table is asked. In return nothing is written that is there
//! already, and what is changed is found by its row's id. Each change is noted as soon as it is known to be one, so that another
//! thread can hash while the others are looked up and SQLite writes.

use std::num::NonZeroI64;
use std::sync::Arc;

use swing_core::overlay;
use swing_core::row_digest::Cell;
use swing_core::session::{Reader, SessionError, Writer};

use crate::gaps::Gaps;
use crate::key::Key;
use crate::pairs::{Changes, Old, Row, RowId, Stored};
use crate::schema::TABLES;
use crate::view::GET;

/// The keys that tell one commit from another: the host's height changes with every block, the activityhash with every
/// crank.
const TELLING: [(&str, &str); 2] = [("host.height", "block height"), ("activityhash", "activityhash")];

/// A change that is one: a key, and what the table is to say of it.
pub(crate) struct Change<'c> {
    pub(crate) key: &'c str,
    /// Its place among the changes.
    pub(crate) place: usize,
    /// The table has no such key.
    pub(crate) adds: bool,
    pub(crate) after: Option<&'c str>,
}

/// What is known of the table without asking it, besides what stands beside the changes.
pub(crate) struct Known<'k> {
    pub(crate) old: &'k mut Old,
    pub(crate) gaps: &'k mut Gaps,
}

/// The changes, in key order, without those that change nothing: a block deletes many keys that it has made itself. And of all
/// of them, by their places, the ids of the rows, where there are any and they are known. The digest is told.
pub(crate) fn real<'c>(
    changes: &'c Changes,
    known: Known<'_>,
    writer: &mut Writer<'_>,
) -> Result<(Vec<Change<'c>>, Vec<RowId>), SessionError> {
    let mut real = Real { changes: Vec::with_capacity(changes.len()), ids: vec![None; changes.places()] };
    let mut unknown = Vec::new();
    for change in changes.changes() {
        match change.below {
            Stored::Row(row) | Stored::Ahead(row) => real.judge(&change, Some(row), writer),
            Stored::Absent => real.judge(&change, None, writer),
            Stored::Unknown => unknown.push(change),
        }
    }
    // In key order, so that the answer for one key may tell of the next.
    unknown.sort_unstable_by_key(|change| change.key);
    for change in unknown {
        let key = change.key.as_str();
        let row = match known.old.remove(key).and_then(|(_, stored)| stored.known()) {
            Some(row) => row,
            None if known.gaps.cover_again(key) || known.gaps.cover(key) => None,
            None => match row_or_gap(writer.read(), key, known.gaps)? {
                Asked::Row(row) => Some(row),
                Asked::Nothing => None,
                Asked::NoText => {
                    real.replace(&change, writer)?;
                    continue;
                }
            },
        };
        real.judge(&change, row.as_ref(), writer);
    }
    writer.noted_all(&TABLES[0]);
    let Real { mut changes, ids } = real;
    // Most are none, so only now.
    changes.sort_unstable_by_key(|change| change.key);
    Ok((changes, ids))
}

/// What [`real`] gathers.
struct Real<'c> {
    changes: Vec<Change<'c>>,
    ids: Vec<RowId>,
}

impl<'c> Real<'c> {
    /// Whether a change is one, by what the table said before.
    fn judge(
        &mut self,
        change: &overlay::Change<'c, Key, Arc<str>, Stored>,
        before: Option<&Row>,
        writer: &mut Writer<'_>,
    ) {
        let overlay::Change { place, value: after, .. } = *change;
        let key = change.key.as_str();
        self.ids[place] = before.and_then(|row| row.id);
        let before = before.map(|row| &row.value);
        if before != after {
            let (was, is) = (before.map(|value| row(key, value)), after.map(|value| row(key, value)));
            writer.note_row(&TABLES[0], was.as_ref().map(|row| &row[..]), is.as_ref().map(|row| &row[..]));
            self.changes.push(Change { key, place, adds: before.is_none(), after: after.map(|value| &**value) });
        }
    }

    /// A change of a row whose value is no text that could be read: the original stores half a surrogate pair as such. It can be
    /// written over all the same, and is taken off the digest as it is.
    fn replace(
        &mut self,
        change: &overlay::Change<'c, Key, Arc<str>, Stored>,
        writer: &mut Writer<'_>,
    ) -> Result<(), SessionError> {
        let overlay::Change { place, value: after, .. } = *change;
        let key = change.key.as_str();
        writer.count_out(&TABLES[0], AS_IT_IS, [key])?;
        let is = after.map(|value| row(key, value));
        writer.note_row(&TABLES[0], None, is.as_ref().map(|row| &row[..]));
        self.changes.push(Change { key, place, adds: false, after: after.map(|value| &**value) });
        Ok(())
    }
}

const AS_IT_IS: &str = "SELECT key, value FROM kvStore WHERE key = ?1";

/// The first row from a key on: its key, its id, and its value if it is the row of that key.
const FROM: &str =
    "SELECT key, rowid, CASE WHEN key = ?1 THEN value END FROM kvStore WHERE key >= ?1 ORDER BY key LIMIT 1";

/// What the table says of a key that it is asked for.
enum Asked {
    Nothing,
    Row(Row),
    /// It has the key, and its value is no UTF-8, or no text at all.
    NoText,
}

/// The row of `key`. Where there is none, the next one tells that the table has none of its neighbours either, which are mostly
/// asked for next: what a block makes and deletes again stands side by side.
fn row_or_gap(db: Reader<'_>, key: &str, gaps: &mut Gaps) -> Result<Asked, SessionError> {
    let (mut found, mut is_last) = (Asked::Nothing, true);
    db.each(FROM, [key], |row| {
        is_last = false;
        match row.text(0) {
            Ok(next) if next == key => {
                found = match row.text(2) {
                    Ok(value) => Asked::Row(Row { value: value.into(), id: NonZeroI64::new(row.get(1)?) }),
                    Err(_) => Asked::NoText,
                };
            }
            Ok(next) => gaps.learn_for_now(key, Some(next)),
            // Of what is no text there is no telling which keys it comes before; but it is not the row of this one.
            Err(_) => {}
        }
        Ok::<_, SessionError>(false)
    })?;
    if is_last {
        gaps.learn_for_now(key, None);
    }
    Ok(found)
}

fn row<'r>(key: &'r str, value: &'r str) -> [Cell<'r>; 2] {
    [key.into(), value.into()]
}

/// Whether one of the keys that tell commits apart is among the changes.
pub(crate) fn tells(changes: &Changes) -> bool {
    TELLING.iter().any(|&(key, _)| changes.find(key) != swing_core::overlay::Found::Unknown)
}

/// Which commit the table is of, in words; empty where nothing tells.
///
/// # Errors
/// [`SessionError`] when the rows cannot be read.
pub fn commit_witness(db: Reader<'_>) -> Result<String, SessionError> {
    let mut told = Vec::new();
    for (key, name) in TELLING {
        // Whatever type a damaged file has there.
        let value = db.one(GET, [key], |row| {
            let value = row.get_ref(0)?;
            Ok(value
                .as_bytes()
                .map_or_else(|_| format!("{value:?}"), |text| String::from_utf8_lossy(text).into_owned()))
        })?;
        told.extend(value.map(|value| format!("{name} {value}")));
    }
    Ok(told.join(", "))
}
