//! All rows with the changes merged in, page by page.

use std::cmp::Ordering;
use std::sync::Arc;

use swing_core::session::{Reader, SessionError, paged};

use crate::error::KvError;
use crate::key::Key;
use crate::pairs::Changes;

const ROWS: &str = "SELECT key, value FROM kvStore WHERE key >= ?1 ORDER BY key";

/// The longest page, in rows and in bytes.
const MOST_ROWS: usize = 512;
const MOST_BYTES: usize = 1 << 20;

/// A key and its value.
pub type Entry = (Arc<str>, Arc<str>);

/// The least text after `key`.
pub(crate) fn successor(key: &str) -> String {
    let mut next = String::with_capacity(key.len() + 1);
    next.push_str(key);
    next.push('\0');
    next
}

/// The table behind `db` with `changes` made to it.
pub(crate) fn entries<'a>(
    changes: &'a Changes,
    db: Reader<'a>,
) -> impl Iterator<Item = Result<Entry, KvError>> + use<'a> {
    // Where the next page begins; `None` when there is none.
    let mut next = Some(Arc::from(""));
    paged(move || {
        while let Some(low) = next.take() {
            let (rows, high) = page(db, &low)?;
            let changes = changes.in_order();
            let merged: Vec<_> = match &high {
                Some(high) => merge(rows, changes.range(&*low, &**high)),
                None => merge(rows, changes.iter().skip_while(|(key, _)| key.as_str() < &*low)),
            };
            next = high;
            if !merged.is_empty() {
                return Ok(merged);
            }
        }
        Ok(Vec::new())
    })
}

/// Rows from `low` on, and where those begin that did not fit.
fn page(db: Reader<'_>, low: &str) -> Result<(Vec<Entry>, Option<Arc<str>>), KvError> {
    let (mut rows, mut bytes, mut high) = (Vec::<Entry>::new(), 0, None);
    db.each(ROWS, [low], |row| {
        let read: Result<Entry, _> = row.text(0).map_err(KvError::from).and_then(|key| {
            // A damaged b-tree may answer anything; going on from an earlier key would never end.
            if rows.last().map_or(key < low, |(last, _)| key <= &**last) {
                return Err(SessionError::OutOfOrder { table: "kvStore" }.into());
            }
            let value = row.text(1).map_err(|error| KvError::reading(key, error))?;
            Ok((Arc::from(key), Arc::from(value)))
        });
        match read {
            Ok((key, value)) => {
                bytes += key.len() + value.len();
                rows.push((key, value));
            }
            // First those before it; then it is the first of a page.
            Err(error) if rows.is_empty() => return Err(error),
            Err(_) => bytes = MOST_BYTES,
        }
        if rows.len() >= MOST_ROWS || bytes >= MOST_BYTES {
            high = rows.last().map(|(key, _)| successor(key).into());
        }
        Ok(high.is_none())
    })?;
    Ok((rows, high))
}

/// Both in key order; a change has the last word on its key.
fn merge<'a>(rows: Vec<Entry>, changes: impl Iterator<Item = (&'a Key, Option<&'a Arc<str>>)>) -> Vec<Entry> {
    let mut merged = Vec::with_capacity(rows.len());
    let (mut rows, mut changes) = (rows.into_iter().peekable(), changes.peekable());
    loop {
        let order = match (rows.peek(), changes.peek()) {
            (Some((row, _)), Some((change, _))) => (**row).cmp(change.as_str()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return merged,
        };
        if order == Ordering::Less {
            merged.extend(rows.next());
            continue;
        }
        if order == Ordering::Equal {
            rows.next();
        }
        if let Some((key, Some(value))) = changes.next() {
            merged.push((key.as_str().into(), value.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use swing_core::Session;
    use swing_core::roles::KvStore as _;

    use super::*;
    use crate::{KvState, TABLES};

    /// How many rows the first page has, of so many with values of this length.
    fn rows(of: usize, length: usize) -> usize {
        let (mut session, mut state) = (Session::in_memory(TABLES).unwrap(), KvState::default());
        let value = "x".repeat(length);
        (0..of).for_each(|at| state.bind(&mut session).set(&format!("k{at:04}"), &value).unwrap());
        session.commit(&mut [&mut state]).unwrap();
        let (rows, high) = page(session.read(), "").unwrap();
        assert_eq!(high.as_deref() == Some(&*successor(&format!("k{:04}", rows.len() - 1))), rows.len() < of);
        rows.len()
    }

    #[test]
    fn a_page_ends_when_it_has_enough_rows_or_bytes() {
        assert_eq!(rows(2 * MOST_ROWS, 1), MOST_ROWS);
        assert_eq!(rows(MOST_ROWS - 1, 1), MOST_ROWS - 1);
        assert_eq!(rows(8, 300_000), 4);
        assert_eq!(rows(3, 300_000), 3);
    }
}
