//! An ordered in-memory layer over a table: what a block has changed and not yet written.
//!
//! A block sets the same few keys over and over. They land here, SQLite sees each once. The layer keeps an undo log
//! while marks are set, so that a rolled-back crank costs what it changed and a crank that is kept costs nothing more.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Bound;

/// What an [`Overlay`] knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'o, V> {
    /// The key has this value, whatever the table below says.
    Value(&'o V),
    /// The key is gone, whatever the table below says.
    Deleted,
    /// Nothing: ask the table below.
    Unknown,
}

/// About how much memory something holds, for bounding what stays in memory.
pub trait Footprint {
    /// Bytes, roughly.
    fn bytes(&self) -> usize;
}

impl Footprint for std::sync::Arc<str> {
    fn bytes(&self) -> usize {
        self.len() + 16
    }
}

struct Undo<K, V> {
    key: K,
    /// `None`: the overlay did not know the key.
    before: Option<Option<V>>,
}

/// Changes to a table, in key order, with marks to roll back to.
///
/// A key is *known* when it was [put](Overlay::put) or [deleted](Overlay::delete) since the last
/// [drain](Overlay::drain); what is not known is up to the table below.
pub struct Overlay<K, V> {
    // Hashed with a seed of its own, which nobody outside can see or guess: contracts choose parts of the keys.
    entries: HashMap<K, Option<V>, foldhash::fast::RandomState>,
    order: BTreeSet<K>,
    undo: Vec<Undo<K, V>>,
    marks: Vec<usize>,
    bytes: usize,
}

impl<K, V> Default for Overlay<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), order: BTreeSet::new(), undo: Vec::new(), marks: Vec::new(), bytes: 0 }
    }
}

impl<K: Clone + Ord + Hash + Footprint, V: Footprint> Overlay<K, V> {
    /// What is known of `key`.
    pub fn find<Q>(&self, key: &Q) -> Found<'_, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.entries.get(key) {
            Some(Some(value)) => Found::Value(value),
            Some(None) => Found::Deleted,
            None => Found::Unknown,
        }
    }

    /// Gives `key` a value.
    pub fn put(&mut self, key: K, value: V) {
        self.change(key, Some(Some(value)));
    }

    /// Makes `key` absent, also from the table below.
    pub fn delete(&mut self, key: K) {
        self.change(key, Some(None));
    }

    /// Forgets what is known of `key`: the table below, changed by somebody directly, has the word again.
    pub fn forget(&mut self, key: K) {
        self.change(key, None);
    }

    fn change(&mut self, key: K, now: Option<Option<V>>) {
        let before = self.swap(&key, now);
        if !self.marks.is_empty() {
            self.undo.push(Undo { key, before });
        }
    }

    /// Replaces an entry and answers what was there.
    fn swap(&mut self, key: &K, now: Option<Option<V>>) -> Option<Option<V>> {
        let size = |value: &Option<V>| key.bytes() + value.as_ref().map_or(0, Footprint::bytes);
        let before = match now {
            Some(now) => {
                self.bytes += size(&now);
                if let Some(slot) = self.entries.get_mut(key) {
                    Some(std::mem::replace(slot, now))
                } else {
                    self.entries.insert(key.clone(), now);
                    self.order.insert(key.clone());
                    None
                }
            }
            None => {
                self.order.remove(key);
                self.entries.remove(key)
            }
        };
        self.bytes -= before.as_ref().map_or(0, size);
        before
    }

    /// The known keys after `key`, in order, with their values (`None` for a deleted one).
    pub fn after<'o, Q>(&'o self, key: &Q) -> impl Iterator<Item = (&'o K, Option<&'o V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.order.range((Bound::Excluded(key), Bound::Unbounded)).map(|key| (key, self.known(key)))
    }

    /// The known keys from `low` up to but without `high`, in order.
    pub fn range<'o>(
        &'o self,
        low: &K,
        high: &K,
    ) -> impl DoubleEndedIterator<Item = (&'o K, Option<&'o V>)> + use<'o, K, V> {
        // BTreeSet::range panics on an inverted range; to us that is just an empty one.
        let high = high.max(low).clone();
        self.order.range(low.clone()..high).map(|key| (key, self.known(key)))
    }

    fn known(&self, key: &K) -> Option<&V> {
        self.entries.get::<K>(key).and_then(Option::as_ref)
    }

    /// Sets a mark; marks nest.
    pub fn mark(&mut self) {
        self.marks.push(self.undo.len());
    }

    /// Undoes every change since mark number `depth` (the first is 0) and removes it and all later ones.
    pub fn rollback_to(&mut self, depth: usize) {
        let Some(&length) = self.marks.get(depth) else { return };
        while self.undo.len() > length {
            if let Some(Undo { key, before }) = self.undo.pop() {
                self.swap(&key, before);
            }
        }
        self.marks.truncate(depth);
    }

    /// Keeps all changes and removes all marks.
    pub fn release(&mut self) {
        self.marks.clear();
        self.undo.clear();
    }

    /// Takes all changes, in key order. Marks, if any are left, are released.
    pub fn drain(&mut self) -> impl Iterator<Item = (K, Option<V>)> + use<'_, K, V> {
        self.release();
        self.bytes = 0;
        let entries = &mut self.entries;
        std::mem::take(&mut self.order).into_iter().map(move |key| {
            let value = entries.remove(&key).flatten();
            (key, value)
        })
    }

    /// All changes, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Option<&V>)> {
        self.order.iter().map(|key| (key, self.known(key)))
    }

    /// Drops all changes and marks.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// About how much memory the changes hold. The undo log, which lives no longer than a crank, is not counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    impl Footprint for u8 {
        fn bytes(&self) -> usize {
            1
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(u8, u8),
        Delete(u8),
        Forget(u8),
        Mark,
        Rollback(usize),
        Release,
        Drain,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..8u8, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
            3 => (0..8u8).prop_map(Step::Delete),
            1 => (0..8u8).prop_map(Step::Forget),
            3 => Just(Step::Mark),
            2 => (0..4usize).prop_map(Step::Rollback),
            1 => Just(Step::Release),
            1 => Just(Step::Drain),
        ]
    }

    proptest! {
        /// The model keeps a whole copy of the map per mark.
        #[test]
        fn overlay_equals_a_map_that_is_copied_at_every_mark(steps in prop::collection::vec(step(), 0..60)) {
            let mut overlay = Overlay::<u8, u8>::default();
            let mut model = BTreeMap::<u8, Option<u8>>::new();
            let mut marks = Vec::new();
            for step in steps {
                match step {
                    Step::Put(key, value) => { overlay.put(key, value); model.insert(key, Some(value)); }
                    Step::Delete(key) => { overlay.delete(key); model.insert(key, None); }
                    Step::Forget(key) => { overlay.forget(key); model.remove(&key); }
                    Step::Mark => { overlay.mark(); marks.push(model.clone()); }
                    Step::Rollback(depth) => {
                        overlay.rollback_to(depth);
                        if depth < marks.len() { model = marks[depth].clone(); marks.truncate(depth); }
                    }
                    Step::Release => { overlay.release(); marks.clear(); }
                    Step::Drain => {
                        let drained: Vec<_> = overlay.drain().collect();
                        prop_assert_eq!(drained, std::mem::take(&mut model).into_iter().collect::<Vec<_>>());
                        marks.clear();
                    }
                }
                let plain = |overlay: &Overlay<u8, u8>| overlay.iter().map(|(k, v)| (*k, v.copied())).collect::<Vec<_>>();
                prop_assert_eq!(plain(&overlay), model.clone().into_iter().collect::<Vec<_>>());
                prop_assert_eq!((overlay.len(), overlay.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(overlay.bytes(), model.values().map(|v| 1 + usize::from(v.is_some())).sum::<usize>());
                for key in 0..8 {
                    let expected = match model.get(&key) { None => Found::Unknown, Some(None) => Found::Deleted, Some(Some(v)) => Found::Value(v) };
                    prop_assert_eq!(overlay.find(&key), expected);
                    let after: Vec<_> = overlay.after(&key).map(|(k, v)| (*k, v.copied())).collect();
                    prop_assert_eq!(after, model.range(key + 1..).map(|(k, v)| (*k, *v)).collect::<Vec<_>>());
                }
                let range: Vec<_> = overlay.range(&2, &6).map(|(k, _)| *k).collect();
                prop_assert_eq!(range, model.range(2..6).map(|(k, _)| *k).collect::<Vec<_>>());
                prop_assert_eq!(overlay.range(&6, &2).count(), 0);
            }
        }
    }

    #[test]
    fn a_text_takes_its_bytes_and_two_counters() {
        assert_eq!(std::sync::Arc::<str>::from("four").bytes(), 20);
        assert_eq!(std::sync::Arc::<str>::from("").bytes(), 16);
    }

    #[test]
    fn a_cleared_overlay_knows_nothing_and_has_no_marks() {
        let mut overlay = Overlay::<u8, u8>::default();
        overlay.put(1, 1);
        overlay.mark();
        overlay.delete(1);
        overlay.clear();
        assert!(overlay.is_empty() && overlay.bytes() == 0 && overlay.iter().next().is_none());
        overlay.put(2, 2);
        overlay.rollback_to(0);
        assert_eq!(overlay.find(&2), Found::Value(&2));
    }
}
