//! What the table said: a bounded memory of rows and of their absence.
//!
//! Two generations. What is new goes to the young one; when that is full it becomes the old one, and the old one is
//! dropped whole. A hit in the old one moves to the young one. So what was used lately stays, and neither a list to
//! relink on every read nor a sweep is needed.

use std::collections::HashMap;
use std::mem;
use std::num::NonZeroI64;
use std::sync::Arc;

use crate::key::Key;

/// Keys and what the table has for them: a value, or nothing.
///
/// The hash is seeded, differently in every process: contracts choose parts of their keys, and must not be able to
/// choose ones that collide in every validator. The standard library's would do as well, at three times the price.
type Rows = HashMap<Key, Option<Row>, foldhash::fast::RandomState>;

/// By what SQLite finds a row without searching for its key, if that is known.
pub(crate) type RowId = Option<NonZeroI64>;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) value: Arc<str>,
    pub(crate) id: RowId,
}

/// What an entry costs besides its texts: two counts each for two texts, its slot, and the allocator's share.
const ENTRY: usize = 120;

fn bytes(key: &str, value: Option<&str>) -> usize {
    ENTRY + key.len() + value.map_or(0, str::len)
}

fn text(row: &Option<Row>) -> Option<&str> {
    row.as_ref().map(|row| &*row.value)
}

pub(crate) struct Cache {
    young: Rows,
    young_bytes: usize,
    /// Where `young` has an entry, the one here is out of date.
    old: Rows,
    /// How much each generation may hold.
    half: usize,
    /// A row that would push too much else out is not kept.
    largest: usize,
}

impl Cache {
    pub(crate) fn new(bytes: usize) -> Self {
        let half = bytes / 2;
        Self { young: Rows::default(), young_bytes: 0, old: Rows::default(), half, largest: half / 4 }
    }

    /// What the table has for `key`; the outer `None`: not known here.
    #[inline]
    pub(crate) fn find(&mut self, key: &str) -> Option<Option<Arc<str>>> {
        match self.young.get(key) {
            Some(row) => Some(row.as_ref().map(|row| row.value.clone())),
            None => self.find_old(key).map(|row| row.map(|row| row.value)),
        }
    }

    /// As [`Cache::find`], with the row's id.
    pub(crate) fn find_row(&mut self, key: &str) -> Option<Option<Row>> {
        match self.young.get(key) {
            Some(row) => Some(row.clone()),
            None => self.find_old(key),
        }
    }

    /// Apart, so that a hit is short.
    #[inline(never)]
    fn find_old(&mut self, key: &str) -> Option<Option<Row>> {
        let (key, row) = self.old.remove_entry(key)?;
        self.keep(key, row.clone());
        Some(row)
    }

    /// Whether the table has `key`; `None`: not known here. Spares the count on the value that [`Cache::find`] needs.
    #[inline]
    pub(crate) fn has(&mut self, key: &str) -> Option<bool> {
        match self.young.get(key) {
            Some(row) => Some(row.is_some()),
            None => self.find_old(key).map(|row| row.is_some()),
        }
    }

    /// Remembers what the table has for `key` now.
    pub(crate) fn keep(&mut self, key: Key, row: Option<Row>) {
        let (bare, full) = (bytes(key.as_str(), None), bytes(key.as_str(), text(&row)));
        if full > self.largest {
            self.forget(key.as_str());
            return;
        }
        if self.young_bytes + full > self.half {
            self.old = mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += full;
        if let Some(before) = self.young.insert(key, row) {
            self.young_bytes -= bare + before.map_or(0, |row| row.value.len());
        }
    }

    fn forget(&mut self, key: &str) {
        if let Some(before) = self.young.remove(key) {
            self.young_bytes -= bytes(key, text(&before));
        }
        self.old.remove(key);
    }

    /// All that is known.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Key, &Option<Row>)> {
        self.old.iter().filter(|(key, _)| !self.young.contains_key(key.as_str())).chain(&self.young)
    }

    pub(crate) fn clear(&mut self) {
        self.young = Rows::default();
        self.young_bytes = 0;
        self.old = Rows::default();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::key::Keys;

    fn held(cache: &Cache) -> usize {
        [&cache.young, &cache.old].into_iter().flatten().map(|(key, row)| bytes(key.as_str(), text(row))).sum()
    }

    fn key(text: &str) -> Key {
        Keys::default().make(text)
    }

    fn valued(value: impl Into<Arc<str>>) -> Option<Row> {
        Some(Row { value: value.into(), id: None })
    }

    fn row(at: usize) -> (Key, Option<Row>) {
        (key(&format!("k{at}")), valued("value"))
    }

    #[test]
    fn what_is_read_again_and_again_outlives_what_is_read_once() {
        let mut cache = Cache::new(20_000);
        cache.keep(key("hot"), valued("value"));
        cache.keep(key("gone"), None);
        for at in 0..10_000 {
            let (key, row) = row(at);
            cache.keep(key, row);
            if at % 50 == 0 {
                assert_eq!(cache.find("hot").flatten().as_deref(), Some("value"), "{at}");
                assert_eq!(cache.find("gone"), Some(None), "absence is known: {at}");
            }
            assert!(held(&cache) <= 20_000);
        }
        assert_eq!(cache.find("k0"), None);
        assert!(cache.find("k9999").is_some());
    }

    #[test]
    fn a_value_too_large_to_keep_is_not_remembered_as_it_was() {
        let mut cache = Cache::new(8_000);
        cache.keep(key("k"), valued("small"));
        cache.keep(key("k"), valued("x".repeat(5_000)));
        assert_eq!(cache.find("k"), None);
        assert_eq!(held(&cache), 0);
    }

    #[test]
    fn what_just_fits_is_kept() {
        let largest = bytes("k0", Some("value"));
        let full = |size: usize| {
            let mut cache = Cache::new(size);
            (0..8).map(row).for_each(|(key, row)| cache.keep(key, row));
            held(&cache)
        };
        assert_eq!(full(8 * largest), 8 * largest);
        assert_eq!(full(8 * largest - 1), 0, "each is too large for so small a cache");
    }

    #[test]
    fn a_cache_without_room_keeps_nothing() {
        let mut cache = Cache::new(0);
        cache.keep(key("k"), None);
        assert_eq!(cache.find("k"), None);
    }

    proptest! {
        #[test]
        fn it_forgets_but_never_says_anything_else_than_the_last_word(
            steps in prop::collection::vec((0..12u8, prop::option::of(0..400usize), any::<bool>()), 0..200), size in 0..4_000usize,
        ) {
            let mut cache = Cache::new(size);
            let mut model = BTreeMap::new();
            for (name, value, read) in steps {
                let key = key(&name.to_string());
                if read {
                    if let Some(found) = cache.find_row(key.as_str()) { prop_assert_eq!(Some(&found), model.get(&key)); }
                    let value = model.get(&key).map(|row| text(row).map(Arc::from));
                    if let Some(found) = cache.find(key.as_str()) { prop_assert_eq!(Some(found), value); }
                } else {
                    let row = value.map(|length| Row { value: "x".repeat(length).into(), id: NonZeroI64::new(length as i64 % 3) });
                    cache.keep(key.clone(), row.clone());
                    model.insert(key, row);
                }
                prop_assert!(held(&cache) <= size);
                let young: usize = cache.young.iter().map(|(key, row)| bytes(key.as_str(), text(row))).sum();
                prop_assert_eq!(young, cache.young_bytes);
            }
        }
    }
}
