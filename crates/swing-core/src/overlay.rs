//! An ordered in-memory layer over a table: what a block has changed and not yet written.
//!
//! A block sets the same few keys over and over. They land here, SQLite sees each once. The layer keeps an undo log
//! while marks are set, so that a rolled-back crank costs what it changed and a crank that is kept costs nothing more.

mod in_order;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hash};
use std::mem;

use hashbrown::HashTable;

pub use in_order::InOrder;

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

/// What is known of a key: a value, or that it is gone; or nothing.
type Entry<V> = Option<Option<V>>;

/// A key's place for as long as the block lasts, also when nothing is known of it any more.
struct Slot<K, V> {
    key: K,
    entry: Entry<V>,
    /// The last stretch between two marks in which the undo log was told what had been here.
    noted: u64,
}

impl<K, V> Slot<K, V> {
    fn known(&self) -> Option<(&K, Option<&V>)> {
        self.entry.as_ref().map(|entry| (&self.key, entry.as_ref()))
    }
}

struct Undo<V> {
    slot: usize,
    before: Entry<V>,
}

/// Changes to a table, in key order, with marks to roll back to.
///
/// A key is *known* when it was [put](Overlay::put) or [deleted](Overlay::delete) since the last
/// [drain](Overlay::drain); what is not known is up to the table below.
pub struct Overlay<K, V> {
    slots: Vec<Slot<K, V>>,
    // Places in `slots`, by the hash of their keys.
    index: HashTable<usize>,
    /// Places in key order; those from `ordered` on are still to be put here, many at once: most blocks want the order seldom.
    order: RefCell<BTreeMap<K, usize>>,
    ordered: Cell<usize>,
    /// At how many that are not in `order` [`Overlay::first_after`] has looked since the last of them was put there.
    looked: Cell<usize>,
    // With a seed of its own, which nobody outside can see or guess: contracts choose parts of the keys.
    hasher: foldhash::fast::RandomState,
    /// The slot that was found last: who reads a key has often just asked whether it is there, and writes it next.
    last: Cell<usize>,
    undo: Vec<Undo<V>>,
    marks: Vec<usize>,
    /// Counts the stretches between marks.
    stretch: u64,
    known: usize,
    bytes: usize,
}

/// So many looks at a key are taken before it is put in its place, which costs, roughly, as much.
const LOOKS: usize = 16;

/// For so many keys room is made at the beginning of a block if the last one had as many.
const ROOM: usize = 4096;

impl<K, V> Default for Overlay<K, V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            index: HashTable::new(),
            order: RefCell::default(),
            ordered: Cell::new(0),
            looked: Cell::new(0),
            hasher: foldhash::fast::RandomState::default(),
            last: Cell::new(0),
            undo: Vec::new(),
            marks: Vec::new(),
            stretch: 0,
            known: 0,
            bytes: 0,
        }
    }
}

impl<K: Clone + Ord + Hash + Footprint, V: Footprint> Overlay<K, V> {
    /// What is known of `key`.
    #[inline]
    pub fn find<Q>(&self, key: &Q) -> Found<'_, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.place(key).map(|at| &self.slots[at].entry) {
            Some(Some(Some(value))) => Found::Value(value),
            Some(Some(None)) => Found::Deleted,
            Some(None) | None => Found::Unknown,
        }
    }

    #[inline]
    fn place<Q>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let last = self.last.get();
        // A block's first questions need no hash for the answer that nothing has been changed yet.
        let slot = self.slots.get(last)?;
        if slot.key.borrow() == key {
            return Some(last);
        }
        let at = *self.index.find(self.hasher.hash_one(key), |&at| self.slots[at].key.borrow() == key)?;
        self.last.set(at);
        Some(at)
    }

    /// Gives `key` a value.
    pub fn put(&mut self, key: K, value: V) {
        let at = self.place(&key);
        self.change(at, || key, Some(Some(value)));
    }

    /// Gives `key` a value, and answers the key as it is kept. It is made only when the block has none yet.
    pub fn put_at<Q>(&mut self, key: &Q, value: V, make: impl FnOnce(&Q) -> K) -> &K
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.change(self.place(key), || make(key), Some(Some(value)));
        &self.slots[at].key
    }

    /// Makes `key` absent, also from the table below.
    pub fn delete(&mut self, key: K) {
        let at = self.place(&key);
        self.change(at, || key, Some(None));
    }

    /// Makes `key` absent, and answers the key as it is kept. It is made only when the block has none yet.
    pub fn delete_at<Q>(&mut self, key: &Q, make: impl FnOnce(&Q) -> K) -> &K
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.change(self.place(key), || make(key), Some(None));
        &self.slots[at].key
    }

    /// Forgets what is known of `key`: the table below, changed by somebody directly, has the word again.
    pub fn forget(&mut self, key: &K) {
        if let at @ Some(_) = self.place(key) {
            self.change(at, || key.clone(), None);
        }
    }

    /// Changes the slot in place `at`, or a new one for the key that is made.
    fn change(&mut self, at: Option<usize>, make: impl FnOnce() -> K, now: Entry<V>) -> usize {
        let at = at.unwrap_or_else(|| self.add(make()));
        let before = self.swap(at, now);
        if !self.marks.is_empty() && self.slots[at].noted != self.stretch {
            self.slots[at].noted = self.stretch;
            self.undo.push(Undo { slot: at, before });
        }
        at
    }

    fn add(&mut self, key: K) -> usize {
        let Self { slots, index, hasher, last, .. } = self;
        let at = slots.len();
        self.bytes += key.bytes();
        index.insert_unique(hasher.hash_one(&key), at, |&at| hasher.hash_one(&slots[at].key));
        slots.push(Slot { key, entry: None, noted: 0 });
        last.set(at);
        at
    }

    /// Replaces an entry and answers what was there.
    fn swap(&mut self, at: usize, now: Entry<V>) -> Entry<V> {
        let size = |entry: &Entry<V>| entry.as_ref().and_then(Option::as_ref).map_or(0, Footprint::bytes);
        let entry = &mut self.slots[at].entry;
        self.bytes = self.bytes + size(&now) - size(entry);
        self.known = self.known + usize::from(now.is_some()) - usize::from(entry.is_some());
        mem::replace(entry, now)
    }

    /// The first known key after `key`, with its value (`None` for a deleted one).
    pub fn first_after<Q>(&self, key: &Q) -> Option<(&K, Option<&V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let new = self.slots.len() - self.ordered.get();
        self.looked.update(|looked| looked + new);
        if self.looked.get() > LOOKS * new {
            self.put_in_order();
        }
        let old = InOrder::new(&self.slots, &self.order).after(key).next();
        let new =
            self.slots[self.ordered.get()..].iter().filter(|slot| slot.key.borrow() > key).filter_map(Slot::known);
        old.into_iter().chain(new).min_by(|(a, _), (b, _)| a.cmp(b))
    }

    /// What is known, in key order.
    pub fn in_order(&self) -> InOrder<'_, K, V> {
        self.put_in_order();
        InOrder::new(&self.slots, &self.order)
    }

    fn put_in_order(&self) {
        let ordered = self.ordered.replace(self.slots.len());
        self.looked.set(0);
        // Whoever has them in order keeps others from adding any, so that nobody has them when there are new ones.
        if ordered < self.slots.len() {
            let new = self.slots.iter().enumerate().skip(ordered).map(|(at, slot)| (slot.key.clone(), at));
            let mut order = self.order.borrow_mut();
            // From nothing all are sorted and laid out at once.
            if order.is_empty() {
                *order = new.collect();
            } else {
                order.extend(new);
            }
        }
    }

    /// Sets a mark; marks nest.
    pub fn mark(&mut self) {
        self.marks.push(self.undo.len());
        self.stretch += 1;
    }

    /// Undoes every change since mark number `depth` (the first is 0) and removes it and all later ones.
    pub fn rollback_to(&mut self, depth: usize) {
        let Some(&length) = self.marks.get(depth) else { return };
        while self.undo.len() > length {
            if let Some(Undo { slot, before }) = self.undo.pop() {
                self.swap(slot, before);
            }
        }
        self.marks.truncate(depth);
        self.stretch += 1;
    }

    /// Keeps all changes and removes all marks.
    pub fn release(&mut self) {
        self.marks.clear();
        self.undo.clear();
    }

    /// What is known, in key order, each with its [place](Overlay::places). For who wants all of it once: keys that nobody has asked the
    /// order of are sorted, which is less than putting each where it can be found.
    pub fn sorted(&self) -> impl Iterator<Item = (usize, &K, Option<&V>)> {
        let known = |at: usize| self.slots[at].known().map(|(key, value)| (at, key, value));
        let mut new: Vec<_> = (self.ordered.get()..self.slots.len()).filter_map(known).collect();
        new.sort_unstable_by_key(|(_, key, _)| *key);
        let old: Vec<_> = self.order.borrow().values().filter_map(|&at| known(at)).collect();
        merged(old, new, |(_, a, _), (_, b, _)| a.cmp(b))
    }

    /// How many places there are: each key has one until the next drain, in which it comes with others in the order of places.
    #[must_use]
    pub fn places(&self) -> usize {
        self.slots.len()
    }

    /// Takes all changes, each with its [place](Overlay::places), in the order of these. Marks, if any are left, are released.
    pub fn drain(&mut self) -> impl Iterator<Item = (usize, K, Option<V>)> + use<K, V> {
        let next = self.emptied();
        let slots = mem::replace(self, next).slots.into_iter().enumerate();
        slots.filter_map(|(at, slot)| slot.entry.map(|value| (at, slot.key, value)))
    }

    /// Drops all changes and marks.
    pub fn clear(&mut self) {
        *self = self.emptied();
    }

    /// An empty one with room for a block as large as this.
    fn emptied(&self) -> Self {
        let room = self.slots.len().min(ROOM);
        Self { slots: Vec::with_capacity(room), index: HashTable::with_capacity(room), ..Self::default() }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known == 0
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known
    }

    /// About how much memory the changes hold, keys included of which nothing is known any more. The undo log, which
    /// lives no longer than a crank, is not counted.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Both in one order; each has its own.
fn merged<T>(a: Vec<T>, b: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> impl Iterator<Item = T> {
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(first), Some(second)) if order(first, second).is_gt() => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}
