//! From key to key.
//!
//! Users walk: they ask for the key after the one that they were told last. So keys are read ahead of a walk, a page
//! that grows as the walk goes on, and what the block has changed is merged in. Whatever is remembered here can be
//! forgotten at any time and costs only speed.

use std::borrow::Borrow;
use std::cell::OnceCell;
use std::sync::Arc;

use swing_core::overlay::Found;
use swing_core::session::{Reader, SessionError};

use crate::key::Key;
use crate::pairs::Changes;

const NEXT: &str = "SELECT key FROM kvStore WHERE key > ?1 ORDER BY key";

/// The longest page, in keys and in bytes.
const KEYS: usize = 256;
const BYTES: usize = 64 << 10;
/// After stepping over this many deleted keys, it is worth remembering where they end.
const MANY: usize = 8;

/// Between two keys, both without.
struct Between<K> {
    low: String,
    /// `None`: to the end of all keys.
    high: Option<K>,
}

impl<K: Borrow<str>> Between<K> {
    /// Whether what comes after `key` is `high`.
    fn ends_after(&self, key: &str) -> bool {
        *self.low <= *key && self.is_past(key)
    }

    fn is_past(&self, key: &str) -> bool {
        self.high.as_ref().is_none_or(|high| key < high.borrow())
    }

    fn contains(&self, key: &str) -> bool {
        *self.low < *key && self.is_past(key)
    }
}

/// What is known about the surroundings of the last answer.
#[derive(Default)]
pub(crate) struct Walk {
    ahead: Ahead,
    /// No key is changed in between.
    unchanged: Option<Between<Key>>,
    /// No key is left in between, though many are still in the table; `high` was there. This makes it as cheap to
    /// delete keys by asking for the first one again and again as it is where a deleted row is gone at once.
    gap: Option<Between<Arc<str>>>,
}

impl Walk {
    /// The table is about to change, or has.
    pub(crate) fn forget(&mut self) {
        self.ahead.valid = false;
        self.rolled_back();
    }

    /// Changes were taken back.
    pub(crate) fn rolled_back(&mut self) {
        self.unchanged = None;
        self.gap = None;
    }

    /// `key` gets a value.
    pub(crate) fn changes(&mut self, key: &str) {
        self.unchanged = None;
        if self.gap.as_ref().is_some_and(|gap| gap.contains(key)) {
            self.gap = None;
        }
    }

    /// A key is deleted: in a gap there is then one less of none.
    pub(crate) fn deletes(&mut self) {
        self.unchanged = None;
    }

    /// The first key after `previous`, of the table behind `db` with `changes` made to it.
    pub(crate) fn next_key(
        &mut self,
        changes: &Changes,
        db: Reader<'_>,
        previous: &str,
    ) -> Result<Option<Arc<str>>, SessionError> {
        if let Some(near) = self.unchanged.as_ref().filter(|near| near.ends_after(previous))
            && let Some(key) = self.ahead.next(db, previous)?
            && near.is_past(key)
        {
            return Ok(Some(key.clone()));
        }
        let gap = self.gap.take_if(|gap| gap.ends_after(previous));
        let start = match &gap {
            Some(Between { high: Some(high), .. }) if changes.find(&**high) == Found::Deleted => high,
            Some(Between { high, .. }) => {
                let found = high.clone();
                self.gap = gap;
                return Ok(found);
            }
            None => previous,
        };
        let (found, skipped) = self.search(changes, db, start)?;
        match gap {
            Some(gap) => self.gap = Some(Between { high: found.clone(), ..gap }),
            None if skipped >= MANY => self.gap = Some(Between { low: previous.into(), high: found.clone() }),
            None => {}
        }
        Ok(found)
    }

    /// The first key after `start`, and over how many deleted ones it lies.
    fn search(
        &mut self,
        changes: &Changes,
        db: Reader<'_>,
        start: &str,
    ) -> Result<(Option<Arc<str>>, usize), SessionError> {
        let mut skipped = 0;
        let (order, mut further) = (OnceCell::new(), None);
        let mut change = changes.first_after(start);
        let mut row = self.ahead.next(db, start)?.cloned();
        let mut last = start;
        loop {
            let found = match (&row, change) {
                (None, None) => None,
                (Some(key), None) => Some(key.clone()),
                (Some(key), Some((changed, _))) if **key < *changed.as_str() => Some(key.clone()),
                (_, Some((changed, Some(_)))) => Some(changed.as_str().into()),
                (_, Some((changed, None))) => {
                    skipped += 1;
                    last = changed.as_str();
                    if row.as_deref() == Some(changed.as_str()) {
                        row = self.ahead.next(db, changed.as_str())?.cloned();
                    }
                    let order = order.get_or_init(|| changes.in_order());
                    change = further.get_or_insert_with(|| order.after(changed.as_str())).next();
                    continue;
                }
            };
            // Mostly its room is there already.
            let unchanged = self.unchanged.get_or_insert_with(|| Between { low: String::new(), high: None });
            let low = if changes.is_empty() { "" } else { last };
            low.clone_into(&mut unchanged.low);
            unchanged.high = change.map(|(key, _)| key.clone());
            return Ok((found, skipped));
        }
    }
}

/// The table's keys ahead of a walk.
#[derive(Default)]
struct Ahead {
    valid: bool,
    /// `keys` are the first ones after this.
    after: String,
    keys: Vec<Arc<str>>,
    /// They are all there are.
    ends: bool,
    /// Where the last answer stands.
    at: usize,
    /// How many keys the last page was to have.
    page: usize,
}

impl Ahead {
    /// The table's first key after `key`.
    fn next(&mut self, db: Reader<'_>, key: &str) -> Result<Option<&Arc<str>>, SessionError> {
        let found = match self.find(key) {
            Some(found) => found,
            None => {
                self.read(db, key)?;
                0
            }
        };
        self.at = found;
        Ok(self.keys.get(found))
    }

    /// Where the first key after `key` is; past the end when there is none. `None` when the page does not tell.
    fn find(&self, key: &str) -> Option<usize> {
        if !self.valid {
            return None;
        }
        let found = match self.keys.get(self.at) {
            Some(last) if **last == *key => self.at + 1,
            _ if *key < *self.after => return None,
            _ => self.keys.partition_point(|other| **other <= *key),
        };
        (found < self.keys.len() || self.ends).then_some(found)
    }

    fn read(&mut self, db: Reader<'_>, key: &str) -> Result<(), SessionError> {
        let goes_on = self.valid && self.keys.last().is_some_and(|last| **last == *key);
        self.page = if goes_on { (self.page * 4).min(KEYS) } else { 1 };
        self.valid = false;
        self.keys.clear();
        self.ends = true;
        let (keys, mut bytes) = (&mut self.keys, 0);
        db.each(NEXT, [key], |row| {
            match row.text(0) {
                // A damaged b-tree may answer anything; going on from an earlier key would never end.
                Ok(found) if found <= keys.last().map_or(key, |last| &**last) => {
                    return Err(SessionError::OutOfOrder { table: "kvStore" });
                }
                Ok(key) => {
                    bytes += key.len();
                    keys.push(key.into());
                }
                // It is an error when it is reached, and not before.
                Err(_) if !keys.is_empty() => {
                    self.ends = false;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
            self.ends = keys.len() < self.page && bytes < BYTES;
            Ok(self.ends)
        })?;
        self.after.clear();
        self.after.push_str(key);
        self.valid = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use swing_core::Session;
    use swing_core::roles::KvStore as _;

    use super::*;
    use crate::{KvState, TABLES};

    fn key(at: usize) -> String {
        format!("k{at:02}")
    }

    fn store(keys: impl IntoIterator<Item = String>) -> (Session, KvState) {
        let (mut session, mut state) = (Session::in_memory(TABLES).unwrap(), KvState::default());
        keys.into_iter().for_each(|key| state.bind(&mut session).set(&key, "").unwrap());
        session.commit(&mut [&mut state]).unwrap();
        (session, state)
    }

    /// Two dozen keys in the table, of which the block deletes all from the third up to but without this one; and then
    /// somebody asks what comes after the second.
    fn deleted_to(end: usize) -> (Session, KvState) {
        let (mut session, mut state) = store((0..24).map(key));
        (3..end).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
        let next = state.bind(&mut session).get_next_key(&key(2)).unwrap();
        assert_eq!(next.as_deref(), Some(&*key(end)));
        (session, state)
    }

    #[test]
    fn where_many_deleted_keys_end_is_remembered_and_where_few_do_is_not() {
        for (deleted, remembered) in [(MANY - 1, false), (MANY, true), (2 * MANY, true)] {
            let (_session, state) = deleted_to(3 + deleted);
            let gap = state.walk.gap.as_ref().map(|Between { low, high }| (low.to_string(), high.as_deref()));
            assert_eq!(gap, remembered.then_some((key(2), Some(&*key(3 + deleted)))), "{deleted}");
        }
    }

    #[test]
    fn it_stays_remembered_until_a_key_comes_between() {
        let (mut session, mut state) = deleted_to(12);
        for elsewhere in [key(2), key(1), key(12), key(20), "k".to_owned()] {
            state.bind(&mut session).set(&elsewhere, "").unwrap();
            assert!(state.walk.gap.is_some(), "{elsewhere:?}");
        }
        state.bind(&mut session).set("k020", "").unwrap();
        assert!(state.walk.gap.is_none());

        let (mut session, mut state) = deleted_to(12);
        (12..24).for_each(|at| state.bind(&mut session).delete(&key(at)).unwrap());
        assert_eq!(state.bind(&mut session).get_next_key(&key(2)).unwrap(), None, "it goes on to the end");
        state.bind(&mut session).set("z", "").unwrap();
        assert!(state.walk.gap.is_none());
    }

    /// The lengths of the pages in which all keys are read.
    fn pages(ahead: &mut Ahead, db: Reader<'_>) -> Vec<usize> {
        let (mut pages, mut at) = (Vec::new(), String::new());
        loop {
            let next = ahead.next(db, &at).unwrap().cloned();
            if ahead.after == at {
                pages.push(ahead.keys.len());
            }
            let Some(next) = next else { return pages };
            at = next.to_string();
        }
    }

    #[test]
    fn pages_grow_as_a_walk_goes_on_and_begin_small_elsewhere() {
        let mut ahead = Ahead::default();
        let (mut session, _) = store((0..900).map(|at| format!("{at:03}")));
        assert_eq!(pages(&mut ahead, session.read()), [1, 4, 16, 64, KEYS, KEYS, KEYS, 47]);
        for _ in 0..2 {
            assert_eq!(ahead.next(session.read(), "100").unwrap().map(|key| &**key), Some("101"));
            assert_eq!(ahead.keys.len(), 1);
            // Who asks again is answered from memory.
            session.write().unwrap().run("DELETE FROM kvStore", []).unwrap();
        }
    }

    #[test]
    fn a_page_of_long_keys_is_short() {
        let (session, _) = store((0..20).map(|at| format!("{at:016384}")));
        assert_eq!(pages(&mut Ahead::default(), session.read()), [1, 4, 4, 4, 4, 3]);
    }
}
