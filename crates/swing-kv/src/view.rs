//! The store as its users see it.

use std::mem;
use std::num::NonZeroI64;
use std::sync::Arc;

use swing_core::roles::KvStore;
use swing_core::session::{Reader, RowValue, Session, SessionError};

use crate::entries;
use crate::error::{KvError, check_length};
use crate::key::Key;
use crate::pairs::{Answer, Row};
use crate::state::KvState;

/// The statement that answers the value of a key in the table.
pub const GET: &str = "SELECT value FROM kvStore WHERE key = ?1";
/// The statement that answers it, and the row's id.
const ROW: &str = "SELECT value, rowid FROM kvStore WHERE key = ?1";
/// The rows from a key on; without values that are too long to be read ahead, which SQLite does not fetch to tell their length.
const ROWS: &str = "SELECT key, CASE WHEN key = ?1 OR octet_length(value) <= 1024 THEN value END, rowid FROM kvStore \
    WHERE key >= ?1 ORDER BY key";
/// Which key comes after one.
const NEXT: &str = "SELECT key FROM kvStore WHERE key > ?1 ORDER BY key LIMIT 1";

/// What the table says of `key`.
pub(crate) fn read_row(db: Reader<'_>, key: &str) -> Result<Option<Row>, SessionError> {
    db.one(ROW, [key], |row| Ok(Row { value: row.get(0)?, id: NonZeroI64::new(row.get(1)?) }))
}

/// A [`KvState`] and its session: the key-value store, all sections of it.
///
/// Every answer is as if each change had gone to the table at once. A change begins the session's transaction; reads
/// begin nothing. Who may write which [section](crate::Section) is not decided here.
pub struct Kv<'a> {
    pub(crate) state: &'a mut KvState,
    pub(crate) session: &'a mut Session,
}

swing_core::opaque!(Kv<'_>);

impl KvStore for Kv<'_> {
    type Error = KvError;

    /// # Errors
    /// [`KvError::Value`] when the file holds something else than text for `key`.
    #[inline]
    fn get(&mut self, key: &str) -> Result<Option<Arc<str>>, KvError> {
        self.state.keep_up_with(self.session)?;
        match self.state.pairs.find(key) {
            Answer::Value(value) => Ok(Some(Arc::clone(value))),
            Answer::Absent => Ok(None),
            Answer::Nothing { has_slot } => self.look_up(key, has_slot),
        }
    }

    #[inline]
    fn has(&mut self, key: &str) -> Result<bool, KvError> {
        self.state.keep_up_with(self.session)?;
        match self.state.pairs.find(key) {
            Answer::Value(_) => Ok(true),
            Answer::Absent => Ok(false),
            Answer::Nothing { has_slot } => self.look_up(key, has_slot).map(|value| value.is_some()),
        }
    }

    fn get_next_key(&mut self, previous: &str) -> Result<Option<Arc<str>>, KvError> {
        self.state.keep_up_with(self.session)?;
        let KvState { walk, pairs, .. } = &mut *self.state;
        Ok(walk.next_key(&pairs.changes, self.session.read(), previous)?)
    }

    /// # Errors
    /// [`KvError::TooLong`] when the row could not be stored, and whatever keeps the session from writing.
    fn set(&mut self, key: &str, value: &str) -> Result<(), KvError> {
        self.set_shared(key, value.into()).map(drop)
    }

    fn delete(&mut self, key: &str) -> Result<(), KvError> {
        self.delete_known(key).map(drop)
    }
}

impl<'a> Kv<'a> {
    /// As [`KvStore::set`], for a caller who goes on using key and value: the value is kept as it is and not copied,
    /// and the key as it is kept is answered.
    ///
    /// # Errors
    /// As [`KvStore::set`].
    #[inline]
    pub fn set_shared(&mut self, key: &str, value: Arc<str>) -> Result<&Key, KvError> {
        check_length(key, &value)?;
        self.begin()?;
        Ok(self.state.put(key, value))
    }

    /// As [`KvStore::delete`], for a caller who goes on using the key.
    ///
    /// # Errors
    /// As [`KvStore::delete`].
    #[inline]
    pub fn delete_known(&mut self, key: &str) -> Result<&Key, KvError> {
        self.begin()?;
        Ok(self.state.delete(key))
    }

    /// What is known of rows read ahead, the old generation and gaps, or what the table says. Apart from `get`, which is quicker without it
    /// in most of its calls.
    #[inline(never)]
    fn look_up(&mut self, key: &str, has_slot: bool) -> Result<Option<Arc<str>>, KvError> {
        let KvState { pairs, gaps, keys, ahead, .. } = &mut *self.state;
        if has_slot && let Some(value) = pairs.take_up(key) {
            ahead.earn();
            return Ok(Some(value));
        }
        if let Some(row) = pairs.recall(key) {
            return Ok(row.map(|row| row.value));
        }
        if gaps.cover_again(key) {
            return Ok(None);
        }
        if gaps.cover(key) {
            // To be found sooner the next time.
            pairs.keep(keys.make(key), None);
            return Ok(None);
        }
        match ahead.rows() {
            0 => self.look_at(key),
            rows => self.look_from(key, rows),
        }
    }

    /// What the table says of `key`.
    fn look_at(&mut self, key: &str) -> Result<Option<Arc<str>>, KvError> {
        let row = read_row(self.session.read(), key).map_err(|error| KvError::reading(key, error))?;
        let value = row.as_ref().map(|row| row.value.clone());
        let KvState { pairs, gaps, keys, .. } = &mut *self.state;
        pairs.keep(keys.make(key), row);
        if value.is_none() && gaps.are_worth_a_look(key) {
            self.look_beyond(key)?;
        }
        Ok(value)
    }

    /// What the table says of `key`, and of so many rows behind it. If it does not have `key`, the first one behind it tells where the gap
    /// ends.
    fn look_from(&mut self, key: &str, rows: u32) -> Result<Option<Arc<str>>, KvError> {
        let KvState { pairs, gaps, keys, ahead, .. } = &mut *self.state;
        let (mut found, mut saw_none, mut read, mut previous) = (None, true, 0, String::new());
        let each = |row: &RowValue<'_, '_>| {
            let name = row.text(0);
            let is_first = mem::take(&mut saw_none);
            if is_first && name.as_ref().is_ok_and(|name| *name == key) {
                found = Some(Row { value: row.get(1)?, id: NonZeroI64::new(row.get(2)?) });
                key.clone_into(&mut previous);
                return Ok(true);
            }
            // Of what is no text there is no telling which keys it comes before.
            let Ok(name) = name else { return Ok(false) };
            if is_first {
                gaps.hear_of(key, Some(name));
                return Ok(false);
            }
            // What cannot be kept is left to who asks for it, errors among it; so is what is out of order, as in a damaged file.
            let Ok(value) = row.text(1) else { return Ok(false) };
            if name <= &*previous {
                return Ok(false);
            }
            name.clone_into(&mut previous);
            let id = NonZeroI64::new(row.get(2)?);
            read += 1;
            Ok(pairs.keep_ahead(name, keys, value, id) && read < rows)
        };
        let ended = self.session.read().each(ROWS, [key], each);
        ahead.spend(read);
        match ended {
            // What is damaged may be behind it.
            Err(SessionError::Corrupt { .. }) if found.is_none() => return self.look_at(key),
            // It is behind it, and is told to who asks for that. A block that writes is not committed by SQLite once it came upon damage, and says so then.
            // Other failures may have ended it.
            Ok(()) | Err(SessionError::Corrupt { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if saw_none {
            gaps.hear_of(key, None);
        }
        let value = found.as_ref().map(|row: &Row| row.value.clone());
        pairs.keep(keys.make(key), found);
        Ok(value)
    }

    /// Learns how far it is from `key`, which the table does not have, to the next one.
    fn look_beyond(&mut self, key: &str) -> Result<(), SessionError> {
        let KvState { gaps, .. } = &mut *self.state;
        let mut is_last = true;
        self.session.read().each(NEXT, [key], |row| {
            is_last = false;
            // Of what is no text there is no telling which keys it comes before.
            if let Ok(next) = row.text(0) {
                gaps.learn(key, Some(next));
            }
            Ok::<_, SessionError>(false)
        })?;
        if is_last {
            gaps.learn(key, None);
        }
        Ok(())
    }

    #[inline]
    fn begin(&mut self) -> Result<(), SessionError> {
        self.session.begin_for(self.state)?;
        // Now, and not at the next read: until then a flush may have kept rows that are right.
        self.state.keep_up_with(self.session)
    }

    /// All keys and values, in key order, for a dump. Reads page by page and goes through no cache.
    ///
    /// Inside a transaction it is one moment of the store; outside of one, another connection that writes meanwhile
    /// shows in the pages still to come.
    pub fn entries(self) -> impl Iterator<Item = Result<entries::Entry, KvError>> + use<'a> {
        entries::entries(&self.state.pairs.changes, self.session.read())
    }
}
