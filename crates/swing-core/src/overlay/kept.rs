//! Keys and what is kept of the table below for each.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hash};
use std::mem;

use hashbrown::HashTable;

use super::{Changed, Footprint, Overlay};

/// A key. It stays for as long as the block lasts that changes it; longer, if something is kept.
pub(super) struct Slot<K, B> {
    pub(super) key: K,
    /// What the table says.
    pub(super) below: B,
    /// Where the block's change is; [`UNCHANGED`] if it has made none.
    pub(super) place: u32,
    /// Counted among what is kept.
    kept: bool,
}

pub(super) const UNCHANGED: u32 = u32::MAX;

/// The number of a slot or a place. As short as it can be, so that more of them are in the processor's cache.
pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|&at| at != UNCHANGED).expect("no memory has room for 2^32 keys")
}

impl<K: Footprint, B: Footprint> Slot<K, B> {
    fn bytes(&self) -> usize {
        if self.kept { self.key.bytes() + self.below.bytes() } else { 0 }
    }
}

/// What was kept of a table by an [`Overlay`] that has [let go](Overlay::let_go) of it.
pub struct Kept<K, B> {
    slots: Vec<Slot<K, B>>,
    // Places in `slots`, by the hash of their keys.
    index: HashTable<u32>,
    // With a seed of its own, which nobody outside can see or guess: contracts choose parts of the keys.
    hasher: foldhash::fast::RandomState,
    bytes: usize,
}

impl<K, B> Default for Kept<K, B> {
    fn default() -> Self {
        Self { slots: Vec::new(), index: HashTable::new(), hasher: foldhash::fast::RandomState::default(), bytes: 0 }
    }
}

impl<K, B> Kept<K, B> {
    pub(super) fn with_room(keys: usize) -> Self {
        Self { slots: Vec::with_capacity(keys), index: HashTable::with_capacity(keys), ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity().min(self.index.capacity())
    }

    pub(super) fn at(&self, at: usize) -> &Slot<K, B> {
        &self.slots[at]
    }

    pub(super) fn at_mut(&mut self, at: usize) -> &mut Slot<K, B> {
        &mut self.slots[at]
    }

    pub(super) fn get(&self, at: usize) -> Option<&Slot<K, B>> {
        self.slots.get(at)
    }

    pub(super) fn into_keys(self) -> impl Iterator<Item = K> {
        self.slots.into_iter().map(|slot| slot.key)
    }

    /// About how much memory is held by what is kept, keys included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is kept, in the order in which the keys came.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &B)> {
        self.slots.iter().filter(|slot| slot.kept).map(|slot| (&slot.key, &slot.below))
    }
}

impl<K: Clone + Hash + Footprint, B: Footprint + Default> Kept<K, B> {
    #[inline]
    pub(super) fn find<Q>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.index.find(self.hasher.hash_one(key), |&at| self.slots[at as usize].key.borrow() == key);
        at.map(|&at| at as usize)
    }

    pub(super) fn add(&mut self, key: K) -> usize {
        let at = self.slots.len();
        self.slots.push(Slot { key, below: B::default(), place: UNCHANGED, kept: false });
        let Self { slots, index, hasher, .. } = self;
        let hash = |at: usize| hasher.hash_one(&slots[at].key);
        index.insert_unique(hash(at), number(at), |&at| hash(at as usize));
        at
    }

    /// From now on this is kept.
    fn replace(&mut self, at: usize, make: impl FnOnce(B) -> B) {
        let slot = &mut self.slots[at];
        self.bytes -= slot.bytes();
        (slot.below, slot.kept) = (make(mem::take(&mut slot.below)), true);
        self.bytes += slot.bytes();
    }

    /// Takes what is kept for `key`.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<(K, B)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Self { slots, index, hasher, .. } = self;
        let entry = index.find_entry(hasher.hash_one(key), |&at| slots[at as usize].key.borrow() == key).ok()?;
        let (at, _) = entry.remove();
        let slot = self.take(at as usize);
        slot.kept.then_some((slot.key, slot.below))
    }

    /// Empties a slot that is in the index no more.
    fn take(&mut self, at: usize) -> Slot<K, B> {
        let slot = &mut self.slots[at];
        self.bytes -= slot.bytes();
        let Slot { key, place, .. } = &*slot;
        let (key, place) = (key.clone(), *place);
        Slot { key, below: mem::take(&mut slot.below), place, kept: mem::take(&mut slot.kept) }
    }

    /// Forgets what came first until no more than so many bytes are held.
    pub fn shrink_to(&mut self, bytes: usize) {
        for at in 0..self.slots.len() {
            if self.bytes <= bytes {
                return;
            }
            let hash = self.hasher.hash_one(&self.slots[at].key);
            if let Ok(entry) = self.index.find_entry(hash, |&other| other as usize == at) {
                entry.remove();
                self.take(at);
            }
        }
    }
}

impl<K: Clone + Ord + Hash + Footprint, V: Footprint, B: Footprint + Default> Overlay<K, V, B> {
    /// Keeps what the table says of `key`.
    pub fn keep(&mut self, key: K, below: B) {
        let at = self.slot(&key).unwrap_or_else(|| self.add(key));
        self.slots.replace(at, |_| below);
    }

    /// The block ends: its changes are in the table. Of each key that it changed `below` makes what is kept from now on: from its place,
    /// what the block did to it last (`None` when that was undone), and what was kept. Marks, if any are left, are released.
    pub fn settle(&mut self, mut below: impl FnMut(usize, Option<Option<V>>, B) -> B) {
        for (place, Changed { slot, entry, .. }) in self.changed.drain(..).enumerate() {
            let at = slot as usize;
            self.slots.at_mut(at).place = UNCHANGED;
            self.slots.replace(at, |before| below(place, entry, before));
        }
        self.order.get_mut().clear();
        self.ordered.set(0);
        self.looked.set(0);
        self.release();
        (self.known, self.bytes) = (0, 0);
    }

    /// What is kept.
    #[must_use]
    pub fn kept(&self) -> &Kept<K, B> {
        &self.slots
    }

    /// How many keys have a slot that the block has not changed.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.slots.slots.len() - self.changed.len()
    }

    /// Lets go of what is kept, but for keys that the block has changed.
    pub fn let_go(&mut self) -> Kept<K, B> {
        let mut old = mem::take(&mut self.slots);
        for changed in &mut self.changed {
            let at = changed.slot as usize;
            let hash = old.hasher.hash_one(&old.slots[at].key);
            if let Ok(entry) = old.index.find_entry(hash, |&other| other as usize == at) {
                entry.remove();
            }
            let Slot { key, below, place, kept } = old.take(at);
            let at = self.slots.add(key);
            self.slots.slots[at].place = place;
            if kept {
                self.slots.replace(at, |_| below);
            }
            changed.slot = number(at);
        }
        self.last.set(0);
        old
    }

    /// Forgets all that is kept, and no change.
    pub fn forget_kept(&mut self) {
        self.let_go();
        for slot in &mut self.slots.slots {
            (slot.below, slot.kept) = (B::default(), false);
        }
        self.slots.bytes = 0;
    }
}
