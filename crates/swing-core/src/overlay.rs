//! An ordered in-memory layer over a table: what a block has changed and not yet written.
//!
//! A block sets the same few keys over and over. They land here, SQLite sees each once. The layer keeps an undo log
//! while marks are set, so that a rolled-back crank costs what it changed and a crank that is kept costs nothing more.
//!
//! What the table says may be [kept](Overlay::keep) here too, in the same slots, so that one search answers what is true of a key, and
//! what a block changed is known of the table afterwards without being moved.

mod in_order;
mod kept;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::mem;

pub use in_order::InOrder;
pub use kept::Kept;

use kept::{Hashed, Slot, UNCHANGED, number};

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

/// Nothing is kept of the table.
impl Footprint for () {
    fn bytes(&self) -> usize {
        0
    }
}

/// What is known of a key: a value, or that it is gone; or nothing.
type Entry<V> = Option<Option<V>>;

/// What the block has done to a key.
struct Changed<V> {
    slot: u32,
    entry: Entry<V>,
    /// The last stretch between two marks in which the undo log was told what had been here.
    noted: u32,
}

/// What a block did to a key.
#[derive(Debug)]
pub struct Change<'o, K, V, B> {
    /// Where the key stands among those that the block has changed.
    pub place: usize,
    /// The key.
    pub key: &'o K,
    /// Its new value; `None`: it is gone.
    pub value: Option<&'o V>,
    /// What is kept of the table.
    pub below: &'o B,
}

struct Undo<V> {
    place: usize,
    before: Entry<V>,
}

/// Changes to a table, in key order, with marks to roll back to; and what the table says, as far as it is [kept](Overlay::keep) here.
///
/// A key is *known* when it was [put](Overlay::put) or [deleted](Overlay::delete) since the last
/// [drain](Overlay::drain) or [settling](Overlay::settle); what is not known is up to the table below. `B` is what may be kept of the
/// table for a key, its default that nothing is.
pub struct Overlay<K, V, B = ()> {
    /// All keys, those that the block has changed and others.
    slots: Kept<K, B>,
    /// In the order in which the keys were changed first. Where one stands here is its place.
    changed: Vec<Changed<V>>,
    /// Places in key order; those from `ordered` on are still to be put here, many at once: most blocks want the order seldom.
    order: RefCell<BTreeMap<K, usize>>,
    ordered: Cell<usize>,
    /// At how many that are not in `order` [`Overlay::first_after`] has looked since the last of them was put there.
    looked: Cell<usize>,
    /// The slot that was found last: who reads a key has often just asked whether it is there, and writes it next.
    last: Cell<usize>,
    undo: Vec<Undo<V>>,
    marks: Vec<usize>,
    /// Counts the stretches between marks since nothing was changed.
    stretch: u32,
    known: usize,
    bytes: usize,
}

crate::opaque!(Overlay<K, V, B>);

/// So many looks at a key are taken before it is put in its place, which costs, roughly, as much.
const LOOKS: usize = 16;

/// For so many keys room is made at the beginning of a block if the last one had as many.
const ROOM: usize = 4096;

impl<K, V, B> Default for Overlay<K, V, B> {
    fn default() -> Self {
        Self {
            slots: Kept::default(),
            changed: Vec::new(),
            order: RefCell::default(),
            ordered: Cell::new(0),
            looked: Cell::new(0),
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
    /// Takes all changes, in the order in which their keys were changed first. Marks, if any are left, are released.
    pub fn drain(&mut self) -> impl Iterator<Item = (K, Option<V>)> + use<K, V> {
        let Self { slots, changed, .. } = self.take();
        // Where nothing is kept, all slots are of changes, in the same order.
        debug_assert_eq!(slots.len(), changed.len(), "something is kept");
        let changes = slots.into_keys().zip(changed);
        changes.filter_map(|(key, changed)| changed.entry.map(|value| (key, value)))
    }
}

impl<K: Clone + Ord + Hash + Footprint, V: Footprint, B: Footprint + Default> Overlay<K, V, B> {
    /// What is known of `key`.
    #[inline]
    pub fn find<Q>(&self, key: &Q) -> Found<'_, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.look(key).0
    }

    /// What is known of `key`, and what is kept of the table for it, if it has a slot.
    #[inline(always)]
    pub fn look<Q>(&self, key: &Q) -> (Found<'_, V>, Option<&B>)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(at) = self.slot(key) else { return (Found::Unknown, None) };
        let Slot { below, place, .. } = self.slots.at(at);
        let found = match self.changed.get(*place as usize).map(|changed| &changed.entry) {
            Some(Some(Some(value))) => Found::Value(value),
            Some(Some(None)) => Found::Deleted,
            Some(None) | None => Found::Unknown,
        };
        (found, Some(below))
    }

    #[inline(always)]
    fn slot<Q>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // Of nothing there is nothing to be found, and no hash to be made. Not by way of `slot_or_hash`: then a `get` takes 271 instructions in
        // place of 264, and a block of the kernel a hundredth longer.
        let last = self.last.get();
        if self.slots.get(last)?.key.borrow() == key {
            return Some(last);
        }
        let at = self.slots.find(key).ok()?;
        self.last.set(at);
        Some(at)
    }

    /// The slot of `key`, or its hash, to add it by.
    #[inline(always)]
    fn slot_or_hash<Q>(&self, key: &Q) -> Result<usize, Hashed>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let last = self.last.get();
        if self.slots.get(last).is_some_and(|slot| slot.key.borrow() == key) {
            return Ok(last);
        }
        let at = self.slots.find(key)?;
        self.last.set(at);
        Ok(at)
    }

    /// Gives `key` a value.
    pub fn put(&mut self, key: K, value: V) {
        let at = self.slot_or_hash(&key);
        self.change(at, || key, Some(Some(value)));
    }

    /// Gives `key` a value, and answers the key as it is kept. It is made only when the block has none yet.
    #[inline]
    pub fn put_at<Q>(&mut self, key: &Q, value: V, make: impl FnOnce(&Q) -> K) -> &K
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.change(self.slot_or_hash(key), || make(key), Some(Some(value)));
        &self.slots.at(at).key
    }

    /// Makes `key` absent, also from the table below.
    pub fn delete(&mut self, key: K) {
        let at = self.slot_or_hash(&key);
        self.change(at, || key, Some(None));
    }

    /// Makes `key` absent, and answers the key as it is kept. It is made only when the block has none yet.
    #[inline]
    pub fn delete_at<Q>(&mut self, key: &Q, make: impl FnOnce(&Q) -> K) -> &K
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.change(self.slot_or_hash(key), || make(key), Some(None));
        &self.slots.at(at).key
    }

    /// Forgets what is known of `key`: the table below, changed by somebody directly, has the word again.
    pub fn forget(&mut self, key: &K) {
        if let at @ Ok(_) = self.slot_or_hash(key) {
            self.change(at, || key.clone(), None);
        }
    }

    /// Changes slot `at`, or a new one for the key that is made.
    #[inline]
    fn change(&mut self, at: Result<usize, Hashed>, make: impl FnOnce() -> K, now: Entry<V>) -> usize {
        let at = at.unwrap_or_else(|hash| self.add(make(), hash));
        if self.slots.at(at).place == UNCHANGED {
            self.slots.pin(at, number(self.changed.len()));
            self.bytes += self.slots.at(at).key.bytes();
            self.changed.push(Changed { slot: number(at), entry: None, noted: 0 });
        }
        let place = self.slots.at(at).place as usize;
        self.count(place, &now);
        let changed = &mut self.changed[place];
        if self.marks.is_empty() || changed.noted == self.stretch {
            changed.entry = now;
        } else {
            changed.noted = self.stretch;
            self.undo.push(Undo { place, before: mem::replace(&mut changed.entry, now) });
        }
        at
    }

    fn add(&mut self, key: K, hash: Hashed) -> usize {
        let at = self.slots.add(key, hash);
        self.last.set(at);
        at
    }

    /// Counts what takes the place of an entry.
    #[inline]
    fn count(&mut self, place: usize, now: &Entry<V>) {
        let size = |entry: &Entry<V>| entry.as_ref().and_then(Option::as_ref).map_or(0, Footprint::bytes);
        let before = &self.changed[place].entry;
        self.bytes = self.bytes + size(now) - size(before);
        self.known = self.known + usize::from(now.is_some()) - usize::from(before.is_some());
    }

    fn key(&self, changed: &Changed<V>) -> &K {
        &self.slots.at(changed.slot as usize).key
    }

    fn known<'o>(&'o self, changed: &'o Changed<V>) -> Option<(&'o K, Option<&'o V>)> {
        changed.entry.as_ref().map(|entry| (self.key(changed), entry.as_ref()))
    }

    /// The first known key after `key`, with its value (`None` for a deleted one).
    pub fn first_after<Q>(&self, key: &Q) -> Option<(&K, Option<&V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let new = self.changed.len() - self.ordered.get();
        self.looked.update(|looked| looked + new);
        if self.looked.get() > LOOKS * new {
            self.put_in_order();
        }
        let old = InOrder::new(self).after(key).next();
        let new = self.changed[self.ordered.get()..].iter().filter(|changed| self.key(changed).borrow() > key);
        let new = new.filter_map(|changed| self.known(changed));
        old.into_iter().chain(new).min_by(|(a, _), (b, _)| a.cmp(b))
    }

    /// What is known, in key order.
    pub fn in_order(&self) -> InOrder<'_, K, V, B> {
        self.put_in_order();
        InOrder::new(self)
    }

    fn put_in_order(&self) {
        let ordered = self.ordered.replace(self.changed.len());
        self.looked.set(0);
        // Whoever has them in order keeps others from adding any, so that nobody has them when there are new ones.
        if ordered < self.changed.len() {
            let new = self.changed.iter().enumerate().skip(ordered);
            let new = new.map(|(place, changed)| (self.key(changed).clone(), place));
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
        self.begin_stretch();
    }

    fn begin_stretch(&mut self) {
        self.stretch = self.stretch.checked_add(1).expect("no block has 2^32 savepoints");
    }

    /// Undoes every change since mark number `depth` (the first is 0) and removes it and all later ones.
    pub fn rollback_to(&mut self, depth: usize) {
        let Some(&length) = self.marks.get(depth) else { return };
        while self.undo.len() > length {
            if let Some(Undo { place, before }) = self.undo.pop() {
                self.count(place, &before);
                self.changed[place].entry = before;
            }
        }
        self.marks.truncate(depth);
        self.begin_stretch();
    }

    /// Keeps all changes and removes all marks.
    pub fn release(&mut self) {
        self.marks.clear();
        self.undo.clear();
        if self.changed.is_empty() {
            self.stretch = 0;
        }
    }

    /// What is known, in the order of [places](Overlay::places).
    pub fn changes(&self) -> impl Iterator<Item = Change<'_, K, V, B>> {
        (0..self.changed.len()).filter_map(|place| self.change_at(place))
    }

    /// What is known, in key order. For who wants all of it once: keys that nobody has asked the
    /// order of are sorted, which is less than putting each where it can be found.
    pub fn sorted(&self) -> impl Iterator<Item = Change<'_, K, V, B>> {
        let known = |place: usize| self.change_at(place);
        let mut new: Vec<_> = (self.ordered.get()..self.changed.len()).filter_map(known).collect();
        new.sort_unstable_by_key(|change| change.key);
        let old: Vec<_> = self.order.borrow().values().filter_map(|&place| known(place)).collect();
        merged(old, new, |a, b| a.key.cmp(b.key))
    }

    fn change_at(&self, place: usize) -> Option<Change<'_, K, V, B>> {
        let Changed { slot, entry, .. } = &self.changed[place];
        let Slot { key, below, .. } = self.slots.at(*slot as usize);
        entry.as_ref().map(|value| Change { place, key, value: value.as_ref(), below })
    }

    /// How many places there are: each key that the block has changed has one until the block's end.
    #[must_use]
    pub fn places(&self) -> usize {
        self.changed.len()
    }

    /// Drops all changes and marks, and whatever was kept.
    pub fn clear(&mut self) {
        self.take();
    }

    /// An empty one, with room for a block as large as this, in place of this.
    fn take(&mut self) -> Self {
        let room = self.changed.len().min(ROOM);
        let (slots, changed) = (Kept::with_room(room), Vec::with_capacity(room));
        mem::replace(self, Self { slots, changed, ..Self::default() })
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

    /// About how much memory the changes hold, keys included of which no change is known any more. The undo log, which
    /// lives no longer than a crank, is not counted, nor is what is kept.
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
