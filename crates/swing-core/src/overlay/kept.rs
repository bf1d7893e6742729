//! Keys and what is kept of the table below for each.

use std::borrow::Borrow;
use std::hash::{BuildHasher as _, Hash};
use std::mem;

use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::{Changed, Footprint, Overlay, ROOM};

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

/// Up to so many keys the index grows fourfold, not twofold: each time all keys are hashed anew, and none of them is at hand. A place in
/// the index takes five bytes.
const FOURFOLD: usize = 1 << 16;

/// The hash of a key, which is costly enough to be made once.
#[derive(Clone, Copy)]
pub(super) struct Hashed(u64);

/// The number of a slot or a place. As short as it can be, so that more of them are in the processor's cache.
pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).ok().filter(|&at| at != UNCHANGED).expect("no memory has room for 2^32 keys")
}

impl<K: Footprint, B: Footprint> Slot<K, B> {
    fn bytes(&self) -> usize {
        if self.kept { self.key.bytes() + self.below.bytes() } else { 0 }
    }
}

/// Keys, and what is kept of a table for each: by an [`Overlay`], beside its changes, or after it has [let go](Overlay::let_go).
pub struct Kept<K, B> {
    slots: Vec<Slot<K, B>>,
    // Places in `slots`, by the hash of their keys.
    index: HashTable<u32>,
    // With a seed of its own, which nobody outside can see or guess: contracts choose parts of the keys.
    hasher: foldhash::fast::RandomState,
    bytes: usize,
    /// Those of `bytes` whose keys the block has changed.
    pinned: usize,
}

crate::opaque!(Kept<K, B>);

impl<K, B> Default for Kept<K, B> {
    fn default() -> Self {
        let hasher = foldhash::fast::RandomState::default();
        Self { slots: Vec::new(), index: HashTable::new(), hasher, bytes: 0, pinned: 0 }
    }
}

impl<K, B> Kept<K, B> {
    pub(super) fn with_room(keys: usize) -> Self {
        Self { slots: Vec::with_capacity(keys), index: HashTable::with_capacity(keys), ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.index.num_buckets()
    }

    pub(super) fn at(&self, at: usize) -> &Slot<K, B> {
        &self.slots[at]
    }

    pub(super) fn get(&self, at: usize) -> Option<&Slot<K, B>> {
        self.slots.get(at)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn into_keys(self) -> impl Iterator<Item = K> {
        self.slots.into_iter().map(|slot| slot.key)
    }

    /// About how much memory is held by what is kept, keys included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is kept, in the order in which the keys came, but that the last takes the place of one that goes.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &B)> {
        self.slots.iter().filter(|slot| slot.kept).map(|slot| (&slot.key, &slot.below))
    }
}

impl<K: Clone + Hash + Footprint, B: Footprint + Default> Kept<K, B> {
    /// The slot of `key`, or its hash, to add it by.
    // By force, as what calls it: the compiler leaves it out of line otherwise (docs/performance.md).
    #[inline(always)]
    pub(super) fn find<Q>(&self, key: &Q) -> Result<usize, Hashed>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let at = self.index.find(hash, |&at| self.slots[at as usize].key.borrow() == key);
        at.map(|&at| at as usize).ok_or(Hashed(hash))
    }

    /// Adds a key that has no slot.
    pub(super) fn add(&mut self, key: K, hash: Hashed) -> usize {
        let at = self.slots.len();
        self.slots.push(Slot { key, below: B::default(), place: UNCHANGED, kept: false });
        self.put_in_index(at, hash);
        at
    }

    pub(super) fn hash_of(&self, key: &K) -> Hashed {
        Hashed(self.hasher.hash_one(key))
    }

    fn hash(&self, at: usize) -> Hashed {
        self.hash_of(&self.slots[at].key)
    }

    fn put_in_index(&mut self, at: usize, Hashed(hash): Hashed) {
        let Self { slots, index, hasher, .. } = self;
        let again = |&at: &u32| hasher.hash_one(&slots[at as usize].key);
        // Seven of eight places: otherwise it is full of some that were given up, and is tidied.
        let is_full = index.len() >= index.num_buckets() / 8 * 7;
        if index.len() == index.capacity() && is_full && index.len() < FOURFOLD {
            index.reserve(3 * index.len(), again);
        }
        index.insert_unique(hash, number(at), again);
    }

    /// The block changes this for the first time.
    pub(super) fn pin(&mut self, at: usize, place: u32) {
        self.slots[at].place = place;
        self.pinned += self.slots[at].bytes();
    }

    /// The block is over: takes what is kept, which no longer counts.
    fn release(&mut self, at: usize) -> B {
        let slot = &mut self.slots[at];
        self.pinned -= slot.bytes();
        self.bytes -= slot.bytes();
        (slot.place, slot.kept) = (UNCHANGED, false);
        mem::take(&mut slot.below)
    }

    /// From now on this is kept.
    fn replace(&mut self, at: usize, below: B) {
        self.replace_with(at, |_| below);
    }

    /// From now on what comes of what was kept is.
    fn replace_with(&mut self, at: usize, below: impl FnOnce(B) -> B) {
        let slot = &mut self.slots[at];
        let before = slot.bytes();
        (slot.below, slot.kept) = (below(mem::take(&mut slot.below)), true);
        let now = slot.bytes();
        self.bytes = self.bytes + now - before;
        if slot.place != UNCHANGED {
            self.pinned = self.pinned + now - before;
        }
    }

    /// What is kept for `key`.
    pub fn find_kept<Q>(&self, key: &Q) -> Option<&B>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // Whoever keeps nothing here is spared the hash.
        if self.slots.is_empty() {
            return None;
        }
        self.find(key).ok().map(|at| &self.slots[at]).filter(|slot| slot.kept).map(|slot| &slot.below)
    }

    /// Takes what is kept for `key`.
    pub fn remove<Q>(&mut self, key: &Q) -> Option<(K, B)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Self { slots, index, hasher, .. } = self;
        if slots.is_empty() {
            return None;
        }
        let entry = index.find_entry(hasher.hash_one(key), |&at| slots[at as usize].key.borrow() == key).ok()?;
        let (at, _) = entry.remove();
        let slot = self.take_out(at as usize);
        slot.kept.then_some((slot.key, slot.below))
    }

    /// Where a slot stands in the index.
    fn entry(&mut self, at: usize) -> Option<OccupiedEntry<'_, u32>> {
        let Hashed(hash) = self.hash(at);
        self.index.find_entry(hash, |&other| other as usize == at).ok()
    }

    /// Takes a slot, whose number the last one gets.
    fn take(&mut self, at: usize) -> Slot<K, B> {
        if let Some(entry) = self.entry(at) {
            entry.remove();
        }
        self.take_out(at)
    }

    /// The same of one that is in the index no more.
    fn take_out(&mut self, at: usize) -> Slot<K, B> {
        let last = self.slots.len() - 1;
        if at != last
            && let Some(mut entry) = self.entry(last)
        {
            *entry.get_mut() = number(at);
        }
        let slot = self.slots.swap_remove(at);
        self.bytes -= slot.bytes();
        if slot.place != UNCHANGED {
            self.pinned -= slot.bytes();
        }
        slot
    }

    fn give_room_back(&mut self) {
        if self.slots.capacity() > ROOM.max(4 * self.slots.len()) {
            self.slots.shrink_to_fit();
            let Self { slots, index, hasher, .. } = self;
            index.shrink_to_fit(|&at| hasher.hash_one(&slots[at as usize].key));
        }
    }

    /// Forgets what came first until no more than so many bytes are held.
    pub fn shrink_to(&mut self, bytes: usize) {
        let (mut gone, mut held) = (0, self.bytes);
        while held > bytes && gone < self.slots.len() {
            held -= self.slots[gone].bytes();
            gone += 1;
        }
        // A few are taken one by one. For many all is laid out anew, which also gives their room back.
        if gone < self.slots.len() / 4 {
            (0..gone).rev().for_each(|at| drop(self.take(at)));
        } else if gone > 0 {
            self.slots.drain(..gone);
            self.slots.shrink_to_fit();
            self.bytes = held;
            self.index = HashTable::with_capacity(self.slots.len());
            (0..self.slots.len()).for_each(|at| self.put_in_index(at, self.hash(at)));
        }
    }
}

impl<K: Clone + Ord + Hash + Footprint, V: Footprint, B: Footprint + Default> Overlay<K, V, B> {
    /// Keeps what the table says of `key`.
    pub fn keep(&mut self, key: K, below: B) {
        let at = self.slot_or_hash(&key).unwrap_or_else(|hash| self.add(key, hash));
        self.slots.replace(at, below);
    }

    /// Keeps what `make` says the table has for `key`, if that has no slot yet. Answers whether it was so.
    pub fn keep_new<Q>(&mut self, key: &Q, make: impl FnOnce() -> Option<(K, B)>) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Err(hash) = self.slot_or_hash(key) else { return false };
        let Some((key, below)) = make() else { return false };
        let at = self.add(key, hash);
        self.slots.replace(at, below);
        true
    }

    /// If `key` has a slot, what comes of what is kept for it, or of nothing, is kept from now on.
    pub fn keep_as<Q>(&mut self, key: &Q, below: impl FnOnce(B) -> B)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(at) = self.slot(key) {
            self.slots.replace_with(at, below);
        }
    }

    /// The block ends: its changes are in the table. Of each key that it changed `below` makes what is kept from now on, if anything: from
    /// its place, the key, what the block did to it last (`None` when that was undone), and what was kept. Marks, if any are left, are
    /// released.
    pub fn settle(&mut self, mut below: impl FnMut(usize, &K, Option<Option<V>>, B) -> Option<B>) {
        let mut gone = Vec::new();
        for (place, Changed { slot, entry, .. }) in self.changed.drain(..).enumerate() {
            let at = slot as usize;
            let before = self.slots.release(at);
            match below(place, &self.slots.at(at).key, entry, before) {
                Some(below) => self.slots.replace(at, below),
                None => gone.push(at),
            }
        }
        // From behind, since the last one moves to where one goes.
        gone.sort_unstable();
        gone.into_iter().rev().for_each(|at| drop(self.slots.take(at)));
        self.last.set(0);
        self.order.get_mut().clear();
        self.ordered.set(0);
        self.looked.set(0);
        self.release();
        (self.known, self.bytes) = (0, 0);
        // A block that was very large does not keep its room.
        self.slots.give_room_back();
        self.changed.shrink_to(ROOM);
        self.undo.shrink_to(ROOM);
    }

    /// What is kept.
    #[must_use]
    pub fn kept(&self) -> &Kept<K, B> {
        &self.slots
    }

    /// How many keys have a slot that the block has not changed.
    #[must_use]
    pub fn unchanged(&self) -> usize {
        self.slots.len() - self.changed.len()
    }

    /// About how much memory is held by what is kept of these.
    #[must_use]
    pub fn unchanged_bytes(&self) -> usize {
        self.slots.bytes - self.slots.pinned
    }

    /// Lets go of what is kept, but for keys that the block has changed.
    pub fn let_go(&mut self) -> Kept<K, B> {
        let mut old = mem::take(&mut self.slots);
        let mut changed: Vec<_> = self.changed.iter().map(|changed| changed.slot as usize).collect();
        // From behind, as in `settle`.
        changed.sort_unstable();
        let stay: Vec<_> = changed.into_iter().rev().map(|at| old.take(at)).collect();
        for Slot { key, below, place, kept } in stay.into_iter().rev() {
            let hash = self.slots.hash_of(&key);
            let at = self.slots.add(key, hash);
            self.slots.pin(at, place);
            if kept {
                self.slots.replace(at, below);
            }
            self.changed[place as usize].slot = number(at);
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
        (self.slots.bytes, self.slots.pinned) = (0, 0);
    }
}
