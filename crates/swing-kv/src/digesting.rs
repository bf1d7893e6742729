//! What a flush does to the digest of the rows.
//!
//! Of each changed row the digest needs to know what the table said before. Mostly the cache knows, since a kernel reads
//! a key before it sets it, or the gaps, of a new one; otherwise the table is asked. In return nothing is written that is there
//! already, and what is changed is found by its row's id. The hashing is done on another thread while SQLite
//! writes.

use std::sync::Arc;

use swing_core::Overlay;
use swing_core::row_digest::{Cell, Sum, Summer};
use swing_core::session::{Reader, SessionError};

use crate::cache::{Cache, Row, RowId};
use crate::gaps::Gaps;
use crate::key::Key;
use crate::view::{GET, read_row};

/// The keys that tell one commit from another: the host's height changes with every block, the activityhash with every
/// crank.
const TELLING: [(&str, &str); 2] = [("host.height", "block height"), ("activityhash", "activityhash")];

pub(crate) type Changes = Overlay<Key, Arc<str>>;

/// A change that is one: a key, what the table says of it, and what it is to say.
pub(crate) struct Change<'c> {
    pub(crate) key: &'c str,
    /// Its place among all changes.
    pub(crate) at: usize,
    before: Option<Arc<str>>,
    pub(crate) after: Option<&'c str>,
}

impl Change<'_> {
    /// Whether the table had no such key.
    pub(crate) fn adds(&self) -> bool {
        self.before.is_none()
    }
}

/// What is known of the table without asking it.
pub(crate) struct Known<'k> {
    pub(crate) cache: &'k mut Cache,
    pub(crate) gaps: &'k mut Gaps,
}

/// The changes, in key order, without those that change nothing: a block deletes many keys that it has made itself. And of all
/// of them the ids of the rows, where there are any and they are known.
pub(crate) fn real<'c>(
    changes: &'c Changes,
    known: Known<'_>,
    db: Reader<'_>,
) -> Result<(Vec<Change<'c>>, Vec<RowId>), SessionError> {
    let (mut real, mut ids) = (Vec::with_capacity(changes.len()), Vec::with_capacity(changes.len()));
    for (at, (key, after)) in changes.in_order().iter().enumerate() {
        let key = key.as_str();
        let before = match known.cache.find_row(key) {
            Some(row) => row,
            None if known.gaps.cover_again(key) || known.gaps.cover(key) => None,
            None => read_row(db, key)?,
        };
        let (before, id) = before.map_or((None, None), |Row { value, id }| (Some(value), id));
        ids.push(id);
        if before.as_ref() != after {
            real.push(Change { key, at, before, after: after.map(|value| &**value) });
        }
    }
    Ok((real, ids))
}

/// Begins the sum over what changes: rows taken off and added.
pub(crate) fn begin_sum<'s>(changes: &[Change<'_>], summer: &'s mut Summer) -> Sum<'s> {
    let mut sum = summer.begin();
    for Change { key, before, after, .. } in changes {
        if let Some(before) = before {
            sum.remove(&row(key, before));
        }
        if let Some(value) = after {
            sum.add(&row(key, value));
        }
    }
    sum.that_is_all();
    sum
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
